#!/bin/sh
# vic-train and vic-predict on pictures, method by method: what each changes, resuming of each rule at each epoch, ref
# against cpu, floats against bytes, cuts, passes with dropout, and that something is learnt.
. "$(dirname "$0")/lib.sh"

hash_of() { cksum <"$1"; }
small() { vic-train -q -m smallcnn --width 0.1 --batch 16 "$@"; }
train() { small --epochs 3 "$@"; }
rows() { vic-cat "$1" | grep -v '^#'; }
column() { awk -v name="$1" -v row="$2" -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i }
	NR == row + 1 { print $at }' "$T/h"; }

vic-corpora synth images -q --layout cifar --n 90 --seed 3 --to "$T/synth" >/dev/null
vic-images -q -f cifar10 "$T/synth" | vic-split -q --dev 0.2 --seed 1 >"$T/images"
vic-images -q -f cifar10 -c 1 "$T/synth" | vic-split -q --dev 0.2 --seed 1 >"$T/grey"

# Mixup of nothing is nothing, and everything else is something.
train -o "$T/base" "$T/images"
vic-predict -q "$T/base" "$T/images" | rows - >"$T/p"
train --mixup 0 -o "$T/b" "$T/images"
same 'alpha 0 is plain training, bit for bit' "$(hash_of "$T/p")" "$(vic-predict -q "$T/b" "$T/images" | rows - | cksum)"
for m in '--mixup 0.4' '--mixup 0.4 --mixup-mode features' '--mixup 0.4 --mixup-partner dataset' \
	'--label-smoothing 0.1' \
	'--erl 0.3' '--loss bce' '--dropout 0.3' '--no-flip' '--crop-pad 0' '--crop-pad 7' '--crop 28' '--crop-scale .5,1' '--no-nesterov' \
		'--momentum 0' \
	'--weight-decay 0' '--decay weights' '--optimizer adam' '--optimizer adadelta' '--schedule cosine' \
		'--schedule constant' \
	'--lr-steps 1' '--lr-factor 0.3' '--schedule goyal' '--class-weights balanced' '--seed 2'; do
	# shellcheck disable=SC2086
	train $m -o "$T/b" "$T/images" && vic-predict -q "$T/b" "$T/images" | rows - >"$T/p2"
	[ "$(wc -l <"$T/p2")" = 108 ] && ! cmp -s "$T/p" "$T/p2"
	tap $? "$m changes the logits"
	rm -f "$T/p2"
done
train -o "$T/b" --crop-pad 4 --flip --nesterov --momentum 0.9 --lr 0.1 --optimizer sgd --weight-decay 5e-4 --decay all \
	--schedule steps --lr-steps 2,60,120,160 --lr-factor 0.5 --dropout 0 "$T/images"
same 'the defaults of colour images are those of the manual' "$(hash_of "$T/p")" \
	"$(vic-predict -q "$T/b" "$T/images" | rows - | cksum)"
train -o "$T/g" "$T/grey"
train -o "$T/b" --crop-pad 0 --no-flip "$T/grey"
same 'grey ones are not cut and not turned' "$(vic-predict -q "$T/g" "$T/grey" | rows - | cksum)" \
	"$(vic-predict -q "$T/b" "$T/grey" | rows - | cksum)"

# Manifold mixup: a layer each batch, soft labels, resumed to the same bytes; alpha 0 is plain training.
preact() { vic-train -q -m preactresnet18 --width 0.05 --batch 32 "$@"; }
preact --epochs 2 --mixup 1 --mixup-mode manifold --loss bce --history "$T/h" -o "$T/m" "$T/images"
same 'manifold mixup has soft labels' 1 "$(awk 'NR == 2 { print ($5 > 0.01) }' "$T/h")"
preact --epochs 1 --mixup 1 --mixup-mode manifold --loss bce --checkpoint "$T/ck" -o "$T/b" "$T/images"
preact --epochs 2 --mixup 1 --mixup-mode manifold --loss bce --resume "$T/ck" --threads 1 -o "$T/b" "$T/images"
same 'and resumes to the same bytes' "$(hash_of "$T/m")" "$(hash_of "$T/b")"
preact --epochs 2 --mixup 1 --loss bce -o "$T/b" "$T/images"
vic-predict -q "$T/m" "$T/images" | rows - >"$T/p2"
vic-predict -q "$T/b" "$T/images" | rows - >"$T/p3"
[ -s "$T/p3" ] && ! cmp -s "$T/p2" "$T/p3"
tap $? 'and is not mixup of the input'

