#!/bin/sh
# The plug-in calls no function of CUDA, cuBLAS, cuDNN or NCCL but those listed in calls.txt, which is what the fakes are
# made for, and each that is listed; NCCL's are looked up by name. CUDA_OBJECTS names the plug-in's objects.
. "$(dirname "$0")/../cli/lib.sh"

if [ -z "${CUDA_OBJECTS:-}" ]; then
	echo '1..0 # SKIP no CUDA toolkit and cuDNN to build the plug-in with'
	exit 0
fi
# shellcheck disable=SC2086
{
	nm -u $CUDA_OBJECTS | sed -n 's/^ *U \(\(cuda\|cu\|cublas\|cudnn\|nccl\)[A-Z].*\)$/\1/p'
	strings -d $CUDA_OBJECTS | grep -x 'nccl[A-Z][A-Za-z]*'
} | sort -u >"$T/called"
grep -v '^#' "$ROOT/tests/gpu/calls.txt" | sort >"$T/listed"
[ -s "$T/called" ]
tap $? 'the objects call something'
comm -23 "$T/called" "$T/listed" >"$T/more"
[ ! -s "$T/more" ]
tap $? 'no function is called that is not listed' || diag "$T/more"
comm -13 "$T/called" "$T/listed" >"$T/less"
[ ! -s "$T/less" ]
tap $? 'no function is listed that is not called' || diag "$T/less"
finish
