#!/bin/sh
# vic run: Figure 7: training much longer
# The paper: CIFAR-10 and CIFAR-100, 1,000 epochs. Plain training's loss goes to nothing; mixup's does not, and its
# calibration error does not rise with further training. Here: five times the epochs (small: three times), the last
# epoch's weights, and what the dev records say of every epoch; ":rise" is the last epoch's less the middle one's.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin 'mr,fashion-mnist|mr,cifar-10,cifar-100' "$@"
[ "$SCALE" = paper ] || SEEDS=${SEEDS:-3}
for dataset in $DATA; do
	use "$dataset"
	for model in $models; do
		ways '' baseline:long mixup:0.4-long
	done
done
recipe_run
if stage table; then
	rows_begin
	rows_history train_loss dev_ece dev_oe train_loss:rise dev_ece:rise
	rows_scores test - accuracy ece oe gap nll
	rows_end
fi
if stage page; then
	longer=
	for dataset in $DATA; do
		use "$dataset"
		longer="$longer${longer:+,} $dataset $long epochs"
		for model in $models; do
			set -- $seeds
			at=cells/$dataset/$model
			picture "$dataset-$model" "vic-reliability -q --curve training --name baseline --name 'mixup 0.4' \
\"$at/baseline-long/$1/history.tsv\" \"$at/mixup-0.4-long/$1/history.tsv\""
		done
	done
	page "Here for longer:$longer."
fi
