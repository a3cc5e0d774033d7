#!/bin/sh
# vic-train and vic-predict on the cuda plug-in without a device: its own code and kernels, on the host (docs/GPU.md).
# What it trains is compared with ref, step by step where rounding has not yet parted them; runs are repeated, resumed on
# cpu and back. DRY names the plug-in's folder.
. "$(dirname "$0")/dry.sh"

# Text.
vic-corpora synth text -q --n 240 --vocabulary 300 --dim 20 --seed 3 --to "$T/synth" >/dev/null
vic-tokenize -q --format mr "$T/synth" | vic-embed -q --vectors "$T/synth/vectors.txt" |
	vic-split -q --test 0.25 --dev 0.2 --seed 1 >"$T/text"
text() { vic-train -q --batch 20 --maps 12 --max-tokens 30 --epochs 3 "$@" "$T/text"; }
for m in '' '--mixup 0.4' '--mixup 0.4 --mixup-partner dataset' '--mixup 0.4 --mixup-mode features' \
	'--mixup 0.4 --mixup-mode sentence' '--label-smoothing 0.1' '--erl 0.3' '--words static' \
	'--words multichannel' '--optimizer sgd --lr 0.01' \
	'--optimizer adamw --lr 0.001 --clip-norm 0.05' '--clip-norm 0.1' '--ema 0.9' '--optimizer adam --lr 0.001' '--optimizer sgd --momentum 0.9 --nesterov --weight-decay 1e-4 --lr 0.01'; do
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
# A device that refuses to record, at each point where it can.
said() { grep -c '^vic-[a-z]*: cuda: a pass could not be recorded (.*): all are queued op by op from here on' "$1"; }
vic-predict --mc-dropout 4 --device cuda "$T/a" "$T/text" >"$T/p.a" 2>"$T/e"
same 'recorded passes: nothing is said' 0 "$(said "$T/e")"
for where in begin ops end instantiate; do
	VIC_GPU_REFUSES=$where vic-train --batch 20 --maps 12 --max-tokens 30 --epochs 3 --mixup 0.4 --device cuda -o "$T/b" \
		"$T/text" 2>"$T/e"
	same "text: recording is refused ($where), which is said once" 1 "$(said "$T/e")"
	same "text: recording is refused ($where), the same bytes" "$(hash_of "$T/a")" "$(hash_of "$T/b")"
	VIC_GPU_REFUSES=$where vic-predict --mc-dropout 4 --device cuda "$T/a" "$T/text" >"$T/p.b" 2>"$T/e"
	[ "$(said "$T/e")" = 1 ] && cmp -s "$T/p.a" "$T/p.b"
	tap $? "text: recording is refused ($where), predictions are the same and it is said once" || diag "$T/e"
done
VIC_GPU_REFUSES=begin text --mixup 0.4 --device cuda -o "$T/b" 2>"$T/e"
same 'text: recording is refused, --quiet keeps silent' '' "$(cat "$T/e")"
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
vic-train -q --batch 20 --maps 12 --max-tokens 30 --mixup 0.4 --epochs 2 --device cuda --checkpoint "$T/ck" -o "$T/b" "$T/text"
text --mixup 0.4 --device cuda --resume "$T/ck" -o "$T/b"
same 'text: resumed, the same bytes' "$(hash_of "$T/a")" "$(hash_of "$T/b")"
# The average changes places with the weights, which must be those of before in the next step, recorded or not.
text --ema 0.9 --device cuda -o "$T/c"
VIC_CUDA_GRAPHS=0 text --ema 0.9 --device cuda -o "$T/b"
same 'text, averaged: recorded steps and steps queued op by op make the same bytes' "$(hash_of "$T/c")" "$(hash_of "$T/b")"
vic-train -q --batch 20 --maps 12 --max-tokens 30 --ema 0.9 --epochs 2 --device cuda --checkpoint "$T/ck" -o "$T/b" "$T/text"
text --ema 0.9 --device cuda --resume "$T/ck" -o "$T/b"
same 'text, averaged: resumed, the same bytes' "$(hash_of "$T/c")" "$(hash_of "$T/b")"
predicts 240 'text' "$T/a" "$T/text"
predicts 240 'text, passes with dropout' --mc-dropout 3 "$T/a" "$T/text"

# Images.
vic-corpora synth images -q --layout cifar --n 60 --seed 3 --to "$T/synth" >/dev/null
vic-images -q -f cifar10 "$T/synth" | vic-split -q --dev 0.2 --seed 1 >"$T/images"
images() { vic-train -q --batch 16 --epochs 2 "$@" "$T/images"; }
small='-m smallcnn --width 0.1 --lr 0.001'
for m in "$small" "$small --mixup 0.4" "$small --mixup 0.4 --mixup-partner dataset" "$small --loss bce" \
	"$small --dropout 0.3" "$small --no-nesterov" '-m smallcnn --width 0.1 --optimizer adam --lr 1e-4' \
	'-m resnet20 --width 0.25 --lr 0.001' \
	'-m resnet20 --width 0.25 --lr 0.001 --ema 0.9' \
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
# shellcheck disable=SC2086
images $small --ema 0.9 --precision bf16 --device cuda -o "$T/c"
# shellcheck disable=SC2086
VIC_CUDA_GRAPHS=0 images $small --ema 0.9 --precision bf16 --device cuda -o "$T/b"
same 'images, averaged: recorded steps and steps queued op by op make the same bytes' "$(hash_of "$T/c")" "$(hash_of "$T/b")"
# shellcheck disable=SC2086
vic-train -q --batch 16 $small --mixup 0.4 --epochs 1 --device cuda --checkpoint "$T/ck" -o "$T/b" "$T/images"
# shellcheck disable=SC2086
images $small --mixup 0.4 --device cuda --resume "$T/ck" -o "$T/b"
same 'images: resumed, the same bytes' "$(hash_of "$T/a")" "$(hash_of "$T/b")"
for from in cpu cuda; do
	to=cuda
	[ $from = cpu ] || to=cpu
	# shellcheck disable=SC2086
	vic-train -q --batch 16 $small --mixup 0.4 --epochs 1 --precision float32 --device $from --checkpoint "$T/ck" -o "$T/b" \
		"$T/images"
	# shellcheck disable=SC2086
	images $small --mixup 0.4 --device $to --precision float32 --resume "$T/ck" --history "$T/h.resumed" -o "$T/b"
	# shellcheck disable=SC2086
	images $small --mixup 0.4 --device cpu --history "$T/h.cpu" -o "$T/b"
	near "$T/h.cpu" "$T/h.resumed" 1e-5 train_loss
	tap $? "images: begun on $from, resumed on $to" || diag "$T/h.cpu" "$T/h.resumed"
done
# shellcheck disable=SC2086
images $small --dropout 0.3 --device cpu -o "$T/a"
predicts 72 'images' "$T/a" "$T/images"
predicts 72 'images, passes with dropout' --mc-dropout 3 "$T/a" "$T/images"
# Engines chosen by their times, which the fake device draws.
for seed in 1 1000; do
	# shellcheck disable=SC2086
	VIC_GPU_SEED=$seed VIC_CUDA_STATS=1 vic-train --batch 16 --epochs 2 $small --mixup 0.4 --tune --precision float32 \
		--device cuda --history "$T/h.$seed" -o "$T/m.$seed" "$T/images" 2>&1 |
		sed -n 's/, [0-9.]* ms$//; s/^vic-train: cuda: tuned: //p' >"$T/chosen.$seed"
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
