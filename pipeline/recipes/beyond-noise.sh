#!/bin/sh
# vic run: Beyond the paper: wrong labels in training
# A fifth of MR's training labels are turned over; the test (every tenth record) is right. Where labels are noisy, mixup
# should beat a temperature (Chidambaram and Ge 2023), whose dev records are as wrong as the others.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin mr-flipped,mr-held "$@"
ways_with_temperature baseline:- mixup:0.1 mixup:0.4 mixup:1 label-smoothing:0.1 erl:0.1
if stage page; then
	rows_picture bars --metric accuracy,ece,nll
	page
fi
