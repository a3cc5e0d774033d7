#!/bin/sh
# A warm step of training never waits: what the fake device counts in one epoch of many records, less what it counts in
# one of fewer (in both, the weights are kept and tried at the end), is divided by the steps in it. DRY names the
# plug-in's folder.
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
		/captures/ { print "captures", $1 }
		/copies up/ { print "up", $1; print "bytes_up", $4 }
		/down/ { print "down", $1 }
		/pageable/ { print "pageable", $1 }
		/ahead/ { print "ahead", $1 }
		/waits/ { print "waits", $1 - $3; print "event_waits", $3 }
		/allocations/ { print "allocations", $1 }
		/freed/ { print "freed", $1 }'
}
# between FEWER MORE COMMAND...: what the second epoch of MORE records counts, less that of FEWER. The first is cold: a
# shape's first step is queued op by op, its second is recorded; a last batch that is smaller is a shape of its own.
between() {
	fewer=$1 many=$2
	shift 2
	for records in "$fewer" "$many"; do
		counted 2 "$@" "$records" >"$T/short"
		counted 3 "$@" "$records" >"$T/long"
		paste "$T/short" "$T/long" | awk '$1 == $3 && NF == 4 { print $1, $4 - $2 }' >"$records.epoch"
	done
	paste "$fewer.epoch" "$many.epoch" | awk '$1 == $3 && NF == 4 { print $1, $4 - $2 }' >"$T/more"
}
more() { sed -n "s/^$1 //p" "$T/more"; }
# warm STEPS NAME: of so many steps each is a copy up, one from where that landed, a launch of a graph and two copies
# down that are waited for late. Copies up overtake what still computes. What the host may wait for is of four steps
# before: the copies down, and the copy up from the pinned memory that it fills again.
warm() {
	same "$2: nothing waits, takes memory or is queued op by op" \
		"launches $((5 * $1)) graphs $1 captures 0 up $1 down $((2 * $1)) pageable 0 waits 0 allocations 0 freed 0" \
		"$(grep -v -e event_waits -e bytes -e ahead "$T/more" | tr '\n' ' ' | sed 's/ $//')"
	[ "$(more event_waits)" -le $((3 * $1)) ] && [ "$(more event_waits)" -ge "$1" ]
	tap $? "$2: the host waits for copies of four steps before alone" || diag "$T/more"
	[ "$(sed -n 's/^ahead //p' "$T/long")" -gt 0 ]
	tap $? "$2: batches come while others are computed" || diag "$T/long"
}

for n in 120 240; do
	vic-corpora synth text -q --n $n --vocabulary 100 --dim 8 --seed 3 --to "$T/synth$n" >/dev/null
	vic-tokenize -q --format mr "$T/synth$n" | vic-embed -q --vectors "$T/synth$n/vectors.txt" >"$T/text$n"
	vic-split -q --dev 0.25 --seed 1 "$T/text$n" >"$T/dev$n"
done
for n in 48 88 96; do
	vic-corpora synth images -q --layout cifar --n $n --seed 3 --to "$T/synth$n" >/dev/null
	vic-images -q -f cifar10 "$T/synth$n" >"$T/images$n"
done

# 6 steps more an epoch.
between "$T/text120" "$T/text240" vic-train -q --batch 20 --maps 4 --mixup 0.4
warm 6 'kimcnn'
between "$T/text120" "$T/text240" vic-train -q --batch 20 --maps 4 --optimizer adam --lr 0.001
warm 6 'kimcnn, adam'
between "$T/dev120" "$T/dev240" vic-train -q --batch 15 --maps 4 --select last
same 'kimcnn: dev records take no memory and no wait but for their logits' 'pageable 0 waits 0 allocations 0 freed 0' \
	"$(grep -e pageable -e '^waits' -e allocations -e freed "$T/more" | tr '\n' ' ' | sed 's/ $//')"
# 3 steps of 16 more.
for network in 'resnet18 --width 0.05' 'vgg16 --width 0.05'; do
	# shellcheck disable=SC2086
	between "$T/images48" "$T/images96" vic-train -q --batch 16 --mixup 1 --lr 0.001 -m $network
	warm 3 "$network"
	# The images lie on the device: 16 of 3072 bytes each would be 49152.
	[ "$(more bytes_up)" -gt 0 ] && [ "$(more bytes_up)" -lt $((3 * 5000)) ]
	tap $? "$network: no pixels are sent" || diag "$T/more"
done
# 2 steps of 20 and one of 8, and 2 more of 20.
for network in 'smallcnn --width 0.2' 'smallcnn --width 0.2 --mixup 1 --mixup-partner dataset'; do
	# shellcheck disable=SC2086
	between "$T/images48" "$T/images88" vic-train -q --batch 20 --lr 0.001 -m $network
	warm 2 "$network"
	cp "$T/model" "$T/kept"
	VIC_CUDA_RESIDENT=0
	export VIC_CUDA_RESIDENT
	# shellcheck disable=SC2086
	between "$T/images48" "$T/images88" vic-train -q --batch 20 --lr 0.001 -m $network
	unset VIC_CUDA_RESIDENT
	warm 2 "$network, images sent with each batch"
	[ "$(more bytes_up)" -gt $((40 * 3072)) ] && cmp -s "$T/kept" "$T/model"
	tap $? "$network: the same model from images that are sent" || diag "$T/more"
done
# 3 steps of 18 more, of four shards of two sizes. Each is a copy up, one from where that landed, one of running statistics
# to where they were, a launch of a graph, two copies down and what adds its vector; a step keeps the statistics, sends
# its rates, and gives and takes.
for n in 54 108; do
	vic-corpora synth images -q --layout cifar --n $n --seed 3 --to "$T/synth$n" >/dev/null
	vic-images -q -f cifar10 "$T/synth$n" >"$T/images$n"
done
shards='--shards 4 --batch 18 --mixup 1 --lr 0.001 -m smallcnn --width 0.2'
# shellcheck disable=SC2086
between "$T/images54" "$T/images108" vic-train -q $shards
same '4 shards: each is played from a recording, and nothing waits, takes memory or is queued op by op' \
	'launches 99 graphs 12 captures 0 up 15 down 24 pageable 0 waits 0 allocations 0 freed 0' \
	"$(grep -v -e event_waits -e bytes -e ahead "$T/more" | tr '\n' ' ' | sed 's/ $//')"
cp "$T/model" "$T/kept"
# shellcheck disable=SC2086
VIC_CUDA_GRAPHS=0 vic-train -q $shards --device cuda --epochs 3 -o "$T/model" "$T/images108" 2>/dev/null
same '4 shards: queued op by op, the same bytes' "$(hash_of "$T/kept")" "$(hash_of "$T/model")"
finish
