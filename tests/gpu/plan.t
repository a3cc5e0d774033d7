#!/bin/sh
# vic-train --plan --plan-device: how each network trains on cards that are not there, against what was written down
# (plans.txt, by the cuDNN that it names), and against runs of the dry plug-in: memory at its peak, launches of a step.
# REGENERATE=1 writes plans.txt anew; look at the difference before committing it. DRY names the plug-in's folder.
. "$(dirname "$0")/../cli/lib.sh"

if [ ! -f "${DRY:-}/libvic-cuda.so" ]; then
	echo '1..0 # SKIP no CUDA toolkit and cuDNN to build the plug-in with'
	exit 0
fi
VIC_BACKENDS=$(cd "$DRY" && pwd)
golden=$ROOT/tests/gpu/plans.txt
devices=$ROOT/tests/gpu/devices
export VIC_BACKENDS
plan() { vic-train --plan --plan-device "$@" </dev/null; }
# value NAME FILE: the first word after it, of a plan
value() { sed -n "s/^$1  *\([^ ,:]*\).*/\1/p" "$2"; }

# One line a plan: network, card, precision, batch; launches, MiB of memory, the largest batch; the engines of each kind,
# "T" for those that compute on tensor cores, and how many convolutions each has; in bf16 the first convolution's three
# engines and workspaces, since that is what pixels are laid out for.
short() {
	awk -v begin="$*" '
		/^precision / { precision = $2 }
		/^batch / { batch = $2 }
		/^launches / { launches = $2 }
		/^memory / { memory = $2 }
		/^largest batch / { largest = $3; sub(/,/, "", largest) }
		/^convolution: / { on = 1; next }
		/^products / { on = 0 }
		on && !rows++ && precision == "bf16" { # three cells of fixed width
			for (k = 0; k < 3; k++) {
				cell = substr($0, 24 + 19 * k, 19)
				sub(/ *$/, "", cell)
				first = first (k ? " | " : "; first ") cell
			}
		}
		on {
			for (k = 0; k < 3; k++) {
				split(substr($0, 24 + 19 * k, 19), word, /[ ,]+/)
				e = word[1] (word[2] == "tensor" ? "T" : "")
				if (e != "-" && e != "" && !n[k, e]++) order[k, ++kinds[k]] = e
			}
		}
		END {
			printf "%s %s %s: %s launches, %s MiB, at most %s", begin, precision, batch, launches, memory, largest
			for (k = 0; k < 3 && kinds[0]; k++) {
				printf "%s", k == 0 ? "; forward" : k == 1 ? "; data" : "; filter"
				for (i = 1; i <= kinds[k]; i++) printf " %s*%d", order[k, i], n[k, order[k, i]]
			}
			print first
		}' "$T/plan"
}

plan h100 -m kimcnn --precision float32 >"$T/plan" 2>"$T/err"
tap $? 'a network of words is planned' || diag "$T/err"
cudnn=$(sed -n 's/^planned by *//p' "$T/plan")
like 'a plan names the cuDNN that made it' '^cuDNN [0-9]*[.][0-9]*[.][0-9]*$' "$cudnn"
echo "$cudnn" >"$T/plans"
failed=
for net in $(vic-train --list-models | awk 'NR > 1 && $1 != "bow" { print $1 }'); do
	for card in h100 a100 l4 b200 t4; do
		plan $card -m "$net" >"$T/plan" 2>"$T/err" && [ ! -s "$T/err" ] || failed="$failed $net/$card"
		short "$net" $card >>"$T/plans"
	done
done
for net in resnet20 vgg16 resnet18 resnet50; do
	for card in h100 a100 l4 b200; do
		plan $card -m "$net" --precision bf16 >"$T/plan" 2>"$T/err" && [ ! -s "$T/err" ] || failed="$failed $net/$card"
		short "$net" $card >>"$T/plans"
	done
