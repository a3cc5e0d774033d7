# What the recipes share: where programs and data are, and how a command is shown before it runs. Sourced, not run.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
BIN=${BIN:-$root/build/bin}
PATH=$BIN:$PATH
export PATH
JOBS=${JOBS:-$(nproc 2>/dev/null || echo 1)}
unset LC_ALL
LC_NUMERIC=C
export LC_NUMERIC
[ -x "$BIN/vic-train" ] || { echo "recipes: no programs in $BIN; run make first" >&2; exit 1; }

# Runs a command line (one string: pipes and redirections are part of it) after showing it.
run() {
	printf '+ %s\n' "$1" >&2
	eval "$1"
}

# The folder under the data folders that holds a file: find_data mr/rt-polarity.pos prints .../mr. Fails when there is
# none.
find_data() {
	for d in "${VIC_DATA:-}" data ../shared/data "$root/data" "$root/../shared/data"; do
		[ -n "$d" ] && [ -e "$d/$1" ] && { dirname "$d/$1"; return 0; }
	done
	return 1
}

# Vectors of MR's usual size: any GloVe file found, best first. Prints its path.
find_vectors() {
	for f in glove/glove.6B.300d.txt glove.6B/glove.6B.300d.txt glove/glove.6B.100d.txt glove.6B/glove.6B.100d.txt \
		glove/glove.6B.100d.subset.txt.gz; do
		d=$(find_data "$f") && { echo "$d/$(basename "$f")"; return 0; }
	done
	return 1
}

# CIFAR-10's binary files: as vic-corpora fetch lays them, unpacked by hand, or still
# packed. What vic-images takes.
find_cifar() {
	for f in cifar-10/data_batch_1.bin cifar-10-batches-bin/data_batch_1.bin; do
		find_data "$f" && return 0
	done
	for f in cifar-10-binary.tar.gz cifar-10/cifar-10-binary.tar.gz cifar-10/cifar-10-binary-subset.tar.gz; do
		d=$(find_data "$f") && { echo "$d/$(basename "$f")"; return 0; }
	done
	return 1
}

# in_parallel FUNCTION ARG...: runs the function once for each argument, JOBS at a time; fails when one of them did.
# Each run is a background shell, so the commands inside use one thread each (JOBS > 1).
in_parallel() {
	f=$1
	shift
	pids= running=0 failed=0
	for arg in "$@"; do
		"$f" "$arg" &
		pids="$pids $!"
		running=$((running + 1))
		if [ "$running" -ge "$JOBS" ]; then
			first=${pids# }
			first=${first%% *}
			wait "$first" || failed=1
			pids=${pids# }
			pids=${pids#"$first"}
			running=$((running - 1))
		fi
	done
	for p in $pids; do
		wait "$p" || failed=1
	done
	return $failed
}
THREADS=$([ "$JOBS" -gt 1 ] && echo 1 || echo 0)
