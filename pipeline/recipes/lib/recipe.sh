# What every recipe stands in. Sourced by a recipe, which is written so:
#
#     #!/bin/sh
#     # vic run: what it makes, in one line (vic run lists it)
#     # Further comment: --help shows it. (A recipe also wants: # shellcheck disable=SC1091,SC2154)
#     . "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
#     recipe_begin mr,trec "$@"                     the data sets it takes where --data names none (SMALL|PAPER)
#     for dataset in $DATA; do
#         use "$dataset"                            sets $kind, $model and $seeds (data.sh); its stream becomes a job
#         for seed in $seeds; do
#             cell "$dataset" "$model" mixup 0.4 "$seed"    a training (methods.tsv); sets $CELL, its folder
#             foreign "$CELL" noise data/noise.vic          what its model says of another stream: CELL/noise.logits
#             derive "$CELL" hot 'vic-calibrate ...'        any command that makes CELL/hot.logits; $CELL is in it
#         done
#     done
#     recipe_run                                    runs the jobs of stages data, train, predict
#     if stage table; then rows_begin; rows_scores test - accuracy ece; rows_end; fi
#     if stage page; then ...; fi
#
# Set for it: OUT (absolute), RECIPE (its name), SCALE, DATA (names, spaces between), DEVICE, and programs on the PATH.
# shellcheck disable=SC1091,SC2034,SC2154 # parts beside this one, and variables they share
set -eu
LC_ALL=C
export LC_ALL
RECIPE=$(basename "$0" .sh)
LIB=${VIC_RECIPES:-$(dirname "$0")}/lib
LIB=$(cd "$LIB" && pwd)
if [ -z "${VIC_BIN:-}" ]; then
	VIC_BIN=$LIB/../../../build/bin
	[ -x "$VIC_BIN/vic-train" ] || VIC_BIN=$(dirname "$(command -v vic-train || echo ./none)")
fi
[ -x "$VIC_BIN/vic-train" ] || { echo "$RECIPE: no programs here or on the PATH; make builds them" >&2; exit 1; }
VIC_BIN=$(cd "$VIC_BIN" && pwd)
PATH=$VIC_BIN:$PATH
export PATH
. "$LIB/data.sh"
. "$LIB/parts.sh"
. "$LIB/jobs.sh"
. "$LIB/cost.sh"
[ ! -f "$LIB/rows.sh" ] || . "$LIB/rows.sh"

say() { printf '%s: %s\n' "$RECIPE" "$1" >&2; }
die() { say "$1"; exit "${2:-1}"; }
bad() { die "$1; --help shows how" 2; }

recipe_help() {
	sed -n '/^# shellcheck/d; 2,/^[^#]/s/^# \{0,1\}//p' "$0" | sed '1s/^vic run: //'
	cat <<END

usage: vic run $RECIPE [options] [-- ENGINE-OPTION...]

  --scale small|paper    small: minutes on two cores, of fewer records and epochs; paper: all of it [small]
  --trial N              whether all of it works: N steps a training, on a part of the records, judged on 256; the
                         numbers mean nothing, no claim is held against them, and no other --out takes them
  --data NAME[,NAME]     data sets [$recipe_data]
  --seeds N              seeds of each training; of cross-validated data the first N folds [the data set's]
  --device DEVICE        as vic-train has it [auto]
  --stage S[,S]          of data, train, predict, table, page, only these [all]
  --out DIR              where everything lies; recipes with the same DIR share trainings [runs]
  --jobs N               jobs at once [processors]
  --threads N            threads of each; never change a result [processors / jobs; Slurm: 1]
  --devices 0,1,...      CUDA devices, a job on each at once
  --per-device N         jobs at once on each of them [1]
  --engine ENGINE        xargs, parallel (GNU parallel) or slurm; what stands after -- are options of parallel and
                         sbatch [xargs]
  --sshlogin LIST        parallel: hosts that see the same files, as parallel takes them
  --resume-failed        parallel: only what failed or was not reached, by OUT/RECIPE/STAGE.joblog
  --wait                 slurm: wait until all is done, and fail where a job does
  --list                 print the trainings, and run nothing
  --plan                 print the jobs, how many trainings are done, about how long the others take; run nothing
  --cost                 print that line alone
  --help                 this text

A run that was ended goes on where it was; what is done is not done again.
END
}

# words NAME VALUE ALLOWED...: VALUE, a list with commas, must be of the allowed words.
words() {
	words_of=$1 words_given=$2
	shift 2
	for word in $(printf '%s\n' "$words_given" | tr , ' '); do
		case " $* " in *" $word "*) ;; *) bad "--$words_of has no '$word': it is of $*" ;; esac
	done
}
count() { case $2 in '' | *[!0-9]* | 0*) bad "--$1 takes a number from 1, not '$2'" ;; esac }

