#!/bin/sh
# vic run: Beyond the paper: calibration where the data shift
# Models of MR judge the first words of IMDB's reviews, and their own test records changed: words replaced (Figure 10's
# form), left out or mistyped, only those with a negation, only those without; image models theirs off the hull. With a
# temperature and without. Labels are known throughout, so calibration is measured, not guessed.
# shellcheck disable=SC1091,SC2034,SC2086,SC2154 # what recipe.sh sets and reads; words
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
recipe_begin 'mr,fashion-mnist|mr,cifar-10' "$@"
[ "$SCALE" = paper ] || SEEDS=${SEEDS:-3}
others() { [ "$1" != mr ] || echo imdb-openings; }
shifts() {
	[ "$kind" = text ] && echo mu0.2 mu0.4 drop0.2 drop0.4 typo0.2 typo0.4 negated affirmed || echo mu10 mu30
}
shifted() {
	hot "$1"
	for other in $(others "$dataset"); do
		foreign "$1" "$other" "data/$dataset-$other.vic"
		hot "$1" "$other" "data/$dataset-$other.vic"
	done
	for shift in $(shifts); do
		moved "$dataset" "$seed" $shift
		said "$1" $shift "$moved"
		said "$1" $shift-hot "$moved" --map
	done
}
for dataset in $DATA; do
	for other in $(others "$dataset"); do use "$dataset-$other"; done
	use "$dataset"
	ways shifted baseline:- mixup:0.1 mixup:0.4 mixup:1 label-smoothing:0.1 erl:0.1
done
recipe_run
if stage table; then
	rows_begin
	for dataset in $DATA; do
		use "$dataset"
		rows_sets=$dataset
		rows_scores test - accuracy ece oe gap nll
		rows_scores test-hot method:hot accuracy ece oe gap nll
		for shift in $(others "$dataset") $(shifts); do
			rows_scores "$shift" "data:$shift" accuracy ece oe gap nll
			rows_scores "$shift-hot" "data:$shift,method:hot" accuracy ece oe gap nll
		done
	done
	rows_end
fi
if stage page; then
	rows_picture bars --metric accuracy,ece,nll
	page
fi
