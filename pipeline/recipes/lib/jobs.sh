# Lists of jobs, one shell line each, and the engines that run them: xargs, GNU parallel, Slurm. Sourced by recipe.sh.
# Each line makes one thing or finds it there (cell.sh), so any engine may run any of them again, and run side by side.
# The first that fails ends the list: those that run come to their end, no further one is begun.
# shellcheck disable=SC2016,SC2034,SC2154 # text for other shells; variables of recipe.sh

# What the flags of engine and devices come to: $JOBS at once (of Slurm and of other hosts only where given), each
# with $THREADS; $DEVICE and $job_device, what a line says of its devices. $ENGINE_OPTIONS are quoted words.
jobs_begin() {
	jobs_cores=$(nproc 2>/dev/null || echo 1)
	job_device=''
	case $ENGINE in
	parallel) command -v parallel >/dev/null || die 'GNU parallel is not installed (Debian: parallel)' ;;
	slurm) command -v sbatch >/dev/null || die 'Slurm is not installed (Debian: slurm-client)' ;;
	esac
	[ "$ENGINE" = parallel ] || [ -z "$SSHLOGIN$RESUME" ] || bad '--sshlogin and --resume-failed need --engine parallel'
	[ "$ENGINE" = slurm ] || [ -z "$WAIT" ] || bad '--wait needs --engine slurm; the others wait anyway'
	[ "$ENGINE" != xargs ] || [ -z "$ENGINE_OPTIONS" ] || bad 'options after -- need --engine parallel or slurm'
	[ -n "$DEVICES" ] || [ -z "$PER_DEVICE" ] || bad '--per-device needs --devices'
	if [ -n "$DEVICES" ]; then
		[ -z "$JOBS" ] || bad '--devices says how many jobs run at once (--per-device N: on each); leave out --jobs'
		[ "$ENGINE" != slurm ] || bad 'Slurm gives each job its device: --device cuda asks for one'
		case $SSHLOGIN in *,*) bad '--devices counts places on one host; run the recipe on each, or with Slurm' ;; esac
		case $DEVICE in
		auto | cuda) DEVICE=cuda ;;
		*) bad "--devices are CUDA's; --device $DEVICE is none of them" ;;
		esac
		JOBS=0
		for jobs_device in $(echo "$DEVICES" | tr , ' '); do JOBS=$((JOBS + ${PER_DEVICE:-1})); done
		job_device=" -d $DEVICES"
	elif [ "$ENGINE" = xargs ] || [ "$ENGINE$SSHLOGIN" = parallel ]; then
		JOBS=${JOBS:-$jobs_cores}
	fi
	if [ -z "$THREADS" ]; then
		[ "$ENGINE$SSHLOGIN" = slurm ] && THREADS=1 || THREADS=$((jobs_cores / ${JOBS:-$jobs_cores}))
		[ "$THREADS" -gt 0 ] || THREADS=1
	fi
}

# jobs_run STAGE FILE: runs the lines of FILE. With Slurm they are queued, after those of the stage before.
jobs_run() {
	say "$(wc -l <"$2") jobs of stage $1${JOBS:+, $JOBS at a time}"
	"jobs_$ENGINE" "$1" "$2"
}

# (With status 255 xargs would end at once, and leave those that run to themselves.)
jobs_xargs() {
	rm -f "$recipe_dir/failed"
	xargs -d '\n' -n 1 -P "$JOBS" --process-slot-var=VIC_SLOT sh -c \
		'[ -e "$0" ] || eval "$1" || { : >"$0"; exit 1; }' "$recipe_dir/failed" <"$2" 8<&- && return
	rm -f "$recipe_dir/failed"
	return 1
}

jobs_parallel() {
	jobs_stage=$1 jobs_file=$2
	eval "set -- $ENGINE_OPTIONS"
	parallel --will-cite --halt soon,fail=1 --joblog "$recipe_dir/$jobs_stage.joblog" ${JOBS:+-j "$JOBS"} \
		${SSHLOGIN:+--sshlogin "$SSHLOGIN"} ${RESUME:+--resume-failed} "$@" 'VIC_SLOT={%}; export VIC_SLOT; eval {}' \
		<"$jobs_file" >&2 8<&-
}

