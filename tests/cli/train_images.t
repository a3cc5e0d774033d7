#!/bin/sh
# vic-train and vic-predict on images: that a run makes the same bytes however it is run, and what is refused. The
# images are synthetic, so all of this runs everywhere; train_images.slow.t has the methods one by one.
. "$(dirname "$0")/lib.sh"

hash_of() { cksum <"$1"; }
train() { vic-train -q -m smallcnn --width 0.1 --batch 16 "$@"; }

vic-corpora synth images -q --layout cifar --n 60 --seed 3 --to "$T/synth" >/dev/null
vic-images -q -f cifar10 "$T/synth" | vic-split -q --dev 0.2 --seed 1 >"$T/images"
vic-images -q -f cifar10 -c 1 --per-class 1 "$T/synth" >"$T/grey"
"$TOOLS/mkstream" text 12 >"$T/text"

# The same bytes: threads, pipes, resuming.
train --epochs 2 --mixup 0.4 --threads 1 --history "$T/h" -o "$T/a" "$T/images"
train --epochs 2 --mixup 0.4 --threads 2 <"$T/images" >"$T/b"
same 'one thread and two make the same bytes' "$(hash_of "$T/a")" "$(hash_of "$T/b")"
train --epochs 1 --mixup 0.4 --checkpoint "$T/ck" -o "$T/b" "$T/images"
# shellcheck disable=SC2002 # a pipe, which cannot be mapped
cat "$T/images" | train --epochs 2 --mixup 0.4 --resume "$T/ck" --history "$T/h2" -o "$T/b"
same 'resumed, and from a pipe: the same bytes' "$(hash_of "$T/a")" "$(hash_of "$T/b")"
same 'and the same history' "$(cat "$T/h")" "$(cat "$T/h2")"
same 'full mixup has soft labels' 1 "$(awk 'NR == 2 { print ($5 > 0.01) }' "$T/h")"
train --epochs 1 --mixup 1 --mixup-mode features --history "$T/h" -o "$T/b" "$T/images"
same 'features-only mixup has hard ones' 0 "$(awk 'NR == 2 { print $5 }' "$T/h")"

# Windows of any size: the same bytes too.
scaled() { train --crop-scale .08,1 --mixup 0.4 "$@"; }
scaled --epochs 2 --threads 1 -o "$T/s" "$T/images"
scaled --epochs 1 --threads 2 --checkpoint "$T/cks" -o "$T/b" "$T/images"
scaled --epochs 2 --threads 2 --resume "$T/cks" -o "$T/b" "$T/images"
same 'resized windows, one thread, and two with a break: the same bytes' "$(hash_of "$T/s")" "$(hash_of "$T/b")"
ok 'provenance has them' grep -q -e '--crop-scale=.08,1' "$T/s"
fails 1 'other options: --crop-scale .08,1 (here none), --crop-pad 0 (here 4)' 'a checkpoint of resized windows' \
	train --epochs 2 --mixup 0.4 --resume "$T/cks" -o "$T/no" "$T/images"
train --epochs 1 --crop 24 --crop-scale .25,1 --device ref --history "$T/h1" -o "$T/b" "$T/images"
train --epochs 1 --crop 24 --crop-scale .25,1 --device cpu --history "$T/h2" -o "$T/c" "$T/images"
ok 'ref and cpu see the same windows' awk -F '\t' 'FNR == 2 { loss[NR == FNR] = $3 } END {
	d = loss[0] - loss[1]; exit !(loss[0] > 1 && d * d < 1e-10) }' "$T/h1" "$T/h2"
same 'and prediction takes the middle, which --crop says' "$(vic-predict -q "$T/c" "$T/images" | cksum)" \
	"$(vic-predict -q --threads 1 "$T/c" "$T/images" | cksum)"
fails 2 'crop-pad has no effect with --crop-scale' 'zeros around what is resized' scaled --crop-pad 4 -o "$T/no" "$T/images"

# Names beside the records change nothing that is made of these.
small() { vic-train -q -m smallcnn --width 0.1 --batch 500 "$@"; }
"$TOOLS/mkstream" images 6000 >"$T/bare"
"$TOOLS/mkstream" named-images 6000 >"$T/named"
small --epochs 2 -o "$T/b" "$T/bare"
small --epochs 2 -o "$T/c" "$T/named"
for m in b c; do
	vic-predict -q "$T/$m" "$T/bare" | vic-cat --to npy >"$T/$m.npy"
done
ok 'records with names and without make the same model' sh -c "[ -s '$T/b.npy' ] && cmp '$T/b.npy' '$T/c.npy'"
small --epochs 1 --checkpoint "$T/ck3" -o "$T/c" "$T/named"
small --epochs 2 --resume "$T/ck3" -o "$T/c" "$T/bare"
vic-predict -q "$T/c" "$T/named" | vic-cat --to npy >"$T/c.npy"
ok 'and one goes on where the other was' cmp "$T/b.npy" "$T/c.npy"

