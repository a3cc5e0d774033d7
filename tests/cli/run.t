#!/bin/sh
# vic run: which recipes there are and where they lie, their flags, and a recipe on data that are made: what it leaves,
# that a finished one does nothing, and that one killed at any moment ends, run again, in the same bytes.
. "$(dirname "$0")/lib.sh"
few_kernels SSE41
cd "$T" || exit 1

# Where recipes are.
vic run >list
same 'vic run lists every recipe of the tree' "$(grep -l '^# vic run: ' "$ROOT"/pipeline/recipes/*.sh | sed 's|.*/||; s|\.sh$||' | sort)" \
	"$(grep '^  [a-z]' list | awk '{ print $1 }' | sort)"
same 'each with a line, and below it what it costs' '' "$(grep -vE '^  [a-z0-9-]+ +[^ ].{20}|^ {25}[0-9]+ trainings?' list)"
like 'Figure 4 of some' '^ *[0-9]* trainings' "$(sed -n '/^  fig4-text /{n;p;}' list)"
like 'vic help names it' '^  run  ' "$(vic help)"
same 'vic help run lists them, too' "$(cat list)" "$(vic help run)"
fails 2 "unknown recipe 'fig4-txt'; did you mean 'fig4-text'?" 'a slip is answered with the nearest' vic run fig4-txt
fails 2 "unknown recipe 'fig4'; did you mean 'fig4-text'?" 'so is a beginning' vic run fig4
fails 2 "unknown recipe 'xyzzy'; .vic run. lists them" 'what is like none' vic run xyzzy
fails 2 "the recipe stands before its options: .vic run RECIPE --plan." 'an option alone' vic run --plan
fails 1 './none.sh: No such file' 'a script of one'"'"'s own that is not there' vic run ./none.sh
fails 2 "unknown recipe 'setup'" 'scripts without a title are none' vic run setup
mkdir -p prefix/bin prefix/share/vicinal/recipes/lib
copy_program vic prefix/bin
printf '#!/bin/sh\n# vic run: of a test, ten words or so that say what it makes\necho "$VIC_RECIPES:$VIC_BIN:$*"\n' |
	tee prefix/share/vicinal/recipes/fig10.sh >prefix/share/vicinal/recipes/fig9.sh
same 'installed ones lie beside the programs' 'fig9 fig10' "$(prefix/bin/vic run | grep '^  f' | awk '{ print $1 }' | paste -s -d ' ')"
same 'and are told where' "$T/prefix/share/vicinal/recipes:$T/prefix/bin:--a b c" "$(prefix/bin/vic run fig9 --a 'b c')"
rm -r prefix/share
fails 1 'no recipes beside .*VIC_RECIPES names their folder' 'without recipes' prefix/bin/vic run
mkdir others
printf '# vic run: of a test\n' >others/mine.sh
same 'VIC_RECIPES names others' '  mine                   of a test' "$(VIC_RECIPES=others vic run)"
fails 1 'VIC_RECIPES: none: No such file' 'or nothing' env VIC_RECIPES=none vic run

# Flags.
tiny() { vic run "$ROOT/tests/recipes/tiny.sh" "$@"; }
like '--help says what it is' '^of the tests: two ways of training' "$(tiny --help)"
like 'and how' '^usage: vic run tiny ' "$(tiny --help)"
same 'no line of it is wider than 120 columns' '' "$(tiny --help | awk 'length > 120')"
while IFS='|' read -r flags said; do
	# shellcheck disable=SC2086 # words
	fails 2 "$said.*--help shows how" "tiny $flags" tiny $flags
done <<'END'
--scle small|unknown flag '--scle'
--scale|'--scale' is no flag, or its value is missing
--scale large|--scale has no 'large': it is of small paper
--stage data,trian|--stage has no 'trian': it is of data train predict table page
--trial 0|--trial takes a number from 1, not '0'
--seeds 0|--seeds takes a number from 1, not '0'
--jobs 2 --jobs 3|--jobs is given twice
--jobs=x|--jobs takes a number from 1, not 'x'
--engine cron|--engine has no 'cron'
--per-device 2|--per-device needs --devices
--devices 0,1 --jobs 3|--devices says how many jobs run at once
--devices 0,,1|--devices takes numbers with commas, not '0,,1'
--devices 0 --device cpu|--devices are CUDA's; --device cpu is none of them
--sshlogin 2/:|--sshlogin and --resume-failed need --engine parallel
--wait|--wait needs --engine slurm
-- --nice|options after -- need --engine parallel or slurm
END
fails 2 'synth-text has 3 folds; --seeds takes no more' 'more folds than there are' tiny --seeds 4
fails 1 "no data set 'nothing'" 'a data set that is none' tiny --data nothing
same '--list lists the trainings' "$(printf 'dataset model method setting seed folder
synth-images smallcnn baseline - 1 cells/synth-images/smallcnn/baseline/1
synth-images smallcnn mixup 0.4 1 cells/synth-images/smallcnn/mixup-0.4/1')" \
	"$(tiny --data synth-images --seeds 1 --list | tr '\t' ' ')"
