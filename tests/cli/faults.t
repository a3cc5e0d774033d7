#!/bin/sh
# Every program of BIN against usage errors, missing and wrong inputs, cuts at the edges of blocks, a full device and a
# closed pipe. The table is tests/faults/table; faults.slow.t sweeps the same rows finely. `make check` takes the first
# row of each program, `make test` ($VIC_THOROUGH) all.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/faults/matrix.sh"

done_with=
row_test() {
	[ -z "${VIC_THOROUGH:-}" ] && [ "$done_with" = "$program" ] && return
	done_with=$program
	fresh "$input"
	wants 2 "did you mean '--help'" 'an unknown option' --hlep
	fresh "$input"
	# shellcheck disable=SC2086
	[ "$number" = - ] || wants 2 "^$program: -" "$number" $number
	if [ "$input" != - ]; then
		fresh nothing-here
		wants 1 'nothing-here' 'a missing file'
	fi
	if [ "$wrong" != - ]; then
		fresh "$wrong"
		wants 1 "$wrong" "an input of kind $wrong"
	fi
	if is_stream; then
		fresh '{}'
		swept 'cut at the edges of blocks' cut -e 1000000 -o "$cut" "$input" --
	fi
	[ "$cut" = files ] && return
	fresh "$input"
	# shellcheck disable=SC2086
	timeout 20 $run_argv >/dev/full 2>"$T/.err"
	if [ $? = 1 ] && grep -q 'stdout: write: No space left' "$T/.err"; then
		tap 0 "$command: a full device"
	else
		tap 1 "$command: a full device"
		diag "$T/.err"
	fi
	case ${RUNNER:+$program} in
	vic) # becomes another program: under qemu an ignored SIGPIPE is not left to it, as the system does
		skip "$command: a closed pipe" 'an emulator starts the second program'
		return
		;;
	esac
	fresh "$input"
	swept 'a closed pipe' pipe --
}

all_have_rows
prepare
tap $? 'the inputs could be made'
each_row

# A head's name for which there is no memory is not called a wrong one.
if [ "${MODE:-release}" = release ]; then
	"$TOOLS/mkstream" logits 4 | vic-cat --to csv | vic-cat --from csv --kind logits --name fine >"$T/named"
	n=0 said=
	while n=$((n + 1)) && ! LD_PRELOAD=$preload VIC_FAIL=alloc:$n:once vic-cat --head "$T/named" >"$T/out" \
		2>"$T/err"; do
		grep -q 'memory' "$T/err" || said=$said$(cat "$T/err")
	done
	ok 'some allocations failed' test "$n" -gt 20
	same 'each failing allocation of a head is told as that' '' "$said"
else
	skip 'each failing allocation of a head is told as that' 'a sanitizer has its own allocator'
fi
finish
