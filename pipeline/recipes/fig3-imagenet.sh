#!/bin/sh
# vic run: Figure 3: calibration on ImageNet
# The paper: ResNet-50 and ResNeXt-101 (32x4d), trained as Goyal et al. (2017) have it until the likeliest five hold 93 %
# of the labels. Mixup is better calibrated than plain training, on ResNeXt also than label smoothing, and 0.4 points
# more accurate. The judges are the validation images, whose labels alone were published; they choose no epoch. The
# paper does not say which alpha: 0.2 is Zhang et al.'s (2018) for ImageNet.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin 'imagenette|imagenet' "$@"
for dataset in $DATA; do
	use "$dataset"
	for model in $models; do
		for seed in $seeds; do
			cell "$dataset" "$model" baseline - "$seed"
			cell "$dataset" "$model" mixup 0.2 "$seed"
			cell "$dataset" "$model" label-smoothing 0.1 "$seed"
			cell "$dataset" "$model" erl 0.1 "$seed"
		done
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
	for dataset in $DATA; do
		use "$dataset"
		for model in $models; do
			pools "$dataset" "$model" test.logits baseline mixup-0.2
			picture "scatter-$dataset-$model" "vic-reliability -q --curve scatter $pools"
		done
	done
	page
fi
