#!/bin/sh
# Runs tests (TAP) side by side under prove, and ends with what was skipped and why, and one line of counts. Status 0
# when none failed. make check, test, unit and lint call it.
# usage: prove.sh TEST...    JOBS=N at once (as many as processors); ONLY=TEXT: only those with TEXT in their name;
# LIMIT=N: a test is ended after so many seconds (900), and has failed; KEEP=1: what each test said and its scratch
# folder are kept, and it says where
set -eu
# kept_of TEST: sets $kept, where what it said is kept. (Some two hundred tests: a process more for each would be seen.)
kept_of() {
	kept=$1
	while case $kept in */*) ;; *) false ;; esac; do kept=${kept%%/*}.${kept#*/}; done
	kept=$RESULTS/$kept
}
if [ "${1:-}" = --record ]; then # prove runs this for each test: its output, as it comes, is also kept in $RESULTS
	kept_of "$2"
	TMPDIR="$kept scratch" # a folder with a space, of the test's own, in which nothing may be left
	export TMPDIR
	mkdir "$TMPDIR"
	{
		env --default-signal=INT timeout -k 10 "${LIMIT:-900}" "$2" &
		trap 'kill $!' INT TERM HUP # timeout has a process group of its own, and passes signals on to it
		wait $! && s=0 || s=$?
		echo "$s" >"$kept.status"
	} |
		# cmocka says "not ok 3 # SKIP name" of a test that skips itself, and the reason in a line of its own
		KEPT=$kept.tap awk 'BEGIN { kept = ENVIRON["KEPT"]; printf "" >kept }
			/^# SKIP: / { why = substr($0, 9) }
			match($0, /^not ok [0-9]+ # SKIP /) { $0 = "ok " $3 " - " substr($0, RLENGTH + 1) " # SKIP " why }
			{ print; print >kept; fflush() }'
	read -r s <"$kept.status"
	left=
	for file in "$TMPDIR"/* "$TMPDIR"/.[!.]* "$TMPDIR"/..?*; do
		[ ! -e "$file" ] && [ ! -L "$file" ] || left=1
	done
	if [ "$s" = 0 ] && [ -z "${KEEP:-}" ] && [ -n "$left" ]; then
		echo "# $2 left in its \$TMPDIR: $(ls -A "$TMPDIR" | tr '\n' ' ')" | tee -a "$kept.tap"
		s=1
		echo "$s" >"$kept.status"
	fi
	exit "$s"
fi
for t in "$@"; do
	shift
	case ${t##*/} in *"${ONLY:-}"*) set -- "$@" "$t" ;; esac
done
[ $# -gt 0 ] || { echo "tests: none has '${ONLY:-}' in its name" >&2; exit 1; }
RESULTS=$(mktemp -d)
export RESULTS
if [ -z "${KEEP:-}" ]; then
	trap 'rm -rf "$RESULTS"' EXIT
else
	trap 'echo "Kept, a .tap and a scratch folder a test: $RESULTS"' EXIT
fi
trap 'exit 130' INT TERM HUP
status=0
prove --timer -j "${JOBS:-$(nproc 2>/dev/null || echo 2)}" -e 'sh tests/prove.sh --record' "$@" || status=$?
for t in "$@"; do
	kept_of "$t"
	s=none
	[ ! -e "$kept.status" ] || read -r s <"$kept.status"
	echo "= $s $t"
	cat "$kept.tap" 2>/dev/null || true
done | awk '
	function close_test() {
		# one that died, or ran other tests than it planned, failed, whatever it said until then
		if (status == 124 || status == 137) left = " ended after its limit of time" left
		if (name != "" && !bad && (status != "0" || planned != run)) lost[++n_lost] = name " (status " status ", " run " of " planned + 0 " tests)" left
		failed += bad
	}
	/^= / { close_test(); status = $2; name = $0; sub(/^= [^ ]* /, "", name); planned = -1; run = bad = 0; left = ""; next }
	/^# .* left in its \$TMPDIR: / { left = substr($0, 2) }
	/^1\.\.0/ { planned = 0; skipped++; why = $0; sub(/^1\.\.0 *(# *(SKIP|skip) *)?/, "", why); reason[skipped] = name ": " why; next }
	/^1\.\./ { planned = substr($0, 4) + 0; next }
	/^ok .* # SKIP/ {
		run++; skipped++; what = $0; why = $0
		sub(/^ok [0-9]+ *-? */, "", what); sub(/ # SKIP.*/, "", what); sub(/.* # SKIP */, "", why)
		reason[skipped] = name ": " what ": " why
		next
	}
	/^ok / { run++; passed++; lines = 99 }
	/^not ok / { run++; bad++; if (n_bad < 40) failure[++n_bad] = name ": " $0; lines = 0; next }
	bad && /^#/ && n_bad < 40 && lines++ < 6 { failure[n_bad] = failure[n_bad] "\n    " $0 }
	END {
		close_test()
		if (skipped) print "\nSkipped, and why:"
		for (i = 1; i <= skipped; i++) print "  " reason[i]
		if (n_bad) print "\nFailed:"
		for (i = 1; i <= n_bad; i++) print "  " failure[i]
		if (n_lost) print "\nDid not end as planned:"
		for (i = 1; i <= n_lost; i++) print "  " lost[i]
		printf "\n%d passed, %d failed, %d skipped\n", passed, failed + n_lost, skipped
		exit failed + n_lost > 0
	}' || status=1
exit "$status"
