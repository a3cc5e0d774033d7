#!/bin/sh
# vic-train and vic-predict: what a run makes, that it makes the same again however it is run, and what it refuses. The
# corpus is synthetic, so all of this runs everywhere.
. "$(dirname "$0")/lib.sh"

hash_of() { cksum <"$1"; }
train() { vic-train -q --epochs 4 --batch 20 --maps 12 --max-tokens 30 "$@"; }

vic-corpora synth text -q --n 240 --vocabulary 300 --dim 20 --seed 3 --to "$T/synth" >/dev/null
vic-tokenize -q --format mr "$T/synth" | vic-embed -q --vectors "$T/synth/vectors.txt" |
	vic-split -q --test 0.25 --dev 0.2 --seed 1 >"$T/text"
ok 'the corpus could be made' vic-cat --check "$T/text"

# --plan without records: the network as it is published.
ok 'a plan needs no records' sh -c 'vic-train --plan -m resnet50 </dev/null >"$1"' - "$T/plan"
same 'it is published with 25,557,032 parameters (and 53,120 running statistics)' 25610152 "$(sed -n 's/^parameters	//p' "$T/plan")"
vic-train --plan </dev/null >"$T/plan"
same 'of text: 20,000 words of 300 numbers and two classes' 6360902 "$(sed -n 's/^parameters	//p' "$T/plan")"
vic-train --plan -m smallcnn --crop 20 </dev/null >"$T/plan"
same 'options count' 20x20x1 "$(sed -n 's/.* image(\(.*\))	.*/\1/p' "$T/plan" | head -1)"
fails 2 "'resnet51' is not known" 'an unknown network' vic-train --plan -m resnet51 </dev/null
: >"$T/empty"
fails 1 'is empty, not a vicinal stream' 'an empty file is no stream' vic-train --plan "$T/empty"
fails 1 'is empty, not a vicinal stream' 'to train, records are needed' train -o "$T/no" </dev/null

# The same bytes: threads, runs, resuming.
train --mixup 0.4 --threads 1 -o "$T/a" "$T/text"
train --mixup 0.4 --threads 2 -o "$T/b" "$T/text"
same 'one thread and two make the same bytes' "$(hash_of "$T/a")" "$(hash_of "$T/b")"
train --mixup 0.4 <"$T/text" >"$T/b"
same 'a pipe and a file make the same bytes' "$(hash_of "$T/a")" "$(hash_of "$T/b")"
train --mixup 0.4 --seed 2 -o "$T/b" "$T/text"
if [ "$(hash_of "$T/a")" = "$(hash_of "$T/b")" ]; then tap 1 'another seed makes another model'; else
	tap 0 'another seed makes another model'
fi
for stop in 1 2 3; do
	vic-train -q --batch 20 --maps 12 --max-tokens 30 --mixup 0.4 --epochs $stop --checkpoint "$T/ck" -o "$T/b" \
		"$T/text"
	train --mixup 0.4 --resume "$T/ck" --history "$T/h$stop" -o "$T/b" "$T/text"
	same "resumed after epoch $stop: the same bytes" "$(hash_of "$T/a")" "$(hash_of "$T/b")"
done
train --mixup 0.4 --history "$T/h" -o "$T/b" "$T/text"
same 'and the same history' "$(cat "$T/h")" "$(cat "$T/h2")"
same 'the history has a line an epoch' 5 "$(wc -l <"$T/h" | tr -d ' ')"
for rule in 'sgd --momentum 0.9' 'adam' 'adamw --clip-norm 0.1' 'sgd --momentum 0.9 --nesterov --weight-decay 1e-4'; do
	# shellcheck disable=SC2086
	vic-train -q --batch 20 --maps 12 --max-tokens 30 --optimizer $rule --epochs 2 --checkpoint "$T/ck" -o "$T/b" \
		"$T/text"
	# shellcheck disable=SC2086
	train --optimizer $rule -o "$T/c" "$T/text"
	# shellcheck disable=SC2086
	train --optimizer $rule --resume "$T/ck" -o "$T/b" "$T/text"
	same "$rule: resumed, the same bytes" "$(hash_of "$T/c")" "$(hash_of "$T/b")"
done