# jobs_submit NAME OPTION...: queues the script on stdin after $jobs_after, and prints its number.
jobs_submit() {
	jobs_name=$1
	shift
	jobs_id=$(sbatch --parsable --job-name="$RECIPE-$jobs_name" ${jobs_after:+--dependency="afterok$jobs_after"} \
		--kill-on-invalid-dep=yes --chdir="$OUT" --open-mode=append "$@") || return 1
	echo "${jobs_id%%;*}"
}
# jobs_log NAME: sets $jobs_log, a file for what jobs say, as Slurm and as a shell has it.
jobs_log() {
	mkdir -p "$recipe_dir/logs"
	quoted "$recipe_dir/logs/$1"
	jobs_log=$(printf '%s' "$recipe_dir/logs/$1" | sed 's/%/%%/g')
}
# The script of an array: lines FIRST to LAST of FILE. It travels whole: Slurm copies it, so whatever becomes of the file
# meanwhile, the jobs are these. A task that did its work removes its log; one that failed leaves it, and takes those that
# wait with it.
jobs_array() {
	cat <<END
#!/bin/sh
log=$quoted\$SLURM_ARRAY_TASK_ID
eval "\$(sed '1,/^exit/d' "\$0" | sed -n "\${SLURM_ARRAY_TASK_ID}p")" && rm -f "\$log" && exit
scancel --state=PENDING "\$SLURM_ARRAY_JOB_ID"
exit 1
END
	sed -n "$1,$2p" "$3"
}

jobs_slurm() {
	jobs_stage=$1 jobs_file=$2 jobs_ids=''
	jobs_most=$(scontrol show config | sed -n 's/^MaxArraySize *= *//p')
	jobs_most=$((${jobs_most:-1001} - 1)) jobs_first=1 jobs_lines=$(wc -l <"$jobs_file")
	eval "set -- $ENGINE_OPTIONS"
	case $DEVICE in cuda*) set -- --gres=gpu:1 "$@" ;; esac
	while [ $jobs_first -le "$jobs_lines" ]; do
		jobs_last=$((jobs_first + jobs_most - 1))
		[ $jobs_last -le "$jobs_lines" ] || jobs_last=$jobs_lines
		jobs_log "$jobs_stage-$jobs_first-"
		jobs_id=$(jobs_array $jobs_first "$jobs_last" "$jobs_file" | jobs_submit "$jobs_stage" \
			--array="1-$((jobs_last - jobs_first + 1))${JOBS:+%$JOBS}" --cpus-per-task="$THREADS" --output="$jobs_log%a" "$@")
		[ -n "$jobs_id" ] || return 1
		jobs_ids=$jobs_ids:$jobs_id
		jobs_first=$((jobs_last + 1))
	done
	jobs_after=$jobs_ids
	say "queued: stage $jobs_stage, Slurm's job$jobs_ids"
}

# What comes after the jobs of Slurm: the recipe's stages $rest, or nothing but their end, as one more job. Its log is
# there until it succeeded: of a job that a failure before it took along, sbatch --wait says nothing.
jobs_slurm_rest() {
	jobs_log rest
	jobs_script="rm -f $quoted"
	if [ -n "$rest" ]; then
		quoted "$(cd "$(dirname "$recipe_script")" && pwd)/$(basename "$recipe_script")"
		jobs_script="sh $quoted$recipe_again --stage $rest && $jobs_script"
		say "queued: then stage $rest"
	fi
	: >"$recipe_dir/logs/rest"
	exec 8<&- # that job takes the lock
	eval "set -- $ENGINE_OPTIONS"
	jobs_rest=0
	printf '#!/bin/sh\n%s\n' "$jobs_script" | jobs_submit rest ${WAIT:+--wait} --output="$jobs_log" "$@" >/dev/null ||
		jobs_rest=1
	[ -z "$WAIT" ] || [ ! -e "$recipe_dir/logs/rest" ] || jobs_rest=1
	[ $jobs_rest = 0 ] ||
		die "failed; what the jobs said is in $recipe_dir/logs, what the trainings said beside them in $OUT/cells"
}

# The parts that a killed run left, of cells that this one may not have: those whose lock nobody holds.
jobs_sweep() {
	find "$OUT/cells" "$OUT/data" -type d \( -name '*.part' -o -name '*.part.old' \) -prune 2>/dev/null |
		while read -r part; do flock -n "$part/lock" rm -rf "$part" || true; done
}
