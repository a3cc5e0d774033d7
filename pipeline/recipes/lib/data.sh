# The data sets of the recipes. Sourced by recipe.sh.
#
# data_set NAME [MODEL] sets, at $SCALE:
#   kind     text or image
#   models   the networks it is trained with; model, where no MODEL is given, is the first of them
#   folds    number of folds, or nothing where it has test records of its own
#   n_seeds  seeds of a training where it has no folds
#   train    options of vic-train that all trainings of MODEL on it share
#   epochs, long, longest, third   how many; of Figure 7; of Table 3; a third of epochs (methods.tsv names them)
#   judged   the split that is the test: test, or dev where no other was published with labels
#   make     the command that makes its stream NAME.vic in the folder where it runs
#   truth    of made data: the command that makes NAME.posterior, P(class | record) as vic-score --posterior reads it
#   links    NAME=PATH lines: raw data, under a name in that folder ($make says mr, not a path of this machine)
#   strange  what its models were not made for; SET-NAME is a data set for each
#   many     of images: how many of noise (foreign_set)
#   less     what --scale small leaves out, in words
# It fails, and says why, where the name is unknown or raw data are nowhere. A recipe with data of its own has a data_set of
# its own, which may leave out what it has no need of.
#
# Raw data lie in $VIC_DATA, ./data, ../shared/data, or these beside the source tree, as vic-corpora lays them, unpacked
# by hand, or in part (names with "subset").
# shellcheck disable=SC2034,SC2154 # they are recipe.sh's

# data_root FILE: the folder under which it lies.
data_root() {
	for root in "${VIC_DATA:-}" data ../shared/data "$LIB/../../../data" "$LIB/../../../../shared/data"; do
		[ -n "$root" ] && [ -e "$root/$1" ] && { (cd "$root" && pwd); return 0; }
	done
	return 1
}
# link NAME PATH: adds it to $links.
link() {
	links="$links$1=$2
"
}
# raw NAME SET FILE...: adds the link NAME to the first of FILE that is there, or to what stands before its "/./"; SET
# is what vic-corpora calls it. A plan is made without.
raw() {
	raw_name=$1 raw_set=$2
	shift 2
	for file in "$@"; do
		root=$(data_root "$file") || continue
		link "$raw_name" "$root/${file%%/./*}"
		return 0
	done
	link "$raw_name" /nowhere
	[ -z "${recipe_print:-}" ] || return 0
	case $raw_set in
	imagenet) raw_from='the folders train and val of ILSVRC 2012 (image-net.org) belong into ./data/imagenet' ;;
	imagenette) raw_from='imagenette2 (github.com/fastai/imagenette) belongs unpacked into ./data' ;;
	*) raw_from="vic-corpora fetch $raw_set brings it into ./data" ;;
	esac
	say "no $raw_set here: $raw_from; \$VIC_DATA names another folder, --data other sets"
	return 1
}
# Word vectors: the paper's text models begin with GloVe's, whose size it does not say: 300 numbers, as Kim's; small: 100.
vectors() {
	set -- glove.6B/glove.6B.300d.txt glove/glove.6B.300d.txt glove.6B/glove.6B.100d.txt glove/glove.6B.100d.txt \
		glove.6B/glove.6B.100d.subset.txt.gz glove/glove.6B.100d.subset.txt.gz
	[ "$SCALE" = paper ] || set -- "$3" "$4" "$5" "$6" "$1" "$2"
	raw vectors glove.6B "$@"
}

data_names='mr mr-held mr-flipped trec imdb fashion-mnist cifar-10 cifar-100 stl-10 imagenet imagenette'
data_names="$data_names synth-text synth-known synth-apart synth-overlap synth-images" # these are made
# What a data set does not say.
data_blank() { folds='' n_seeds=3 links='' strange='' many=2000 judged=test each='' shape='' less='' truth='' long='' longest=''; }
data_blank

