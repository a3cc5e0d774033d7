#!/bin/sh
# vic-train and vic-predict on JPEG records, which they decode themselves: they make what they make of the pixels that
# vic-images --resize would have written, however the machine cuts the work. The pictures are of several sizes, grey and
# CMYK among them, some to be turned.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

mkdir -p photos/night photos/day plugins
n=0
for copy in 1 2 3; do
	for f in "$ROOT"/tests/golden/images/*.jpg; do
		n=$((n + 1))
		[ $((n % 3)) = 0 ] && class=day || class=night
		cp "$f" photos/$class/$copy$n.jpg
	done
done
vic-images -q --encoding jpeg photos | vic-split -q --dev 0.2 --seed 1 >jpeg
same 'the records are files' '"encoding":"jpeg"' "$(vic-cat --head jpeg | grep -o '"encoding":"jpeg"')"
raw() { vic-images -q --format stream --encoding raw "$@" jpeg; }
raw --resize 12x16 >raw
pixels() { vic-cat "$@" | sed '/^#/d' | cut -f 1,3-; }
same 'or pixels, as from the files' "$(vic-images -q --encoding raw --resize 12x16 photos | pixels -)" "$(pixels raw)"

sums() { cksum "$@" | cut -d' ' -f 1,2; }
# weights MODEL: all tensors, without the metadata, which say where the records came from.
weights() { tail -c +$(($(od -An -t u8 -N 8 "$1") + 9)) "$1" | cksum; }
logits() { vic-predict -q --threads 1 "$@" | vic-cat --to npy - | cksum; }
train() { vic-train -q -m smallcnn --width 0.1 --epochs "${epochs:-2}" --batch "${batch:-16}" "$@"; }

# same_bytes NAME PIXELS SIZE ARGUMENT...: trained on PIXELS and on JPEG records of that SIZE, by one thread and three.
same_bytes() {
	name=$1 pixels=$2 size=$3
	shift 3
	train --threads 1 --history h0 -o m0 "$@" "$pixels"
	# shellcheck disable=SC2086 # several options
	train --threads 1 --history h1 -o m1 $size "$@" jpeg
	# shellcheck disable=SC2086
	train --threads 3 --history h3 -o m3 $size "$@" jpeg
	same "$name: the weights of pixels" "$(weights m0)" "$(weights m1)"
	same "$name: and the history" "$(cat h0)" "$(cat h1)"
	same "$name: three threads make the bytes of one" "$(sums m1 h1)" "$(sums m3 h3)"
	same "$name: the answers of pixels" "$(logits m0 "$pixels")" "$(logits m1 jpeg)"
}
same_bytes 'plain' raw '--resize 12x16'
same_bytes 'mixup, cropped' raw '--resize 12x16' --mixup 0.4 --crop 8 --crop-pad 1
same_bytes 'partners from all records' raw '--resize 12x16' --mixup 1 --mixup-partner dataset
raw --resize 10 --fit stretch --channels 1 >grey
batch=7 same_bytes 'stretched, grey' grey '--resize 10x10 --fit stretch --channels 1' --mixup 0.4
batch=18 same_bytes 'shards' raw '--resize 12x16' --mixup 0.4 --shards 4

# Predicted.
train --resize 12x16 -o m jpeg
same 'pixels of the size, by the same model' "$(logits m raw)" "$(logits m jpeg)"
same 'threads do not show in answers' "$(vic-predict -q --threads 1 m jpeg | cksum)" \
	"$(vic-predict -q --threads 3 m jpeg | cksum)"
same 'some of them' "$(vic-predict -q --split dev m raw | vic-cat --to npy - | cksum)" \
	"$(vic-predict -q --split dev m jpeg | vic-cat --to npy - | cksum)"
# shellcheck disable=SC2002 # a pipe, which cannot be mapped
cat jpeg | train --resize 12x16 -o m1
same 'records from a pipe' "$(sums m)" "$(sums m1 | sed 's/1$//')"
answered() { vic-predict -q --files --top-k 0 "$@" photos; }
train --resize 12x16 --fit stretch -o stretched jpeg
vic-images -q --encoding raw --resize 12x16 --fit stretch photos | vic-train -q -m smallcnn --width 0.1 --epochs 1 -o other
same 'files are brought to the size as the records were' \
	"$(vic-images -q -f files --resize 12x16 --fit stretch photos | vic-predict -q stretched | vic-cat --to npy - | cksum)" \
	"$(vic-images -q -f files --encoding jpeg photos | vic-predict -q stretched - | vic-cat --to npy - | cksum)"
same 'by --files, too' "$(vic-images -q -f files --resize 12x16 --fit stretch photos | vic-predict -q stretched |
	vic-cat - | sed '/^#/d' | cut -f 4 | awk '{ m = $1 > $2 ? $1 : $2; a = exp($1 - m); b = exp($2 - m)
		printf "%.4f\n", (a > b ? a : b) / (a + b) }')" \
	"$(answered stretched | awk -F '\t' '{ printf "%.4f\n", $3 }')"
like 'the model says how' '"resize\\*":\[12,16\],\\*"fit\\*":\\*"stretch' "$(head -c 3000 stretched | tr -d ' ')"
fails 2 'stretched says itself how its pictures came to 12x16' 'a size that the model has' \
	vic-predict -q --files --resize crop stretched photos

# Resumed, within an epoch too; a checkpoint is a model.
epochs=3 train --resize 12x16 --mixup 0.4 -o m jpeg
epochs=1 train --resize 12x16 --mixup 0.4 --checkpoint ck -o m1 jpeg
same 'a checkpoint answers' "$(logits m1 jpeg)" "$(logits ck jpeg)"
epochs=3 train --resize 12x16 --mixup 0.4 --resume ck -o m1 jpeg
same 'resumed: the same bytes' "$(sums m)" "$(sums m1 | sed 's/1$//')"
epochs=3 train --resize 12x16 --mixup 0.4 --checkpoint ck --checkpoint-every 1 -o m1 jpeg
same 'with pauses in the epochs: the same bytes' "$(sums m)" "$(sums m1 | sed 's/1$//')"
epochs=1 train --resize 12x16 --crop 12 --mixup 0.4 --checkpoint ck -o m1 jpeg
fails 1 'other options: --resize 12x16 (here 16x12)$' 'resumed with another size' \
	train --resize 16x12 --crop 12 --mixup 0.4 --resume ck -o no jpeg

# Ranks, each of which decodes its share: processes over sockets (tests/ranks).
for plugin in "$BIN"/../lib/vicinal/libvic-cpu-*.so "$TOOLS/../ranks/libvic-mpi.so"; do
	ln -s "$plugin" plugins/
done
on() {
	VIC_BACKENDS=$T/plugins "$TOOLS/mesh" "$1" vic-train -q --threads 2 --shards 4 -m resnet20 --width 0.25 --epochs 2 \
		--resize 12x16 --history h -o m "$2" "$3" --batch "$4" jpeg
}
for of in '--mixup 0.4 18' '--mixup 1 13' '--seed 3 40'; do
	# shellcheck disable=SC2086
	set -- $of
	rm -f m h
	vic-train -q --threads 1 --shards 4 -m resnet20 --width 0.25 --epochs 2 --resize 12x16 --history h -o m "$1" "$2" \
		--batch "$3" jpeg
	want=$(sums m h)
	for r in 1 2 4; do
		rm -f m h
		on $r "$@"
		same "$of: $r ranks make the bytes of one process" "$want" "$(sums m h)"
	done
done

# Refused, before anything is written.
fails 1 '^vic-train: jpeg: its records are JPEG files of whatever size; --resize HxW brings them to one' \
	'no size to bring them to' train -o no jpeg
fails 2 "resize: '12y16' is not a whole number" 'a size that is none' train --resize 12y16 -o no jpeg
fails 2 'resize is for JPEG records; these are images of 12x16' 'a size for pixels' train --resize 8 -o no raw
fails 2 'resize is for images; these records are text' 'a size for text' sh -c '"$1" text | vic-train --resize 8 -o no' - \
	"$TOOLS/mkstream"
fails 2 'channels is 0, 1 or 3' 'two channels' train --resize 8 --channels 2 -o no jpeg
fails 2 'crop 13: the images are 12x16' 'a cut larger than the size' train --resize 12x16 --crop 13 -o no jpeg
fails 1 "jpeg: its records are JPEG files, and the model's were pixels of 12x16; vic-images --format stream" \
	'JPEG records for a model of pixels' vic-predict -q other jpeg
for records in 6 7; do # the last is one to train on, or a dev record
	"$TOOLS/mkstream" torn $records <"$ROOT/tests/golden/images/rgb444.jpg" >torn
	fails 1 "^vic-train: torn: record with id $((records - 1)): JPEG: Premature end.*--on-bad skip leaves such records out" \
		"a damaged record of $records" train --resize 8 --checkpoint nock -o no torn
	if [ -x "$TOOLS/mesh" ]; then
		VIC_BACKENDS=$T/plugins "$TOOLS/mesh" 2 vic-train -q --shards 2 -m smallcnn --width 0.1 --batch 4 --resize 8 \
			-o no torn 2>err
		same 'on one of two ranks: one sentence' "1 1" "$? $(grep -c "record with id $((records - 1)): JPEG: Premature" err)"
	fi
	ok 'and nothing is written' test ! -e no -a ! -e nock
done
"$TOOLS/mkstream" torn 8 <"$ROOT/tests/golden/images/rgb444.jpg" >torn
ok 'one that is not trained on is not looked at' train --resize 8 -o m8 torn
fails 1 '^vic-predict: torn: record with id 7: JPEG: Premature end' 'but predicted on' vic-predict -q m8 torn
ok 'and left out it is' sh -c \
	'vic-images -q --format stream --encoding jpeg --on-bad skip torn | vic-predict -q m8 | vic-cat --check -'
like 'a plan looks at none' 'image(8x8x3)' "$(vic-train --plan --resize 8 -m smallcnn torn)"
finish
