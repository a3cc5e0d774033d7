#!/bin/sh
# vic run: Beyond the paper: every way of training, with a temperature and without
# A temperature fitted on dev records calibrates plain training as well as mixup does, and mixup gains less from it (Wang
# et al. 2023). Rows of METHOD+hot are at the temperature; the trainings are Figure 4's and 2's.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin 'mr,trec,imdb,fashion-mnist|mr,trec,imdb,cifar-10' "$@"
ways_with_temperature baseline:- mixup:0.1 mixup:0.4 mixup:1 label-smoothing:0.1 erl:0.1 features-only:0.4
if stage page; then
	rows_picture bars --metric ece,nll
	page
fi
