#!/bin/sh
# IMDB reviews, the first 400 words: baseline and mixup, trained on all 25,000 training reviews for a fixed number of
# epochs (there is no dev part to choose one by). usage: imdb.sh OUT [EPOCHS]
. "$(dirname "$0")/lib.sh"
out=${1:?usage: imdb.sh OUT [EPOCHS]} epochs=${2:-8}
imdb=
for f in imdb/aclImdb imdb/aclImdb_v1.tar.gz imdb/aclImdb_v1-subset.tar.gz; do
	d=$(find_data "$f") && { imdb=$d/$(basename "$f"); break; }
done
[ -n "$imdb" ] || { echo "imdb.sh: no IMDB here; vic-corpora fetch imdb brings it" >&2; exit 1; }
vectors=$(find_vectors) || { echo "imdb.sh: no GloVe vectors here; vic-corpora fetch glove.6B brings them" >&2; exit \
	1; }
mkdir -p "$out"
run "vic-tokenize -q --format imdb '$imdb' | vic-embed -q --vectors '$vectors' > '$out/text'"
for alpha in 0 0.4; do
	run \
		"vic-train --epochs $epochs --max-tokens 400 --mixup $alpha --history '$out/$alpha.tsv' -o '$out/$alpha.model' '$out/text'"
	run "vic-predict -q --split test --name 'mixup $alpha' '$out/$alpha.model' '$out/text' > '$out/$alpha.logits'"
done
vic-score -q --no-diagram "$out/0.logits" "$out/0.4.logits"