# Each rule, cut after each epoch.
for rule in 'sgd --mixup 0.4' 'sgd --schedule goyal --select last' 'adam --schedule cosine' 'adadelta --dropout 0.3'; do
	# shellcheck disable=SC2086
	train --optimizer $rule --history "$T/h" -o "$T/a" "$T/images"
	for stop in 1 2; do
		epochs=$stop
		case $rule in *cosine*) epochs=3 ;; esac # its rate depends on where the end is
		# shellcheck disable=SC2086
		small --epochs $epochs --optimizer $rule --checkpoint "$T/ck" -o "$T/b" "$T/images"
		# shellcheck disable=SC2086
		train --optimizer $rule --resume "$T/ck" --history "$T/h2" -o "$T/b" "$T/images"
		same "$rule: resumed after epoch $epochs, the same bytes" "$(hash_of "$T/a")" "$(hash_of "$T/b")"
		same "$rule: and the same history" "$(cat "$T/h")" "$(cat "$T/h2")"
	done
done

for m in 'resnet20 --width 0.25 --dropout 0.3 --mixup 0.4 --mixup-partner dataset' 'vgg16 --width 0.1' \
	'preactresnet18 --width 0.1'; do
	for n in 1 2; do
		# shellcheck disable=SC2086
		vic-train -q -m $m --batch 50 --epochs 1 --threads $n -o "$T/t$n" "$T/images"
	done
	same "one thread and two make the same bytes: $m" "$(hash_of "$T/t1")" "$(hash_of "$T/t2")"
done

# The reference backend agrees, as far as rounding lets it: after one step, and after four of a small rate.
agree() { # largest difference of logits
	vic-predict -q --device ref "$T/r" "$T/images" | vic-cat --to csv >"$T/x"
	vic-predict -q --device cpu "$T/c" "$T/images" | vic-cat --to csv >"$T/y"
	paste -d, "$T/x" "$T/y" | awk -F, \
		'NR > 1 && NF == 22 { for (i = 2; i <= 11; i++) { d = $i - $(i + 11); if (d < 0) d = -d
		if (!(d <= m)) m = d } n++ } END { print (n == 108 && m < 1e-5) }'
}
for m in '--batch 128' '--batch 128 --mixup 1 --loss bce --label-smoothing 0.1' '--batch 20 --lr 0.01'; do
	for device in ref cpu; do
		# shellcheck disable=SC2086
		vic-train -q -m smallcnn --width 0.1 --epochs 1 $m --device $device -o "$T/$(echo $device | cut -c1)" \
			"$T/images"
	done
	same "cpu and ref train to the same logits within 1e-5: $m" 1 "$(agree)"
done

# Floats, cuts, unlabelled records, passes with dropout.
vic-perturb -q --mu 0 "$T/images" >"$T/floats"
vic-predict -q "$T/base" "$T/floats" | vic-cat --to csv >"$T/y"
vic-predict -q "$T/base" "$T/images" | vic-cat --to csv >"$T/x"
same 'floats and the bytes they were made of give the same logits within 1e-4' 1 "$(paste -d, "$T/x" "$T/y" | awk -F, '
	NR > 1 { for (i = 2; i <= 11; i++) { d = $i - $(i + 11); if (d < 0) d = -d; if (!(d <= 1e-4)) bad = 1 } n++ }
	END { print (n == 108 && !bad) }')"
