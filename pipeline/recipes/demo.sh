#!/bin/sh
# The paper's Figure 4 in small: a Kim-CNN on movie-review sentences, five ways of training it, cross-validated; how accurate
# each is and how far its probabilities can be trusted. Every command is shown.
# Data: MR in $VIC_DATA, ./data or ../shared/data; else it is fetched (1 MB, not with VIC_OFFLINE=1); else synthetic sentences
# whose true probabilities are known. OUT (default build/demo) keeps the logits.
. "$(dirname "$0")/lib.sh"
cd "$root"
out=${OUT:-build/demo}
folds=5 epochs=10
mkdir -p "$out"
say() { printf '\n== %s\n' "$1" >&2; }

posterior=
if ! mr=$(find_data mr/rt-polarity.pos); then
	say "MR is not here; trying to fetch it (1 MB)"
	if run "vic-corpora fetch mr --to '$out/data'" && [ -e "$out/data/mr/rt-polarity.pos" ]; then
		mr=$out/data/mr
	else
		mr=
	fi
fi
if [ -n "$mr" ]; then
	say "Data: MR, 10662 sentences of film reviews, positive or negative ($mr)"
	run "vic-tokenize --format mr --rules kim --lower '$mr' > '$out/tokens'"
	if vectors=$(find_vectors); then
		run "vic-embed --vectors '$vectors' '$out/tokens' > '$out/text'"
	else
		say "no GloVe vectors here (vic-corpora fetch glove.6B brings them); words begin at random"
		run "vic-embed --random --dim 100 '$out/tokens' > '$out/text'"
	fi
else
	say "Data: synthetic sentences, because MR is neither here nor to be had; their true probabilities are known"
	run "vic-corpora synth text --to '$out/synth'"
	run "vic-tokenize --format mr --rules kim --lower '$out/synth' > '$out/tokens'"
	run "vic-embed --vectors '$out/synth/vectors.txt' '$out/tokens' > '$out/text'"
	posterior="--posterior '$out/synth/posterior.tsv'"
fi
run "vic-cat --stats '$out/tokens' | grep -E '^(records|tokens|types|longest) '"

say "Training: 5 methods x $folds folds x $epochs epochs, $JOBS at a time"
sh "$here/cv.sh" "$out/text" "$out" $folds $epochs \
	'baseline=' \
	'mixup=--mixup 0.4' \
	'label-smoothing=--label-smoothing 0.1' \
	'erl=--erl 0.1' \
	'features-only=--mixup 0.4 --mixup-mode features'

say "How accurate, and how honest: ECE and OE near their floor are good, the gap says over (+) or under (-) confident"
set -- "$out/baseline.logits" "$out/mixup.logits" "$out/label-smoothing.logits" "$out/erl.logits" "$out/features-only.logits"
run "vic-score -q --brief --no-diagram $posterior $(printf "'%s' " "$@")"
say "Reliability of plain training and of mixup: accuracy (bars) against confidence (the diagonal is honest)"
run "vic-score -q --brief --diagram '$1' '$2' | sed -n '/^\$/,\$p'"
say "Next, in this folder with build/bin on the PATH:"
echo "vic-score $1 $2                      # every metric, with floors" >&2
echo "vic-compare $1 $2                    # what may be claimed" >&2
echo "vic-report $out/*.logits > report.html    # one page to look at" >&2
