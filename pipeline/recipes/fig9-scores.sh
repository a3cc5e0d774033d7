#!/bin/sh
# vic run: Figure 9: the distribution of the winning scores
# The paper: on several image sets, mixup's winning scores are less peaked near 1 than plain training's. The rows have the
# share of the test records whose score is above 0.9.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin 'mr,fashion-mnist,cifar-10|mr,stl-10,cifar-10,cifar-100,fashion-mnist' "$@"
for dataset in $DATA; do
	use "$dataset"
	for model in $models; do
		ways '' baseline:- mixup:0.4
	done
done
recipe_run
if stage table; then
	rows_begin
	rows_confident test 0.9
	rows_scores test - accuracy confidence gap
	rows_end
fi
if stage page; then
	rows_picture bars --metric above_0.9
	pictures - histogram baseline mixup-0.4
	page
fi
