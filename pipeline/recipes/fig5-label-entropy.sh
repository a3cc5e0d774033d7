#!/bin/sh
# vic run: Figure 5: the entropy of the labels that mixup trains on
# The paper: the distribution of the labels' entropy for Beta(alpha, alpha); plain training, and mixing features alone,
# have 0 throughout. The picture is computed; the rows are what trainings met with, in nats a record (their last epoch:
# pairs of the same class, which have none, are among them), beside label smoothing's.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin 'mr,fashion-mnist|mr,cifar-10' "$@"
for dataset in $DATA; do
	use "$dataset"
	ways '' baseline:- mixup:0.1 mixup:0.2 mixup:0.4 mixup:1 features-only:0.4 label-smoothing:0.1
done
recipe_run
if stage table; then
	rows_begin
	rows_history label_entropy
	rows_scores test - accuracy ece oe gap
	rows_end
fi
if stage page; then
	rows_picture alpha --curve settings --method mixup --metric label_entropy
	picture entropy 'vic-reliability -q --curve entropy --alpha 0.1,0.2,0.4,1'
	page
fi
