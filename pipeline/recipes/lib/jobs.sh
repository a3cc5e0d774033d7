# Lists of jobs, one shell line each, and the engines that run them: xargs. Sourced by recipe.sh.
# shellcheck disable=SC2016,SC2154 # text for other shells; variables of recipe.sh

jobs_begin() {
	jobs_cores=$(nproc 2>/dev/null || echo 1)
	JOBS=${JOBS:-$jobs_cores}
	THREADS=$((jobs_cores / JOBS))
	[ $THREADS -gt 0 ] || THREADS=1
}

# jobs_run FILE: runs its lines, $JOBS at a time. The first that fails ends it: those that run come to their end, no
# further one is begun.
jobs_run() {
	say "$(wc -l <"$1") jobs of $1, $JOBS at a time"
	# (255 is what xargs ends for; what it says of that is said better)
	xargs -d '\n' -n 1 -P "$JOBS" sh -c 'eval "$1" 2>&3 || exit 255' sh <"$1" 3>&2 2>/dev/null 8<&-
}

# The parts that a killed run left, of cells that this one may not have: those whose lock nobody holds.
jobs_sweep() {
	find "$OUT/cells" "$OUT/data" -type d \( -name '*.part' -o -name '*.part.old' \) -prune 2>/dev/null | while read -r part; do
		flock -n "$part/lock" rm -rf "$part" || true
	done
}

jobs_plan() {
	printf '%s%s%s' "$data_jobs" "$train_jobs" "$predict_jobs"
	say "$n_cells trainings"
}