data_set() {
	case $1 in
	*-noise | *-words | *-tiny-imagenet | mr-trec | imdb-trec | trec-mr | mr-imdb-openings) foreign_set "$1"; return ;;
	esac
	data_blank
	case $1 in
	mr)
		text_set "$1" mr/./rt-polarity.pos mr/rt-polaritydata.tar.gz || return 1
		folds=10 strange='words trec imdb-openings' make="$tokens | vic-embed -q --vectors vectors > mr.vic"
		less='12 epochs instead of 25, words of 100 numbers' ;;
	mr-flipped | mr-held)
		text_set mr mr/./rt-polarity.pos mr/rt-polaritydata.tar.gz || return 1
		n_seeds=5 flip=0 less='12 epochs instead of 25, words of 100 numbers'
		[ "$1" != mr-flipped ] || flip=0.2
		make="$tokens | vic-cat -q --to tsv - | awk -v flip=$flip $data_held && vic-tokenize -q --format imdb \
--rules whitespace held | vic-embed -q --vectors vectors | vic-split -q --dev 0.1 --seed 1 > $1.vic && rm -r held" ;;
	trec)
		text_set "$1" trec/./train_5500.label || return 1
		n_seeds=5 strange='words mr'
		make="$tokens | vic-embed -q --vectors vectors | vic-split -q --dev 0.1 --seed 1 > trec.vic"
		less='15 epochs instead of 25, words of 100 numbers' ;;
	imdb)
		text_set "$1" imdb/aclImdb imdb/./train/pos aclImdb imdb/aclImdb_v1.tar.gz imdb/aclImdb_v1-subset.tar.gz ||
			return 1
		strange='words trec' part='--dev 0.1'
		# What is held back for calibration is left alone.
		[ "$SCALE" = paper ] || part='--dev 0.04 --calibration 0.6'
		make="$tokens | vic-embed -q --vectors vectors | vic-split -q $part --seed 1 > imdb.vic"
		less='9,600 of the 25,000 reviews to train on and 1,000 to choose the epoch by, 8 epochs, words of 100 numbers' ;;
	synth-text)
		kind=text models=kimcnn folds=3 strange=words links='' tokens='vic-corpora synth text -q --n 300 --dim 10 --to . &&
mv vectors.txt vectors && vic-tokenize -q --format mr .'
		make="$tokens | vic-embed -q --vectors vectors > synth-text.vic" ;;
	synth-known | synth-apart | synth-overlap)
		kind=text models=kimcnn n_seeds=5
		# As many to choose and to calibrate by as to judge: by one small draw a temperature is wrong in all seeds alike.
		case $1 in
		synth-known) truth='--n 300 --dim 10' less='300 sentences, a small network, 2 epochs: for tests' ;;
		synth-apart) truth='--n 12000 --strength 2 --noise 0' less='12 epochs instead of 25' ;;
		synth-overlap) truth='--n 12000 --strength 1 --noise 0' less='12 epochs instead of 25' ;;
		esac
		truth="vic-corpora synth text -q $truth --to ."
		make="$truth && vic-tokenize -q --format mr . | vic-embed -q --vectors vectors.txt |
vic-split -q --test 0.35 --dev 0.5 --seed 1 > $1.vic"
		truth="$truth && mv posterior.tsv $1.posterior" ;;
	fashion-mnist)
		image_set "$1" 'resnet18' smallcnn 500 '--resize 28 --channels 1' fashion-mnist/./train-images-idx3-ubyte.gz \
			fashion-mnist/./train-images-idx3-ubyte || return 1
		names=T-shirt,trouser,pullover,dress,coat,sandal,shirt,sneaker,bag,boot
		make="vic-images -q --format idx --classes $names$each fashion-mnist | $make"
		less='500 images of a class to train on and to test, a small network, 10 epochs under a cosine' ;;
	cifar-10 | cifar-100)
		image_set "$1" 'vgg16 resnet34' resnet18 $((5000 / ${1#cifar-})) '--resize 32 --channels 3' \
			"$1/./train.bin" "$1/./data_batch_1.bin" "$1-batches-bin/./data_batch_1.bin" "$1-binary/./train.bin" \
			"$1-binary.tar.gz" "$1/$1-binary.tar.gz" "$1/$1-binary-subset.tar.gz" || return 1
		make="vic-images -q --format cifar${1#cifar-}$each $1 | $make"
		less="$((5000 / ${1#cifar-})) images of a class to train on, ResNet-18 of an eighth of the channels, 10 epochs \
under a cosine" ;;
	stl-10)
		image_set "$1" vgg16 vgg16 500 '--resize 96 --channels 3' stl10/./train_X.bin stl10_binary/./train_X.bin \
			stl10/stl10_binary.tar.gz stl10_binary.tar.gz || return 1
		make="vic-images -q --format stl10 --only train,test$each stl-10 | $make"
		less='an eighth of the channels, 10 epochs under a cosine' ;;
	synth-images)
		kind=image models=smallcnn n_seeds=2 strange=noise many=200 shape='--resize 28 --channels 1'
		make='vic-corpora synth images -q --n 200 --to . && vic-images -q --format idx . |
vic-split -q --dev 0.1 > synth-images.vic' ;;
	imagenet)
		kind=image models='resnet50 resnext101-32x4d' judged=dev n_seeds=1
		raw imagenet imagenet imagenet/./train || return 1
		make='vic-images -q --resize 256 --channels 3 --on-bad skip imagenet > imagenet.vic' ;;
	imagenette)
		kind=image models=smallcnn judged=dev
		raw imagenette imagenette imagenette2/./train imagenette/./train imagenet-sample/imagenette2-224-subset.tar ||
			return 1
		make='vic-images -q --resize 64 --channels 3 imagenette > imagenette.vic'
		less='10 of the 1,000 classes at 64x64, a small network, 20 epochs under a cosine' ;;
	*) say "no data set '$1': it is of $data_names"; return 1 ;;
	esac
	[ "$SCALE" = small ] || less=''
	[ -n "${2:-}" ] || model=${models%% *} # else the caller has it
	training "$1" "${2:-$model}"
}
# text_set SET FILE...: what texts have in common.
text_set() {
	kind=text models=kimcnn tokens="vic-tokenize -q --format $1 $1"
	text_name=$1
	shift
	raw "$text_name" "$text_name" "$@" && vectors
}
# image_set SET MODELS SMALL-MODEL PER-CLASS SHAPE FILE...: what images have in common. Begins $make from its end.
image_set() {
	kind=image strange='noise tiny-imagenet' models=$2 shape=$5 make="vic-split -q --dev 0.1 --seed 1 > $1.vic"
	[ "$SCALE" = paper ] || { models=$3; each=" --per-class $4"; }
	image_name=$1
	shift 5
	case $image_name in stl-10) image_raw=stl10 ;; *) image_raw=$image_name ;; esac
	raw "$image_name" "$image_raw" "$@"
}