# Mixup of nothing is nothing.
train -o "$T/base" "$T/text"
train --mixup 0 -o "$T/b" "$T/text"
vic-predict -q "$T/base" "$T/text" | vic-cat | grep -v '^#' >"$T/p1"
vic-predict -q "$T/b" "$T/text" | vic-cat | grep -v '^#' >"$T/p2"
same 'alpha 0 is plain training, bit for bit' "$(hash_of "$T/p1")" "$(hash_of "$T/p2")"
for m in '--mixup 0.4' '--mixup 0.4 --mixup-mode features' '--mixup 0.4 --mixup-partner dataset' \
	'--mixup 0.4 --mixup-mode sentence' '--label-smoothing 0.1' \
	'--erl 0.3' '--words static' '--words multichannel' '--class-weights balanced' '--class-weights 1,3' \
	'--schedule cosine' '--schedule steps --lr-steps 1,2' '--filters 2,7' '--dropout 0'; do
	# shellcheck disable=SC2086
	train $m --select last --history "$T/h" -o "$T/b" "$T/text" && vic-predict -q "$T/b" "$T/text" >"$T/l" &&
		vic-cat "$T/l" | grep -v '^#' >"$T/p2"
	if [ $? = 0 ] && ! cmp -s "$T/p1" "$T/p2"; then
		tap 0 "$m changes the logits"
	else
		tap 1 "$m changes the logits"
	fi
	vic-score -q --json --split dev "$T/l" | sed 's/.*"nll": *\([-0-9.e+]*\).*/\1/' | awk \
		'NR == FNR { loss = $7; next }
		{ d = $1 - loss } END { exit !(loss > 0 && d < 1e-6 && -d < 1e-6) }' "$T/h" -
	tap $? "$m: what is predicted has the loss that training saw"
done
# A word that training never saw takes the stream's vector, of multichannel in both channels.
vic-train -q --batch 20 --maps 12 --max-tokens 30 --words multichannel --epochs 1 --lr 1e-9 -o "$T/b" "$T/text"
vic-cat --words "$T/text" | awk -F '\t' '$2 == "pretrained" { print $1; exit }' >"$T/known"
awk -v w="$(cat "$T/known")" '{ print } $1 == w { $1 = "never-seen"; print }' "$T/synth/vectors.txt" >"$T/vectors"
echo never-seen | cat "$T/known" - >"$T/lines"
same 'a word that training never saw counts as one it saw with the same vector' 1 \
	"$(vic-tokenize -q --rules whitespace --format lines "$T/lines" | vic-embed -q --vectors "$T/vectors" |
		vic-predict -q "$T/b" | vic-cat | grep -v '^#' | cut -f4- | awk '{ printf "%.5g %.5g\n", $1, $2 }' | sort -u | wc -l | tr -d ' ')"
rm "$T/known"
for words in tuned static multichannel; do
	vic-train -q --batch 20 --maps 12 --words $words --epochs 1 -o "$T/b" "$T/text"
	same "$words: the model says whether it holds both copies" "$([ $words = multichannel ] && echo 1 || echo 0)" \
		"$(head -c 4000 "$T/b" | tr -d '\\' | grep -ac '"multichannel"')"
done
entropy() { awk 'NR == 2 { print ($5 > 0.01) }' "$T/h"; }
train --mixup 1 --history "$T/h" -o "$T/b" "$T/text"
same 'full mixup has soft labels' 1 "$(entropy)"
train --mixup 1 --mixup-mode features --history "$T/h" -o "$T/b" "$T/text"
same 'features-only mixup has hard ones' 0 "$(entropy)"
train --label-smoothing 0.1 --history "$T/h" -o "$T/b" "$T/text"
same 'label smoothing 0.1: entropy of (0.9, 0.1)' 0.3251 "$(awk 'NR == 2 { printf "%.4f", $5 }' "$T/h")"

vic-train -q --batch 20 --maps 12 --epochs 30 --patience 2 --history "$T/h" -o "$T/b" "$T/text"
same 'patience ends a run early' 1 "$(($(wc -l <"$T/h") < 31))"
like '--select last keeps the last epoch' 'kept epoch 6 of 6' \
	"$(vic-train --batch 20 --maps 12 --epochs 6 --select last -o "$T/b" "$T/text" 2>&1)"