small --epochs 1 -o "$T/b" "$T/floats"
same 'floats can be trained on' 108 "$(vic-predict -q "$T/b" "$T/images" | vic-cat --stats | sed -n 's/^records //p')"
vic-images -q --gaussian-like "$T/images" --limit 20 >"$T/noise"
vic-predict -q "$T/base" "$T/noise" | rows - >"$T/p2"
same 'noise has no labels, and none are made up' 20 "$(awk -F '\t' '$3 == "-"' "$T/p2" | wc -l | tr -d ' ')"
train --crop 24 -o "$T/b" "$T/images"
vic-images -q -f stream -r 24 "$T/images" >"$T/small"
vic-images -q -f stream -r 40x36 "$T/images" >"$T/large"
same 'a model of cuts reads any size that holds one' '108 108 108' "$(for f in images small large; do
	vic-predict -q "$T/b" "$T/$f" | rows - | wc -l; done | tr -d ' ' | paste -sd ' ')"
vic-images -q -f stream -r 20 "$T/images" >"$T/small"
fails 1 'its images are 20x20, the model reads 24x24 of the middle' 'and refuses smaller ones' vic-predict -q "$T/b" \
	"$T/small"
fails 1 'its images are 40x36, the model reads 32x32; vic-images --resize' 'a model of whole images reads one size' \
	vic-predict -q "$T/base" "$T/large"
train --dropout 0.3 -o "$T/b" "$T/images"
vic-predict -q --mc-dropout 3 "$T/b" "$T/images" >"$T/l"
same 'MC dropout: as many samples as passes' 3 \
	"$(vic-cat --head "$T/l" | sed -n 's/.*"samples": *\([0-9]*\).*/\1/p' | head -1)"
same 'the passes differ' 108 "$(rows "$T/l" | awk -F '[\t|]' '$4 != $5 && $5 != $6' | wc -l | tr -d ' ')"
like 'and the title says so' '"name":"smallcnn dropout 0.3 width 0.1 mc-dropout 3"' "$(vic-cat --head "$T/l")"
same 'one split alone' 18 \
	"$(vic-predict -q --split test "$T/b" "$T/images" | vic-cat --stats | sed -n 's/^records //p')"

vic-predict -q "$T/base" "$T/images" | rows - | awk -F '\t' '$2 == "test"' >"$T/p2"
vic-predict -q --split test "$T/base" "$T/images" | rows - >"$T/p3"
same "a record's logits do not depend on what is predicted with it" "$(cat "$T/p2")" "$(cat "$T/p3")"

# The ends of a run.
small --stop-top5 0.01 --history "$T/h" -o "$T/b" "$T/images"
same 'stop-top5 ends a run early' 2 "$(wc -l <"$T/h" | tr -d ' ')"
same 'at the dev accuracy it names' 1 "$(column dev_top5 1 | awk '{ print ($1 >= 0.01) }')"
small --lr 1e-6 --patience 2 --history "$T/h" -o "$T/b" "$T/images"
same 'patience ends a run early' 1 "$(($(wc -l <"$T/h") < 100))"
fails 1 'answers dev records with nan after epoch 1; a smaller --lr' 'a run that runs away' train --lr 1e6 -o "$T/no" "$T/images"
(sleep 1; printf x >>"$T/images") &
fails 1 'the training data have changed' 'a file that changes under a run' \
	vic-train -q -m smallcnn --width 0.1 --epochs 100000 -o "$T/no" "$T/images"
wait

# Something is learnt: 1,000 shapes that a network tells apart.
vic-corpora synth images -q --n 1000 --noise 0 --strength 3 --seed 4 --to "$T/more" >/dev/null
vic-images -q -f idx "$T/more" >"$T/shapes"
vic-train -q -m smallcnn --width 0.5 --epochs 8 --batch 32 -o "$T/b" "$T/shapes"
same 'shapes are told apart: at least 0.6 of 200 test images' 1 "$(vic-predict -q --split test "$T/b" "$T/shapes" |
	vic-score -q --floor 0 --bootstrap 0 | tee "$T/score" | awk '$1 == "accuracy" { print ($2 >= 0.6) }')"
sed 's/^/# /' "$T/score" | sed -n 's/^# accuracy/&/p'
finish