# training SET MODEL: sets train, epochs, long, longest and third. At paper scale vic-train's defaults are the paper's
# (images), Kim's (text), and those of a linear model of n-grams its own.
training() {
	train=''
	case $SCALE:$kind in
	*:text) epochs=25 long=100 ;;
	*:image) epochs=200 long=1000 ;;
	esac
	longest=2000
	case $SCALE:$1:$2 in
	*:synth-*:bow) epochs=2 ;;
	*:synth-text:* | *:synth-known:*) epochs=2 long=3 train='--maps=10 --batch=20' ;;
	*:synth-images:smallcnn) epochs=1 long=2 train='--width=0.25' ;;
	*:synth-images:*) epochs=1 long=2 train='--width=0.0625' ;;
	*:imagenet:*) epochs=90 train='--schedule=goyal --batch=256 --crop=224 --crop-scale=.08,1 --stop-top5=0.93 --select=last' ;;
	paper:*) ;;
	small:*:bow) epochs=10 ;;
	small:mr:* | small:mr-* | small:synth-*) epochs=12 long=36 ;;
	small:trec:*) epochs=15 long=45 ;;
	small:imdb:*) epochs=8 long=24 ;;
	small:imagenette:*) epochs=20 train='--schedule=cosine --batch=32 --select=last' ;;
	small:*:smallcnn) epochs=10 long=30 train='--schedule=cosine' ;;
	small:*) epochs=10 long=30 train='--schedule=cosine --width=0.125' ;;
	esac
	case $SCALE:$1 in small:* | *:synth-*) longest=$long ;; esac
	[ -z "$TRIAL" ] || epochs=1
	third=$(((epochs + 2) / 3))
	train="--epochs=$epochs${train:+ $train}"
}

