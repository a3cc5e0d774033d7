#!/bin/sh
# vic-train and vic-predict on the cuda plug-in without a device: its own code and kernels, on the host (docs/GPU.md).
# What it trains is compared with ref, step by step where rounding has not yet parted them; runs are repeated, resumed on
# cpu and back. DRY names the plug-in's folder.
. "$(dirname "$0")/../cli/lib.sh"

if [ ! -f "${DRY:-}/libvic-cuda.so" ]; then
	echo '1..0 # SKIP no CUDA toolkit and cuDNN to build the plug-in with'
	exit 0
fi
DRY=$(cd "$DRY" && pwd)
# The programs look in one folder for all plug-ins.
mkdir "$T/plugins"
ln -s "$DRY"/libvic-cuda.so "$BIN"/../lib/vicinal/libvic-cpu-*.so "$T/plugins"
VIC_BACKENDS=$T/plugins
export VIC_BACKENDS
hash_of() { cksum <"$1"; }
# history FILE COLUMN: its values, a line an epoch
history() {
	awk -v name="$2" -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i; next } { print $at }' "$1"
}
# near FILE FILE TOLERANCE COLUMN: whether two histories agree in it, relative to the first
near() {
	history "$1" "$4" >"$T/near1"
	history "$2" "$4" >"$T/near2"
	[ -s "$T/near1" ] && paste "$T/near1" "$T/near2" | awk -v tol="$3" '
		{ d = $1 - $2; d = d < 0 ? -d : d; m = $1 < 0 ? -$1 : $1; if (!(d <= tol * m)) bad = 1 }
		END { exit bad }'
}

# Text.
vic-corpora synth text -q --n 240 --vocabulary 300 --dim 20 --seed 3 --to "$T/synth" >/dev/null
vic-tokenize -q --format mr "$T/synth" | vic-embed -q --vectors "$T/synth/vectors.txt" |
	vic-split -q --test 0.25 --dev 0.2 --seed 1 >"$T/text"
text() { vic-train -q --batch 20 --maps 12 --max-tokens 30 --epochs 3 "$@" "$T/text"; }
for m in '' '--mixup 0.4' '--mixup 0.4 --mixup-partner dataset' '--mixup 0.4 --mixup-mode features' \
	'--label-smoothing 0.1' '--erl 0.3' '--words static' '--words multichannel' '--optimizer sgd --lr 0.01' \
	'--optimizer adam --lr 0.001' '--optimizer sgd --momentum 0.9 --nesterov --weight-decay 1e-4 --lr 0.01'; do
	# shellcheck disable=SC2086
	text $m --device ref --history "$T/h.ref" -o "$T/ref" &&
		text $m --device cuda --precision float32 --history "$T/h.cuda" -o "$T/cuda" &&
		near "$T/h.ref" "$T/h.cuda" 1e-5 train_loss && near "$T/h.ref" "$T/h.cuda" 1e-4 dev_loss
	tap $? "text ${m:-plain}: the losses of ref" || diag "$T/h.ref" "$T/h.cuda"
done
text --mixup 0.4 --device cuda -o "$T/a"
VIC_CUDA_GRAPHS=0 text --mixup 0.4 --device cuda -o "$T/b"
same 'text: recorded steps and steps queued op by op make the same bytes' "$(hash_of "$T/a")" "$(hash_of "$T/b")"
VIC_GPU_SEED=99 text --mixup 0.4 --device cuda -o "$T/b"
same 'text: another order of streams, the same bytes' "$(hash_of "$T/a")" "$(hash_of "$T/b")"
for from in cpu cuda; do
	to=cuda
	[ $from = cpu ] || to=cpu
	vic-train -q --batch 20 --maps 12 --max-tokens 30 --mixup 0.4 --epochs 2 --precision float32 --device $from \
		--checkpoint "$T/ck" -o "$T/b" "$T/text"
	text --mixup 0.4 --device $to --precision float32 --resume "$T/ck" --history "$T/h.resumed" -o "$T/b"
	text --mixup 0.4 --device cpu --history "$T/h.cpu" -o "$T/b"
	near "$T/h.cpu" "$T/h.resumed" 1e-5 train_loss
	tap $? "text: begun on $from, resumed on $to" || diag "$T/h.cpu" "$T/h.resumed"
