#!/bin/sh
# vic run: Figure 6: mixing features alone, with the nearer record's hard label, against mixing labels too
# The paper: on several data sets and networks, mixing features alone does not calibrate; the soft labels do.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin 'mr,fashion-mnist,cifar-10|mr,trec,imdb,stl-10,cifar-10,cifar-100,fashion-mnist' "$@"
for dataset in $DATA; do
	use "$dataset"
	for model in $models; do
		ways '' baseline:- mixup:0.4 features-only:0.4
	done
done
recipe_run
scores
if stage page; then
	rows_picture bars --metric accuracy,ece,oe
	pictures bins bins baseline features-only-0.4 mixup-0.4
	page
fi
