#!/bin/sh
# vic run: Figure 2: calibration of mixup and its rivals, and over alpha, on images
# The paper: STL-10, CIFAR-10, CIFAR-100 and Fashion-MNIST on VGG-16 and ResNets. Mixup's ECE and OE are the lowest, or
# nearly; ECE is least for alpha from 0.2 to 0.4 and grows with larger ones, which make a model underconfident, while OE
# falls all along; accuracy does not suffer. (Figure 4 is the same for text; --data mr makes MR in this form.)
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin 'fashion-mnist,cifar-10|stl-10,cifar-10,cifar-100,fashion-mnist' "$@"
for dataset in $DATA; do
	use "$dataset"
	for model in $models; do
		ways '' baseline:- mixup:0.1 mixup:0.2 mixup:0.4 mixup:1 label-smoothing:0.05 label-smoothing:0.1 erl:0.1
	done
done
recipe_run
scores
if stage page; then
	rows_picture bars --metric accuracy,ece,oe
	rows_picture alpha --curve settings --method mixup --metric ece,oe,accuracy
	pictures scatter scatter baseline mixup-0.4
	page
fi
