#!/bin/sh
# vic run: two minutes: plain training, mixup and two rivals, on text and on images, and one page about all
# Film reviews (MR, or where it cannot be had sentences whose true probabilities are known): two folds of five, a Kim-CNN.
# Images (5,000 of Fashion-MNIST, or shapes in noise): a small convolutional network. The paper's Figure 4 in small: how
# accurate each is, and how far its probabilities can be trusted. MR is fetched where it is not (1 MB; not with
# VIC_OFFLINE=1); SYNTHETIC=1 takes made data in any case.
# shellcheck disable=SC1091,SC2034,SC2154 # what recipe.sh sets and reads
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"

data_set() { # [MODEL]: as data.sh's, of two sets
	data_blank
	n_seeds=1
	case $1 in
	text)
		kind=text models=kimcnn folds=5 epochs=10
		embed='vic-embed -q --random --dim 100'
		if [ "$demo_text" = mr ]; then
			link mr "$demo_mr"
			make='vic-tokenize -q --format mr mr'
			if [ -n "$demo_vectors" ]; then
				link vectors "$demo_vectors"
				embed='vic-embed -q --vectors vectors'
			fi
		else
			make='vic-corpora synth text -q --n 6000 --to . && vic-tokenize -q --format mr .'
			embed='vic-embed -q --vectors vectors.txt'
		fi
		make="$make | $embed > text.vic" ;;
	images)
		kind=image models=smallcnn epochs=5
		if [ "$demo_images" = fashion-mnist ]; then
			link fashion "$demo_fashion"
			make='vic-images -q --format idx --per-class 500 fashion'
		else
			make='vic-corpora synth images -q --n 5000 --to . && vic-images -q --format idx .'
		fi
		make="$make | vic-split -q --dev 0.1 > images.vic" ;;
	*) say "no data set '$1'"; return 1 ;;
	esac
	train="--epochs=$epochs"
	[ "$1" = text ] || train="$train --schedule=cosine"
	model=$models
}

recipe_begin text,images "$@"
[ -n "$SEEDS" ] || SEEDS=2
demo_text=synthetic demo_images=synthetic demo_vectors=''
if [ -z "${SYNTHETIC:-}" ]; then
	if ! root=$(data_root mr/rt-polarity.pos) && [ -z "$recipe_print" ]; then
		say "MR is not here; trying to fetch it (1 MB)"
		if vic-corpora fetch mr --to "$OUT/fetched" >&2; then root=$OUT/fetched; fi
	fi
	[ -z "$root" ] || demo_text=mr demo_mr=$root/mr
	for file in glove.6B/glove.6B.100d.txt glove/glove.6B.100d.txt glove/glove.6B.100d.subset.txt.gz; do
		[ -n "$demo_vectors" ] || ! root=$(data_root $file) || demo_vectors=$root/$file
	done
	if root=$(data_root fashion-mnist/train-images-idx3-ubyte.gz); then
		demo_images=fashion-mnist demo_fashion=$root/fashion-mnist
	fi
fi
say "text: $demo_text; images: $demo_images"
for dataset in $DATA; do
	use "$dataset"
	[ -n "$folds" ] || seeds=1
	for seed in $seeds; do
		cell "$dataset" "$model" baseline - "$seed"
		cell "$dataset" "$model" mixup 0.4 "$seed"
		if [ "$kind" = text ]; then
			cell "$dataset" "$model" label-smoothing 0.1 "$seed"
			cell "$dataset" "$model" features-only 0.4 "$seed"
		fi
	done
done
recipe_run
scores
if stage page; then
	for dataset in $DATA; do
		use "$dataset"
		[ -n "$folds" ] || seeds=1
		pools "$dataset" "$model" test.logits baseline mixup-0.4
		picture "$dataset" "vic-reliability -q $pools"
	done
	rows_page "Mixup in two minutes: text and images before one judge" "Text: $demo_text, images: $demo_images."
	say "look at $OUT/$RECIPE/page.html"
fi
