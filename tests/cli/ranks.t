#!/bin/sh
# vic-train as several ranks of one run: the bytes of one process whatever the number of ranks, one sentence when a rank
# fails, and runs that go on with another number. Ranks are processes over sockets (tests/ranks); ranks.slow.t does it by
# MPI, and kills more.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

# The plug-ins of this build, and the tests' own transport in MPI's place.
mkdir plugins
for plugin in "$BIN"/../lib/vicinal/libvic-cpu-*.so "$TOOLS/../ranks/libvic-mpi.so"; do
	ln -s "$plugin" plugins/
done
VIC_BACKENDS=$T/plugins
export VIC_BACKENDS
sums() { cksum "$@" | cut -d' ' -f 1,2; }
train() { vic-train -q --threads 1 --shards 4 "$@"; }
# on R ARGUMENT...: a run of so many ranks.
on() {
	on_ranks=$1
	shift
	"$TOOLS/mesh" "$on_ranks" vic-train -q --threads 1 "$@"
}
vic-corpora synth images -q --layout cifar --n 60 --seed 3 --to synth >/dev/null
vic-images -q -f cifar10 --only train synth | vic-split -q --dev 0.15 --seed 1 >images
"$TOOLS/mkstream" text 150 >text
vic-split -q --remark --test 0.1 text >nodev

# same_bytes NAME ARGUMENT...: of 1, 2 and 4 ranks, and of one process that is none.
same_bytes() {
	same_what=$1
	shift
	train --history h --checkpoint c -o m "$@"
	want=$(sums m h c)
	for r in 1 2 4; do
		rm -f m h c
		on $r --shards 4 --history h --checkpoint c -o m "$@"
		same "$same_what: $r ranks make the bytes of one process" "$want" "$(sums m h c)"
	done
}
same_bytes 'resnet20 with mixup, shards that differ in size' -m resnet20 --width 0.25 --epochs 2 --mixup 0.4 \
	--batch 50 images
same_bytes 'a last batch of three, of which a shard has none' -m resnet20 --width 0.25 --epochs 1 --mixup 0.4 \
	--batch 16 images
same_bytes 'kimcnn with dropout' --maps 5 --batch 20 --epochs 4 --mixup 0.4 text
same_bytes 'resnet20, averaged' -m resnet20 --width 0.25 --epochs 1 --batch 16 --ema 0.9 images
same_bytes 'without dev records' --maps 5 --batch 20 --epochs 2 nodev
same 'no other file is left' 'c h images m nodev plugins synth text' "$(ls | tr '\n' ' ' | sed 's/ $//')"
like 'rank 0 says who they are' '^vic-train: 2 ranks by sockets, each with 2 of the 4 shards of a batch$' \
	"$("$TOOLS/mesh" 2 vic-train --shards 4 --maps 5 --epochs 1 -o m text 2>&1)"
"$TOOLS/mesh" 2 vic-train -q --ranks none --shards 4 --maps 5 --epochs 1 -o - text >two
train --maps 5 --epochs 1 text >m
same '--ranks none: each is a run of its own' "$(cat m m | cksum)" "$(cksum <two)"

# Another number of ranks goes on.
kim() { "$@" --maps 5 --batch 20 --mixup 0.4 text; }
kim train --epochs 4 --history h0 --checkpoint c0 -o m0
for r in 4 2 1; do
	kim on $r --epochs 2 --shards 4 --checkpoint ck -o m
	kim on $((r == 1 ? 4 : r / 2)) --epochs 4 --shards 4 --resume ck --checkpoint c --history h -o m
	same "begun by $r ranks, ended by others: the same bytes" "$(sums m0 h0 c0)" "$(sums m h c)"
done
fails 1 'was made with other options: --shards 4 (here 8)$' 'with other shards it does not go on' kim on 2 --epochs 4 \
	--shards 8 --resume ck -o no

# What is refused, in one sentence.
rm -f m
refused() { # STATUS PATTERN WHAT RANKS ARGUMENT...
	refused_status=$1 refused_pattern=$2 refused_what=$3
	shift 3
	fails "$refused_status" "^vic-train: $refused_pattern" "$refused_what" on "$@" -o m
	ok 'and nothing is written' test ! -e m
}
refused 2 '4 ranks and --shards 1: .*--shards 4 is enough' 'no shards' 4 text
refused 2 '4 ranks and --shards 2: ' 'fewer shards than ranks' 4 --shards 2 text
refused 2 '3 ranks: .*start 2 ranks or 4$' 'three ranks' 3 --shards 4 text
refused 2 'stdin goes to one rank alone; .* regular file that all see' 'stdin' 2 --shards 4 - <text
mkfifo pipe
exec 8<>pipe
refused 2 'pipe is no regular file; .* that all see' 'a pipe' 2 --shards 4 pipe
exec 8>&-
refused 1 'nothing: No such file' 'a file that no rank sees' 4 --shards 4 nothing
refused 2 "unknown option '--shard'; did you mean '--shards'?\$" 'an unknown option' 4 --shard 4 text
refused 2 '--shards: .*' 'a value that is none' 4 --shards x text
refused 2 'unexpected operand' 'an operand too many' 2 --shards 4 text text
refused 2 '--plan-device goes with --plan: ' 'an option without its other' 2 --shards 4 --plan-device h100 text
refused 1 'the loss became .* in epoch 1' 'a loss that runs away' 4 --shards 4 -m smallcnn --width 0.1 --lr 1e6 \
	--batch 8 --epochs 3 images

