#!/bin/sh
# Training that ends before its time keeps the work of the epochs that were finished: signals, a loss that runs away, a
# checkpoint that cannot be written. And runs that go on inside an epoch. interrupted.slow.t does it at random moments.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

"$TOOLS/mkstream" text 40 >text
"$TOOLS/mkstream" images 40 >images
vic-split -q --remark --test 0.2 text >nodev
train() { vic-train -q --maps 2 --max-tokens 7 --batch 4 "$@"; }

# stopped SIGNAL ARGUMENT...: sends it once two epochs are done. Status and stderr to `got`. A shell starts its jobs
# with SIGINT switched off.
stopped() {
	stopped_by=$1
	shift
	rm -f ck history model
	: >logits
	env --default-signal=INT vic-train -q --maps 2 --max-tokens 7 --batch 4 --epochs 1000000 --checkpoint ck \
		--history history -o model "$@" 2>err &
	stopped_pid=$!
	until [ -f history ] && [ "$(wc -l <history)" -gt 2 ]; do
		kill -0 $stopped_pid || return
		sleep 0.05
	done
	kill -"$stopped_by" $stopped_pid
	wait $stopped_pid
	echo "$?" >status
}
answers() { vic-predict -q "$1" "$2" | vic-cat | grep -v '^#' | cksum; }
held() { sed -n "s/.*holds epoch \([0-9]*\), $1 of the \([0-9]*\) finished.*/\\$2/p" err; }
for signal in INT TERM HUP XCPU; do
	number=$(case $signal in INT) echo 2 ;; TERM) echo 15 ;; HUP) echo 1 ;; XCPU) echo 24 ;; esac)
	for data in text $([ $signal != INT ] || echo nodev); do
		which=$([ $data = text ] && echo the best || echo the last)
		stopped $signal $data
		done_epochs=$(held "$which" 2)
		same "SIG$signal, $data: the status is 128 + the signal's number" $((128 + number)) \
			"$(cat status)"
		like 'one line says what was kept' \
			"^vic-train: interrupted in epoch $((done_epochs + 1)); model holds epoch [0-9]*, $which of the $done_epochs finished; --resume ck goes on after epoch $done_epochs\$" \
			"$(cat err)"
		same 'the history has these epochs' "$done_epochs" "$(tail -1 history | cut -f1)"
		train --epochs "$done_epochs" -o whole $data
		same 'the model is the one that a run of so many epochs ends with' "$(answers whole $data)" "$(answers model $data)"
		train --epochs $((done_epochs + 1)) -o whole $data
		train --epochs $((done_epochs + 1)) --resume ck -o resumed $data
		ok 'and the run can go on, to the same bytes' cmp whole resumed
		same 'the checkpoint answers as the model' "$(answers model $data)" "$(answers ck $data)"
		like 'and says whose weights these are' "^vic-predict: ck is a checkpoint; its weights are of epoch [0-9]*, $which so far\$" \
			"$(vic-predict ck $data 2>&1 >logits)"
	done
done
stopped INT --ema 0.9 text
n=$(held 'the best' 2)
train --epochs "$n" --ema 0.9 -o whole text
same 'averaged: what is left is the average' "$(answers whole text)" "$(answers model text)"
train --epochs $((n + 1)) --ema 0.9 -o whole text
train --epochs $((n + 1)) --ema 0.9 --resume ck -o resumed text
ok 'averaged: the run can go on, to the same bytes' cmp whole resumed
same 'no other file is left' 'ck err history images logits model nodev resumed status text whole' "$(ls | tr '\n' ' ' | sed 's/ $//')"

# Before an epoch is done.
: >fifo.err
mkfifo fifo
env --default-signal=INT vic-train -q -o model2 fifo 2>fifo.err &
pid=$!
exec 8>fifo # which opens when it reads
sleep 0.2
kill -INT $pid
wait $pid
same 'while the records come: status 130, a sentence' \
	'130 vic-train: interrupted before the first epoch; nothing is written' "$? $(cat fifo.err)"
exec 8>&-
rm fifo

# A loss that runs away.
vic-train -q -m smallcnn --width 0.1 --epochs 400 --batch 8 --lr 30 --weight-decay 0.1 --history history -o model2 images 2>err
same 'training that runs away after some epochs: status 1' 1 $?
n=$(held 'the best' 2)
like 'the best of the epochs before is kept' "nan.*epoch $((n + 1))[;,].*; model2 holds epoch [0-9]*, the best of the $n finished\$" \
	"$(cat err)"
ok 'and answers' vic-predict -q -o logits model2 images
vic-train -q -m smallcnn --width 0.1 --epochs 400 --batch 8 --lr 30 --weight-decay 0.1 --ema 0.9 -o model3 images 2>err
like 'averaged: the best average of the epochs before is kept' "nan.*; model3 holds epoch [0-9]*, the best of the [0-9]* finished\$" \
	"$(cat err)"
vic-train -q -m smallcnn --width 0.1 --epochs "$(held 'the best' 1)" --batch 8 --lr 30 --weight-decay 0.1 --ema 0.9 --select last \
	-o whole images
