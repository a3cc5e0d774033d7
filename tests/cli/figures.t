#!/bin/sh
# The recipes of the paper's figures and tables as they are planned: the paper's settings, each option once, data found
# wherever they may lie.
. "$(dirname "$0")/lib.sh"
mkdir "$T/here" "$T/data" && cd "$T/here" || exit 1
recipes_without_data
unset VIC_DATA

# planned RECIPE TRAININGS PATTERN [FLAG...]: at paper scale, of one seed or as FLAGs say.
planned() {
	status=0
	case $* in *--seeds*) flags='' ;; *) flags='--seeds 1' ;; esac
	# shellcheck disable=SC2086 # words
	(recipe=$1 && shift 3 && vic run "$recipe" --scale paper $flags "$@" --plan) >"$T/plan" 2>"$T/err" || status=$?
	same "$1 plans $2 trainings" "0 $2 trainings" "$status $(grep -o '[0-9]* trainings' "$T/err")"
	grep -qe "$3" "$T/plan"
	tap $? "$1: $3" || diag "$T/err" "$T/plan"
	same "$1 gives no option twice" '' "$(grep -o 'vic-train[^&]*' "$T/plan" | awk '{
		split("", seen)
		for (i = 2; i <= NF; i++) if ($i ~ /^--/) { sub(/=.*/, "", $i); if ($i in seen) print $0; seen[$i] }
	}')"
}
planned fig1-density 4 'vgg16 --mixup=0.4 --epochs=200 --select=last --keep-epochs=1,67 --seed 1 '
planned fig2-images 48 'mixup-0.4/1 .*vgg16 --mixup=0.4 --epochs=200 --seed 1 '
planned fig3-imagenet 8 'resnext101-32x4d --mixup=0.2 --epochs=90 --schedule=goyal .*--stop-top5=0.93 '
planned fig4-text 36 'vic-split -q --cv 10 --fold 0 --dev 0.1 .*kimcnn --mixup=0.4 --mixup-mode=sentence --epochs=25 '
planned fig5-label-entropy 14 'features-only-0.4/1 .*--mixup=0.4 --mixup-mode=features '
planned fig6-features-only 27 'resnet34 --mixup=0.4 --mixup-mode=features --epochs=200 '
planned fig7-extended 10 'resnet34 --mixup=0.4 --epochs=1000 --select=last '
planned fig8-ood 6 'vgg16 --dropout=0.3 .*--mc-dropout 10'
planned table1-auroc 6 'stl-10-noise.vic .*--gaussian-like stl-10.vic'
planned fig9-scores 14 'fashion-mnist/resnet18/mixup-0.4'
planned fig10-off-hull 4 'vic-perturb -q --mu 100 --only test'
planned table2-cifar-resnet18 10 'cifar-100/resnet18/erl-1/1 .*--erl=1 '
planned table3-manifold 12 'preactresnet34 --mixup=2 --mixup-mode=manifold --epochs=2000 .*--lr-steps=1000,1500 '
planned beyond-chosen 39 '--table --tsv .*mixup-\$s/fold0"/dev.logits'
planned beyond-ensemble 8 'vic-train .*--mixup=0.4 ' --seeds 2 --data mr-held
planned beyond-noise 12 'flip=0.2 '
planned beyond-overlap 10 'mv posterior.tsv synth-overlap.posterior'
planned beyond-shift 12 'negated=0 -F'
planned beyond-temperature 28 'features-only'
planned fig2-images 48 'vic-split -q --remark --seed 1 .* -v k=2560 .*vgg16 --epochs=1 --mixup=0.4 --seed 1 ' --trial 20

fails 1 'no mr here: vic-corpora fetch mr brings it' 'data that are nowhere are named, and where they come from' \
	vic run fig4-text --data mr --out "$T/out"

same 'all of them at once' 'no mr here: no trec here: ' \
	"$(vic run fig4-text --data mr,trec --out "$T/out" 2>&1 | grep -o 'no [a-z]* here: ' | paste -s -d '\0')"
fails 1 'no imagenet here: the folders train and val of ILSVRC 2012' 'what nobody may hand on is not said to be fetched' \
	vic run fig3-imagenet --scale paper --out "$T/out"
fails 1 "no data set 'cifar10': it is of mr .*cifar-10 " 'a slip in a name' vic run fig2-images --data cifar10 --out "$T/out"
same 'nothing was made' '' "$(ls "$T/out" 2>/dev/null)"
# shellcheck disable=SC2016 # for another shell
for set in $(sh -c '. "$1"; echo "$data_names"' - "$VIC_RECIPES/lib/data.sh"); do
	vic run fig9-scores --data "$set" --plan >"$T/plan" 2>&1
	tap $? "$set is a data set, as is said" || diag "$T/plan"
done

# found SET RAW PATH FILE...: with empty FILEs, the set is made of PATH, called RAW.
found() {
	found_set=$1 found_raw=$2 found_path=$3
	shift 3
	for file; do mkdir -p "$T/data/${file%/*}" && : >"$T/data/$file"; done
	vic run fig6-features-only --data "$found_set" --plan >"$T/plan" 2>"$T/err"
	grep -qF "'$found_raw=$found_path'" "$T/plan"
	tap $? "$found_set is found as $*" || diag "$T/err" "$T/plan"
	rm -r "$T/data"
	mkdir "$T/data"
}
VIC_DATA=$T/data
export VIC_DATA
found mr mr "$T/data/mr" mr/rt-polarity.pos
found mr mr "$T/data/mr/rt-polaritydata.tar.gz" mr/rt-polaritydata.tar.gz
found mr vectors "$T/data/glove.6B/glove.6B.100d.txt" glove.6B/glove.6B.100d.txt glove.6B/glove.6B.300d.txt
found mr vectors "$T/data/glove/glove.6B.100d.subset.txt.gz" glove/glove.6B.100d.subset.txt.gz
found trec trec "$T/data/trec" trec/train_5500.label
found imdb imdb "$T/data/imdb" imdb/train/pos/1_9.txt
found imdb imdb "$T/data/imdb/aclImdb" imdb/aclImdb/train/pos/1_9.txt
found imdb imdb "$T/data/imdb/aclImdb_v1-subset.tar.gz" imdb/aclImdb_v1-subset.tar.gz
found fashion-mnist fashion-mnist "$T/data/fashion-mnist" fashion-mnist/train-images-idx3-ubyte.gz
found cifar-10 cifar-10 "$T/data/cifar-10" cifar-10/data_batch_1.bin
found cifar-10 cifar-10 "$T/data/cifar-10-batches-bin" cifar-10-batches-bin/data_batch_1.bin
found cifar-10 cifar-10 "$T/data/cifar-10/cifar-10-binary-subset.tar.gz" cifar-10/cifar-10-binary-subset.tar.gz
found cifar-100 cifar-100 "$T/data/cifar-100" cifar-100/train.bin
found stl-10 stl-10 "$T/data/stl10" stl10/train_X.bin
found imagenette imagenette "$T/data/imagenette2" imagenette2/train/n01440764/1.JPEG
finish