like 'and its costs' '^[0-9]* trainings' "$(tiny --plan 2>&1 >/dev/null)"
like 'of what was never trained' 'not known of synth-images/smallcnn' "$(tiny --cost)"
same '--plan prints a line a job' 5 "$(tiny --plan 2>/dev/null | grep -c 'data/synth-images.vic')"
same 'and neither leaves anything' 'list others prefix' "$(echo *)"

# A recipe, from one end to the other.
tiny --out whole >said 2>&1
same 'a recipe runs to its end' 0 $?
files() { (cd "$1" && find . -type f ! -name '*.jobs' ! -name '*.joblog' ! -name times.tsv -exec cksum {} + | sort -k 3); }
stamps() { (cd "$1" && find cells data -printf '%p %i %T@\n' | sort); }
files whole >want
same 'every cell has its model, history, logits and command' '10 10 10 10 10' "$(for f in model history.tsv test.logits dev.logits command
do find whole/cells -name $f | wc -l; done | paste -s -d ' ')"
same 'its numbers are in a table' 'figure dataset model method setting seed n metric value low high command' \
	"$(head -1 whole/tiny/RESULTS.tsv | tr '\t' ' ')"
ok 'and its logits are whole' vic-cat --check whole/cells/synth-text/kimcnn/baseline/fold0/test.logits
same 'no link or part is left' '' "$(find whole -type l -o -name '*.part' -o -name lock -o -name '*.stderr')"
stamps whole >before
same 'it took its time of each' 10 "$(grep -c '^cells/.*	[0-9.]*	[0-9]*	auto	' whole/times.tsv)"
same 'all of it is there' '10 trainings, 10 done' "$(tiny --cost --out whole)"
like 'for another device it is made anew' '^10 trainings, 10 to be made anew by another command' "$(tiny --cost --out whole --device cpu)"
rm -r whole/cells/synth-images/smallcnn/baseline/1
like 'what is missing takes as long as its like took' '^10 trainings, 9 done, about [0-9]* s$' "$(tiny --cost --out whole)"
# A machine of one core, of which it is known what these took.
known() { # RECIPE FLAG...: by a table that says 20 s of plain training on MR, on this host or $HOST
	printf 'cells/mr/kimcnn/baseline/fold0\t90\t20\t1\tauto\t%s\n' "${HOST:-$(uname -n)}" >timed/times.tsv
	known_recipe=$1
	shift
	vic run "$known_recipe" --data mr --seeds 1 --jobs 1 --threads 1 --out timed --cost "$@"
}
mkdir timed
same 'what its like took in OUT is what counts' '2 trainings, about 40 s' "$(known fig9-scores)"
same 'so many times as much as it has times the epochs' '2 trainings, about 2 min' "$(known fig7-extended)"
like 'on another host it says nothing' '^2 trainings, about [0-9]* [a-z]* (by times measured elsewhere)$' \
	"$(HOST=elsewhere known fig9-scores)"
same 'and elsewhere nobody timed trials' '2 trainings; how long is not known of mr/kimcnn' \
	"$(HOST=elsewhere known fig9-scores --trial 3)"
rm -r timed
fails 2 'whole holds trainings at --scale small, which these would replace; take another --out' 'of another scale' \
	tiny --out whole --scale paper
fails 2 'holds trainings at --scale small, which' 'nor a trial' tiny --out whole --trial 20
tiny --out whole 2>/dev/null
stamps whole >before
ok 'once more' tiny --out whole
ok 'and nothing is made' sh -c 'cd whole && find cells data -printf "%p %i %T@\n" | sort | cmp - ../before'
files whole >got
ok 'of the same bytes' cmp want got
ok 'elsewhere, with one thread a job' tiny --out "else where" --jobs 1 --threads 1
files "else where" >got
ok 'of the same bytes, too' cmp want got
rm -r "else where/cells/synth-text/kimcnn/baseline/fold1"
fails 1 'fold1 is not there; the stages data and train make it' 'a table is made of all cells or not at all' \
	tiny --out "else where" --stage table
ok 'a stage alone' tiny --out "else where" --stage train
TINY_ODD='echo odd >&2; false' tiny --out "else where" --stage predict >said 2>&1
same 'derived logits that cannot be made end it' '1 1' "$? $(grep -c '^tiny: stopped in stage predict' said)"
same 'and what was said is kept' 1 "$(find "else where" -name 'odd.logits.stderr' | head -1 | wc -l)"

# Killed at five moments: first the whole group, then a job's shell alone.
moments=0 parts=0
while [ $moments -lt 5 ]; do
	rm -f group
	setsid sh -c 'echo $$ >group && exec vic run "$0" --out killed' "$ROOT/tests/recipes/tiny.sh" >>said 2>&1 &
	shell=$!
	sleep "$(awk -v seed=$$$moments 'BEGIN { srand(seed); print 0.2 + rand() }')"
	await '[ -s group ]'
	kill -KILL "-$(cat group)" 2>/dev/null
	wait $shell 2>/dev/null
	parts=$((parts + $(find killed -name '*.part' 2>/dev/null | wc -l)))
	moments=$((moments + 1))
done
echo "# parts that the killed runs left: $parts"
ok 'killed five times, a recipe is run to its end' tiny --out killed
files killed >got
ok 'with the same bytes, and nothing left behind' cmp want got
finish