same 'and it is that average' "$(answers whole images)" "$(answers model3 images)"
rm model2
vic-split -q --remark --test 0.2 images >nodev
fails 1 'answers training records with nan after epoch 1; .*no epoch was finished, so nothing is written' \
	'a model is tried before it is written, also without dev records' \
	vic-train -q -m smallcnn --width 0.1 --epochs 1 --batch 64 --lr 1e6 -o model2 nodev
ok 'nothing is there then' test ! -e model2

# Inside an epoch. inside CONDITION SIGNAL: a run of two epochs of slow steps, with a checkpoint after every third,
# ended when CONDITION holds.
slow() { vic-train -q -m resnet20 --batch 1 --device ref --select last --mixup 0.4 --epochs 2 "$@" --history history \
	-o model images; }
inside() {
	rm -f ck history model
	env --default-signal=INT vic-train -q -m resnet20 --batch 1 --device ref --select last --mixup 0.4 --epochs 2 \
		--checkpoint ck --checkpoint-every 3 --history history -o model images 2>err &
	inside_pid=$!
	until eval "$1"; do
		kill -0 $inside_pid || return
		sleep 0.02
	done
	kill -"$2" $inside_pid
	wait $inside_pid
	inside_status=$?
}
slow --checkpoint whole.ck --checkpoint-every 1000s
mv history whole.history
mv model whole
inside '[ -f ck ]' KILL
fails 1 'ck: is a checkpoint of a first epoch that was not finished; vic-train --resume goes on with it' \
	'killed in the first epoch: there is no model yet' vic-predict ck images
slow --resume ck
ok 'and the run goes on, to the same bytes' cmp whole model
ok 'and the same history' cmp whole.history history
inside '[ -f history ] && [ ck -nt history ]' INT
same 'SIGINT in the second: status 130' 130 $inside_status
like 'it is said where the run can go on' \
	'interrupted in epoch 2; model holds epoch 1, the last of the 1 finished; --resume ck goes on after batch [0-9]*[0369] of epoch 2$' \
	"$(cat err)"
same 'the checkpoint answers as the first epoch' "$(answers model images)" "$(answers ck images)"
like 'and says so' 'ck is a checkpoint; its weights are of epoch 1, the one to keep so far$' \
	"$(vic-predict ck images 2>&1 >logits)"
slow --resume ck --checkpoint ck --checkpoint-every 0.001s
ok 'and the run goes on, to the same bytes' cmp whole model
ok 'and the same history' cmp whole.history history
ok 'a checkpoint between epochs is what it was' cmp ck whole.ck
for wrong in 5x 0 -1 0s s 1min30 1e400h; do
	fails 2 'checkpoint-every' "--checkpoint-every=$wrong" train --checkpoint ck --checkpoint-every=$wrong -o no text
done
fails 2 'checkpoint-every goes with --checkpoint' 'no file to write' train --checkpoint-every 5 -o no text

# A checkpoint that is not there.
train --epochs 2 -o whole text
vic-train --maps 2 --max-tokens 7 --batch 4 --epochs 2 --resume none --checkpoint none -o model text 2>err
like 'a checkpoint that is not there yet begins a run' '^vic-train: none is not there: the run begins with epoch 1$' "$(cat err)"
ok 'with the same bytes' cmp whole model
fails 1 'model/none: Not a directory' 'one that cannot be looked for does not' train --resume model/none -o model2 text

# A checkpoint of other settings: those that differ.
train --epochs 1 --checkpoint ck -o model text
train --epochs 1 --mixup 1 --checkpoint mixed.ck -o model text
fails 1 ': ck: was made with other options: --mixup 0 (here 0.2), --words tuned (here static), --batch 4 (here 5), --seed 1 (here 2), --class-weights none (here 1,2)$' \
	'the options that differ are named' vic-train -q --maps 2 --max-tokens 7 --batch 5 --epochs 2 --mixup 0.2 \
	--class-weights 1,2 --words static --seed 2 --resume ck -o model text
fails 1 'options: --mixup-mode full (here features), --lr 1 (here 0.5), --schedule constant (here steps), --lr-steps 2,60,120,160 (here 7)$' \
	'as one would give them' train --epochs 2 --lr 0.5 --schedule steps --lr-steps 7 --mixup 1 \
	--mixup-mode features --resume mixed.ck -o model text

# Batch normalisation of one value.
vic-split -q --remark --test 0.2 images >nodev
one() { vic-train -q -m resnet50 --width 0.0625 --epochs 1 -o model2 "$@"; }
fails 2 'each batch of the 32 training records has one record, and the batch normalisation layer.* --batch 2 gives' \
	'batch normalisation of one value a channel' one --batch 1 nodev
fails 2 '--batch 31: the last batch .* --batch 30 gives it more$' 'in the last batch' one --batch 31 nodev
ok 'with the batch that is named it trains' one --batch 30 nodev
ok 'and predicts' vic-predict -q -o logits model2 nodev
ok 'larger images have more values' vic-train -q -m resnet20 --width 0.1 --epochs 1 --batch 31 -o model2 nodev

# Accuracy is of records, whatever their weight.
train --epochs 2 --lr 1e-9 --class-weights 0,1 --history weighted -o model text
train --epochs 2 --lr 1e-9 --history plain -o model text
same 'class weights do not weigh the accuracy' "$(cut -f4 plain)" "$(cut -f4 weighted)"
finish
