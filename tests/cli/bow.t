#!/bin/sh
# bow, the linear classifier of n-grams: what its n-grams are, that words are matched by their letters, that a run makes
# the same bytes however it is run, and what it refuses. The texts are made here.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

hash_of() { cksum <"$1"; }
# Two classes told apart by pairs alone: both say "good" and "bad", "not" before one of them.
awk 'BEGIN { print "label,text"
	for (i = 0; i < 120; i++) { w = "w" i % 7; x = "x" i % 5
		if (i % 2) print "pos," w " good " x " not bad " w; else print "neg," x " bad " w " not good " w } }' >a.csv
tokens() { vic-tokenize -q --format csv --rules whitespace "$@"; }
tokens a.csv | vic-embed -q --random --dim 3 | vic-split -q --test 0.25 --dev 0.2 --seed 1 >text
train() { vic-train -q -m bow --batch 20 "$@" text; }
accuracy() { vic-predict -q "$@" | vic-score -q | awk '$1 == "accuracy" { print $2 }'; }

train --epochs 6 -o a && train --epochs 6 --ngrams 1 -o one
same 'pairs tell the classes apart' 1 "$(accuracy --split test a text | awk '{ print ($1 == 1) }')"
same 'words alone cannot' 1 "$(accuracy --split test one text | awk '{ print ($1 < 0.9) }')"

# The same bytes.
train --epochs 6 --threads 1 -o b
same 'one thread and two make the same bytes' "$(hash_of a)" "$(hash_of b)"
for more in '' '--mixup 0.4 --mixup-partner dataset --dropout 0.3'; do
	# shellcheck disable=SC2086
	train --epochs 6 $more -o whole
	for stop in 1 4; do
		# shellcheck disable=SC2086
		train $more --epochs $stop --checkpoint ck -o b
		# shellcheck disable=SC2086
		train --epochs 6 $more --resume ck -o b
		same "resumed after epoch $stop${more:+, $more}: the same bytes" "$(hash_of whole)" "$(hash_of b)"
	done
done
ok 'the model is whole' vic-cat --check a
vic-predict -q ck text >of_checkpoint
same 'a checkpoint predicts' 120 "$(vic-cat --stats of_checkpoint | sed -n 's/^records //p')"
for m in '--mixup 0.4' '--mixup 0.4 --mixup-mode features' '--label-smoothing 0.1' '--erl 0.3' '--dropout 0.4' '--ngrams 3' \
	'--seed 2' '--max-tokens 3' '--optimizer sgd' '--class-weights 1,3'; do
	# shellcheck disable=SC2086
	rm -f b
	train --epochs 6 $m -o b
	tap "$([ -s b ] && [ "$(hash_of a)" != "$(hash_of b)" ] && echo 0)" "$m changes the model"
done

vic-train -q -m bow --device ref --epochs 6 --batch 20 -o r text
logits() { vic-predict -q "$@" | vic-cat | grep -v '^#' | cut -f1,4-; }
same 'cpu and ref train to the same logits' 1 "$({ logits a text; logits --device ref r text; } | awk -F '\t' '{ split($2, v, " ")
	if ($1 in z) { d = z[$1] - v[1]; if (d < 0) d = -d; if (!(d < 1e-4)) bad++ } else { z[$1] = v[1]; n++ } } END { print (n == 120 && !bad) }')"

# Words are matched by their letters: another stream numbers them otherwise, with vectors of another length, and tokens
# have none.
logits a text >of_text
tokens a.csv >tokens
logits a tokens >of_tokens
same 'tokens and text have the same logits' "$(cksum <of_text)" "$(cksum <of_tokens)"
{ echo label,text; sed -n '2,$p' a.csv | sort -r; } >b.csv
tokens b.csv | vic-embed -q --random --dim 7 >other
same 'so has a stream that numbers its words otherwise' "$(cut -f2- of_text | sort | cksum)" \
	"$(logits a other | cut -f2- | sort | cksum)"
