#!/bin/sh
# Tries and times the cuda plug-in on this machine's graphics card, most telling things first, each with a time limit, so
# that an early end still leaves results. Writes RESULTS/log.txt and RESULTS/table.tsv. Status 1 when anything failed or
# was skipped. Takes about ten minutes.
# usage: run.sh RESULTS
set -u
kit=$(cd "$(dirname "$0")" && pwd)
mkdir -p "${1:?usage: run.sh RESULTS}"
results=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$results/log.txt
table=$results/table.tsv
bad=0
# cuDNN, cuBLAS and the runtime: those of the system, else those that Python's wheels brought.
wheels=$(python3 -c '
import glob, site
for d in site.getsitepackages() + [site.getusersitepackages()]:
    for f in glob.glob(d + "/nvidia/*/lib"): print(f)' 2>/dev/null | tr '\n' ':')
LD_LIBRARY_PATH=$kit/libraries:$wheels${LD_LIBRARY_PATH:-}
PATH=$kit/bin:$PATH
export LD_LIBRARY_PATH PATH
: >"$log"
printf 'what\tresult\n' >"$table"

say() { echo "== $(date +%T) $*" | tee -a "$log"; }
# step NAME SECONDS COMMAND...: one line of the table; output goes to the log
step() {
	name=$1 limit=$2
	shift 2
	say "$name"
	if timeout "$limit" "$@" >"$work/out" 2>&1; then s=ok; else
		s="FAILED ($?)"
		bad=1
	fi
	cat "$work/out" >>"$log"
	printf '%s\t%s\n' "$name" "$s" | tee -a "$table"
}
skipped() {
	printf '%s\tSKIPPED: %s\n' "$1" "$2" | tee -a "$table"
	bad=1
}
now() { date +%s.%N; }
# rate NAME RECORDS EPOCHS COMMAND...: records a second, from the difference of a run of 1 epoch and one of 1 + EPOCHS
rate() {
	name=$1 records=$2 epochs=$3
	shift 3
	t0=$(now)
	timeout 90 "$@" --epochs 1 -o "$work/m" >>"$log" 2>&1 || { skipped "$name" 'it failed'; return; }
	t1=$(now)
	timeout 120 "$@" --epochs $((epochs + 1)) -o "$work/m" >>"$log" 2>&1 || { skipped "$name" 'it failed'; return; }
	t2=$(now)
	echo "$t0 $t1 $t2 $records $epochs" | awk -v name="$name" '{ d = ($3 - $2) - ($2 - $1)
		printf "%s\t%.0f records/s\n", name, $4 * $5 / d }' | tee -a "$table"
}
equal() { cmp "$1" "$2"; }
near() { # the last column of two histories
	paste "$1" "$2" | awk -F '\t' 'NR > 1 { d = $3 - $(3 + NF / 2); if (d < 0) d = -d; if (!(d <= 1e-4 * $3)) bad = 1 }
		END { exit bad || NR < 2 }'
}

step 'the card' 30 nvidia-smi
step 'the engine' 60 sh -c 'vic-train --version | grep "engine: cuda"'
for t in "$kit"/tests/test_gpu_*; do
	step "$(basename "$t"): ops against ref" 120 env VIC_BACKENDS="$kit/lib/vicinal" "$t"
done

vic-corpora synth images -q --layout cifar --n 10000 --seed 3 --to "$work/cifar" >/dev/null &&
	vic-images -q -f cifar10 "$work/cifar" >"$work/images"
vic-corpora synth text -q --n 20000 --vocabulary 20000 --dim 300 --seed 3 --to "$work/synth" >/dev/null &&
	vic-tokenize -q --format mr "$work/synth" | vic-embed -q --vectors "$work/synth/vectors.txt" >"$work/text"
vic-corpora synth images -q --layout cifar --n 2560 --seed 3 --to "$work/small" >/dev/null &&
	vic-images -q -f cifar10 "$work/small" >"$work/few"

step 'ResNet-18, 20 steps on cpu' 120 vic-train -q -m resnet18 --width 0.25 --lr 0.001 --epochs 1 --batch 128 --device cpu \
	--history "$work/h.cpu" -o "$work/m" "$work/few"
step 'ResNet-18, 20 steps on cuda' 120 vic-train -q -m resnet18 --width 0.25 --lr 0.001 --epochs 1 --batch 128 \
	--device cuda --precision float32 --history "$work/h.cuda" -o "$work/m" "$work/few"
step 'ResNet-18: the losses of cpu' 5 near "$work/h.cpu" "$work/h.cuda"
for p in float32 tf32 bf16; do
	step "ResNet-18 $p, once" 60 vic-train -q -m resnet18 --mixup 0.4 --epochs 1 --device cuda --precision $p \
		-o "$work/a" "$work/few"
	step "ResNet-18 $p, again" 60 vic-train -q -m resnet18 --mixup 0.4 --epochs 1 --device cuda --precision $p \
		-o "$work/b" "$work/few"
	step "ResNet-18 $p: the same bytes" 5 equal "$work/a" "$work/b"
done
step 'Kim-CNN, once' 60 vic-train -q --mixup 0.4 --epochs 1 --device cuda -o "$work/a" "$work/text"
step 'Kim-CNN, recorded steps off' 60 env VIC_CUDA_GRAPHS=0 vic-train -q --mixup 0.4 --epochs 1 --device cuda \
	-o "$work/b" "$work/text"
step 'Kim-CNN: the same bytes' 5 equal "$work/a" "$work/b"

for p in float32 tf32 bf16; do
	rate "ResNet-18, 128, $p" 10000 4 vic-train -q -m resnet18 --batch 128 --mixup 0.4 --device cuda --precision $p \
		"$work/images"
done
rate 'VGG-16, 128, bf16' 10000 4 vic-train -q -m vgg16 --batch 128 --device cuda --precision bf16 "$work/images"
rate 'ResNet-20, 128, bf16' 10000 8 vic-train -q -m resnet20 --batch 128 --device cuda --precision bf16 "$work/images"
rate 'Kim-CNN, 50, tf32' 20000 8 vic-train -q --mixup 0.4 --device cuda "$work/text"
if python3 -c 'import torch; torch.zeros(1).cuda()' 2>/dev/null; then
	say 'PyTorch'
	timeout 200 python3 "$kit/peer.py" 2>>"$log" | tee -a "$table" || bad=1
else
	skipped 'PyTorch' 'no torch with a device'
fi
sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | head -1)
if [ -n "$sanitizer" ]; then
	for tool in memcheck racecheck; do
		step "compute-sanitizer $tool" 120 env VIC_BACKENDS="$kit/lib/vicinal" "$sanitizer" --tool $tool \
			--error-exitcode 9 "$kit/tests/test_gpu_ops"
	done
else
	skipped 'compute-sanitizer' 'it is not there'
fi
ncu=$(command -v ncu || ls /usr/local/cuda*/bin/ncu 2>/dev/null | head -1)
if [ -n "$ncu" ]; then
	step 'ncu of one eager step' 120 env VIC_CUDA_GRAPHS=0 "$ncu" --launch-skip 400 --launch-count 150 vic-train -q \
		-m resnet18 --epochs 1 --device cuda --precision bf16 -o "$work/m" "$work/few"
else
	skipped 'ncu' 'it is not there'
fi
say "done: $table"
exit $bad
