#!/bin/sh
# TREC questions, six classes: accuracy, ECE and OE over mixup's alpha, mean and deviation over seeds, beside the null
# floor that
# 500 test questions leave. usage: trec.sh OUT [SEEDS]   (data: vic-corpora fetch trec, or a folder the recipes look in)
. "$(dirname "$0")/lib.sh"
out=${1:?usage: trec.sh OUT [SEEDS]} seeds=${2:-5}
trec=$(find_data trec/train_5500.label) || { echo "trec.sh: no TREC here; vic-corpora fetch trec brings it" >&2; exit \
	1; }
vectors=$(find_vectors) || { echo "trec.sh: no GloVe vectors here; vic-corpora fetch glove.6B brings them" >&2; exit \
	1; }
mkdir -p "$out"
run \
	"vic-tokenize -q --format trec '$trec' | vic-embed -q --vectors '$vectors' | vic-split -q --dev 0.1 --seed 1 > '$out/text'"
one() {
	alpha=${1%:*} seed=${1#*:}
	run \
		"vic-train -q --threads $THREADS --mixup $alpha --seed $seed -o '$out/mixup-$alpha-seed-$seed.model' '$out/text'"
	run \
		"vic-predict -q --threads $THREADS --split test --name 'mixup $alpha' '$out/mixup-$alpha-seed-$seed.model' '$out/text' > '$out/mixup-$alpha-seed-$seed.logits'"
	rm "$out/mixup-$alpha-seed-$seed.model"
}
jobs=
for alpha in 0 0.05 0.1 0.2 0.4 1; do
	for seed in $(seq 1 "$seeds"); do jobs="$jobs $alpha:$seed"; done
done
# shellcheck disable=SC2086
in_parallel one $jobs
set --
for alpha in 0 0.05 0.1 0.2 0.4 1; do
	for seed in $(seq 1 "$seeds"); do set -- "$@" "$out/mixup-$alpha-seed-$seed.logits"; done
done
echo "$seeds seeds of each, mean and deviation; ece_floor: what 500 questions make of a perfectly calibrated model"
vic-score -q --seeds --no-diagram "$@" | grep -E '^(metric|n|accuracy|ece|ece_floor|oe|oe_floor|nll|brier|gap) '
