#!/bin/sh
# vic run: Table 1: telling foreign data by the confidence (AUROC)
# The paper: VGG-16 on STL-10 against ImageNet's other classes and Gaussian noise, in per cent: plain training 80.57 and
# 73.28, mixup 83.28 and 95.93, temperature 56.2 and 54.2, MC dropout (p = 0.3) 78.93 and 70.57. Figure 8 shows the
# confidences of the same models. (Temperature keeps the order of the two classes of MR: its AUROC is plain training's.)
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin 'mr,fashion-mnist,cifar-10|mr,stl-10' "$@"
[ "$SCALE" = paper ] || SEEDS=${SEEDS:-3}
for dataset in $DATA; do met_by_strangers "$dataset"; done
recipe_run
if stage table; then
	rows_begin
	for dataset in $DATA; do
		strangers "$dataset"
		rows_sets=$dataset
		for other in $strangers; do
			rows_only=''
			rows_foreign "$other" auroc aupr_in fpr95
			rows_only=baseline
			rows_foreign "$other:hot" auroc aupr_in fpr95
		done
	done
	rows_end
fi
if stage page; then
	rows_picture bars --metric auroc
	page
fi
