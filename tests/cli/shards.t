#!/bin/sh
# vic-train --shards: the same bytes however the machine cuts the work, whatever is left for the last batch; what it
# changes, what it leaves alone, and what is refused. tests/unit/shards/test_ddp.c compares numbers with PyTorch's.
. "$(dirname "$0")/lib.sh"

hash_of() { cksum <"$1"; }
# answers MODEL RECORDS: what it says, without what it says of its making.
answers() { vic-predict -q "$1" "$2" | vic-cat --to csv - | cksum; }
images() { vic-train -q --width 0.25 --epochs "${epochs:-2}" "$@"; }
text() { vic-train -q --maps 5 --epochs 2 "$@"; }
vic-corpora synth images -q --layout cifar --n 60 --seed 3 --to "$T/synth" >/dev/null
vic-images -q -f cifar10 --only train "$T/synth" | vic-split -q --dev 0.15 --seed 1 >"$T/images"
vic-corpora synth text -q --n 150 --vocabulary 200 --dim 8 --to "$T/words" >/dev/null
vic-tokenize -q -f mr --rules kim --lower "$T/words" | vic-embed -q --vectors "$T/words/vectors.txt" |
	vic-split -q --dev 0.1 --seed 1 >"$T/text"
same 'the images to train on' 51 "$(vic-cat --stats "$T/images" | sed -n 's/^split train //p')"

# same_bytes NAME COMMAND...: of four shards, by one thread and by two; of two shards, others.
same_bytes() {
	name=$1
	shift
	"$@" --shards 4 --threads 1 --history "$T/h1" -o "$T/a"
	"$@" --shards 4 --threads 2 --history "$T/h2" -o "$T/b"
	same "$name: one thread and two make the same bytes" "$(hash_of "$T/a") $(hash_of "$T/h1")" \
		"$(hash_of "$T/b") $(hash_of "$T/h2")"
	"$@" --shards 2 -o "$T/b"
	for data; do :; done
	same "$name: other shards make others" 2 "$( (answers "$T/a" "$data"; answers "$T/b" "$data") | sort -u | wc -l)"
}
same_bytes 'resnet20 with mixup, shards that differ in size' images -m resnet20 --batch 50 --mixup 0.4 "$T/images"
same_bytes 'a last batch of three, of which one shard has none' images -m resnet20 --batch 16 --mixup 0.4 "$T/images"
same_bytes 'manifold mixup' images -m preactresnet18 --batch 25 --mixup 1 --mixup-mode manifold "$T/images"
same_bytes 'kimcnn with dropout' text --mixup 0.4 "$T/text"
same_bytes 'bow with dropout' vic-train -q -m bow --epochs 2 --dropout 0.2 "$T/text"

# Nothing that is drawn depends on the cut: without batch normalisation only rounding does. columns H: losses and
# accuracies of training, label entropy.
columns() { cut -f 3-5 "$1" | tail -n +2; }
near() { paste "$1" "$2" | awk '{ for (i = 1; i <= 3; i++) if (!(($i - $(i + 3))^2 <= 1e-12)) bad++ }
	END { print NR " lines, " bad + 0 " apart" }'; }
for of in '--mixup 0.4' '--mixup 1 --mixup-mode features' '--mixup 0.4 --mixup-partner dataset' \
	'--words multichannel --optimizer adam' '--words static --optimizer sgd --class-weights 1,3'; do
	# shellcheck disable=SC2086 # several options
	text $of --history "$T/h1" -o "$T/a" "$T/text"
	# shellcheck disable=SC2086
	text $of --shards 8 --history "$T/h2" -o "$T/b" "$T/text"
	columns "$T/h1" >"$T/c1"
	columns "$T/h2" >"$T/c2"
	same "$of: eight shards see what one sees" '2 lines, 0 apart' "$(near "$T/c1" "$T/c2")"
done
images -m resnet20 --batch 16 --mixup 0.4 --lr 0.001 --shards 4 --device cpu --history "$T/h1" -o "$T/a" "$T/images"
images -m resnet20 --batch 16 --mixup 0.4 --lr 0.001 --shards 4 --device ref --history "$T/h2" -o "$T/b" "$T/images"
columns "$T/h1" | sed 1q | cut -c 1-7 >"$T/c1"
same 'the reference device sees the same' "$(cat "$T/c1")" "$(columns "$T/h2" | sed 1q | cut -c 1-7)"

# One shard is none.
images -m resnet20 --batch 50 --checkpoint "$T/ck1" -o "$T/a" "$T/images"
images -m resnet20 --batch 50 --shards 1 -o "$T/b" "$T/images"
same 'one shard makes the bytes of none' "$(answers "$T/a" "$T/images")" "$(answers "$T/b" "$T/images")"
same 'and leaves no trace' 0 "$(head -c 3000 "$T/a" | grep -ac '"shards\\*":')"

# Resumed.
images -m resnet20 --batch 50 --shards 2 -o "$T/a" "$T/images"
epochs=1 images -m resnet20 --batch 50 --shards 2 --checkpoint "$T/ck2" -o "$T/b" "$T/images"
images -m resnet20 --batch 50 --shards 2 --resume "$T/ck2" -o "$T/b" "$T/images"
same 'resumed: the same bytes' "$(hash_of "$T/a")" "$(hash_of "$T/b")"
like 'the model says how many' '"shards\\*":2' "$(head -c 3000 "$T/a")"
fails 1 'was made with other options: --shards 2 (here 4)$' 'resumed with another number' \
	images -m resnet20 --batch 50 --shards 4 --resume "$T/ck2" -o "$T/no" "$T/images"
fails 1 'was made with other options: --shards 2 (here 1)$' 'resumed without' \
	images -m resnet20 --batch 50 --resume "$T/ck2" -o "$T/no" "$T/images"
fails 1 'was made with other options: --batch 50 (here 51), --shards 1 (here 4)$' 'made without, and more' \
	images -m resnet20 --batch 51 --shards 4 --resume "$T/ck1" -o "$T/no" "$T/images"

# Refused.
fails 2 'shards 3 is no power of two, as 2, 4 and 8 are' 'three shards' text --shards 3 -o "$T/no" "$T/text"
fails 2 'shards: 0 is outside 1 to 1024' 'no shard at all' text --shards 0 -o "$T/no" "$T/text"
fails 2 'batch 16 has fewer records than --shards 32' 'more shards than records' \
	images --batch 16 --shards 32 -o "$T/no" "$T/images"
small() { vic-train -q -m resnet18 --width 0.1 --epochs 1 --crop 8 "$@" -o "$T/b" "$T/images"; }
fails 2 '^vic-train: --batch 16: a shard of the last batch of the 51 training records has one record.*; --batch 15 gives it more$' \
	'one value a channel' small --batch 16 --shards 2
ok 'and that batch does' small --batch 15 --shards 2
fails 2 '^vic-train: --batch 7: a shard of each batch of the 51 .*; --batch 13 gives' 'in every batch' small --batch 7 --shards 4
fails 2 'shards 32: there are 51 training records, and .* needs at least two a shard' 'too few for any batch' \
	small --batch 50 --shards 32
finish
