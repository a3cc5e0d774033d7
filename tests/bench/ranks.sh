#!/bin/sh
# What ranks cost on this machine: the whole table of docs/CLUSTER.md in one go, 1, 2 and 4 ranks under mpirun. ResNet-20
# with mixup on pictures that are made here, one epoch, one thread a rank; processor time (user and system, of mpirun and
# all ranks) is the median of so many runs, and what meetings and sums take is the least of 31 (ranks_rate). Ends with
# status 1 where the ranks' bytes differ. After: make && make unit && make build/tests/bench/ranks_rate
#   RANKS    how many, in this order
#   REPEATS  runs of each
#   RECORDS  pictures; a tenth of them is for dev
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
BIN=${BIN:-$root/build/bin} RATE=${RATE:-$root/build/tests/bench/ranks_rate}
: "${RANKS:=1 2 4}" "${REPEATS:=5}" "${RECORDS:=1200}"
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM
export TMPDIR=/tmp OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export VIC_BACKENDS="${VIC_BACKENDS:-$BIN/../lib/vicinal}"
PATH=$BIN:$PATH
case $(mpirun --version 2>&1) in
*'Open MPI'* | *OpenRTE*) mpi() { mpirun --oversubscribe --bind-to none -np "$@"; } ;;
*) mpi() { mpirun -np "$@"; } ;;
esac
cd "$T"
vic-corpora synth images -q --layout cifar --n "$RECORDS" --seed 3 --to synth >/dev/null
vic-images -q -f cifar10 --only train synth | vic-split -q --dev 0.1 --seed 1 >images
records=$((RECORDS * 9 / 10))
train() {
	mpi "$1" vic-train -q --threads 1 --shards 4 -m resnet20 --batch 128 --mixup 0.4 --epochs 1 --history "h$1" \
		-o "m$1" images >/dev/null
}
# Seconds of processor time of all that the shell which said `times` has waited for.
seconds() { tail -1 | tr 'ms' '  ' | awk '{ print 60 * ($1 + $3) + $2 + $4 }'; }
median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
echo "$(nproc) cores; load over 1, 5 and 15 minutes: $(uptime | sed 's/.*average: //')"
echo "$records pictures of 32x32 to train on, runs of each: $REPEATS"
echo
echo '| ranks | processor time | images a second of it | bytes | a meeting | sum of 100,000 floats | of 275,000 a step |'
echo '|---|---|---|---|---|---|---|'
first='' differ=0
for r in $RANKS; do
	: >times
	for i in $(seq "$REPEATS"); do
		(train "$r" && times) >spent
		seconds <spent >>times
	done
	spent=$(median <times)
	sums=$(cksum <"m$r")$(cksum <"h$r")
	first=${first:-$sums}
	same='the same'
	[ "$sums" = "$first" ] || { same=DIFFERENT && differ=1; }
	mpi "$r" "$RATE" >rate
	awk -v r="$r" -v s="$spent" -v n="$records" -v same="$same" '
		$2 == 0 { meet = $3 }
		$2 == 100000 { some = $3 }
		$2 == 275000 { all = $3 }
		END { printf "| %d | %.2f s | %.0f | %s | %.3f ms | %.2f ms | %.2f ms |\n", r, s, n / s, same, meet, some, all }' rate
done
exit $differ
