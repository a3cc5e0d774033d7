#!/bin/sh
# vic run: of the tests: two ways of training on sentences and pictures that are made, seconds in all
# What it is told by variables: TINY_ODD=COMMAND, a job more for each cell of text (it makes odd.logits).
# shellcheck disable=SC1091,SC2154 # what recipe.sh sets
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin synth-text,synth-images "$@"
for dataset in $DATA; do
	use "$dataset"
	for seed in $seeds; do
		cell "$dataset" "$model" baseline - "$seed"
		[ -z "${TINY_ODD:-}" ] || [ "$kind" = image ] || derive "$CELL" odd "$TINY_ODD"
		cell "$dataset" "$model" mixup 0.4 "$seed"
		[ "$kind" = image ] || foreign "$CELL" again "data/$dataset.vic"
	done
done
recipe_run
if stage table; then
	rows_begin
	rows_scores test - accuracy ece
	rows_end
fi