# One rank is different. odd PATTERN WHAT RANK CHANGE ARGUMENT...: the shell of that rank does CHANGE before.
cat >odd.sh <<'END'
[ -z "$CHANGE" ] || eval "$CHANGE"
exec "$@" $MORE
END
odd_status=1
odd() {
	odd_pattern=$1 odd_what=$2
	MESH_RANK=$3 MESH_SET="CHANGE=$4"
	export MESH_RANK MESH_SET
	shift 4
	fails $odd_status "^vic-train: $odd_pattern" "$odd_what" "$TOOLS/mesh" 4 sh "$T/odd.sh" vic-train -q --shards 4 --threads 1 \
		--maps 5 --epochs 3 -o "$T/m" "$@"
	ok 'and nothing is written' test ! -e m
}
mkdir bare other same
"$TOOLS/mkstream" text 151 >other/text
cp text same/text
odd 'rank 2 of 4: text: No such file' 'a file that one rank does not see' 2 'cd bare' text
odd 'rank 1 of 4 has other records than the others: ' 'another file under its name' 1 'cd other' text
odd 'rank 3 of 4 was started with other options' 'other options' 3 'MORE="--seed 2"' text
cp ck ck.all
odd 'rank 0 of 4 begins after another epoch than the others: .*checkpoint' 'a checkpoint that one rank does not see' 0 \
	'cd same' --batch 20 --mixup 0.4 --resume ck text
case $(vic-train --version) in
*cpu-base*) skip 'another engine' 'this processor runs one' ;;
*) odd 'rank 1 of 4 computes by another engine .*VIC_CPU' 'another engine' 1 'export VIC_CPU=base' text ;;
esac
odd_status=2
odd "rank 3 of 4: unknown option '--no-such'" 'a mistake in the command line of one rank' 3 'MORE=--no-such' text
for apart in '--ranks none --no-such' '--no-such --ranks none' '--no-such --plan'; do
	MESH_RANK=1 MESH_SET="MORE=$apart" "$TOOLS/mesh" 2 sh odd.sh vic-train -q --shards 4 -o m text 2>said
	same "$apart: that rank is none, and says so itself" "2 1" "$? $(grep -c "^vic-train: unknown option '--no-such'" said)"
done
unset MESH_RANK MESH_SET

# Signals and death. stopped SIGNAL RANK R: sent to that rank once two epochs are done.
stopped() {
	rm -f m h ck pids
	MESH_PIDS=pids kim "$TOOLS/mesh" "$3" env --default-signal=INT,TERM vic-train -q --threads 1 --shards 4 \
		--epochs 1000000 --checkpoint ck --history h -o m 2>err &
	stopped_pid=$!
	until [ -f h ] && [ "$(wc -l <h)" -gt 2 ]; do
		kill -0 $stopped_pid || return
		sleep 0.02
	done
	kill -"$1" "$(sed -n "$(($2 + 1))p" pids)"
	wait $stopped_pid
	stopped_status=$?
}
for of in 'TERM 2 143' 'INT 0 130'; do
	# shellcheck disable=SC2086 # words
	set -- $of
	stopped "$1" "$2" 4
	same "SIG$1 to rank $2: the status" "$3" "$stopped_status"
	n=$(tail -1 h | cut -f 1)
	like 'all end after the batch, with what was finished' \
		"^vic-train: interrupted in epoch $((n + 1)); m holds epoch [0-9]*, the best of the $n finished; --resume ck goes on after epoch $n\$" \
		"$(cat err)"
	same 'in one line' 1 "$(wc -l <err)"
	kim train --epochs $((n + 1)) --history h0 -o m0
	kim on 2 --epochs $((n + 1)) --shards 4 --resume ck --history h -o m
	same 'and others go on to the same bytes' "$(sums m0 h0)" "$(sums m h)"
done
stopped KILL 1 4
same 'a rank is killed: all end' 137 "$stopped_status"
n=$(vic-cat --check ck >checked 2>&1 && tail -1 h | cut -f 1)
kim train --epochs $((n + 2)) --history h0 -o m0
kim on 2 --epochs $((n + 2)) --shards 4 --resume ck --history h -o m
same 'and others go on to the same bytes' "$(sums m0 h0)" "$(sums m h)"
finish
