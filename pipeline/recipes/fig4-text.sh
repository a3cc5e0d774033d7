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
	for seed in $seeds; do
		cell "$dataset" "$model" baseline - "$seed"
		for alpha in 0.05 0.1 0.2 0.4 1; do
			cell "$dataset" "$model" mixup $alpha "$seed"
		done
		cell "$dataset" "$model" label-smoothing 0.05 "$seed"
		cell "$dataset" "$model" label-smoothing 0.1 "$seed"
		cell "$dataset" "$model" erl 0.1 "$seed"
		cell "$dataset" "$model" features-only 0.4 "$seed"
		if [ "$kind" = text ]; then
			cell "$dataset" "$model" sentence 0.4 "$seed"
			cell "$dataset" bow baseline - "$seed"
		fi
	done
done
recipe_run
if stage table; then
	rows_begin
	rows_scores test - accuracy ece oe gap nll brier
	rows_end
fi
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
