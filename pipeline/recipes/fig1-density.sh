#!/bin/sh
# vic run: Figure 1: confidence against accuracy while a network learns, plain and with mixup
# The paper: VGG-16 on CIFAR-100. In plain training the joint density of accuracy and confidence moves from
# underconfidence in the first epochs to overconfidence; with mixup it stays nearer the diagonal. Here: the weights after
# the first epoch, after a third of them and after the last, all of one training.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin 'mr,fashion-mnist|mr,cifar-100' "$@"
[ "$SCALE" = paper ] || SEEDS=${SEEDS:-3}
as_it_learns() {
	title="${way%%:*} ${way#*:}"
	title=${title%last}
	earlier "$1" first "$dataset" "$seed" 1 "${title}first"
	earlier "$1" third "$dataset" "$seed" "$third" "${title}third"
}
for dataset in $DATA; do
	use "$dataset"
	ways as_it_learns baseline:last mixup:0.4-last
done
recipe_run
if stage table; then
	rows_begin
	for epoch in first third; do rows_scores $epoch setting:$epoch accuracy confidence gap ece oe; done
	rows_scores test - accuracy confidence gap ece oe
	rows_end
fi
if stage page; then
	for dataset in $DATA; do
		use "$dataset"
		files=''
		for method in baseline-last mixup-0.4-last; do
			for epoch in first third test; do
				pools "$dataset" "$model" $epoch.logits $method
				files="$files$pools"
			done
		done
		picture "$dataset" "vic-reliability -q --curve density --group 50$files"
	done
	page
fi