# foreign_set SET-NAME: records that SET's models were not made for, in SET's form.
#   noise          images: $many, Gaussian, of the mean and variance of each channel of the training images
#   words          texts: 2,000, as long as SET's, of words drawn from theirs, each word alike
#   tiny-imagenet  its images, in SET's size and colours
#   imdb-openings  the first 20 words of every tenth review of the test, labelled as these are
#   trec, mr       that set's texts
foreign_set() {
	foreign_embed="vic-embed -q --vectors vectors > $1.vic"
	case $1 in
	*-noise)
		data_set "${1%-noise}" || return 1
		make="$make && vic-images -q --gaussian-like ${1%-noise}.vic --limit $many > $1.vic && rm ${1%-noise}.vic" ;;
	*-words)
		data_set "${1%-words}" || return 1
		make="$tokens | vic-cat -q --to tsv - | $data_words | vic-tokenize -q --format lines --rules whitespace \
--split test - | $foreign_embed" ;;
	*-tiny-imagenet)
		data_set "${1%-tiny-imagenet}" || return 1
		links=''
		raw tiny-imagenet tiny-imagenet tiny-imagenet/./wnids.txt tiny-imagenet-200/./wnids.txt \
			tiny-imagenet/tiny-imagenet-200-subset.tar.gz || return 1
		make="vic-images -q --only train,dev $shape --split test tiny-imagenet > $1.vic"
		[ "$SCALE" = small ] || make="vic-images -q --only dev $shape --split test tiny-imagenet > $1.vic" ;;
	mr-imdb-openings)
		data_set imdb || return 1
		make="$tokens | vic-cat -q --split test --to tsv - | $data_openings | vic-tokenize -q --format tsv \
--classes neg,pos --rules whitespace --split test - | $foreign_embed" ;;
	*)
		data_set "${1#*-}" || return 1
		make="$tokens --split test | $foreign_embed" ;;
	esac
}
# Programs of awk, over lines of label<TAB>text. (The generator is Lehmer's, so that every awk draws the same.)
data_words="awk -F '\\t' 'NR <= 2000 { n[NR] = split(\$2, w, \" \"); for (i = 1; i <= n[NR]; i++)
if (!(w[i] in seen)) { seen[w[i]]; word[++k] = w[i] } }
END { x = 1; for (r = 1; r in n; r++) { line = \"\"; for (i = 0; i < (n[r] ? n[r] : 1); i++) {
x = x * 16807 % 2147483647; line = line (i ? \" \" : \"\") word[int(x / 2147483647 * k) + 1] } print line } }'"
data_openings="awk -F '\\t' 'NR % 10 == 1 { n = split(\$2, w, \" \"); line = w[1];
for (i = 2; i <= n && i <= 20; i++) line = line \" \" w[i]; print \$1 \"\\t\" line }'"
# (Each word of all texts is as likely.)
data_moved="-F '\\t' 'function draw() { x = x * 16807 % 2147483647; return x / 2147483647 }
{ label[NR] = \$1; n[NR] = split(\$2, w, \" \"); for (i = 1; i <= n[NR]; i++) word[++k] = w[i] }
END { x = 1; for (r = 1; r <= NR; r++) { line = label[r] \"\\t\"; for (i = 1; i <= n[r]; i++) {
at++; line = line (i > 1 ? \" \" : \"\") (draw() < mu ? word[int(draw() * k) + 1] : word[at]) } print line } }'"
# The share mu of all words left out; the first stays where none would.
data_dropped="-F '\\t' 'function draw() { x = x * 16807 % 2147483647; return x / 2147483647 }
BEGIN { x = 1 } { n = split(\$2, w, \" \"); line = \"\"; for (i = 1; i <= n; i++)
if (draw() >= mu) line = line (line == \"\" ? \"\" : \" \") w[i]; print \$1 \"\\t\" (line == \"\" ? w[1] : line) }'"
# Typing errors (Pruthi et al. 2019): of the words of four letters and more the share mu has two neighbouring letters,
# neither the first nor the last, change places.
data_typos="-F '\\t' 'function draw() { x = x * 16807 % 2147483647; return x / 2147483647 }
BEGIN { x = 1 } { n = split(\$2, w, \" \"); line = \$1 \"\\t\"; for (i = 1; i <= n; i++) {
if (length(w[i]) > 3 && w[i] ~ /^[a-z]+\$/ && draw() < mu) { k = 2 + int(draw() * (length(w[i]) - 3));
w[i] = substr(w[i], 1, k - 1) substr(w[i], k + 1, 1) substr(w[i], k, 1) substr(w[i], k + 2) }
line = line (i > 1 ? \" \" : \"\") w[i] } print line }'"
# The records with a word of negation (negated=1), or those without (0).
data_negated="-F '\\t' '{ n = split(\$2, w, \" \"); has = 0; for (i = 1; i <= n; i++)
if (w[i] ~ /^(no|not|n[^a-z]t|never|nor|neither|none|nobody|nothing|nowhere|cannot|without|hardly|barely)\$/)
has = 1; if (has == negated) print }'"
# Writes MR as IMDB's folders are: every tenth record a test, of the others the share flip with the other label.
data_held="-F '\\t' 'BEGIN { x = 1 }
{ part = NR % 10 ? \"train\" : \"test\"; label = \$1; x = x * 16807 % 2147483647;
if (NR % 10 && x / 2147483647 < flip) label = label == \"neg\" ? \"pos\" : \"neg\"; folder = \"held/\" part \"/\" label;
if (!(folder in there)) { there[folder]; system(\"mkdir -p \" folder) } file = folder \"/\" NR \"_1.txt\";
print \$2 > file; close(file) }'"