# Sentence mixup: Kim-CNN's encoded sentences and their labels, resumed to the same bytes.
train --mixup 1 --mixup-mode sentence --history "$T/h" -o "$T/s" "$T/text"
same 'sentence mixup has soft labels' 1 "$(entropy)"
vic-train -q --batch 20 --maps 12 --max-tokens 30 --mixup 1 --mixup-mode sentence --epochs 2 --checkpoint "$T/ck" -o "$T/b" \
	"$T/text"
train --mixup 1 --mixup-mode sentence --resume "$T/ck" --threads 1 -o "$T/b" "$T/text"
same 'sentence mixup, resumed: the same bytes' "$(hash_of "$T/s")" "$(hash_of "$T/b")"
train --mixup 1 -o "$T/b" "$T/text"
tap "$(cmp -s "$T/s" "$T/b" && echo 1 || echo 0)" 'sentence mixup is not word mixup'
fails 2 'without --mixup-partner dataset' 'encoded sentences from elsewhere' \
	vic-train -q --mixup 1 --mixup-mode sentence --mixup-partner dataset -o "$T/no" "$T/text"

# Which epoch is kept: the best by a column of the history.
column() { awk -v name="$2" -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i; next } { print $at }' "$1"; }
for by in 'dev-accuracy dev_accuracy 1' 'dev-nll dev_loss -1' 'dev-refined dev_refined -1'; do
	# shellcheck disable=SC2086
	set -- $by
	vic-train --batch 20 --maps 12 --max-tokens 30 --epochs 7 --select "$1" --history "$T/h" -o "$T/s" "$T/text" 2>"$T/e"
	same "--select $1 keeps the best by $2" \
		"$(column "$T/h" "$2" | awk -v s="$3" 'NR == 1 || s * $1 >= best { best = s * $1; at = NR } END { print at }')" \
		"$(sed -n 's/.*kept epoch \([0-9]*\) of 7, the best.*/\1/p' "$T/e")"
	vic-train -q --batch 20 --maps 12 --max-tokens 30 --epochs 3 --select "$1" --checkpoint "$T/ck" -o "$T/b" "$T/text"
	vic-train -q --batch 20 --maps 12 --max-tokens 30 --epochs 7 --select "$1" --resume "$T/ck" --history "$T/h2" -o "$T/b" \
		"$T/text"
	same "--select $1, resumed: the same bytes" "$(hash_of "$T/s") $(hash_of "$T/h")" "$(hash_of "$T/b") $(hash_of "$T/h2")"
done
vic-predict -q --split dev "$T/s" "$T/text" >"$T/l"
vic-calibrate -q --split dev -o "$T/map" "$T/l" 2>/dev/null
same 'dev_refined is what a temperature leaves of the dev loss' 1 "$(vic-calibrate -q --split dev --apply "$T/map" --allow-fit-data "$T/l" |
	vic-score -q --json --split dev | sed 's/.*"nll": *\([-0-9.e+]*\).*/\1/' | awk -v h="$(column "$T/h" dev_refined | sort -g | head -1)" \
		'{ d = $1 - h; print (d < 1e-6 && -d < 1e-6) }')"
same 'the history of others has no such column' 0 "$(train --history "$T/h" -o "$T/b" "$T/text"; grep -c dev_refined "$T/h")"
vic-train -q --batch 20 --maps 12 --max-tokens 30 --epochs 3 --select best-dev --checkpoint "$T/ck" -o "$T/b" "$T/text"
ok 'best-dev is another name of dev-accuracy' train --select dev-accuracy --resume "$T/ck" -o "$T/b" "$T/text"
like 'a run that chose by another is refused' '--select dev-accuracy (here dev-nll)' \
	"$(train --select dev-nll --resume "$T/ck" -o "$T/b" "$T/text" 2>&1)"

