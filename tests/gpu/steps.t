#!/bin/sh
# A warm step of training never waits: two trainings that differ in two epochs are counted by the fake device, and their
# difference is divided by the steps in it. DRY names the plug-in's folder.
. "$(dirname "$0")/dry.sh"
VIC_CUDA_STATS=1
export VIC_CUDA_STATS

# counted EPOCHS COMMAND...: what a training counted, a line "NAME NUMBER" each.
counted() {
	counted_epochs=$1
	shift
	"$@" --device cuda --epochs "$counted_epochs" -o "$T/model" 2>"$T/said" || diag "$T/said" >&2
	sed -n 's/^fake device: //p' "$T/said" | tr ',' '\n' | sed 's/[()]/ /g' | awk '
		/launches/ { print "launches", $1 }
		/graphs/ { print "graphs", $1 }
		/copies up/ { print "up", $1; print "bytes_up", $4 }
		/down/ { print "down", $1 }
		/pageable/ { print "pageable", $1 }
		/waits/ { print "waits", $1 - $3; print "event_waits", $3 }
		/allocations/ { print "allocations", $1 }
		/freed/ { print "freed", $1 }'
}
# between COMMAND...: what epochs 5 and 6 of it count. The first are cold: a shape's first step is queued op by op, its
# second is recorded; a last batch that is smaller is a shape of its own.
between() {
	counted 4 "$@" >"$T/short"
	counted 6 "$@" >"$T/long"
	paste "$T/short" "$T/long" | awk '$1 == $3 && NF == 4 { print $1, $4 - $2 }' >"$T/more"
}
more() { sed -n "s/^$1 //p" "$T/more"; }
# warm STEPS NAME: of so many steps each is a copy up, a launch of a graph and two copies down that are waited for late.
warm() {
	same "$2: nothing waits, takes memory or is queued op by op" \
		"launches $((4 * $1)) graphs $1 up $1 down $((2 * $1)) pageable 0 waits 0 allocations 0 freed 0" \
		"$(grep -v -e event_waits -e bytes "$T/more" | tr '\n' ' ' | sed 's/ $//')"
	[ "$(more event_waits)" -le $((2 * $1)) ] && [ "$(more event_waits)" -ge "$1" ]
	tap $? "$2: the host waits for late losses and logits alone" || diag "$T/more"
}

vic-corpora synth text -q --n 120 --vocabulary 100 --dim 8 --seed 3 --to "$T/synth" >/dev/null
vic-tokenize -q --format mr "$T/synth" | vic-embed -q --vectors "$T/synth/vectors.txt" >"$T/text"
vic-split -q --dev 0.25 --seed 1 "$T/text" >"$T/text.dev"
vic-corpora synth images -q --layout cifar --n 48 --seed 3 --to "$T/synth" >/dev/null
vic-images -q -f cifar10 "$T/synth" >"$T/images"

# 120 sentences: 6 steps an epoch.
between vic-train -q --batch 20 --maps 4 --mixup 0.4 "$T/text"
warm 12 'kimcnn'
between vic-train -q --batch 20 --maps 4 --optimizer adam --lr 0.001 "$T/text"
warm 12 'kimcnn, adam'
# The best epoch's weights are taken between epochs; with --select last nothing is.
between vic-train -q --batch 16 --maps 4 --select last "$T/text.dev"
same 'kimcnn: dev records take no memory and no wait but for their logits' 'pageable 0 waits 0 allocations 0 freed 0' \
	"$(grep -e pageable -e '^waits' -e allocations -e freed "$T/more" | tr '\n' ' ' | sed 's/ $//')"
# 48 images to train on: 3 steps of 16, or 2 of 20 and one of 8.
for network in 'resnet18 --width 0.05' 'vgg16 --width 0.05'; do
	# shellcheck disable=SC2086
	between vic-train -q --batch 16 --mixup 1 --lr 0.001 -m $network "$T/images"
	warm 6 "$network"
	# The images lie on the device: 16 of 3072 bytes each would be 49152.
	[ "$(more bytes_up)" -gt 0 ] && [ "$(more bytes_up)" -lt $((6 * 5000)) ]
	tap $? "$network: no pixels are sent" || diag "$T/more"
done
for network in 'smallcnn --width 0.2' 'smallcnn --width 0.2 --mixup 1 --mixup-partner dataset'; do
	# shellcheck disable=SC2086
	between vic-train -q --batch 20 --lr 0.001 -m $network "$T/images"
	warm 6 "$network"
	cp "$T/model" "$T/kept"
	VIC_CUDA_RESIDENT=0
	export VIC_CUDA_RESIDENT
	# shellcheck disable=SC2086
	between vic-train -q --batch 20 --lr 0.001 -m $network "$T/images"
	unset VIC_CUDA_RESIDENT
	warm 6 "$network, images sent with each batch"
	[ "$(more bytes_up)" -gt $((2 * 48 * 3072)) ] && cmp -s "$T/kept" "$T/model"
	tap $? "$network: the same model from images that are sent" || diag "$T/more"
done
finish
