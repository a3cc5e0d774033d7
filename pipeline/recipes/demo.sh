#!/bin/sh
# The paper's Figure 4 in small: a Kim-CNN on movie-review sentences, five ways of training it, cross-validated; how
# accurate each is and how far its probabilities can be trusted. Then a small network on images with and without mixup,
# and text and images side by side before one judge. Every command is shown.
# Data: MR and Fashion-MNIST or CIFAR-10 in $VIC_DATA, ./data or ../shared/data; MR else is fetched (1 MB, not with
# VIC_OFFLINE=1); what is not to be had, or all of it with SYNTHETIC=1, is made: sentences and images whose true
# probabilities are known. OUT (default build/demo) keeps the logits; FOLDS and EPOCHS (5 and 10) shorten or lengthen
# it.
. "$(dirname "$0")/lib.sh"
cd "$root"
out=${OUT:-build/demo}
folds=${FOLDS:-5} epochs=${EPOCHS:-10} synthetic=${SYNTHETIC:-}
mkdir -p "$out"
say() { printf '\n== %s\n' "$1" >&2; }

posterior= mr=
if [ -z "$synthetic" ] && ! mr=$(find_data mr/rt-polarity.pos); then
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
	say "Data: synthetic sentences (MR is not here, or was not wanted); their true probabilities are known"
	run "vic-corpora synth text --to '$out/synth'"
	run "vic-tokenize --format mr --rules kim --lower '$out/synth' > '$out/tokens'"
	run "vic-embed --vectors '$out/synth/vectors.txt' '$out/tokens' > '$out/text'"
	posterior="--posterior '$out/synth/posterior.tsv'"
fi
run "vic-cat --stats '$out/tokens' | grep -E '^(records|tokens|types|longest) '"

say "Training: 5 methods x $folds folds x $epochs epochs, $JOBS at a time"
printf '%s\n' 'baseline=' 'mixup=--mixup 0.4' 'label-smoothing=--label-smoothing 0.1' 'erl=--erl 0.1' \
	'features-only=--mixup 0.4 --mixup-mode features' > "$out/methods"
fold() {
	run "vic-split -q --cv $folds --fold $1 --dev 0.1 '$out/text' > '$out/$1.text'"
	while read -r m; do
		name=${m%%=*}
		run "vic-train -q --threads $THREADS --epochs $epochs ${m#*=} -o '$out/$1.$name.model' '$out/$1.text'"
		run \
			"vic-predict -q --threads $THREADS --split test --name '$name' '$out/$1.$name.model' '$out/$1.text' > '$out/$1.$name.part'"
		rm "$out/$1.$name.model"
	done < "$out/methods"
	rm "$out/$1.text"
}
# shellcheck disable=SC2046
in_parallel fold $(seq 0 $((folds - 1)))
while read -r m; do
	name=${m%%=*}
	for i in $(seq 0 $((folds - 1))); do cat "$out/$i.$name.part"; done > "$out/$name.logits"
	rm "$out"/*."$name.part"
done < "$out/methods"
rm "$out/methods"

say "How accurate, and how honest: ECE and OE near their floor are good, the gap says over (+) or under (-) confident"
set -- "$out/baseline.logits" "$out/mixup.logits" "$out/label-smoothing.logits" "$out/erl.logits" \
	"$out/features-only.logits"
run "vic-score -q --brief --no-diagram $posterior $(printf "'%s' " "$@")"
say "Reliability of plain training and of mixup: accuracy (bars) against confidence (the diagonal is honest)"
run "vic-score -q --brief --diagram '$1' '$2' | sed -n '/^\$/,\$p'"

picture_posterior=
if [ -z "$synthetic" ] && images=$(find_data fashion-mnist/train-images-idx3-ubyte.gz); then
	say "Images: 15,000 of Fashion-MNIST's 60,000 ($images)"
	run "vic-images --format idx --per-class 1500 '$images' | vic-split -q --dev 0.1 > '$out/images'"
elif [ -z "$synthetic" ] && images=$(find_cifar); then
	say "Images: CIFAR-10, at most 1,500 a class ($images)"
	run "vic-images --format cifar10 --per-class 1500 '$images' | vic-split -q --dev 0.1 > '$out/images'"
else
	say \
		"Images: synthetic shapes (neither Fashion-MNIST nor CIFAR-10 is here, or wanted; vic-corpora fetch fashion-mnist brings one)"
	run "vic-corpora synth images --to '$out/shapes'"
	names=$(sed -n '1{s/^record	//;s/	/,/g;p;}' "$out/shapes/posterior.tsv") # IDX files have none
	run "vic-images --format idx --classes '$names' '$out/shapes' | vic-split -q --dev 0.1 > '$out/images'"
	picture_posterior="--posterior '$out/shapes/posterior.tsv'"
fi
picture_model() {
	name=$1 option=
	if [ "$name" = mixup ]; then option="--mixup 0.4"; fi
	run \
		"vic-train -q --threads $THREADS --model smallcnn --epochs $(((epochs + 1) / 2)) --schedule cosine $option -o '$out/images.$name.model' '$out/images'"
	run \
		"vic-predict -q --threads $THREADS --split test --name 'images: $name' '$out/images.$name.model' '$out/images' > '$out/images.$name.logits'"
}
say "Training: a small convolutional network, $(((epochs + 1) / 2)) epochs, plain and with mixup, $JOBS at a time"
in_parallel picture_model baseline mixup
set -- "$@" "$out/images.baseline.logits" "$out/images.mixup.logits"
say "Text and images before one judge"
run \
	"vic-score -q --brief --no-diagram --name 'text: baseline' --name 'text: mixup' --name 'images: baseline' --name 'images: mixup' '$1' '$2' '$6' '$7'"
if [ -n "$picture_posterior" ]; then
	say "The images' true calibration error, which estimates can only guess at"
	run "vic-score -q --brief --no-diagram $picture_posterior '$6' '$7'"
fi
say "Next, in this folder with build/bin on the PATH:"
echo "vic-score $1 $2                      # every metric, with floors" >&2
echo "vic-compare $1 $2                    # what may be claimed" >&2
echo "vic-report $out/*.logits > report.html    # one page to look at" >&2
echo "vic run                              # the paper's figures and tables, a command each" >&2