done
vic-predict -q --device ref "$T/a" "$T/text" | vic-cat | grep -v '^#' >"$T/p.ref"
vic-predict -q --device cuda "$T/a" "$T/text" | vic-cat | grep -v '^#' >"$T/p.cuda"
paste "$T/p.ref" "$T/p.cuda" | awk '{ for (i = 4; i <= NF / 2; i++) { d = $i - $(i + NF / 2)
	if (d > 1e-4 || d < -1e-4) bad = 1 } n++ } END { exit bad || n != 240 }'
tap $? 'text: the logits of ref'

# Images.
vic-corpora synth images -q --layout cifar --n 60 --seed 3 --to "$T/synth" >/dev/null
vic-images -q -f cifar10 "$T/synth" | vic-split -q --dev 0.2 --seed 1 >"$T/images"
images() { vic-train -q --batch 16 --epochs 2 "$@" "$T/images"; }
small='-m smallcnn --width 0.1 --lr 0.001'
for m in "$small" "$small --mixup 0.4" "$small --mixup 0.4 --mixup-partner dataset" "$small --loss bce" \
	"$small --dropout 0.3" "$small --no-nesterov" '-m smallcnn --width 0.1 --optimizer adam --lr 1e-4' \
	'-m resnet20 --width 0.25 --lr 0.001' \
	'-m preactresnet18 --width 0.07 --lr 0.001 --mixup 1 --mixup-mode manifold'; do
	# shellcheck disable=SC2086
	images $m --device ref --history "$T/h.ref" -o "$T/ref" &&
		images $m --device cuda --precision float32 --history "$T/h.cuda" -o "$T/cuda" &&
		near "$T/h.ref" "$T/h.cuda" 1e-5 train_loss && near "$T/h.ref" "$T/h.cuda" 1e-3 dev_loss
	tap $? "images $m: the losses of ref" || diag "$T/h.ref" "$T/h.cuda"
done
# shellcheck disable=SC2086
images $small --mixup 0.4 --device cuda -o "$T/a"
# shellcheck disable=SC2086
VIC_CUDA_GRAPHS=0 images $small --mixup 0.4 --device cuda -o "$T/b"
same 'images: recorded steps and steps queued op by op make the same bytes' "$(hash_of "$T/a")" "$(hash_of "$T/b")"
# Engines chosen by their times, which the fake device draws.
for seed in 1 1000; do
	# shellcheck disable=SC2086
	VIC_GPU_SEED=$seed VIC_CUDA_STATS=1 images $small --mixup 0.4 --tune --precision float32 --device cuda \
		--history "$T/h.$seed" -o "$T/m.$seed" 2>&1 |
		sed -n 's/, [0-9.]* ms$//; s/^tuned: //p' >"$T/chosen.$seed"
done
# shellcheck disable=SC2086
images $small --mixup 0.4 --device ref --history "$T/h.ref" -o "$T/ref"
[ -s "$T/chosen.1" ] && ! cmp -s "$T/chosen.1" "$T/chosen.1000" && near "$T/h.ref" "$T/h.1" 1e-5 train_loss &&
	near "$T/h.ref" "$T/h.1000" 1e-5 train_loss
tap $? 'tuned: other times choose other engines, the losses are those of ref' || diag "$T/chosen.1" "$T/h.1" "$T/h.1000"
vic-predict -q --device ref "$T/m.1" "$T/images" | vic-cat --provenance | grep -q -e '--tune'
tap $? 'tuned: the model says so'
fails 2 'tune: the device is cpu, which has no engines to choose from' 'tuned: not on the cpu' \
	images --tune --device cpu -o "$T/b"
finish
