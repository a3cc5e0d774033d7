#!/bin/sh
# The fault matrix, finely: the input cut at every byte, every allocation, read, write, fsync and open failing in turn.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/faults/matrix.sh"

row_test() {
	if is_stream; then
		fresh '{}'
		swept "cut at every byte ($every)" cut -e "$every" -o "$cut" "$input" --
	fi
	grow=$([ "$every" = 1 ] || echo "-e $every")
	for call in alloc read write fsync open; do
		fresh "$input"
		if [ "${MODE:-release}" = release ]; then
			# shellcheck disable=SC2086
			swept "failing $call" fail $grow "$call" "$shim" --
		else
			skip "$command: failing $call" 'a sanitizer has its own allocator'
		fi
	done
}

prepare
tap $? 'the inputs could be made'
each_row
finish
