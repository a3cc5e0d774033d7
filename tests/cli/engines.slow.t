#!/bin/sh
# One recipe by three engines, xargs, GNU parallel and a real Slurm of this test's own: the same bytes, also after a job,
# parallel or slurmd was killed, and a failure that ends it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/slurm.sh"
cd "$T" || exit 1
tiny() { vic run "$ROOT/tests/recipes/tiny.sh" "$@"; }
files() { (cd "$1" && find . -type f ! -name '*.jobs' ! -name '*.joblog' ! -name times.tsv -exec cksum {} + | sort -k 3); }
# whole DESCRIPTION OUT: its files are those that xargs made, no more and no less.
whole() {
	files "$2" >got
	ok "$1" cmp want got
	diff want got | head -5 | sed 's/^/# /'
}
# jobs_of OUT: the processes that make its cells.
jobs_of() { processes "cell.sh -b .* -o $T/$1 "; }
begun() { await "find $1/cells -name model 2>/dev/null | grep -q . && [ -n \"\$(jobs_of $1)\" ]"; }
tiny --out "xargs" 2>/dev/null
files xargs >want

# xargs, whose job is killed: the system's way when memory is short.
tiny --out killed --jobs 2 >said 2>&1 &
pid=$!
begun killed
# shellcheck disable=SC2046 # numbers
kill -9 $(jobs_of killed)
wait $pid
same 'xargs: a job that was killed ends the recipe' 1 $?
ok 'xargs: the same command goes on' tiny --out killed
whole 'xargs: to the same bytes' killed

if command -v parallel >/dev/null; then
	ok 'parallel runs a recipe' tiny --out parallel --engine parallel --sshlogin 2/:
	whole 'parallel: to the same bytes' parallel
	rm -r parallel
	tiny --out parallel --engine parallel --jobs 2 >said 2>&1 &
	pid=$!
	begun parallel
	kill -9 "$(processes "parallel .*--joblog $T/parallel/tiny/train.joblog" | head -1)"
	wait $pid
	same 'parallel: killed, it ends the recipe' 1 $?
	ok 'parallel: the same command waits for jobs that go on alone, and makes the others' tiny --out parallel --engine parallel
	whole 'parallel: to the same bytes after that' parallel
else
	skip 'a recipe by GNU parallel' 'parallel is not installed'
fi

trap 'slurm_end; rm -rf "$T"' EXIT
if ! slurm_start; then
	trap 'rm -rf "$T"' EXIT
	skip 'a recipe by Slurm' "$slurm_why"
	finish
fi
slurm() { tiny --engine slurm --wait "$@"; }
idle() { # until nothing is queued or runs
	tries=0
	while [ -n "$(squeue -h)" ] && [ $tries -lt 240 ]; do
		tries=$((tries + 1))
		sleep 0.5
	done
	squeue -h | sed 's/^/# /'
}
ok 'Slurm runs a recipe' slurm --out slurm
whole 'Slurm: to the same bytes' slurm
rm -r slurm
TINY_ODD='echo no luck >&2; false' slurm --out slurm >said 2>&1
same 'Slurm: a job that fails fails the recipe' 1 $?
like 'which says where to look' 'what the jobs said is in' "$(cat said)"
like 'and there it is' '^  no luck$' "$(cat slurm/tiny/logs/*)"
same 'no table is made then' '' "$(ls slurm/tiny | grep RESULTS)"
idle
same 'and nothing stays queued' '' "$(squeue -h)"
rm -rf slurm/tiny/logs
find slurm -name '*.stderr' -delete
ok 'Slurm: the same command, mended, goes on' slurm --out slurm
whole 'Slurm: to the same bytes after that' slurm

rm -r slurm
tiny --engine slurm --out slurm >said 2>&1
same 'without --wait it returns when all is queued' '0 4' "$? $(grep -c queued said)"
begun slurm
# shellcheck disable=SC2046
kill -9 $(jobs_of slurm)
idle
ok 'Slurm: after a job was killed the same command goes on' slurm --out slurm
rm -rf slurm/tiny/logs
whole 'Slurm: to the same bytes, too' slurm

rm -r slurm
slurm --out slurm >said 2>&1 &
pid=$!
begun slurm
slurm_kill_slurmd
sleep 1
slurm_start_slurmd
wait $pid
echo "# the run beside which slurmd was killed ended with status $?"
idle
ok 'Slurm: after slurmd was killed and came back the same command goes on' slurm --out slurm
rm -rf slurm/tiny/logs
whole 'Slurm: to the same bytes once more' slurm
finish
