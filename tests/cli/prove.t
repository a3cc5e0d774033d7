#!/bin/sh
# tests/prove.sh: its counts, its reasons and its status, on tests that pass, fail, skip, die, stop early and leave
# things behind.
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit 1

# fake NAME: a test, from stdin.
fake() { { echo '#!/bin/sh'; cat; } >"$T/$1" && chmod +x "$T/$1"; }
echo 'echo "ok 1 - a"; echo "ok 2 - b # SKIP no such thing"; echo 1..2' | fake good.t
echo 'echo "ok 1 - a"; echo "not ok 2 - b"; echo 1..2' | fake bad.t
echo 'echo "ok 1 - a"; kill -SEGV $$' | fake dies.t
echo 'echo 1..3; echo "ok 1 - a"' | fake early.t
echo 'echo "1..0 # SKIP nothing here"' | fake none.t
echo 'echo "# SKIP: not on Mondays"; echo "not ok 1 # SKIP monday"; echo 1..1' | fake cmocka.t
echo ': >"$TMPDIR/crumb"; echo "ok 1 - a"; echo 1..1' | fake leaves.t
echo 'echo "ok 1 - a"; echo 1..1; exit 3' | fake status.t

run() { # TEST...: what it said into $T/said, its last line and status into $last
	for f in "$@"; do
		shift
		set -- "$@" "$T/$f"
	done
	JOBS=2 sh tests/prove.sh "$@" >"$T/said" 2>&1
	status=$?
	last="$status: $(tail -1 "$T/said")"
}
ONLY= KEEP= LIMIT=
export ONLY KEEP LIMIT
run good.t none.t
same 'passed and skipped' '0: 1 passed, 0 failed, 2 skipped' "$last"
like 'a reason' 'good.t: b: no such thing$' "$(cat "$T/said")"
like "a whole test's reason" 'none.t: nothing here$' "$(cat "$T/said")"
run good.t bad.t
same 'a failed test' '1: 2 passed, 1 failed, 1 skipped' "$last"
run cmocka.t
same "a C test's skip is none that failed" '0: 0 passed, 0 failed, 1 skipped' "$last"
like 'and has its reason' 'cmocka.t: monday: not on Mondays$' "$(cat "$T/said")"
for t in dies early leaves status; do
	run $t.t
	same "a test that $t is one that failed" '1: 1 passed, 1 failed, 0 skipped' "$last"
done
echo 'echo "ok 1 - a"; sleep 1000; echo 1..1' | fake hangs.t
LIMIT=1
run good.t hangs.t
same 'a test that hangs is ended, and has failed' '1: 2 passed, 1 failed, 1 skipped' "$last"
like 'which is said' 'hangs.t (status 124, .* ended after its limit of time$' "$(cat "$T/said")"
same 'with what it had begun' '' "$(processes '^sleep 1000 $')"
LIMIT=
run leaves.t
like 'what was left is named' 'left in its .TMPDIR: crumb' "$(cat "$T/said")"
KEEP=1
run leaves.t
same 'with KEEP=1 a test may leave things' '0: Kept, a .tap and a scratch folder a test' "${last%%test: *}test"
kept=${last##*test: }
same 'which stay' "$(printf 'ok 1 - a\n1..1\ncrumb')" "$(cat "$kept"/.*.tap; ls "$kept"/.*scratch)"
rm -rf "$kept"
KEEP=
ONLY=goo
run good.t bad.t dies.t
same 'ONLY picks by name' '0: 1 passed, 0 failed, 1 skipped' "$last"
ONLY=nowhere
run good.t bad.t
same 'ONLY that fits none fails' "1: tests: none has 'nowhere' in its name" "$last"
finish
