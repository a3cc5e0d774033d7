#!/bin/sh
# vic run: Beyond the paper: calibration where the data shift
# Models of MR judge the first words of IMDB's reviews, and their own test records with a share of the words replaced
# (Figure 10's form); with a temperature and without. Labels are known in both, so calibration is measured, not guessed.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin mr "$@"
[ "$SCALE" = paper ] || SEEDS=${SEEDS:-3}
others() { [ "$1" != mr ] || echo imdb-openings; }
for dataset in $DATA; do
	for other in $(others "$dataset"); do use "$dataset-$other"; done
	use "$dataset"
	for seed in $seeds; do
		for way in baseline:- mixup:0.1 mixup:0.4 mixup:1 label-smoothing:0.1 erl:0.1; do
			cell "$dataset" "$model" ${way%:*} ${way#*:} "$seed"
			for other in $(others "$dataset"); do
				foreign "$CELL" "$other" "data/$dataset-$other.vic"
				hot "$CELL" "$other" "data/$dataset-$other.vic"
			done
			for mu in 0.2 0.4; do
				moved "$dataset" "$seed" $mu
				said "$CELL" mu$mu "$moved"
				said "$CELL" mu$mu-hot "$moved" --map
			done
		done
	done
done
recipe_run
if stage table; then
	rows_begin
	for dataset in $DATA; do
		rows_sets=$dataset
		for other in $(others "$dataset") mu0.2 mu0.4; do
			rows_scores "$other" "data:$other" accuracy ece oe gap nll
			rows_scores "$other-hot" "data:$other,method:hot" accuracy ece oe gap nll
		done
	done
	rows_end
fi
if stage page; then
	rows_picture bars --metric accuracy,ece,nll
	page
fi
