#!/bin/sh
# vic run: Beyond the paper: wrong labels in training
# A fifth of MR's training labels are turned over; the test (every tenth record) is right. Where labels are noisy, mixup
# should beat a temperature (Chidambaram and Ge 2023), whose dev records are as wrong as the others.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin mr-flipped,mr-held "$@"
for dataset in $DATA; do
	use "$dataset"
	for seed in $seeds; do
		for way in baseline:- mixup:0.1 mixup:0.4 mixup:1 label-smoothing:0.1 erl:0.1; do
			cell "$dataset" "$model" ${way%:*} ${way#*:} "$seed"
			hot "$CELL"
		done
	done
done
recipe_run
if stage table; then
	rows_begin
	rows_scores test - accuracy ece oe gap nll brier
	rows_scores test-hot method:hot accuracy ece oe gap nll brier
	rows_end
fi
if stage page; then
	rows_picture bars --metric accuracy,ece,nll
	page
fi