# Models of single epochs.
few() { vic-train -q --batch 20 --maps 12 --max-tokens 30 "$@" "$T/text"; }
few --epochs 4 --keep-epochs 3,1 -o "$T/k" 2>"$T/e"
same 'a model of each epoch that was asked for, and of no other' 'k k.epoch1 k.epoch3' "$(cd "$T" && echo k k.*)"
weights() { vic-predict -q "$1" "$T/text" | vic-cat | grep -v '^#' | cksum; }
few --epochs 3 --select last -o "$T/b"
same 'it has the weights of a run that ended there' "$(weights "$T/b")" "$(weights "$T/k.epoch3")"
same 'and says of which epoch they are' 1 "$(head -c 4000 "$T/k.epoch1" | grep -ac '"epoch": *"1"')"
# Of an epoch that is not the one kept: its own weights, or their average.
for more in '' '--ema 0.9'; do
	# shellcheck disable=SC2086
	vic-train --batch 20 --maps 12 --max-tokens 30 --epochs 9 --lr 3 --select dev-nll --keep-epochs 8,9 $more -o "$T/s" "$T/text" 2>"$T/e"
	kept=$(sed -n 's/.*kept epoch \([0-9]*\) of 9.*/\1/p' "$T/e")
	other=$((kept == 9 ? 8 : 9)) # which is kept differs between processors
	# shellcheck disable=SC2086
	few --epochs $other --lr 3 --select last $more -o "$T/b"
	same "one that is not kept${more:+, $more}: the weights of a run that keeps it" "$(weights "$T/b")" \
		"$(weights "$T/s.epoch$other")"
	ok 'which are not those of the kept' test -n "$kept" -a "$(weights "$T/s")" != "$(weights "$T/b")"
	rm "$T/s" "$T/s.epoch"*
done
few --epochs 4 -o "$T/b"
same 'the model itself is the same as without' "$(hash_of "$T/k")" "$(hash_of "$T/b")"
rm "$T"/k*
fails 2 'keep-epochs: 4 is outside 1 to 2' 'an epoch that the run does not have' \
	vic-train -q --epochs 2 --keep-epochs 1,4 -o "$T/k" "$T/text"
few --epochs 3 --keep-epochs all --checkpoint "$T/ck" -o "$T/k"
rm "$T/k.epoch1" "$T/k.epoch3"
vic-train --batch 20 --maps 12 --max-tokens 30 --epochs 4 --keep-epochs all --resume "$T/ck" -o "$T/k" "$T/text" 2>"$T/e"
same 'resumed, what can no longer be made is said, and no more' \
	'epoch1 is not there, and cannot be made: the run goes on after epoch 3|epoch3 is not there, and cannot be made: the run goes on after epoch 3|' \
	"$(sed -n 's/^vic-train: .*k\.\(epoch[0-9] is not there\)/\1/p' "$T/e" | tr '\n' '|')"
same 'the others are there' 'k k.epoch2 k.epoch4' "$(cd "$T" && echo k k.*)"
vic-train --batch 20 --maps 12 --max-tokens 30 --epochs 30 --patience 1 --keep-epochs 30 -o "$T/k" "$T/text" 2>"$T/e"
like 'an epoch that was not reached is said' 'so there is no model of epoch 30$' "$(cat "$T/e")"
printf 'mine\n' >"$T/k.epoch2"
fails 2 'k.epoch2: is .*, which vic-train does not write here' 'a file of somebody else' \
	vic-train -q --epochs 2 --keep-epochs 2 -o "$T/k" "$T/text"
same 'it is as it was' mine "$(cat "$T/k.epoch2")"
rm "$T/k.epoch2"
fails 2 'k.epoch2' 'the history under the name of an epoch' \
	vic-train -q --epochs 2 --keep-epochs 2 --history "$T/k.epoch2" -o "$T/k" "$T/text"
rm -f "$T"/k.*
fails 2 'not stdout' 'epochs beside a model on stdout' vic-train -q --epochs 2 --keep-epochs 2 -o - "$T/text"

# A moving average of the weights (tests/unit/models/test_trainer.c has its numbers): training is the same, what is
# evaluated and kept is the average.
few --epochs 4 --history "$T/h" -o "$T/b"
few --epochs 4 --ema 0.9 --history "$T/h2" -o "$T/k"
same 'averaging changes nothing of training' "$(cut -f 1-5 "$T/h" | cksum)" "$(cut -f 1-5 "$T/h2" | cksum)"
same 'but the dev columns' 2 "$(cut -f 7 "$T/h" "$T/h2" | sed -n '4p;9p' | sort -u | wc -l | tr -d ' ')"
same 'the dev loss is that of the model' 1 "$(few --epochs 4 --ema 0.9 --select last -o "$T/s"
	vic-predict -q --split dev "$T/s" "$T/text" | vic-score -q --json --split dev | sed 's/.*"nll": *\([-0-9.e+]*\).*/\1/' |
	awk -v h="$(column "$T/h2" dev_loss | tail -1)" '{ d = $1 - h; print (d < 1e-6 && -d < 1e-6) }')"
