#!/bin/sh
# vic run: Figure 4: accuracy, ECE and OE of each way of training, on text
# shellcheck disable=SC1091,SC2154 # what recipe.sh sets
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin synth-text,synth-images "$@"
for dataset in $DATA; do
	use "$dataset"
	for seed in $seeds; do
		cell "$dataset" "$model" baseline - "$seed"
		cell "$dataset" "$model" mixup 0.4 "$seed"
	done
done
recipe_run