# recipe_begin DATA "$@": the flags. DATA: the recipe's data sets, with commas.
recipe_begin() {
	recipe_data=$1
	shift
	SCALE=small DATA=$recipe_data SEEDS='' DEVICE=auto STAGES=data,train,predict,table,page OUT=runs JOBS='' ENGINE=xargs
	TRIAL='' THREADS='' DEVICES='' PER_DEVICE='' SSHLOGIN='' RESUME='' WAIT='' ENGINE_OPTIONS='' jobs_after=''
	recipe_print='' recipe_script=$0 recipe_flags=''
	while [ $# -gt 0 ]; do
		case $1 in
		--help) recipe_help; exit 0 ;;
		--list | --plan | --cost) recipe_print=$1; shift; continue ;;
		--resume-failed) RESUME=1; shift; continue ;;
		--wait) WAIT=1; shift; continue ;;
		--)
			shift
			for word; do quoted "$word"; ENGINE_OPTIONS="$ENGINE_OPTIONS $quoted"; done
			break ;;
		--*=*)
			recipe_flag=${1%%=*} recipe_value=${1#*=}
			shift ;;
		*)
			[ $# -gt 1 ] || bad "'$1' is no flag, or its value is missing"
			recipe_flag=$1 recipe_value=$2
			shift 2 ;;
		esac
		case " $recipe_flags " in *" $recipe_flag "*) bad "$recipe_flag is given twice" ;; esac
		recipe_flags="$recipe_flags $recipe_flag"
		case $recipe_flag in
		--scale) words scale "$recipe_value" small paper; SCALE=$recipe_value ;;
		--trial) count trial "$recipe_value"; TRIAL=$recipe_value ;;
		--data) DATA=$recipe_value ;;
		--seeds) count seeds "$recipe_value"; SEEDS=$recipe_value ;;
		--device) DEVICE=$recipe_value ;;
		--stage) words stage "$recipe_value" data train predict table page; STAGES=$recipe_value ;;
		--out) OUT=$recipe_value ;;
		--jobs) count jobs "$recipe_value"; JOBS=$recipe_value ;;
		--threads) count threads "$recipe_value"; THREADS=$recipe_value ;;
		--devices)
			case ,$recipe_value, in *[!0-9,]* | *,,*) bad "--devices takes numbers with commas, not '$recipe_value'" ;; esac
			DEVICES=$recipe_value ;;
		--per-device) count per-device "$recipe_value"; PER_DEVICE=$recipe_value ;;
		--engine) words engine "$recipe_value" xargs parallel slurm; ENGINE=$recipe_value ;;
		--sshlogin) SSHLOGIN=$recipe_value ;;
		*) bad "unknown flag '$recipe_flag'" ;;
		esac
	done
	case $SCALE in small) DATA=${DATA%%|*} ;; *) DATA=${DATA#*|} ;; esac
	case $OUT in /*) ;; *) OUT=$PWD/$OUT ;; esac
	quoted "$OUT"
	recipe_again=" --scale $SCALE --data $DATA --device $DEVICE --out $quoted${SEEDS:+ --seeds $SEEDS}${TRIAL:+ --trial $TRIAL}"
	recipe_scale=$SCALE${TRIAL:+, trial of $TRIAL}
	DATA=$(printf '%s\n' "$DATA" | tr , ' ')
	recipe_cells="dataset	model	method	setting	seed	folder
"
	data_jobs='' train_jobs='' predict_jobs='' recipe_known=' ' recipe_set='' cost_cells=''
	jobs_begin
}

# stage NAME: whether it is to be run.
stage() { case ",$STAGES," in *",$1,"*) return 0 ;; esac; return 1; }

# quoted TEXT: sets $quoted, the text as one word of a shell's line.
quoted() {
	case $1 in
	*\'*) quoted="'$(printf '%s' "$1" | sed "s/'/'\\\\''/g")'" ;;
	*) quoted="'$1'" ;;
	esac
}
# job ARGUMENTS COMMAND: sets $job, the line that has cell.sh make something (its arguments stand in one text).
job() {
	case $2 in
	*"
"*) set -- "$1" "$(printf '%s\n' "$2" | tr '\n' ' ')" ;;
	esac
	quoted "$LIB/cell.sh"
	job="sh $quoted"
	quoted "$VIC_BIN"
	job="$job -b $quoted"
	quoted "$OUT"
	job="$job -o $quoted -j $THREADS$job_device $1"
	quoted "$2"
	job="$job $quoted"
}
# known NAME: whether it was declared before; it is from now on.
known() {
	case $recipe_known in *" $1 "*) return 0 ;; esac
	recipe_known="$recipe_known$1 "
	return 1
}

# needed SET: as data_set, or the end, before anything is done, with a sentence for each of $DATA that is not to be had.
needed() {
	if data_set "$1"; then return 0; fi
	for needed_too in $DATA; do
		case $needed_too in "$1") ;; *) (data_set "$needed_too") || : ;; esac
	done
	exit 1
}
use() {
	needed "$1"
	recipe_set=''
	seeds=''
	i=0
	[ -z "$folds" ] || [ "${SEEDS:-1}" -le "$folds" ] || die "$1 has $folds folds; --seeds takes no more" 2
	while [ $i -lt "${SEEDS:-${folds:-$n_seeds}}" ]; do
		[ -n "$folds" ] && seeds="$seeds fold$i" || seeds="$seeds $((i + 1))"
		i=$((i + 1))
	done
	known "data/$1" && return 0
	job_arguments="-f -t data/$1.vic"
	while IFS= read -r link; do
		[ -n "$link" ] || continue
		quoted "$link"
		job_arguments="$job_arguments -l $quoted"
	done <<END
$links
END
	job "$job_arguments" "$make"
	data_jobs="$data_jobs$job
"
	[ -n "$truth" ] || return 0
	job "-f -t data/$1.posterior" "$truth"
	data_jobs="$data_jobs$job
"
}

# method_of METHOD SETTING: sets $train_options and $predict_options from methods.tsv.
method_of() {
	while IFS='	' read -r m s train_options predict_options; do
		[ "$m" != "$1" ] || [ "$s" != "$2" ] || return 0
	done <"$LIB/methods.tsv"
	die "no method '$1' with setting '$2' in $LIB/methods.tsv"
}

# joined OPTIONS MORE: sets $joined, the options (--name=value) less those that are in MORE, after MORE.
joined() {
	joined=''
	for option in $2; do joined="$joined $option"; done
	for option in $1; do
		case " $2" in *" ${option%%=*}="*) ;; *) joined="$joined $option" ;; esac
	done
	joined=${joined# }
}

# some_of STREAM SEED: sets $some, a command that writes a stream below OUT, or in a trial the records of it that are
# looked at, marked anew: those of $TRIAL batches to train on, 256 dev, 256 test (of few: a quarter), the others extra.
some_of() {
	some="cat \"\$OUT/$1\""
	[ -n "$TRIAL" ] || return 0
	[ "$kind" = text ] && some_batch=50 || some_batch=128
	case " $train " in *' --batch='*) some_batch=${train#*--batch=} some_batch=${some_batch%% *} ;; esac
	some="vic-split -q --remark --seed $2 \$(vic-cat --stats \"\$OUT/$1\" | awk -v k=$((TRIAL * some_batch)) \
'\$1 == \"records\" { n = \$2; j = n < 1024 ? int(n / 4) : 256; left = n - 2 * j; printf \"--test %.12f --dev %.12f \
--calibration %.12f\", j / n, j / (n - j), (left > k ? 1 - k / left : 0) }') \"\$OUT/$1\""
}
# parted SET SEED: sets $parted, a command that writes the set with the splits that the cell of SEED sees.
parted() {
	case $2 in fold*) some_of "data/$1.vic" "${2#fold}" ;; *) some_of "data/$1.vic" 1 ;; esac
	parted=$some
	[ -n "$TRIAL" ] || [ "$2" = "${2#fold}" ] ||
		parted="vic-split -q --cv $folds --fold ${2#fold} --dev 0.1 \"\$OUT/data/$1.vic\""
}

cell() {
	case $4 in -) CELL=cells/$1/$2/$3/$5 ;; *) CELL=cells/$1/$2/$3-$4/$5 ;; esac
	known "$CELL" && return 0
	if [ "$recipe_print" = --cost ] && [ ! -e "$OUT/$CELL" ]; then
		cost_cell "$1/$2" "$3-$4" ''
		return 0
	fi
	# (what it says of a set and a model stays the same for many cells)
	if [ "$recipe_set" != "$1 $2" ]; then
		data_set "$1" "$2" || exit 1
		recipe_set="$1 $2"
	fi
	method_of "$3" "$4"
	eval "train_options=\"$train_options\"" # what data.sh knows of the set: $epochs
	joined "$train" "$train_options"
	cell_device=$DEVICE cell_title=$3
	[ "$2" != bow ] || cell_device=cpu
	[ "$4" = - ] || cell_title="$3 $4"
	cell_seed=${5#fold} cell_stream="\"\$OUT/data/$1.vic\"" cell_command='' cell_end=''
	if [ "$cell_seed" != "$5" ] || [ -n "$TRIAL" ]; then
		parted "$1" "$5"
		cell_command="$parted > split && "
		cell_stream=split cell_end=' && rm split'
	fi
	[ -z "$TRIAL" ] || joined "$joined" --epochs=1
	train_options="-m $2 $joined --seed $cell_seed"
	cell_common="-q --threads \$THREADS --device $cell_device"
	cell_command="$cell_command""vic-train $cell_common $train_options --history history.tsv -o model $cell_stream"
	for part in test dev; do
		[ $part = test ] && cell_split=$judged || cell_split=$part
		[ $part != "$judged" ] || [ $part = test ] || continue # the test records are the set's dev
		cell_command="$cell_command && vic-predict $cell_common --split $cell_split${predict_options:+ $predict_options}"
		cell_command="$cell_command --name \"$cell_title\" model $cell_stream > $part.logits"
	done
	[ -z "$recipe_print" ] || cost_cell "$1/$2" "$3-$4" "$cell_command$cell_end"
	job "-t $CELL -i data/$1.vic" "$cell_command$cell_end"
	train_jobs="$train_jobs$job
"
	recipe_cells="$recipe_cells$1	$2	$3	$4	$5	$CELL
"
}

foreign() {
	[ "$recipe_print" != --cost ] || return 0
	known "$1/$2" && return 0
	rest=${1#cells/*/*/}
	method=${rest%/*}
	case $method in *-[0-9.]*) method_of "${method%-*}" "${method##*-}" ;; *) method_of "$method" - ;; esac
	foreign_from='' foreign_file="\"\$OUT/$3\""
	if [ -n "$TRIAL" ]; then
		some_of "$3" 1
		foreign_from="$some | " foreign_file='' predict_options="--split test $predict_options"
	fi
	job "-f -t $1/$2.logits -i $3" "${foreign_from}vic-predict -q --threads \$THREADS --device $DEVICE${predict_options:+ \
$predict_options} \"\$OUT/$1/model\"${foreign_file:+ $foreign_file} > $2.logits"
	predict_jobs="$predict_jobs$job
"
}
derive() {
	[ "$recipe_print" != --cost ] || return 0
	known "$1/$2" && return 0
	job "-f -t $1/$2.logits" "CELL=\"\$OUT/$1\"; $3 > $2.logits"
	predict_jobs="$predict_jobs$job
"
}

# Runs what was declared; returns when all of it is there. --list and --plan end here.
recipe_run() {
	case $recipe_print in
	--list) printf '%s' "$recipe_cells"; exit 0 ;;
	--plan) printf '%s%s%s' "$data_jobs" "$train_jobs" "$predict_jobs"; cost_line >&2; exit 0 ;;
	--cost) cost_line; exit 0 ;;
	esac
	recipe_dir=$OUT/$RECIPE
	mkdir -p "$recipe_dir" || exit 1
	exec 8<"$recipe_dir"
	flock -n 8 || die "another run works in $recipe_dir"
	if [ -f "$OUT/scale" ] && [ "$(cat "$OUT/scale")" != "$recipe_scale" ]; then
		die "$OUT holds trainings at --scale $(cat "$OUT/scale"), which these would replace; take another --out" 2
	fi
	echo "$recipe_scale" >"$OUT/scale"
	printf '%s' "$recipe_cells" >"$recipe_dir/cells.part"
	mv "$recipe_dir/cells.part" "$recipe_dir/cells.tsv"
	jobs_sweep
	for recipe_stage in data train predict; do
		eval "recipe_jobs=\$${recipe_stage}_jobs"
		[ -n "$recipe_jobs" ] || continue
		printf '%s' "$recipe_jobs" >"$recipe_dir/jobs.part"
		mv "$recipe_dir/jobs.part" "$recipe_dir/$recipe_stage.jobs"
		stage "$recipe_stage" || continue
		jobs_run "$recipe_stage" "$recipe_dir/$recipe_stage.jobs" ||
			die "stopped in stage $recipe_stage; the same command goes on from here"
	done
	rest=''
	! stage table || rest=table
	! stage page || rest=$rest${rest:+,}page
	if [ "$ENGINE" = slurm ]; then
		[ -z "$rest$WAIT" ] || jobs_slurm_rest
		exit 0
	fi
	[ -n "$rest" ] || exit 0
	printf '%s' "$recipe_cells" | cut -f 6 | sed 1d | while read -r folder; do
		[ -f "$OUT/$folder/command" ] || die "$OUT/$folder is not there; the stages data and train make it"
	done || exit 1
}
