#!/bin/sh
# Several ranks of a run, each with a card, without one: the dry plug-in in each of them, the tests' own transport, and
# their own NCCL (nccl.c). Any number of ranks makes the bytes of one, which are near those of ref.
. "$(dirname "$0")/dry.sh"
cd "$T" || exit 1
ln -s "$TOOLS/../ranks/libvic-mpi.so" plugins/
sums() { cksum "$@" | cut -d' ' -f 1,2; }
# on R ARGUMENT...: a run of so many ranks; 0: of one process that is none.
on() {
	on_ranks=$1
	shift
	[ "$on_ranks" = 0 ] || set -- "$TOOLS/mesh" "$on_ranks" vic-train "$@"
	[ "$on_ranks" != 0 ] || set -- vic-train "$@"
	"$@" --precision float32 2>said || diag said
}
cuda() {
	cuda_ranks=$1
	shift
	rm -f m h c
	on "$cuda_ranks" --device cuda --shards 4 --history h --checkpoint c -o m "$@"
}
vic-corpora synth images -q --layout cifar --n 29 --seed 3 --to synth >/dev/null
vic-images -q -f cifar10 --only train synth | vic-split -q --dev 0.2 --seed 1 >images
vic-corpora synth text -q --n 60 --vocabulary 100 --dim 8 --seed 3 --to texts >/dev/null
vic-tokenize -q --format mr texts | vic-embed -q --vectors texts/vectors.txt | vic-split -q --dev 0.2 --seed 1 >text

# same_bytes NAME ARGUMENT...
same_bytes() {
	same_what=$1
	shift
	cuda 0 "$@"
	want=$(sums m h c)
	cp h h.cuda
	on 0 -q --device ref --shards 4 --history h.ref -o m.ref "$@"
	near h.ref h.cuda 1e-5 train_loss && near h.ref h.cuda 1e-3 dev_loss
	tap $? "$same_what: the losses of ref" || diag h.ref h.cuda
	for r in 1 2 4; do
		VIC_GPU_SEED=$((r + 1)) cuda $r "$@" # each in another order of the streams
		same "$same_what: $r ranks make the bytes of one process" "$want" "$(sums m h c)"
	done
	for seed in 1 2; do # buckets of 1024 numbers
		VIC_CUDA_BUCKET=1000 VIC_CUDA_STATS=1 VIC_GPU_SEED=$seed cuda 2 "$@"
		same "$same_what: bucket by bucket, in order $seed of the streams" "$want" "$(sums m h c)"
		awk '/ sums early$/ { early += $(NF - 2) } END { exit !early }' said
		tap $? "$same_what: sums over ranks begin while backward goes on" || diag said
	done
	VIC_CUDA_GRAPHS=0 VIC_CUDA_BUCKET=1000 cuda 4 "$@"
	same "$same_what: bucket by bucket, queued op by op" "$want" "$(sums m h c)"
	VIC_FAKE_NCCL=none cuda 4 "$@"
	same "$same_what: without NCCL, too" "$want" "$(sums m h c)"
}
# Batches of 10 (shards of 2 and 3), and a last one of which shards have no record.
net='-m smallcnn --width 0.1 --lr 0.001 --mixup 0.4 --batch 10'
# shellcheck disable=SC2086
same_bytes 'smallcnn with mixup' $net --epochs 2 images
cp m m.exact
cp h h.exact
exact=$(sums m h c)
same_bytes 'kimcnn with dropout' --maps 16 --epochs 2 --batch 15 --mixup 0.4 text
# A batch has more words than any of its shards can have.
mkdir pairs
for i in 1 2 3 4 5 6 7 8; do
	echo "good a$i b$i c$i" >>pairs/rt-polarity.pos
	echo "bad d$i e$i f$i" >>pairs/rt-polarity.neg
done
vic-tokenize -q --format mr pairs | vic-embed -q --random --dim 4 2>/dev/null >words
for d in ref cuda; do
	on 0 --device $d --shards 8 --batch 16 --maps 2 --epochs 2 --history h.$d -o m.$d words
done
near h.ref h.cuda 1e-5 train_loss
tap $? 'a batch of more words than its shards have: the losses of ref' || diag h.ref h.cuda

# shellcheck disable=SC2086
cuda 4 $net --epochs 2 images
like 'who adds up is said' '^vic-train: 4 ranks by sockets, each with 1 of the 4 shards .*; gradients are added up by NCCL 2.28.9$' \
	"$(head -n 1 said)"
# shellcheck disable=SC2086
MESH_RANK=1 MESH_SET=VIC_FAKE_NCCL=none cuda 2 $net --epochs 2 images
same 'where one rank has no NCCL the hosts add up' "$exact" "$(sums m h c)"
like 'and that is said' '^vic-train: 2 ranks .*; gradients are added up through the hosts. memory (a rank has no NCCL)$' \
	"$(head -n 1 said)"

# shellcheck disable=SC2086
cuda 4 $net --epochs 2 --reduce fast images
near h.exact h 1e-5 train_loss && ! cmp -s m m.exact
tap $? 'fast: near, and other bytes' || diag h.exact h
like 'fast: that is said first' '^vic-train: 4 ranks .* NCCL 2.28.9 in an order of its own, not to the bytes of one rank$' \
	"$(head -n 1 said)"
vic-predict -q --device ref m images | vic-cat --provenance | grep -q -e '--reduce=fast'
tap $? 'fast: the model says so'
# refused WHAT PATTERN COMMAND...
refused() {
	refused_what=$1 refused_why=$2
	shift 2
	# shellcheck disable=SC2086
	fails 2 "$refused_why" "$refused_what" "$@" -q --shards 4 $net --epochs 1 -o m images
}
refused 'fast: not with one rank' 'fast: there is one rank' vic-train --device cuda --reduce fast
refused 'fast: not on the cpu' 'fast: cards are not there' "$TOOLS/mesh" 2 vic-train --device ref --reduce fast
VIC_FAKE_NCCL=none
export VIC_FAKE_NCCL
refused 'fast: not without NCCL' 'fast: cards are not there to add up over ranks: there is no NCCL: .*libnccl.so.2' \
	"$TOOLS/mesh" 2 vic-train --device cuda --reduce fast
unset VIC_FAKE_NCCL
# shellcheck disable=SC2086
fails 1 '--reduce fast (here exact)' 'fast: its checkpoint is resumed by fast alone' \
	"$TOOLS/mesh" 2 vic-train -q --device cuda --precision float32 --shards 4 $net --epochs 2 --resume c -o m images
# The others' cards wait for one that fails, which nobody can be told in a meeting.
for rank in 0 1; do
	MESH_RANK=$rank MESH_SET=VIC_FAKE_NCCL=fails timeout 300 "$TOOLS/mesh" 2 vic-train -q --device cuda \
		--precision float32 --shards 4 --maps 4 --epochs 1 -o m text 2>said
	like "a card fails on rank $rank: its sentence, and all end" \
		"^1 .*rank $rank of 2: the sum over ranks: NCCL: internal error" "$? $(tr '\n' ' ' <said)"
done
# shellcheck disable=SC2086
cuda 4 $net --epochs 1 images
mv c begun
# shellcheck disable=SC2086
cuda 1 $net --epochs 2 --resume begun images
same 'begun by 4 ranks, ended by 1: the same bytes' "$exact" "$(sums m h c)"
finish
