#!/bin/sh
# vic run: Beyond the paper: ensembles of mixup models
# The models of all seeds on the same records answer as one: their probabilities are averaged. Plain networks are too
# sure, and averaging makes them less so; mixup's are not, and an ensemble of them is too modest (Wen et al. 2021). Rows
# of METHOD+ensemble are the ensemble's, of METHOD+hot+ensemble that of models at their own temperatures. (Folds test
# each its own records and make no ensemble: of MR every tenth record is the test.) Claims that hold one ensemble against
# another are judged by the difference of both, of the same seeds, on the same records.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin 'mr-held,trec,fashion-mnist|mr-held,trec,imdb,cifar-10' "$@"
for dataset in $DATA; do
	use "$dataset"
	[ -z "$folds" ] || die "$dataset is cross-validated: the models of its folds are tested on different records" 2
	[ "$seeds" != ' 1' ] || die "an ensemble takes two seeds of $dataset, or more" 2
	ways hot baseline:- mixup:0.4 mixup:1 label-smoothing:0.1
done
recipe_run
if stage table; then
	rows_begin
	rows_scores test - accuracy ece oe gap nll brier
	rows_scores test-hot method:hot accuracy ece oe gap nll brier
	rows_ensemble test - accuracy ece oe gap nll brier
	rows_ensemble test-hot method:hot accuracy ece oe gap nll brier
	rows_ensemble_differences baseline test accuracy ece oe nll brier
	rows_end
fi
if stage page; then
	rows_picture bars --metric accuracy,ece,gap
	page
fi
