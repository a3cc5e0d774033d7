#!/bin/sh
# vic run: Beyond the paper: strengths chosen on dev records, not on the test
# The paper reports the best alpha, epsilon and kappa by what the test shows. Here each training's strength is the one
# whose dev records have the least negative log-likelihood, as they are (setting dev-nll) or each at its own temperature
# (dev-refined); what it costs to choose is in the numbers. Rows of METHOD+hot are at the temperature. Of Figures 4 and 2
# most trainings are here, too.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin 'mr,trec,imdb,fashion-mnist|mr,trec,imdb,cifar-10' "$@"
for dataset in $DATA; do
	use "$dataset"
	[ "$kind" = text ] && alphas='0.05 0.1 0.2 0.4 1' || alphas='0.1 0.2 0.4 1'
	for seed in $seeds; do
		cell "$dataset" "$model" baseline - "$seed"
		hot "$CELL"
		choose "$dataset" "$model" mixup "$alphas" "$seed"
		choose "$dataset" "$model" label-smoothing '0.05 0.1' "$seed"
		choose "$dataset" "$model" erl '0.1 1' "$seed"
	done
done
recipe_run
scores test test-hot
if stage page; then
	rows_picture bars --metric accuracy,ece,oe
	page
fi
