#!/bin/sh
# vic-train as the ranks of an MPI run, started by mpirun and by srun: the bytes of one process, what a failing rank
# comes to, and runs whose ranks were killed at many moments, which others end in the same bytes.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/slurm.sh"
trap 'slurm_end; rm -rf "$T"' EXIT
cd "$T" || exit 1

skip_all() {
	skip 'ranks by MPI' "$1"
	finish
	exit
}
[ "${MODE:-release}" = release ] || skip_all "MPI's libraries are not built for $MODE"
[ -e "$BIN/../lib/vicinal/libvic-mpi.so" ] || skip_all 'the plug-in is not built: there is no mpicc'
command -v mpirun >/dev/null || skip_all 'there is no mpirun'
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM
TMPDIR=/tmp # sockets' names are short
export TMPDIR
# mpi R COMMAND...: Open MPI's launcher starts no more processes than cores unless it is told to; MPICH's starts any.
case $(mpirun --version 2>&1) in
*'Open MPI'* | *OpenRTE*) mpi() { mpirun --oversubscribe --bind-to none -np "$@"; } ;;
*) mpi() { mpirun -np "$@"; } ;;
esac

sums() { cksum "$@" | cut -d' ' -f 1,2; }
train() { vic-train -q --threads 1 --shards 4 "$@"; }
vic-corpora synth images -q --layout cifar --n 60 --seed 3 --to synth >/dev/null
vic-images -q -f cifar10 --only train synth | vic-split -q --dev 0.15 --seed 1 >images
"$TOOLS/mkstream" text 150 >text

slurm=
if slurm_start; then
	if srun --mpi=list 2>&1 | grep -q pmix; then slurm=yes; else slurm_why='srun knows no PMIx'; fi
fi
same_bytes() { # NAME ARGUMENT...
	same_what=$1
	shift
	train --history h -o m "$@"
	want=$(sums m h)
	for r in 1 2 4; do
		rm -f m h
		mpi $r vic-train -q --threads 1 --shards 4 --history h -o m "$@" 2>err
		same "$same_what: mpirun, $r ranks: the bytes of one process" "$want" "$(sums m h)"
		diag err
	done
	if [ -n "$slurm" ]; then
		rm -f m h
		srun --mpi=pmix -n 2 vic-train -q --threads 1 --shards 4 --history h -o m "$@" 2>err
		same "$same_what: srun, 2 ranks: the bytes of one process" "$want" "$(sums m h)"
		diag err
	else
		skip "$same_what: srun, 2 ranks" "$slurm_why"
	fi
}
resnet() { echo "-m $1 --width 0.25 --epochs ${2:-1}"; }
# shellcheck disable=SC2046 # words
{
	same_bytes 'resnet20, mixup, a batch of 50' $(resnet resnet20 2) --mixup 0.4 --batch 50 images
	same_bytes 'manifold mixup' $(resnet preactresnet18) --mixup 1 --mixup-mode manifold --batch 25 images
	same_bytes 'a last batch of three' $(resnet resnet20) --mixup 0.4 --batch 16 images
	same_bytes 'partners from the data set' $(resnet resnet20) --mixup 0.4 --mixup-partner dataset --batch 16 images
}
same_bytes 'kimcnn with dropout' --maps 5 --epochs 3 --mixup 0.4 text
same_bytes 'bow' -m bow --epochs 2 --dropout 0.2 --device cpu text

