#!/bin/sh
# The paper's image experiments in small: ResNet-20 on CIFAR-10 (all of it, or the part that is found), six ways of
# training it, several seeds; then what the models say of images they were not made for (Figure 8, Table 1) and of
# perturbed ones (appendix D).
# usage: images.sh OUT [EPOCHS] [SEEDS]   (data: vic-corpora fetch cifar-10 and tiny-imagenet, or a folder the recipes
# look in)
# A short run wants a schedule that ends: the learning rate follows a cosine. SCHEDULE= the paper's (with EPOCHS 200).
. "$(dirname "$0")/lib.sh"
out=${1:?usage: images.sh OUT [EPOCHS] [SEEDS]} epochs=${2:-15} seeds=${3:-3}
schedule=${SCHEDULE---schedule cosine}
cifar=$(find_cifar) || { echo "images.sh: no CIFAR-10 here; vic-corpora fetch cifar-10 brings it" >&2; exit 1; }
tiny=$(find_tiny_imagenet) || tiny=
mkdir -p "$out"

methods='baseline mixup features-only label-smoothing erl dropout'
options() {
	case $1 in
	baseline) ;;
	mixup) echo "--mixup 0.4" ;;
	features-only) echo "--mixup 0.4 --mixup-mode features" ;;
	label-smoothing) echo "--label-smoothing 0.1" ;;
	erl) echo "--erl 0.1" ;;
	dropout) echo "--dropout 0.3" ;;
	esac
}

run "vic-images -q --format cifar10 '$cifar' | vic-split -q --dev 0.1 --seed 1 > '$out/cifar.img'"
others=noise
run "vic-images -q --gaussian-like '$out/cifar.img' --limit 2000 > '$out/noise.img'"
if [ -n "$tiny" ]; then
	others="tiny noise"
	run \
		"vic-images -q --format folder '$tiny' --only train,dev --resize 32 --channels 3 --split test > '$out/tiny.img'"
else
	echo \
		"images.sh: no Tiny ImageNet here (vic-corpora fetch tiny-imagenet brings it); noise alone is the foreign data" >&2
fi

one() {
	method=${1%:*} seed=${1#*:}
	at=$out/$method-$seed
	passes=
	if [ "$method" = dropout ]; then passes="--mc-dropout 10"; fi
	run \
		"vic-train -q --threads $THREADS -m resnet20 --epochs $epochs $schedule $(options "$method") --seed $seed --history '$at.tsv' -o '$at.model' '$out/cifar.img'"
	run \
		"vic-predict -q --threads $THREADS $passes --split test --name '$method' '$at.model' '$out/cifar.img' > '$at.logits'"
	if [ "$method" = baseline ]; then
		run \
			"vic-predict -q --threads $THREADS --split dev --name '$method' '$at.model' '$out/cifar.img' > '$at.dev.logits'"
	fi
	for other in $others; do
		run \
			"vic-predict -q --threads $THREADS $passes --name '$method' '$at.model' '$out/$other.img' > '$at.$other.logits'"
	done
}
jobs=
for seed in $(seq 1 "$seeds"); do
	for method in $methods; do jobs="$jobs $method:$seed"; done
done
# shellcheck disable=SC2086
in_parallel one $jobs

# Temperature: fitted on the baseline's dev records, applied to everything it said.
for seed in $(seq 1 "$seeds"); do
	at=$out/baseline-$seed to=$out/temperature-$seed
	run "vic-calibrate -q '$at.dev.logits' -o '$to.map'"
	# (the map by stdin, so that the three differ in nothing but the seed, and are pooled below)
	run "vic-calibrate -q --apply - '$at.logits' -o '$to.logits' < '$to.map'"
	for other in $others; do
		run "vic-calibrate -q --apply - '$at.$other.logits' -o '$to.$other.logits' < '$to.map'"
	done
done

echo "$seeds seeds of each, $epochs epochs: mean and deviation on the test images"
set --
for method in $methods temperature; do
	for seed in $(seq 1 "$seeds"); do set -- "$@" "$out/$method-$seed.logits"; done
done
vic-score -q --seeds --no-diagram --tsv "$@" > "$out/scores.tsv"
vic-score -q --seeds --no-diagram "$@" | grep -E '^(metric|n|accuracy|ece|ece_floor|oe|nll|brier|gap) '

# The area under the ROC curve of telling test images from foreign ones by the winning probability, a line a seed.
for other in $others; do
	echo \
		"AUROC of the winning probability, CIFAR-10's test images against $other: mean of $seeds seeds, least, most"
	for method in baseline temperature dropout mixup label-smoothing erl features-only; do
		for seed in $(seq 1 "$seeds"); do
			vic-ood -q --bootstrap 0 --score msp --tsv --in "$out/$method-$seed.logits" --out \
				"$out/$method-$seed.$other.logits"
		done | awk -F'\t' -v m="$method" \
			'$1 == "auroc" { s += $2; n++; if (n == 1 || $2 < lo) lo = $2; if ($2 > hi) hi = $2 }
			END { printf "%-16s %.4f  %.4f  %.4f\n", m, s / n, lo, hi }'
	done
done

# Appendix D on the first seed: what becomes of accuracy, confidence and entropy along random directions.
echo "Images moved by mu along random directions (seed 1): accuracy, confidence, entropy in nats"
printf 'mu\tmethod\taccuracy\tconfidence\tentropy\n' > "$out/perturbed.tsv"
for mu in 0 0.1 0.3 1 3 10 30 100; do
	run "vic-perturb -q --mu $mu --only test '$out/cifar.img' > '$out/moved.img'"
	for method in baseline mixup; do
		run "vic-predict -q '$out/$method-1.model' '$out/moved.img' > '$out/moved-$method.logits'"
	done
	run \
		"vic-calibrate -q --apply '$out/temperature-1.map' '$out/moved-baseline.logits' -o '$out/moved-temperature.logits'"
	for method in baseline temperature mixup; do
		vic-score -q --json --floor 0 "$out/moved-$method.logits" | tr ',' '\n' | tr -d '{}" ' | awk -F: -v \
			mu="$mu" -v m="$method" '
			$1 == "accuracy" { a = $2 } $1 == "gap" { g = $2 } $1 == "entropy" { e = $2 }
			END { printf "%s\t%s\t%.4f\t%.4f\t%.4f\n", mu, m, a, a + g, e }'
	done >> "$out/perturbed.tsv"
done
cat "$out/perturbed.tsv"
