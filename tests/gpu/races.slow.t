#!/bin/sh
# Races between threads of a kernel are seen by ThreadSanitizer, which runs each in a thread of the system, and by it
# alone: without it the kernels of races.c end well.
. "$(dirname "$0")/../cli/lib.sh"
cd "$ROOT" || exit 1
: "${CUDA_CPPFLAGS:?where the headers of CUDA are, as in: -isystem /usr/local/cuda/include}"
sources="tests/gpu/races.c tests/gpu/host.c tests/gpu/fibre.c tests/gpu/memory.c tests/gpu/streams.c tests/gpu/capture.c
	tests/gpu/runtime.c"
build() { # NAME FLAGS
	# shellcheck disable=SC2086
	${CC:-cc} -std=gnu11 -g -D_GNU_SOURCE -I. -Itests $CUDA_CPPFLAGS $2 -o "$T/$1" $sources -lpthread -lm
}
build fibres -O1
ok 'a race that fibres do not show' "$T/fibres" prefix_race
build threads '-O1 -fsanitize=thread' >"$T/log" 2>&1 || {
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
finish
