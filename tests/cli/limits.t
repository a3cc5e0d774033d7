#!/bin/sh
# Small stacks and few threads: every program does with 256 KiB of stack what it does with more, and where threads cannot start the
# others do the work, to the same bytes.
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

prepare
tap $? 'the inputs could be made'
if [ "${MODE:-release}" = release ]; then
	each_row
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

# threads_fail N COMMAND...: cksum of its stdout where the Nth thread and all behind it do not start.
threads_fail() {
	n=$1
	shift
	(cd "$T/inputs" && LD_PRELOAD=$shim VIC_FAIL=thread:$n VIC_FAIL_SEEN=$T/seen "$@" 2>/dev/null | cksum)
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
		vic-images -q --threads 4 --resize 8 --channels 3 pictures
	END
else
	skip 'threads that do not start' 'a sanitizer starts its own'
fi
finish
