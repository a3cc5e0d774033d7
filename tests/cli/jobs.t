#!/bin/sh
# What recipes make, cell by cell: whole or not at all, once, and anew when what it is made of changed; and lists of
# such jobs by xargs and GNU parallel, with places on devices, failures, and ends at any moment.
. "$(dirname "$0")/lib.sh"
LIB=$ROOT/pipeline/recipes/lib
VIC_RECIPES=$ROOT/pipeline/recipes VIC_BIN=$BIN
export VIC_RECIPES VIC_BIN
OUT="$T/an out" # a folder with a space, as any may have
mkdir "$OUT"
cell() { sh "$LIB/cell.sh" -b "$BIN" -o "$OUT" "$@"; }
all() { (cd "$OUT" && find . -mindepth 1 ! -name times.tsv | sort | tr '\n' ' '); }
empty() { rm -rf "${OUT:?}"/*; }
inode() { ls -di "$OUT/$1" | cut -d ' ' -f 1; }

# One cell.
ok 'a cell is made' cell -t cells/a/1 'echo "$THREADS" >x && echo words'
same 'of what its command left, and the command' './cells ./cells/a ./cells/a/1 ./cells/a/1/command ./cells/a/1/x ' "$(all)"
same 'which says the programs that made it' "echo \"\$THREADS\" >x && echo words
# $(vic --version | head -1)" "$(cat "$OUT/cells/a/1/command")"
was=$(inode cells/a/1)
ok 'once more' cell -j 7 -t cells/a/1 'echo "$THREADS" >x && echo words'
same 'it is there, and not made again' "$was 1" "$(inode cells/a/1) $(cat "$OUT/cells/a/1/x")"
same 'by another command it is made anew, and that is said' \
	'cells/a/1: its command, its data or the programs changed; it is made anew' "$(cell -t cells/a/1 'echo other >y' 2>&1)"
same 'with nothing of the old' './cells ./cells/a ./cells/a/1 ./cells/a/1/command ./cells/a/1/y ' "$(all)"
sed -i 's/^# vic .*/# vic (vicinal) 0.0.1/' "$OUT/cells/a/1/command"
like 'so it is for other programs' 'made anew' "$(cell -t cells/a/1 'echo other >y' 2>&1)"

# Its data.
printf 'one' >"$T/raw"
make_data() { cell -f -t data/d.vic -l "raw=$T/raw" 'cat raw >d.vic'; }
ok 'a file is made, of raw data by a link' make_data
ok 'and a cell of it' cell -t cells/a/2 -i data/d.vic 'cat "$OUT/data/d.vic" >x'
like 'whose checksum it knows' "^# data/d.vic $(printf 'one' | sha256sum | cut -d ' ' -f 1)$" "$(cat "$OUT/cells/a/2/command")"
same 'equal data change nothing' '' "$(touch "$OUT/data/d.vic"; cell -t cells/a/2 -i data/d.vic 'cat "$OUT/data/d.vic" >x' 2>&1)"
printf 'two' >"$OUT/data/d.vic"
like 'others make the cell anew' 'made anew' "$(cell -t cells/a/2 -i data/d.vic 'cat "$OUT/data/d.vic" >x' 2>&1)"
same 'of them' two "$(cat "$OUT/cells/a/2/x")"
fails 1 '^cells/a/3: data/none.vic, of which it is made, is not there$' 'without its data a cell is not made' \
	cell -t cells/a/3 -i data/none.vic 'true'
fails 2 '^cell.sh: -b, -o or -t is missing' 'arguments are looked at' cell 'true'

# One that fails.
empty
cell -t cells/b/1 'echo half >x; echo "no room" >&2; false' >"$T/said" 2>&1
same 'a command that fails fails the cell' 1 $?
like 'and is shown' '^  echo half >x; echo "no room" >&2; false$' "$(cat "$T/said")"
like 'with what it said' '^  no room$' "$(cat "$T/said")"
same 'which is kept, and nothing else' './cells ./cells/b ./cells/b/1.stderr ' "$(all)"
same 'beside the command' "echo half >x; echo \"no room\" >&2; false
# $(vic --version | head -1)
no room" "$(cat "$OUT/cells/b/1.stderr")"
cell -t cells/b/1 'echo whole >x'
same 'until it succeeds' './cells ./cells/b ./cells/b/1 ./cells/b/1/command ./cells/b/1/x ' "$(all)"
cell -t cells/b/1 'echo other >x; false' 2>/dev/null
same 'a cell that cannot be made anew leaves the old one' whole "$(cat "$OUT/cells/b/1/x")"
cell -f -t cells/b/no.logits 'echo x >other' 2>"$T/said"
like 'a command that makes another file is told so' 'cells/b/no.logits: its command made no file no.logits' "$(cat "$T/said")"

# Two at once, and ends at any moment.
empty
cell -t cells/c/1 'echo made >>"$OUT/log" && sleep 0.6 && echo 1 >x' &
await '[ -e "$OUT/log" ]'
same 'what another makes is waited for' 'cells/c/1: another process is making it; waiting for that' \
	"$(cell -t cells/c/1 'echo made >>"$OUT/log" && sleep 0.6 && echo 1 >x' 2>&1)"
wait
same 'and made once' 'made ./cells ./cells/c ./cells/c/1 ./cells/c/1/command ./cells/c/1/x ./log ' "$(cat "$OUT/log") $(all)"
# killed SIGNAL FILE COMMAND...: starts it in a process group of its own, which gets the signal when FILE (a pattern) is
# there.
killed() {
	killed_signal=$1 killed_at=$2
	shift 2
	rm -f "$T/group"
	setsid env --default-signal=INT sh -c 'echo $$ >"$0" && exec "$@"' "$T/group" "$@" >"$T/said" 2>&1 &
	killed_shell=$!
	# shellcheck disable=SC2086 # a pattern
	until (cd "$OUT" && [ -s "$T/group" ] && ls $killed_at >/dev/null 2>&1) || ! kill -0 $killed_shell; do sleep 0.05; done
	kill "-$killed_signal" "-$(cat "$T/group")"
	wait $killed_shell 2>/dev/null
}
for signal in INT TERM; do
	killed $signal cells/c/2.part/x sh "$LIB/cell.sh" -b "$BIN" -o "$OUT" -t cells/c/2 'echo 1 >x && sleep 5'
	same "one that SIG$signal ends leaves nothing" '' "$(ls "$OUT/cells/c" | grep 2)"
done
killed KILL cells/c/2.part/x sh "$LIB/cell.sh" -b "$BIN" -o "$OUT" -t cells/c/2 'echo 1 >x && sleep 5'
same 'one that is killed leaves its part' 2.part "$(ls "$OUT/cells/c" | grep 2)"
cell -t cells/c/2 'ls >y'
same 'which the next removes' 'command y: ' "$(ls "$OUT/cells/c/2" | tr '\n' ' ' | sed 's/ $/: /')"
same 'before it begins' 'stderr y' "$(grep -v lock "$OUT/cells/c/2/y" | tr '\n' ' ' | sed 's/ $//')"
sh "$LIB/cell.sh" -b "$BIN" -o "$OUT" -t cells/c/3 'echo 0 >x; sleep 0.7; echo 1 >"$OUT/orphan"' 2>"$T/said" &
pid=$!
await '[ -e "$OUT/cells/c/3.part/x" ]'
kill -9 $pid
wait $pid 2>/dev/null
like 'what a killed one had begun is waited for' waiting "$(cell -t cells/c/3 'cat "$OUT/orphan" >x' 2>&1)"
same 'to its end' 1 "$(cat "$OUT/cells/c/3/x")"

# Lists. A recipe of plain jobs: JOBS_SLEEP, JOBS_BAD (the number of one that fails until OUT/mended is there).
mkdir "$T/own recipes"
cat >"$T/own recipes/list.sh" <<'END'
# vic run: a list of plain jobs
. "$VIC_RECIPES/lib/recipe.sh"
recipe_begin synth-text "$@"
for i in 1 2 3 4 5 6 7 8; do
	[ $i = "${JOBS_BAD:-0}" ] && wait=0 || wait=${JOBS_SLEEP:-0}
	job "-t cells/l/$i" "echo \"\${CUDA_VISIBLE_DEVICES:-none}\" >device; sleep $wait; echo 'run $i' >>\"\$OUT/ran\";
[ $i != '${JOBS_BAD:-0}' ] || [ -e \"\$OUT/mended\" ]"
	train_jobs="$train_jobs$job
"
done
recipe_run
END
list() { vic run "$T/own recipes/list.sh" --out "$OUT" "$@"; }
ran() { sort "$OUT/ran" | uniq -c | awk '{ printf "%s*%s ", $3, $1 }'; }
engines="xargs"
if command -v parallel >/dev/null; then
	engines='xargs parallel'
else
	skip 'lists by GNU parallel' 'parallel is not installed'
fi
for engine in $engines; do
	empty
	ok "$engine: a list of jobs is run" list --engine $engine --jobs 3
	same "$engine: each once" '1*1 2*1 3*1 4*1 5*1 6*1 7*1 8*1 ' "$(ran)"
	ok "$engine: again" list --engine $engine
	same "$engine: nothing is done again" '1*1 2*1 3*1 4*1 5*1 6*1 7*1 8*1 ' "$(ran)"
	empty
	ok "$engine: two jobs on each of two devices" env JOBS_SLEEP=0.3 vic run "$T/own recipes/list.sh" --out "$OUT" \
		--engine $engine --devices 3,5 --per-device 2
	same "$engine: as many on each" '4 3 4 5' "$(cat "$OUT"/cells/l/*/device | sort | uniq -c | tr -s ' \n' ' ' | sed 's/^ //; s/ $//')"
	empty
	JOBS_BAD=4 list --engine $engine --jobs 1 >"$T/said" 2>&1
	same "$engine: a job that fails ends the list" '1 1*1 2*1 3*1 4*1 ' "$? $(ran)"
	like "$engine: with its command" '^  echo .*run 4' "$(cat "$T/said")"
	like "$engine: and the remedy" '^list: stopped in stage train; the same command goes on from here' "$(cat "$T/said")"
	touch "$OUT/mended"
	JOBS_BAD=4 list --engine $engine >"$T/said" 2>&1
	same "$engine: which goes on" '0 1*1 2*1 3*1 4*2 5*1 6*1 7*1 8*1 ' "$? $(ran)"
	empty
	JOBS_BAD=1 JOBS_SLEEP=0.5 list --engine $engine --jobs 2 >/dev/null 2>&1
	same "$engine: those beside it come to their end before" '1*1 2*1 ' "$(ran)"
	empty
	JOBS_SLEEP=0.2
	export JOBS_SLEEP
	killed KILL 'cells/l/[2-8].part/device' vic run "$T/own recipes/list.sh" --out "$OUT" --engine $engine --jobs 2
	unset JOBS_SLEEP
	parts=$(find "$OUT/cells" -name '*.part' | wc -l)
	list --engine $engine 2>/dev/null
	same "$engine: parts of a killed list are removed" 'some 0' \
		"$([ "$parts" -gt 0 ] && echo some) $(find "$OUT/cells" -name '*.part' | wc -l)"
done
if [ "$engines" != xargs ]; then
	empty
	JOBS_BAD=4 list --engine parallel --sshlogin 2/: >/dev/null 2>&1
	same 'parallel -S 2/: stops at a job that fails, too' 1 $?
	touch "$OUT/mended"
	rm -r "$OUT/cells/l/1" # by its joblog it is done
	done_before=$(wc -l <"$OUT/ran")
	ok '--resume-failed runs what failed' list --engine parallel --sshlogin 2/: --resume-failed
	same 'and what was not reached, and no other' '4 0 8' \
		"$(ran | tr ' ' '\n' | sed -n 's/^\(.\)\*2$/\1/p' | tr -d '\n') $(ls "$OUT/cells/l" | grep -c '^1$') $(sort -u "$OUT/ran" | wc -l)"
	ok "parallel takes its own options after --" list --engine parallel -- --joblog "$T/a log"
	same 'with spaces in them' 9 "$(wc -l <"$T/a log")"
fi

# A job's command is one line for every engine, and nothing in it is another character then.
cat >"$T/own recipes/slash.sh" <<'END'
# vic run: a command of two lines with a backslash
. "$VIC_RECIPES/lib/recipe.sh"
recipe_begin synth-text "$@"
job '-f -t data/slash' 'printf %s "one\two" |
cat >slash'
data_jobs="$job
"
recipe_run
END
ok 'a command with a backslash' vic run "$T/own recipes/slash.sh" --out "$OUT/a\\tab"
same 'keeps it' 'one\two' "$(cat "$OUT/a\\tab/data/slash")"

# A list that is run twice at once.
empty
JOBS_SLEEP=0.5 list >/dev/null 2>&1 &
await '[ -d "$OUT/cells/l" ]'
fails 1 "^list: another run works in $OUT/list$" 'a recipe works once in a folder' list
wait
finish