# Failures. The launcher says more, in lines of its own.
ours() { grep '^vic-train: ' err; }
cat >elsewhere.sh <<'END'
[ "${OMPI_COMM_WORLD_RANK:-${PMIX_RANK:-$PMI_RANK}}" != 1 ] || cd /
exec "$@"
END
mpi 4 sh "$T/elsewhere.sh" vic-train -q --shards 4 --threads 1 -o "$T/no" text 2>err
same 'a file that one rank does not see: its status' 1 $?
same 'one sentence' 'vic-train: rank 1 of 4: text: No such file or directory' "$(ours)"
mpi 4 vic-train -q --threads 1 --no-such -o no text 2>err
same 'a mistake in the command line: the status' 2 $?
same 'one sentence' "vic-train: unknown option '--no-such'; --help lists them" "$(ours)"
mpi 4 vic-train -q --threads 1 -o no text 2>err
same 'no shards: the status' 2 $?
same 'one sentence' 1 "$(ours | grep -c -- '--shards 4 is enough')"
same 'nothing else is said' 1 "$(ours | wc -l)"
mpi 4 vic-train -q --threads 1 --shards 4 -o no <text 2>err
same 'stdin: the status' 2 $?
same 'one sentence' 1 "$(ours | grep -c 'stdin goes to one rank alone')"
ok 'nothing was written' test ! -e no
mkdir plugins
ln -s "$BIN"/../lib/vicinal/libvic-cpu-*.so plugins/
VIC_BACKENDS=$T/plugins mpi 2 vic-train -q --threads 1 --shards 4 -o no text 2>err
same 'without the plug-in: status 3' 3 $?
like 'and what to do' 'started 2 processes, and there is no plug-in .* (--ranks none keeps them apart): .*libvic-mpi.so' \
	"$(ours)"
if [ -n "$slurm" ]; then
	srun -n 2 vic-train -q --threads 1 --shards 4 -o no text 2>err
	same 'srun without PMIx: the status' 2 $?
	like 'and what to do' 'srun --mpi=pmix makes them one run' "$(ours)"
	srun --mpi=pmix -n 2 sh "$T/elsewhere.sh" vic-train -q --shards 4 --threads 1 -o "$T/no" text 2>err
	same 'srun, a file that one rank does not see: its status' 1 $?
	same 'one sentence' 'vic-train: rank 1 of 2: text: No such file or directory' "$(ours)"
else
	skip 'srun: failures' "$slurm_why"
fi

# Killed: each rank at two moments, each moment for some rank, and gone on with by 1, 2 and 4.
kim() { "$@" --maps 5 --batch 20 --mixup 0.4 text; }
kim train --epochs 1 -o m0
cat >rank.sh <<'END'
echo $$ >"pid.${OMPI_COMM_WORLD_RANK:-${PMIX_RANK:-$PMI_RANK}}"
exec "$@"
END
# ended SIGNAL RANK LINES: a run of four ranks of which one gets it when the history has so many lines.
ended() {
	rm -f m h ck pid.*
	kim mpi 4 sh rank.sh env --default-signal=INT,TERM vic-train -q --threads 1 --shards 4 --epochs 1000000 \
		--checkpoint ck --history h -o m 2>err &
	ended_pid=$!
	until [ -f h ] && [ "$(wc -l <h)" -gt "$3" ]; do
		kill -0 $ended_pid || return
		sleep 0.02
	done
	ended_at=$(date +%s)
	kill -"$1" "$(cat "pid.$2")"
	wait $ended_pid
	ended_status=$?
	ended_after=$(($(date +%s) - ended_at))
}
others=1
for rank in 0 1 2 3; do
	for lines in $((1 + rank)) $((8 - rank)); do
		ended KILL $rank $lines
		[ "$ended_status" != 0 ] && [ $ended_after -le 20 ]
		tap $? "rank $rank killed after epoch $lines: all end ($ended_after s, status $ended_status)"
		n=$(($(tail -1 h | cut -f 1) + 2))
		kim train --epochs $n --history h0 -o m0
		kim mpi $others vic-train -q --threads 1 --shards 4 --epochs $n --resume ck --history h -o m 2>err
		same "and $others go on to the same bytes" "$(sums m0 h0)" "$(sums m h)"
		others=$((others == 4 ? 1 : others * 2))
	done
done
for rank in 0 3; do
	ended TERM $rank 2
	same "SIGTERM to rank $rank: the status" 143 $ended_status
	like 'all end after the batch' "^vic-train: interrupted in epoch .*; --resume ck goes on after epoch" "$(ours)"
	same 'one sentence' 1 "$(ours | wc -l)"
done
finish