few --epochs 4 --ema 0 -o "$T/r"
same '--ema 0 is none' "$(weights "$T/b")" "$(weights "$T/r")"
like 'it is said' '^vic-train: evaluated and kept: a moving average of the weights, of decay 0.9$' \
	"$(vic-train --batch 20 --maps 12 --max-tokens 30 --epochs 2 --ema 0.9 -o "$T/r" "$T/text" 2>&1)"
for by in dev-accuracy last; do
	rm -f "$T/ck" "$T"/k*
	few --epochs 4 --ema 0.9 --select $by -o "$T/k"
	few --epochs 2 --ema 0.9 --select $by --checkpoint "$T/ck" --keep-epochs 1,2 -o "$T/s"
	few --epochs 4 --ema 0.9 --select $by --resume "$T/ck" --checkpoint "$T/ck2" --checkpoint-every 3 --history "$T/h" -o "$T/r"
	same "--select $by, resumed: the same bytes" "$(hash_of "$T/k") $(hash_of "$T/h2")" "$(hash_of "$T/r") $(hash_of "$T/h")"
	same 'a checkpoint answers as the model' "$(weights "$T/k")" "$(weights "$T/ck2")"
done
few --epochs 2 --ema 0.9 --select last -o "$T/k"
same 'a model of an epoch is its average' "$(weights "$T/k")" "$(weights "$T/s.epoch2")"
like 'without, a run that averages does not go on' '--ema 0.9 (here 0)' "$(few --epochs 4 --resume "$T/ck" -o "$T/no" 2>&1)"
rm -f "$T"/k* "$T/s" "$T"/s.epoch*

# The reference backend agrees.
vic-train -q --device ref --maps 4 --epochs 1 --max-tokens 30 --filters 3 -o "$T/r" "$T/text"
vic-train -q --maps 4 --epochs 1 --max-tokens 30 --filters 3 -o "$T/c" "$T/text"
agree() { # STREAM RECORDS: largest difference of logits
	vic-predict -q --device ref "$T/r" "$1" | vic-cat --to csv >"$T/x"
	vic-predict -q "$T/c" "$1" | vic-cat --to csv >"$T/y"
	paste -d, "$T/x" "$T/y" | awk -F, -v want="$2" \
		'NF == 6 { for (i = 2; i <= 3; i++) { d = $i - $(i + 3); if (d < 0) d = -d
		if (!(d <= m)) m = d } n++ } END { print (n == want + 1 && m < 1e-5) }'
}
same 'cpu and ref train to the same logits within 1e-5' 1 "$(agree "$T/text" 240)"
# No limit to a batch or a sentence.
awk 'BEGIN { for (i = 0; i < 2100; i++) print (i % 3 ? "pos" : "neg") ",w" i % 7 " x" i % 5 " w" i % 11
	for (k = 0; k < 3; k++) { printf "neg,"; for (i = 0; i < 5000; i++) printf "w%d ", i * i % 13; print "x" k } }' >"$T/many.csv"
sed -i '1i label,text' "$T/many.csv"
vic-tokenize -q --format csv "$T/many.csv" | vic-embed -q --random --dim 4 >"$T/many"
for device in ref cpu; do
	vic-train -q --device $device --maps 2 --epochs 1 --max-tokens 0 --filters 3,4 --batch 2103 --mixup 1 -o \
		"$T/$(echo $device | cut -c1)" "$T/many"
done
same 'a batch of 2103 and a sentence of 5001 words too' 1 "$(agree "$T/many" 2103)"

# Prediction.
vic-predict -q "$T/a" "$T/text" >"$T/l"
same 'a logit row for every record' 240 "$(vic-cat --stats "$T/l" | sed -n 's/^records //p')"
vic-predict -q "$T/a" "$T/text" | vic-cat | awk -F '\t' '$2 == "test"' >"$T/all"
same "a record's logits do not depend on what is predicted with it" "$(cksum <"$T/all")" \
	"$(vic-predict -q --split test "$T/a" "$T/text" | vic-cat | awk -F '\t' '$2 == "test"' | cksum)"