printf 'not bad\nnever seen here\n\nw1 not good\n' >lines
same '--text answers a line each' 'pos x neg' "$(vic-predict -q --text a lines | awk -F '\t' '{ print (NR == 1 || NR == 4) ? $1 : "x" }' | uniq | tr '\n' ' ' | sed 's/ $//')"
same 'unknown words weigh nothing, and are counted' 1 "$(vic-predict --text a lines 2>&1 >/dev/null | grep -c '^vic-predict: .*3 of 8 words')"
same 'without words there is the bias alone' 1 "$(vic-predict -q --text a lines | sed -n 2,3p | sort -u | wc -l | tr -d ' ')"

# Vectors are not needed: tokens are trained on as they come.
vic-split -q --test 0.25 --dev 0.2 --seed 1 tokens >plain
for more in '' '--max-tokens 3'; do
	# shellcheck disable=SC2086
	vic-train -m bow --batch 20 --epochs 6 $more --checkpoint ck -o b plain 2>err
	# shellcheck disable=SC2086
	train --epochs 6 $more -o c
	same "trained on tokens${more:+, $more}: the same logits" "$(logits c text | cksum)" "$(logits b text | cksum)"
done
like 'what is cut is said' '^vic-train: 120 records were cut to their first 3 words$' "$(cat err)"
vic-train -q -m bow --batch 20 --epochs 8 --max-tokens 3 -o whole plain
vic-train -q -m bow --batch 20 --epochs 8 --max-tokens 3 --resume ck -o b <plain
same 'resumed, from a pipe: the same bytes' "$(hash_of whole)" "$(hash_of b)"
fails 1 'other data' 'text is not the same data' train --epochs 8 --max-tokens 3 --resume ck -o no
fails 1 'plain: is a stream of tokens, which have no word vectors yet; vic-embed gives them some, and --model bow needs none' \
	'Kim-CNN needs vectors' vic-train -q -o no plain
printf 'label,text\nneg,\npos,\n' | tokens --classes neg,pos - >no_words
fails 1 'all 2 records are empty: there is no word to train on' 'tokens without words' vic-train -q -m bow -o no no_words

# What only dev and test records say is no part of the model.
{ tokens a.csv; printf 'label,text\npos,secretword here\n' | tokens --classes neg,pos --split test -; } >both
vic-embed -q --random --dim 3 both >with_test && vic-train -q -m bow --epochs 1 -o b with_test
same 'n-grams of test records are not in the model' '0 1' "$(grep -ac secretword b) $(grep -ac 'not bad' b)"

# MC dropout needs dropout.
train --epochs 6 --dropout 0.3 -o b
same 'MC dropout: as many samples as passes' 3 "$(vic-predict -q --mc-dropout 3 b text | vic-cat --head |
	sed -n 's/.*"samples": *\([0-9]*\).*/\1/p' | head -1)"
fails 2 'trained without dropout' 'MC dropout of a model without' vic-predict -q --mc-dropout 3 a text

vic-train --plan -m bow text >plan
same 'the plan has the bag' 1 "$(awk -F '\t' '$2 == "bag"' plan | wc -l | tr -d ' ')"
ok 'a plan without records' sh -c 'vic-train --plan -m bow </dev/null >/dev/null'
fails 2 '--maps goes without --model bow' 'feature maps of a linear model' train --maps 3 -o no
fails 2 '--ngrams goes with --model bow' 'n-grams of Kim-CNN' vic-train -q --ngrams 2 -o no text
fails 2 'bow has no layer to mix in' 'manifold mixup' train --mixup 1 --mixup-mode manifold -o no
fails 2 'bow encodes no sentence; these do: kimcnn' 'sentence mixup' train --mixup 1 --mixup-mode sentence -o no
printf 'label,text\nneg,\npos,\n' | tokens --classes neg,pos - >empty
tokens --split test a.csv >test
vic-embed -q --random --dim 3 empty test >none 2>/dev/null
fails 1 'no record marked train has a word' 'training records without words' vic-train -q -m bow -o no none
finish
