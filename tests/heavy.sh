#!/bin/sh
# Prints which tests take more than 0.7 s of processor time alone, by name: what `make heavy` writes to tests/heavy,
# and `make check` leaves out. One that fails ends it.
# usage: heavy.sh TEST...
set -eu
said=$(mktemp)
TMPDIR=$(mktemp -d)
export TMPDIR
: >"$TMPDIR.found"
trap 'rm -rf "$said" "$TMPDIR" "$TMPDIR.found"' EXIT
# Hundredths of a second of processor time of what this shell has waited for; `times` in a subshell would say nothing.
spent() {
	times >"$said"
	spent=$(awk 'NR == 2 { gsub("[ms]", " "); printf "%d", 100 * ($1 * 60 + $2 + $3 * 60 + $4) }' "$said")
}
for t in "$@"; do
	spent
	before=$spent
	"$t" >"$said" 2>&1 || { cat "$said" >&2; echo "heavy.sh: $t failed" >&2; exit 1; }
	spent
	echo "$((spent - before)) ${t##*/}" >&2
	[ $((spent - before)) -le 70 ] || echo "${t##*/}" >>"$TMPDIR.found"
done
LC_ALL=C sort "$TMPDIR.found"