done
same 'every network is planned for every card' '' "$failed"
fails 3 "cannot run op 'logits' (bag); --device cpu can" 'but bow, whose op is not there' vic-train --plan \
	--plan-device h100 -m bow </dev/null
[ "${REGENERATE:-0}" = 1 ] && cp "$T/plans" "$golden"
if [ "$(head -1 "$golden")" = "$cudnn" ]; then
	diff -u "$golden" "$T/plans" >"$T/diff"
	tap $? 'as written down' || diag "$T/diff"
else
	skip 'as written down' "that was by $(head -1 "$golden"), and this is $cudnn"
fi

# The largest batch fits, and one a tenth larger does not.
for c in 'resnet18 t4 tf32' 'resnet20 l4 bf16' 'resnet50 h100 bf16' 'resnext101-32x4d t4 float32'; do
	# shellcheck disable=SC2086
	set -- $c
	plan "$2" -m "$1" --precision "$3" >"$T/plan"
	n=$(value 'largest batch' "$T/plan")
	plan "$2" -m "$1" --precision "$3" --batch "$n" >"$T/fits"
	plan "$2" -m "$1" --precision "$3" --batch $((n * 11 / 10)) >"$T/larger"
	[ "$n" -gt 1 ] && ! grep -q 'does not fit' "$T/fits" && grep -q '^memory.*does not fit' "$T/larger"
	tap $? "$c: the largest batch is $n"
done

# Runs of the dry plug-in, op by op: what is launched in the steps that twice the records take more, and the most memory.
# An epoch ends with one prediction, however many steps it had.
# took NAME: the memory of $T/plan is that of the run which said $T/e.
took() {
	sed -n 's/.*, \([0-9]*\) bytes at most$/\1/p' "$T/e" | awk -v planned="$(value memory "$T/plan")" '
		{ got = $1 / 1048576; ratio = planned / got; print "# " planned " MiB planned, " got " taken"
			exit !(ratio > 0.995 && ratio < 1.005) }' >"$T/memory"
	tap $? "$1: memory" || diag "$T/memory"
}
# run NAME RECORDS STEPS MIXES ARGUMENTS...: RECORDS-twice has twice as many, in STEPS steps more
VIC_GPU_DEVICE=$devices/h100.json VIC_CUDA_GRAPHS=0
export VIC_GPU_DEVICE VIC_CUDA_GRAPHS
count() { awk '/ launches, / { print $5 + $7 + $11 }' "$1"; }
run() {
	name=$1 records=$2 steps=$3 mixes=$4
	shift 4
	vic-train --plan --plan-device h100 "$@" "$records" >"$T/plan"
	for twice in '' -twice; do
		VIC_CUDA_STATS=1 vic-train -q --device cuda --epochs 1 "$@" -o "$T/model" "$records$twice" 2>"$T/e$twice"
	done
	more=$(($(count "$T/e-twice") - $(count "$T/e")))
	least=$(($(value launches "$T/plan") * steps))
	[ "$least" -gt 0 ] && [ "$more" -ge "$least" ] && [ "$more" -le $((least + mixes)) ]
	tap $? "$name: launches" || { echo "# planned $least in $steps steps, $more counted"; diag "$T/e"; }
	took "$name"
}
for twice in '' -twice; do
	times=${twice:+2}
	vic-corpora synth text -q --n $((60 * ${times:-1})) --vocabulary 300 --dim 20 --seed 3 --to "$T/synth$twice" >/dev/null
	vic-tokenize -q --format mr "$T/synth$twice" |
		vic-embed -q --vectors "$T/synth$twice/vectors.txt" >"$T/text$twice"
	vic-corpora synth images -q --layout cifar --n $((14 * ${times:-1})) --seed 3 --to "$T/cifar$twice" >/dev/null
	vic-images -q -f cifar10 "$T/cifar$twice" >"$T/images$twice"