same 'one split alone' 60 "$(vic-predict -q --split test "$T/a" "$T/text" | vic-cat --stats | sed -n 's/^records //p')"
same 'threads do not show' "$(hash_of "$T/l")" "$(vic-predict -q --threads 1 "$T/a" "$T/text" | cksum)"
like 'the stream says how it was made' 'vic-train.*--mixup=0.4' "$(vic-cat --head "$T/l"; vic-cat --provenance "$T/l")"
same 'MC dropout: as many samples as passes' 3 "$(vic-predict -q --mc-dropout 3 "$T/a" "$T/text" | vic-cat --head |
	sed -n 's/.*"samples": *\([0-9]*\).*/\1/p' | head -1)"
head -3 "$T/synth/rt-polarity.neg" >"$T/lines"
printf '\nlast line without its end' >>"$T/lines"
same 'a line for every line of text' 5 "$(vic-predict -q --text "$T/a" "$T/lines" | wc -l | tr -d ' ')"
for k in 1 2; do
	same "--top-k $k: so many labels a line" $k \
		"$(vic-predict -q --text --top-k $k "$T/a" "$T/lines" | awk -F '\t' '{ print NF / 2 }' | sort -u)"
done
same 'all labels of a line sum to 1' 1 "$(vic-predict -q --text --top-k 0 "$T/a" "$T/lines" |
	awk '{ s = $2 + $4 - 1; if (s < 0) s = -s; if (!(s <= 1e-6)) bad = 1 } END { print !bad }')"
# An answer must come while its writer still holds the pipe open.
mkfifo "$T/in"
vic-predict -q --text "$T/a" - <"$T/in" >"$T/out" &
exec 9>"$T/in"
head -1 "$T/lines" >&9
tries=0
while [ ! -s "$T/out" ] && [ $tries -lt 200 ]; do sleep 0.05; tries=$((tries + 1)); done
same 'an answer comes at once' 1 "$(wc -l <"$T/out" | tr -d ' ')"
exec 9>&-
wait
vic-tokenize -q --format lines "$T/lines" | vic-predict -q "$T/a" | vic-cat --check >/dev/null
same 'tokens are predicted too' 0 $?

# What is refused.
fails 1 'reads text' 'logits are not for training' vic-train -q -o "$T/no" "$T/l"
fails 1 'a vicinal stream of text, not a model' 'a stream is no model' vic-predict -q "$T/text" "$T/text"
fails 2 'is none of' 'an unknown device' vic-train -q --device abacus -o "$T/no" "$T/text"
fails 3 'libvic-cuda\|CUDA device' 'a GPU that is not there' vic-train -q --device cuda:1023 -o "$T/no" "$T/text"
fails 2 'list-models' 'an unknown network' vic-train -q --model lstm -o "$T/no" "$T/text"
fails 2 'goes with --optimizer sgd' 'options that contradict' vic-train -q --nesterov -o "$T/no" "$T/text"
train --class-weights 1e-7,1e-7 --select last -o "$T/b" "$T/text" && vic-predict -q "$T/b" "$T/text" | vic-cat | grep \
	-v '^#' | cut -f4- |
	awk '{ printf "%.4f %.4f\n", $1, $2 }' | tr -d - >"$T/p2"
train --class-weights 1,1 --select last -o "$T/b" "$T/text" && vic-predict -q "$T/b" "$T/text" | vic-cat | grep -v \
	'^#' | cut -f4- |
	awk '{ printf "%.4f %.4f\n", $1, $2 }' | tr -d - >"$T/p1"
