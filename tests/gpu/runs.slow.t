#!/bin/sh
# Longer trainings of the cuda plug-in without a device: bf16 beside float32 over 200 steps; slices of Fashion-MNIST and
# MR beside ref, where the data are there. DRY names the plug-in's folder.
. "$(dirname "$0")/dry.sh"

# 80 images: 5 steps an epoch. The last 20 steps are 4 epochs.
vic-corpora synth images -q --n 80 --noise 0.1 --seed 3 --to "$T/synth" >/dev/null
vic-images -q -f idx "$T/synth" --only train >"$T/images"
for p in float32 bf16; do
	vic-train -q -m smallcnn --width 0.1 --batch 16 --epochs 40 --lr 0.02 --device cuda --precision $p \
		--history "$T/h.$p" -o "$T/$p" "$T/images" 2>"$T/said" || diag "$T/said"
	history "$T/h.$p" train_loss | awk 'NR == 1 { first = $1 } NR > 36 { sum += $1 } END { print first, sum / 4, NR }' >"$T/$p.loss"
done
# Both have learnt something, and are not the same run.
paste "$T/float32.loss" "$T/bf16.loss" | awk '{ d = $2 / $5 - 1; d = d < 0 ? -d : d
	exit !(d <= 0.02 && d > 0 && $2 < 0.8 * $1 && $3 == 40 && $6 == 40) }'
tap $? '200 steps in bf16 end at the loss of float32, within 2 %' || diag "$T/float32.loss" "$T/bf16.loss"

# beside WHAT OPTIONS... STREAM: three epochs at a rate so small that rounding does not part the two.
beside() {
	beside_what=$1
	rm -f "$T/h.ref" "$T/h.cuda"
	shift
	for d in ref cuda; do
		vic-train -q --epochs 3 --device $d --precision float32 --history "$T/h.$d" -o "$T/$d" "$@"
	done
	near "$T/h.ref" "$T/h.cuda" 1e-5 train_loss && near "$T/h.ref" "$T/h.cuda" 1e-3 dev_loss &&
		near "$T/h.ref" "$T/h.cuda" 0.02 dev_accuracy
	tap $? "$beside_what: the history of ref" || diag "$T/h.ref" "$T/h.cuda"
}
if from=$(data fashion-mnist); then
	vic-images -q -f idx "$from" --only train --per-class 30 | vic-split -q --dev 0.2 --seed 1 >"$T/images"
	beside '300 images of Fashion-MNIST' -m smallcnn --width 0.1 --batch 32 --lr 0.001 --mixup 0.4 "$T/images"
else
	skip 'a slice of Fashion-MNIST' 'fashion-mnist is not in $VIC_DATA, data or ../shared/data'
fi
if from=$(data mr); then
	mkdir "$T/mr"
	for f in rt-polarity.neg rt-polarity.pos; do head -200 "$from/$f" >"$T/mr/$f"; done
	vic-tokenize -q --format mr "$T/mr" | vic-embed -q --random --dim 50 >"$T/words" 2>"$T/said" || diag "$T/said"
	vic-split -q --dev 0.2 --seed 1 "$T/words" >"$T/text"
	beside '400 sentences of MR' --batch 50 --maps 20 --lr 0.1 --mixup 0.4 "$T/text"
else
	skip 'a slice of MR' 'mr is not in $VIC_DATA, data or ../shared/data'
fi
finish
