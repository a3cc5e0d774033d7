#!/bin/sh
# vic run: Beyond the paper: classes that overlap, and their probabilities known
# Sentences from a grammar (vic-corpora synth) that tells P(class | sentence) of each: in synth-apart the classes hardly
# overlap (the best accuracy there can be is 0.97), in synth-overlap more (0.83). The more they do, the less a temperature
# mends plain training, while mixup does (Chidambaram and Ge 2023). true_point is how far a confidence is from the true
# probability of its class, on average; true_ece how far those of a bin are from theirs. No luck of labels is in either.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin synth-apart,synth-overlap "$@"
for dataset in $DATA; do
	use "$dataset"
	[ -n "$truth" ] || die "the true probabilities of $dataset are not known" 2
	ways hot baseline:- mixup:0.1 mixup:0.4 mixup:1 label-smoothing:0.1
done
recipe_run
if stage table; then
	rows_begin
	rows_scores test - true_point true_ece
	rows_scores test - accuracy ece oe gap nll
	rows_scores test-hot method:hot true_point true_ece
	rows_scores test-hot method:hot accuracy ece oe gap nll
	rows_end
fi
if stage page; then
	rows_picture bars --metric true_point,true_ece,nll
	page
fi
