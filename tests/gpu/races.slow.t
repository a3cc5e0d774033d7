#!/bin/sh
# Races between threads of a kernel are seen by ThreadSanitizer, which runs each in a thread of the system, and by it
# alone: without it the kernels of races.c end well. The plug-in's kernels have none, and each of their barriers is
# needed: without it there is one.
. "$(dirname "$0")/../cli/lib.sh"
cd "$ROOT" || exit 1
: "${CUDA_CPPFLAGS:?where the headers of CUDA are, as in: -isystem /usr/local/cuda/include}"
fakes="tests/gpu/host.c tests/gpu/fibre.c tests/gpu/memory.c tests/gpu/streams.c tests/gpu/capture.c tests/gpu/runtime.c"
# compiled FLAGS...: as CUDA's sources are, on the host.
compiled() {
	# shellcheck disable=SC2086
	${CC:-cc} -std=gnu11 -g -O1 -D_GNU_SOURCE -I. -Itests $CUDA_CPPFLAGS "$@"
}
# shellcheck disable=SC2086
compiled -o "$T/fibres" tests/gpu/races.c $fakes -lpthread -lm
ok 'a race that fibres do not show' "$T/fibres" prefix_race
# shellcheck disable=SC2086
compiled -fsanitize=thread -o "$T/threads" tests/gpu/races.c $fakes -lpthread -lm >"$T/log" 2>&1 || {
	skip 'ThreadSanitizer' "the compiler has none"
	finish
	exit
}
TSAN_OPTIONS='halt_on_error=1 exitcode=66'
export TSAN_OPTIONS
# The sanitizer of GCC 12 cannot live with the wide address randomisation of newer kernels.
alone=$(setarch -R true 2>/dev/null && echo 'setarch -R')
for kernel in prefix total own; do
	# shellcheck disable=SC2086
	ok "$kernel has no race" $alone "$T/threads" $kernel
done
for kernel in prefix_race own_race in_order_race; do
	# shellcheck disable=SC2086
	$alone "$T/threads" $kernel 2>"$T/said"
	same "$kernel has one" '66 1' "$? $(grep -c "SUMMARY: ThreadSanitizer: data race .* in $kernel\$" "$T/said")"
done

# The plug-in's, in blocks of 64 threads: each is a thread of the system. What does not change is compiled once.
kernels=models/core/cuda/kernels
n=0
for source in tests/gpu/races_kernels.c $fakes; do
	n=$((n + 1))
	compiled -fsanitize=thread -c -o "$T/fixed$n.o" "$source"
done
# without FILE LINE: builds the kernels without the barrier of that line; with all where no line is named.
without() {
	for from in $kernels/*.h $kernels/norm.cu $kernels/update.cu $kernels/xent.cu $kernels/wordconv.cu; do
		to=${from##*/} left_out=1
		[ "$to" != "${1:-}" ] || left_out=$2
		case $to in *.cu) to=${to%.cu}.c ;; esac
		sed -e 's/BLOCK = 256/BLOCK = 64/; s/THREADS = 128/THREADS = 64/' -e "${left_out}s/__syncthreads();/;/" "$from" \
			>"$T/$to"
	done
	compiled -I"$T" -fsanitize=thread -Wno-maybe-uninitialized -o "$T/kernels" "$T/norm.c" "$T/update.c" "$T/xent.c" \
		"$T/wordconv.c" "$T"/fixed*.o -lpthread -lm
}
without
for source in norm update xent wordconv; do
	# shellcheck disable=SC2086
	ok "the kernels of $source.cu have no race" $alone "$T/kernels" $source
done
# raced DESCRIPTION PROGRAM KERNELS: a race is seen in them.
raced() {
	# shellcheck disable=SC2086
	$alone "$2" "$3" 2>"$T/said"
	same "$1" '66 1' "$? $(grep -c 'SUMMARY: ThreadSanitizer: data race' "$T/said")"
}
# Each barrier is left out in turn.
barriers() { grep -n '__syncthreads();' "$kernels/$1" | cut -d: -f1; }
for source in norm update wordconv; do
	for line in $(barriers $source.cu); do
		without $source.cu "$line"
		raced "$source.cu: without the barrier of line $line there is one" "$T/kernels" $source
	done
done
# Those of block_sum, where two sums follow each other.
mkdir -p "$T/$kernels"
for line in $(barriers kernel.h); do
	sed "${line}s/__syncthreads();/;/" $kernels/kernel.h >"$T/$kernels/kernel.h"
	# shellcheck disable=SC2086
	compiled -iquote "$T" -fsanitize=thread -o "$T/threads" tests/gpu/races.c $fakes -lpthread -lm
	raced "kernel.h: without the barrier of line $line there is one" "$T/threads" total
done
finish
