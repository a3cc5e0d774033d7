#!/bin/sh
# vic run: Figure 10: leaving the convex hull of the training data
# The paper: VGG-16 on STL-10, test images moved by mu along random directions, mu from 0.01 to 100. Mixup's accuracy
# falls more slowly and its confidence with it; temperature loses its confidence at once; plain training loses it and
# regains it. Text: a share mu of the words of each record replaced by words drawn from all records.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin 'mr,fashion-mnist|mr,stl-10' "$@"
[ "$SCALE" = paper ] || SEEDS=${SEEDS:-3}
steps() { [ "$kind" = text ] && echo 0 0.1 0.2 0.4 0.8 1 || echo 0 0.01 0.1 1 3 10 30 100; }
off_hull() {
	for mu in $(steps); do
		moved "$dataset" "$seed" "mu$mu"
		said "$1" "mu$mu" "$moved"
		[ "$way" != baseline:- ] || said "$1" "mu$mu-hot" "$moved" --map
	done
}
for dataset in $DATA; do
	use "$dataset"
	ways off_hull baseline:- mixup:0.4
done
recipe_run
if stage table; then
	rows_begin
	for dataset in $DATA; do
		use "$dataset"
		rows_sets=$dataset
		for mu in $(steps); do
			rows_only=''
			rows_scores "mu$mu" "data:mu$mu" accuracy confidence
			rows_scores "mu$mu" "data:mu$mu" entropy
			rows_only=baseline
			rows_scores "mu$mu-hot" "data:mu$mu,method:hot" accuracy confidence
			rows_scores "mu$mu-hot" "data:mu$mu,method:hot" entropy
		done
	done
	rows_end
fi
if stage page; then
	for dataset in $DATA; do
		use "$dataset"
		names='' files=''
		for way in baseline:baseline: mixup:mixup-0.4: temperature:baseline:-hot; do
			for mu in $(steps); do
				method=${way#*:} after=${way##*:}
				pools "$dataset" "$model" "mu$mu$after.logits" "${method%:*}"
				names="$names --name ${way%%:*}" files="$files $pools" at="${at:-}${at:+,}$mu"
			done
		done
		picture "$dataset" "vic-reliability -q --curve hull --at $at $names $files"
		at=''
	done
	page
fi