# Prediction.
vic-predict -q "$T/a" "$T/images" >"$T/l"
same 'a logit row for every record' 72 "$(vic-cat --stats "$T/l" | sed -n 's/^records //p')"
same 'threads do not show' "$(hash_of "$T/l")" "$(vic-predict -q --threads 1 "$T/a" "$T/images" | cksum)"
like 'the evaluator reads it' '^accuracy  *0\.[0-9]' "$(vic-score -q --split dev --floor 0 --bootstrap 0 "$T/l")"

# What is refused.
fails 2 'smallcnn has no layer to mix in; these have: .*preactresnet18' 'manifold mixup where no layer offers it' \
	train --mixup 1 --mixup-mode manifold -o "$T/no" "$T/images"
fails 2 'smallcnn encodes no sentence; these do: kimcnn' 'sentence mixup of images' \
	train --mixup 1 --mixup-mode sentence -o "$T/no" "$T/images"
fails 2 'without --mixup-partner dataset' 'manifold mixup with partners from elsewhere' \
	vic-train -q --mixup 1 --mixup-mode manifold --mixup-partner dataset -o "$T/no" "$T/images"
fails 2 'kimcnn is for text; these records are images' 'a network of words' vic-train -q -m kimcnn -o "$T/no" \
	"$T/images"
fails 2 'smallcnn is for images; these records are text' 'a network of images' vic-train -q -m smallcnn -o "$T/no" \
	"$T/text"
fails 2 'filters is for text; these records are images' 'an option of text' train --filters 3 -o "$T/no" "$T/images"
fails 2 'crop-pad is for images; these records are text' 'an option of images' vic-train -q --crop-pad 0 -o "$T/no" \
	"$T/text"
fails 2 'the images are 32x32' 'a cut larger than the images' train --crop 33 -o "$T/no" "$T/images"
fails 2 'rho goes with' "another rule's option" train --rho 0.9 -o "$T/no" "$T/images"
fails 1 "grey: its images have 1 channel, the model's 3" 'grey images for a model of colours' vic-predict -q "$T/a" \
	"$T/grey"
fails 1 'text: is a stream of text; this model reads images' 'text for a model of images' vic-predict -q "$T/a" \
	"$T/text"
vic-train -q --maps 2 --epochs 1 -o "$T/words" "$T/text"
fails 1 'images: is a stream of images; this model reads text' 'images for a model of text' vic-predict -q "$T/words" \
	"$T/images"
fails 2 'is a model of images' 'lines of text for a model of images' vic-predict -q --text "$T/a" /dev/null
fails 2 'trained without dropout' 'passes that would all be the same' vic-predict -q --mc-dropout 3 "$T/a" "$T/images"
fails 2 'stop-top5 needs records marked dev' 'a stop that nothing can reach' train --stop-top5 0.9 -o "$T/no" "$T/grey"
fails 1 'other options' 'a checkpoint of another plan' train --epochs 2 --resume "$T/ck" -o "$T/no" "$T/images"
same 'nothing half-written is left' '' "$(ls "$T" | grep -e no -e '\.......$')"

# The cause that is named is the cause.
vic-images -q -f cifar10 --only test "$T/synth" >"$T/marked"
fails 1 'none of the 12 records is marked train, which are trained on (12 test); vic-split --remark' \
	'no record to train on: how they are marked' train -o "$T/no" "$T/marked"
printf '%s\n' 'the 1 2 3' 'a 3e38 -3e38 3e38' 'film 3e38 3e38 3e38' >"$T/huge"
printf 'x,a film\ny,the film a\n' | vic-tokenize -q --format csv --no-header --text-column 2 --label-column 1 - |
	vic-embed -q --vectors "$T/huge" >"$T/large"
fails 1 'in the first batch, before any step of training: the records hold numbers too large' \
	'numbers that no learning rate can help' vic-train -q --device cpu --words multichannel \
	-o "$T/no" "$T/large"
if [ "${MODE:-release}" = release ]; then
	fails 1 '^vic-train: --batch 60 takes 0.[0-9]* GiB for the values of its records: .*; --batch [0-9]* fits$' \
		'memory for the batch: how much, and what fits' \
		sh -c 'ulimit -v 400000; exec vic-train -q --device ref -m resnet20 --width 4 --batch 60 -o "$1" "$2"' - \
		"$T/no" "$T/images"
	small=$(sed -n 's/.*; --batch \([0-9]*\) fits$/\1/p' "$T/.err")
	fails 137 '' 'and it does' \
		sh -c 'ulimit -v 400000; exec timeout -s KILL 2 vic-train -q --device ref -m resnet20 --width 4 --batch "$3" -o "$1" "$2"' \
		- "$T/no" "$T/images" "$small"
fi
finish
