#!/bin/sh
# vic run: Table 3: mixing hidden values (manifold mixup)
# The paper: with as many epochs as mixup, manifold mixup (Verma et al. 2019; alpha 2 is theirs) is less accurate and
# worse calibrated on PreActResNets; with ten times as many it is more accurate, and at times better calibrated. (The
# network must have layers to mix in: Kim's has none.)
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin 'cifar-10|cifar-10,cifar-100' "$@"
[ "$SCALE" = paper ] && models='preactresnet18 preactresnet34' || models=preactresnet18
nets=$models
for dataset in $DATA; do
	use "$dataset"
	alpha=0.4
	[ "$dataset" != cifar-100 ] || alpha=0.5
	for model in $nets; do
		ways '' mixup:$alpha manifold:2 manifold:2-long
	done
done
recipe_run
scores
if stage page; then
	rows_picture bars --metric accuracy,ece,oe
	page
fi
