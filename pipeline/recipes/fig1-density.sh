#!/bin/sh
# vic run: Figure 1: confidence against accuracy while a network learns, plain and with mixup
# The paper: VGG-16 on CIFAR-100. In plain training the joint density of accuracy and confidence moves from
# underconfidence in the first epochs to overconfidence; with mixup it stays nearer the diagonal. Here: the weights after
# the first epoch, after a third of them and after the last; the shorter trainings are the longer one's beginning.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin 'mr,fashion-mnist|mr,cifar-100' "$@"
[ "$SCALE" = paper ] || SEEDS=${SEEDS:-3}
for dataset in $DATA; do
	use "$dataset"
	for seed in $seeds; do
		for epoch in first third last; do
			cell "$dataset" "$model" baseline $epoch "$seed"
			cell "$dataset" "$model" mixup 0.4-$epoch "$seed"
		done
	done
done
recipe_run
if stage table; then
	rows_begin
	rows_scores test - accuracy confidence gap ece oe
	rows_end
fi
if stage page; then
	for dataset in $DATA; do
		use "$dataset"
		pools "$dataset" "$model" test.logits baseline-first baseline-third baseline-last mixup-0.4-first mixup-0.4-third \
			mixup-0.4-last
		picture "$dataset" "vic-reliability -q --curve density --group 50 $pools"
	done
	page
fi
