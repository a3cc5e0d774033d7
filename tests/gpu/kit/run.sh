#!/bin/sh
# Tries and times the cuda plug-in on this machine's graphics card, most telling things first, each with a time limit,
# so that an early end still leaves results. Writes RESULTS/log.txt and RESULTS/table.tsv. Status 1 when anything failed or
# was skipped. Takes ten minutes at most.
# usage: run.sh RESULTS    KIT_SECONDS=570 in all; KIT_RECORDS=10000 images and KIT_WIDTH=1 of networks: less of either
# is for a rehearsal without a card
set -u
kit=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?usage: run.sh RESULTS}" || exit 1
results=$(cd "$1" && pwd)
images=${KIT_RECORDS:-10000} width=${KIT_WIDTH:-1}
few=$((images < 2560 ? images : 2560)) texts=$((images * 2))
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
log=$results/log.txt
table=$results/table.tsv
begin=$(date +%s)
bad=0
# cuDNN, cuBLAS and the runtime: those of the system, else those that Python's wheels brought.
wheels=$(python3 -c '
import glob, site
for d in site.getsitepackages() + [site.getusersitepackages()]:
    for f in glob.glob(d + "/nvidia/*/lib"): print(f)' 2>/dev/null | tr '\n' ':')
LD_LIBRARY_PATH=$kit/libraries:$wheels${LD_LIBRARY_PATH:-}
PATH=$kit/bin:$PATH
VIC_BACKENDS=$kit/lib/vicinal
CMOCKA_MESSAGE_OUTPUT=TAP
export LD_LIBRARY_PATH PATH VIC_BACKENDS CMOCKA_MESSAGE_OUTPUT
: >"$log"
printf 'what\tresult\n' >"$table"

row() { printf '%s\t%s\n' "$1" "$2" | tee -a "$table"; }
skipped() {
	row "$1" "SKIPPED: $2"
	bad=1
}
# limited SECONDS COMMAND...: no longer than that, nor than there is time in all; output goes to $work/out and the log
limited() {
	left=$((begin + ${KIT_SECONDS:-570} - $(date +%s)))
	limit=$(($1 < left ? $1 : left))
	shift
	[ "$limit" -gt 0 ] || { echo 'no time is left' >"$work/out"; return 124; }
	echo "== $(date +%T) $*" >>"$log"
	timeout "$limit" "$@" >"$work/out" 2>&1
	status=$?
	cat "$work/out" >>"$log"
	return $status
}
verdict() {
	case $2 in
	0) if grep -q '# SKIP' "$work/out"; then skipped "$1" 'some of it, see the log'; else row "$1" ok; fi ;;
	*)
		row "$1" "FAILED ($2): $(tail -n 1 "$work/out" | cut -c 1-120)"
		bad=1
		;;
	esac
}
# step NAME SECONDS COMMAND...: one line of the table
step() {
	name=$1
	shift
	limited "$@"
	verdict "$name" $?
}
# check NAME FUNCTION ARGUMENTS...: the same of one of these
check() {
	name=$1
	shift
	"$@" >"$work/out" 2>&1
	verdict "$name" $?
}
now() { date +%s.%N; }
# rate NAME RECORDS EPOCHS COMMAND...: records a second, from the difference of a run of 1 epoch and one of 1 + EPOCHS
rate() {
	name=$1 records=$2 more=$3
	shift 3
	t0=$(now)
	limited 90 "$@" --epochs 1 -o "$work/m" || { verdict "$name" $?; return; }
	t1=$(now)
	limited 90 "$@" --epochs $((more + 1)) -o "$work/m" || { verdict "$name" $?; return; }
	row "$name" "$(echo "$t0 $t1 $(now)" | awk -v n=$((records * more)) '{
		printf "%.0f records/s", n / ($3 - $2 - ($2 - $1)) }')"
}
equal() { cmp "$1" "$2"; }
# train_loss of two histories, the third of their columns, within a thousandth
near() {
	paste "$1" "$2" | awk -F '\t' 'NR > 1 { d = $3 - $(3 + NF / 2); if (d < 0) d = -d; print $3, $(3 + NF / 2)
		if (!(d <= 1e-3 * $3)) bad = 1 } END { exit bad || NR < 2 }'
}
synth_images() { # COUNT FILE
	vic-corpora synth images -q --layout cifar --n "$1" --seed 3 --to "$work/cifar" >/dev/null &&
		vic-images -q -f cifar10 "$work/cifar" >"$2" && rm -r "$work/cifar"
}
synth_text() {
	vic-corpora synth text -q --n "$texts" --vocabulary 20000 --dim 300 --seed 3 --to "$work/synth" >/dev/null &&
		vic-tokenize -q --format mr "$work/synth" |
		vic-embed -q --vectors "$work/synth/vectors.txt" >"$work/text"
}