ok 'equal weights are equal weights, however small' cmp "$T/p1" "$T/p2"
printf 'neg\tone\npos\tone\n' | vic-tokenize -q -f tsv - | vic-embed -q --random --dim 3 >"$T/oneword"
ok 'a vocabulary of one word is trained on' vic-train -q --epochs 1 -o "$T/b" "$T/oneword"
same 'and answered' 2 "$(vic-predict -q "$T/b" "$T/oneword" | vic-cat | grep -vc '^#')"
rm "$T/oneword"
fails 2 '2 weights are needed' 'too few class weights' vic-train -q --class-weights 1 -o "$T/no" "$T/text"
vic-train -q --batch 20 --maps 12 --max-tokens 30 --epochs 1 --checkpoint "$T/ck" -o "$T/b" "$T/text"
fails 1 'other options' 'a checkpoint of another plan' train --mixup 0.3 --resume "$T/ck" -o "$T/no" "$T/text"
vic-split -q --remark --test 0.5 --seed 9 "$T/text" >"$T/other"
fails 1 'other data' 'a checkpoint of other data' train --resume "$T/ck" -o "$T/no" "$T/other"
fails 1 'loss became' 'a loss that runs away' train --optimizer sgd --lr 100000 -o "$T/no" "$T/text"
# A flipped bit anywhere: length, header, weights, the last byte. test_damage flips them all.
flipped() { # FILE BYTE >DAMAGED
	head -c "$2" "$1"
	tail -c "+$(($2 + 1))" "$1" | head -c 1 | tr '\000-\377' '\001\000\003\002\005\004\007-\377\006'
	tail -c "+$(($2 + 2))" "$1"
}
size=$(wc -c <"$T/a")
for at in 1 300 $((size / 2)) $((size - 1)); do
	flipped "$T/a" $at >"$T/bad"
	fails 1 "$T/bad: .*damaged" "byte $at of a model has changed" vic-predict -q "$T/bad" "$T/text"
	fails 1 "$T/bad: .*damaged" 'which --check sees too' vic-cat -q --check "$T/bad"
done
ok 'models and checkpoints are checked beside streams' vic-cat --check "$T/a" "$T/text" "$T/ck"
like 'and counted' '240 records in 1 document, 2 models or maps' "$(cat "$T/.err")"
size=$(wc -c <"$T/ck")
flipped "$T/ck" $((size / 2)) >"$T/bad"
fails 1 "$T/bad: damaged: tensor" 'a changed checkpoint' train --resume "$T/bad" -o "$T/no" "$T/text"
head -c 5000 "$T/a" >"$T/cut"
fails 1 "$T/cut" 'a model that was cut' vic-predict -q "$T/cut" "$T/text"
fails 1 'marked extra' 'a split that is not there' vic-predict -q --split extra "$T/a" "$T/text"
fails 2 'goes with --text' 'top-k of a stream' vic-predict -q --top-k 2 "$T/a" "$T/text"
same 'nothing half-written is left' '' "$(ls "$T" | grep -e no -e '\.......$' | grep -v other)"

# What a run says: what it is about to do, a line at least, and what it has done; nothing of it with -q.
vic-train --epochs 2 --batch 20 --maps 2 --device ref --history "$T/h" -o "$T/said model" "$T/text" 2>"$T/said"
same 'a log of four lines' 4 "$(wc -l <"$T/said")"
like 'the network and where it runs' '^vic-train: kimcnn, [0-9]* parameters, on ref, 1 thread$' "$(sed -n 1p "$T/said")"
like 'the records' '^vic-train: records: 144 train, 36 dev; left out: 60 test, 0 extra; batch 20, at most 2 epochs, [0-9.]* MiB for the network$' \
	"$(sed -n 2p "$T/said")"
like 'the first epoch, with the time left' '^vic-train: epoch 1: loss [0-9.]*, dev accuracy .* s left for 1 more$' \
	"$(sed -n 3p "$T/said")"
like 'what was kept and where it is' \
	"^vic-train: kept epoch [12] of 2, the best, dev accuracy 0[.0-9]*, dev loss [.0-9]*; model: .*/said model; history: .*/h\$" \
	"$(sed -n 4p "$T/said")"
vic-split -q --remark --test 0.25 "$T/text" >"$T/all"
vic-train --epochs 1 --batch 20 --maps 2 "$T/all" 2>"$T/said" >"$T/b"
like 'a class of which nothing will be learnt' '^vic-train: 2 of 4 classes have no training record: .a., \.\.\.$' \
	"$(printf 'b,x y\nc,x z\n' | vic-tokenize -q -f csv --no-header --classes a,b,c,d - | vic-embed -q --random --dim 3 |
		vic-train --maps 2 --epochs 1 -o "$T/absent" 2>&1)"
like 'without dev records' '^vic-train: no dev records: the last epoch is kept' "$(sed -n 3p "$T/said")"
like 'and stdout' '^vic-train: kept epoch 1 of 1, the last; model: stdout$' "$(tail -1 "$T/said")"
vic-train -q --epochs 1 --batch 20 --maps 2 -o "$T/b" "$T/text" 2>"$T/said"
same 'quiet' '' "$(cat "$T/said")"
finish
