#!/bin/sh
# Cross-validation of several methods on one text stream, folds pooled: the paper's Figure 4 for a data set without a
# test set.
# usage: cv.sh TEXT OUT FOLDS EPOCHS 'name=options of vic-train' ...
# Leaves OUT/name.logits, the folds' logits end to end.
. "$(dirname "$0")/lib.sh"
text=$1 out=$2 folds=$3 epochs=$4
shift 4
mkdir -p "$out"

fold() {
	i=$1
	run "vic-split -q --cv $folds --fold $i --dev 0.1 '$text' > '$out/$i.text'"
	while read -r m; do
		name=${m%%=*}
		run "vic-train -q --threads $THREADS --epochs $epochs ${m#*=} -o '$out/$i.$name.model' '$out/$i.text'"
		run \
			"vic-predict -q --threads $THREADS --split test --name '$name' '$out/$i.$name.model' '$out/$i.text' > '$out/$i.$name.part'"
		rm "$out/$i.$name.model"
	done < "$out/methods"
	rm "$out/$i.text"
}

printf '%s\n' "$@" > "$out/methods"
# shellcheck disable=SC2046
in_parallel fold $(seq 0 $((folds - 1)))
while read -r m; do
	name=${m%%=*}
	: > "$out/$name.logits"
	for i in $(seq 0 $((folds - 1))); do
		cat "$out/$i.$name.part" >> "$out/$name.logits"
		rm "$out/$i.$name.part"
	done
done < "$out/methods"
rm "$out/methods"