step 'the card' 30 nvidia-smi
step 'the engine' 60 sh -c 'vic-train --version | tee /dev/stderr | grep "^engine: cuda"'
for t in ops text update conv bf16 norm; do
	step "ops against ref: test_gpu_$t" 100 "$kit/tests/test_gpu_$t"
done
check 'data' synth_images "$images" "$work/images"
check 'data: few' synth_images "$few" "$work/few"
check 'data: text' synth_text

narrow=$(awk -v w="$width" 'BEGIN { print w / 4 }')
for d in cpu cuda; do
	step "ResNet-18 of width $narrow, 20 steps on $d" 100 vic-train -q -m resnet18 --width "$narrow" --lr 0.001 \
		--epochs 1 --device $d --precision float32 --history "$work/h.$d" -o "$work/m" "$work/few"
done
check 'the losses of both' near "$work/h.cpu" "$work/h.cuda"
for p in float32 tf32 bf16; do
	for run in a b; do
		step "ResNet-18 $p, run $run" 60 vic-train -q -m resnet18 --width "$width" --mixup 0.4 --epochs 1 \
			--device cuda --precision $p -o "$work/$run" "$work/few"
	done
	check "ResNet-18 $p: the same bytes" equal "$work/a" "$work/b"
done
step 'Kim-CNN' 60 vic-train -q --mixup 0.4 --epochs 1 --device cuda -o "$work/a" "$work/text"
step 'Kim-CNN, recordings off' 60 env VIC_CUDA_GRAPHS=0 vic-train -q --mixup 0.4 --epochs 1 --device cuda \
	-o "$work/b" "$work/text"
check 'Kim-CNN: the same bytes' equal "$work/a" "$work/b"

for p in float32 tf32 bf16; do
	rate "ResNet-18, 128, $p" "$images" 6 vic-train -q -m resnet18 --width "$width" --mixup 0.4 --device cuda \
		--precision $p "$work/images"
done
rate 'ResNet-18, 128, bf16, norm by cuDNN' "$images" 6 env VIC_CUDA_NORM=cudnn vic-train -q -m resnet18 \
	--width "$width" --mixup 0.4 --device cuda --precision bf16 "$work/images"
rate 'VGG-16, 128, bf16' "$images" 6 vic-train -q -m vgg16 --width "$width" --device cuda \
	--precision bf16 "$work/images"
rate 'ResNet-20, 128, bf16' "$images" 12 vic-train -q -m resnet20 --width "$width" --device cuda \
	--precision bf16 "$work/images"
rate 'Kim-CNN, 50, tf32' "$texts" 8 vic-train -q --mixup 0.4 --device cuda "$work/text"
step 'PyTorch' 150 python3 "$kit/peer.py"
sed -n '/records\/s$/p' "$work/out" | tee -a "$table"

# tool NAME: where it is, or nothing
tool() { command -v "$1" || ls /usr/local/cuda*/bin/"$1" /opt/nvidia/*/"$1" 2>/dev/null | head -n 1; }
sanitizer=$(tool compute-sanitizer)
for t in memcheck racecheck; do
	if [ -n "$sanitizer" ]; then
		step "compute-sanitizer $t" 80 "$sanitizer" --tool $t --error-exitcode 9 "$kit/tests/test_gpu_ops"
	else
		skipped "compute-sanitizer $t" 'it is not there'
	fi
done
ncu=$(tool ncu)
if [ -n "$ncu" ]; then
	# steps 4 and 5 of about 234 launches each, op by op
	step 'ncu' 80 env VIC_CUDA_GRAPHS=0 "$ncu" --launch-skip 940 --launch-count 470 --csv --metrics \
		gpu__time_duration.sum,dram__throughput.avg.pct_of_peak_sustained_elapsed vic-train -q -m resnet18 \
		--width "$width" --epochs 1 --device cuda --precision bf16 -o "$work/m" "$work/few"
	cp "$work/out" "$results/ncu.csv"
else
	skipped 'ncu' 'it is not there'
fi
echo "done in $(($(date +%s) - begin)) s: $table"
exit $bad
