#!/bin/sh
# vic run: Figure 4: accuracy, ECE and OE of each way of training, on text
# The paper: a Kim-CNN (2014) with GloVe's vectors on MR, TREC and IMDB; mixup of the word vectors has the lowest ECE and
# OE, and no lower accuracy, on all three. Here: mixup over alpha, its rivals, mixup of sentences (Guo et al. 2019) and a
# linear model of n-grams beside it. MR has no test set: ten folds, their records together.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin mr,trec,imdb "$@"
for dataset in $DATA; do
	use "$dataset"
	[ "$kind" = text ] && text='sentence:0.4 bow/baseline:-' || text=''
	ways '' baseline:- mixup:0.05 mixup:0.1 mixup:0.2 mixup:0.4 mixup:1 label-smoothing:0.05 label-smoothing:0.1 erl:0.1 \
		features-only:0.4 $text
done
recipe_run
scores
if stage page; then
	rows_picture bars --metric accuracy,ece,oe
	rows_picture alpha --curve settings --method mixup --metric ece,oe,accuracy
	for dataset in $DATA; do
		use "$dataset"
		pools "$dataset" "$model" test.logits baseline mixup-0.4
		picture "bins-$dataset" "vic-reliability -q $pools"
	done
	page
fi
