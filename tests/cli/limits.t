#!/bin/sh
# Small stacks and few threads: every program does with 256 KiB of stack what it does with more, and where threads
# cannot start the others do the work, to the same bytes.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/faults/matrix.sh"

# outcome LIMIT COMMAND...: its status, the end of what it said, and all files of the folder, its stdout among them.
outcome() {
	(
		[ "$1" = - ] || ulimit -s "$1" || exit 1
		shift
		exec timeout 60 "$@" >.stdout 2>.stderr
	)
	echo "status $?"
	tail -c 300 .stderr
	find . -type f ! -name .stderr -exec cksum {} + | sort -k3
}

row_test() {
	fresh "$input"
	# shellcheck disable=SC2086
	outcome - $run_argv >"$T/enough"
	fresh "$input"
	# shellcheck disable=SC2086
	outcome 256 $run_argv >"$T/little"
	grep -q '^status 0' "$T/enough"
	tap $? "$command: runs"
	same "$command: 256 KiB of stack" "$(cat "$T/enough")" "$(cat "$T/little")"
	cd "$T" || exit 1
}

# Files may not have a byte: the system's signal is held off, and the sentence comes.
no_bytes() {
	fresh "$input"
	# shellcheck disable=SC2086
	said=$( (
		ulimit -f 0
		timeout 60 $run_argv 2>&1 >.stdout </dev/null
		echo "status $?"
	))
	printf '%s\n' "$said" | grep -q 'File too large' && printf '%s\n' "$said" | grep -q '^status 1$'
	tap $? "$command: no file may have a byte" || printf '%s\n' "$said" | sed 's/^/# /'
	cd "$T" || exit 1
}

prepare
tap $? 'the inputs could be made'
if [ "${MODE:-release}" = release ]; then
	each_row
	while read -r command; do
		input=-
		no_bytes
	done <<-END
		vic help
		vic-cat tokens
		vic-cat --to npy --labels new logits
		vic-split --dev 0.2 --remark text
		vic-tokenize --format tsv -o new tsv
		vic-embed --random --dim 3 -o new tokens
		vic-embed --vectors glove --oov-report new -o /dev/null tokens
		vic-train --maps 2 --epochs 1 --batch 4 --device ref -o new text
		vic-train --maps 2 --epochs 1 --batch 4 --device ref -o /dev/null --history new text
		vic-train --maps 2 --epochs 1 --batch 4 --device ref -o /dev/null --checkpoint new text
		vic-predict --device ref -o new model text
		vic-score --floor 0 logits
		vic-calibrate -o new f64
		vic-conformal -o new f64
		vic-ood --bootstrap 0 --in logits --out probs
		vic-compare --bootstrap 320 logits probs
		vic-corpora list
		vic-corpora synth text --n 20 --vocabulary 200 --dim 2 --to new
		vic-corpora synth images --n 10 --to new
		vic-images --format stream -o new images
		vic-perturb -o new images
		vic-plot --script -o new curve
		vic-plot -o new curve
		vic-reliability --bands 0 logits
		vic-report --bootstrap 0 --floor 0 -o new logits
	END
	# The cpu backend, whose threads have stacks of that size too.
	for command in 'vic-train -q --threads 2 --epochs 2 --batch 4 --mixup 1 --seed 3 -o out text' \
		'vic-train -q --threads 2 -m resnet20 --width 0.25 --epochs 1 --batch 4 -o out images' \
		'vic-predict -q --threads 2 model text' 'vic-predict -q --threads 2 painter images'; do
		input=- program=${command%% *}
		row_test
	done
else
	skip '256 KiB of stack' 'sanitizers make frames larger'
fi

# threads_fail N COMMAND...: cksum of its stdout where the Nth thread and all after it do not start.
threads_fail() {
	n=$1
	shift
	(cd "$T/inputs" && LD_PRELOAD=$preload VIC_FAIL=thread:$n VIC_FAIL_SEEN=$T/seen "$@" 2>/dev/null | cksum)
}
if [ "${MODE:-release}" = release ]; then
	while read -r command; do
		rm -f "$T/seen"
		want=$(cd "$T/inputs" && $command 2>/dev/null | cksum)
		[ "$want" != "$(cksum </dev/null)" ]
		tap $? "$command: says something"
		for n in 1 3; do
			# shellcheck disable=SC2086
			same "$command: thread $n does not start" "$want" "$(threads_fail $n $command)"
		done
		[ -e "$T/seen" ]
		tap $? 'and a thread was asked for'
	done <<-END
		vic-train -q --threads 4 --epochs 2 --batch 4 --mixup 1 text
		vic-train -q --threads 4 -m smallcnn --width 0.1 --epochs 1 --batch 4 images
		vic-predict -q --threads 4 model text
		vic-embed -q --threads 4 --vectors glove tokens
		vic-score -q --threads 4 --floor 0 logits
		vic-calibrate -q --threads 4 logits
		vic-conformal -q --threads 4 logits
		vic-images -q --threads 4 --resize 8 --channels 3 pictures
	END
else
	skip 'threads that do not start' 'a sanitizer starts its own'
fi

# oneDNN is C++ and throws what nobody would catch. Its own release 2 also follows pointers that malloc() did not fill
# (a signal 11 from inside it), and the system's loader has a sentence of its own where a thread first uses a library's
# variables (status 127): neither is ours to mend, and they are not counted here.
if [ "${MODE:-release}" = release ] && vic-train --version | grep -q oneDNN; then
	n=1500 said=0 ended='' status=1
	while [ $status != 0 ] && [ $n -lt 1000000 ]; do
		( # which waits for the program itself, so that what it says of its end goes nowhere
			cd "$T/inputs" && LD_PRELOAD=$preload VIC_FAIL=alloc:$n vic-train -q --threads 1 -m resnet20 \
				--width 0.25 --epochs 1 --batch 4 images >"$T/.out" 2>"$T/.err"
			exit $?
		) 2>/dev/null
		status=$?
		case $status in
		0 | 139) ;;
		1) grep -q 'oneDNN: out of memory' "$T/.err" && said=$((said + 1)) ;;
		127) grep -q 'memory for thread-local data' "$T/.err" || ended="$ended $n: status 127" ;;
		*) ended="$ended $n: status $status $(head -1 "$T/.err")" ;;
		esac
		n=$((n + n / 15))
	done
	same 'no memory inside oneDNN ends the program with a sentence' '' "$ended"
	# How often it was oneDNN's own memory depends on the machine: told, not tested.
	echo "# of these tries $said ended with oneDNN's own sentence"
else
	skip 'no memory inside oneDNN' 'there is no oneDNN, or a sanitizer has its own allocator'
fi
finish
