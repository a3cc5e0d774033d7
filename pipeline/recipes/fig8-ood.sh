#!/bin/sh
# vic run: Figure 8: confidence on foreign data and on noise
# The paper: VGG-16 on STL-10 meets ImageNet's other classes and Gaussian noise; mixup is far less confident of both than
# plain training and MC dropout (p = 0.3, 10 passes); temperature scaling is less so of foreign images, more so of noise.
# Text: the 20 first words of film reviews, questions, and rows of random words. Table 1 has the same models' AUROC.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin 'mr,fashion-mnist,cifar-10|mr,stl-10' "$@"
[ "$SCALE" = paper ] || SEEDS=${SEEDS:-3}
for dataset in $DATA; do met_by_strangers "$dataset"; done
recipe_run
if stage table; then
	rows_begin
	for dataset in $DATA; do
		strangers "$dataset"
		rows_sets=$dataset
		for other in test $strangers; do
			rows_only=''
			rows_confident "$other" 0.9
			rows_only=baseline
			rows_confident "$other:hot" 0.9
		done
	done
	rows_end
fi
if stage page; then
	rows_picture bars --metric above_0.9
	for dataset in $DATA; do
		strangers "$dataset"
		for other in $strangers; do
			pools "$dataset" "$model" "$other.logits" baseline mixup-0.4 "mc-dropout-$dropout"
			ours=$pools
			pools "$dataset" "$model" "$other-hot.logits" baseline
			picture "$dataset-$other" "vic-reliability -q --curve histogram --name baseline --name 'mixup 0.4' \
--name 'MC dropout' --name temperature $ours $pools"
		done
	done
	page
fi
