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
		ways '' baseline:- mixup:0.2 label-smoothing:0.1 erl:0.1
	done
done
recipe_run
scores
if stage page; then
	rows_picture bars --metric accuracy,ece,oe
	pictures scatter scatter baseline mixup-0.2
	page
fi