done
for p in float32 bf16; do
	run "words $p" "$T/text" 3 0 --batch 20 --precision $p
	run "static words $p" "$T/text" 3 0 --batch 20 --precision $p --words static --mixup 0.4
	run "multichannel words $p" "$T/text" 3 0 --batch 20 --precision $p --words multichannel
	run "smallcnn $p" "$T/images" 1 0 -m smallcnn --batch 14 --width 0.2 --precision $p
	run "resnet20 $p" "$T/images" 1 0 -m resnet20 --batch 14 --width 0.5 --lr 0.001 --precision $p
	run "resnet18 $p" "$T/images" 1 0 -m resnet18 --batch 14 --width 0.1 --lr 0.001 --precision $p
	run "vgg16 $p" "$T/images" 1 0 -m vgg16 --batch 14 --width 0.1 --lr 0.001 --precision $p
	run "manifold mixup $p" "$T/images" 3 3 -m preactresnet18 --batch 4 --width 0.07 --lr 0.001 --mixup 1 \
		--mixup-mode manifold --precision $p
done
run 'momentum on words' "$T/text" 3 0 --batch 20 --optimizer sgd --momentum 0.9 --nesterov --lr 0.01
run 'words, clipped' "$T/text" 3 0 --batch 20 --clip-norm 0.1
run 'static words, clipped and averaged' "$T/text" 3 0 --batch 20 --words static --clip-norm 0.1 --ema 0.9
run 'AdamW, clipped and averaged' "$T/images" 1 0 -m resnet18 --batch 14 --width 0.1 --optimizer adamw --lr 1e-4 \
	--clip-norm 1 --ema 0.9
run 'Adam, dropout' "$T/images" 1 0 -m smallcnn --batch 14 --width 0.2 --optimizer adam --lr 1e-4 --dropout 0.3
# Where gradients of shards are added up: of so many weights that this would be missed.
vic-corpora synth text -q --n 8 --vocabulary 300 --dim 300 --seed 3 --to "$T/wide" >/dev/null
vic-tokenize -q --format mr "$T/wide" | vic-embed -q --vectors "$T/wide/vectors.txt" >"$T/wide.text"
set -- --batch 4 --maps 200 --shards 2 "$T/wide.text"
vic-train --plan --plan-device h100 "$@" >"$T/plan"
VIC_CUDA_STATS=1 vic-train -q --device cuda --epochs 1 -o "$T/model" "$@" 2>"$T/e"
took 'words in two shards'

# Cards from files, and what is refused.
plan h100 -m resnet20 | grep -v '^floor' >"$T/named"
plan "$devices/h100.json" -m resnet20 | grep -v '^floor' >"$T/described"
ok 'a card described in a file is planned for as that of its name' cmp "$T/named" "$T/described"
fails 2 "'h1000' is no card that is known (h100, a100, .*), nor the description of one" 'an unknown card' \
	plan h1000 -m resnet20
fails 2 'goes with --plan' 'a card alone' vic-train --plan-device h100 -m resnet20
echo '{"deviceName": "half a' >"$T/bad.json"
fails 1 "the card's description: " 'a description that is no JSON' plan "$T/bad.json" -m resnet20
echo '{"deviceName": "no memory", "deviceVer": 900}' >"$T/bad.json"
fails 1 'lacks deviceVer or totalGlobalMem' 'one without memory' plan "$T/bad.json" -m resnet20
echo '{"deviceVer": 900, "totalGlobalMem": 1000000}' >"$T/bad.json"
fails 1 "the device's properties" 'one that is not enough for cuDNN' plan "$T/bad.json" -m resnet20
fails 1 'nothing.json' 'one that is not there' plan "$T/nothing.json" -m resnet20
mkdir "$T/empty"
VIC_BACKENDS=$T/empty
fails 3 'planning for a card needs the cuda plug-in' 'without the plug-in' plan h100 -m resnet20
finish
