# The data sets of the recipes. Sourced by recipe.sh.
#
# data_set NAME sets, at $SCALE:
#   kind     text or image               model    the network it is trained with
#   folds    number of folds, or nothing where it has test records of its own
#   n_seeds  seeds of a training where it has no folds
#   train    options of vic-train that all its trainings share: epochs, batch, schedule
#   make     the command that makes its stream NAME.vic in the folder where it runs
#   links    NAME=PATH words: raw data, under a name in that folder ($make says mr, not a path of this machine)
# It fails, and says why, where the name is unknown or raw data are nowhere.
# shellcheck disable=SC2034 # they are recipe.sh's
data_set() {
	folds='' n_seeds=3 links=''
	case $1 in
	synth-text)
		kind=text model=kimcnn folds=3 train='--epochs 2 --maps 10 --batch 20'
		make='vic-corpora synth text -q --n 300 --dim 10 --to . &&
vic-tokenize -q --format mr . | vic-embed -q --vectors vectors.txt > synth-text.vic' ;;
	synth-images)
		kind=image model=smallcnn n_seeds=2 train='--epochs 1 --schedule cosine'
		make='vic-corpora synth images -q --n 200 --to . &&
vic-images -q --format idx . | vic-split -q --dev 0.1 > synth-images.vic' ;;
	*) say "no data set '$1'"; return 1 ;;
	esac
}
