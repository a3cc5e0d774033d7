#!/bin/sh
# What computes is named, and a plug-in that is there but does not load is said and passed over for the next.
. "$(dirname "$0")/lib.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$T" || exit 1
plugins=$BIN/../lib/vicinal
"$TOOLS/mkstream" text 40 >words || exit 1
engine() { vic-train --version | sed -n 's/^engine: //p'; }
train() { vic-train --device cpu --epochs 1 "$@" words 2>err >model; }
kept() { tr -d '\0' <model | grep -ao '"engine":"[^"]*"' | sed 's/^"engine":"//; s/"$//'; }

like '--version names it' '^cpu-[a-z0-9]*, .*, [0-9]* threads*$' "$(engine)"
same 'vic-predict says the same' "$(engine)" "$(vic-predict --version | sed -n 's/^engine: //p')"
train --threads 2
same "vic-train's first line does" "$(engine | sed 's/, [0-9]* threads*$//'), 2 threads" "$(sed -n '1s/.* on //p' err)"
same 'the model does, without the threads' "$(engine | sed 's/, [0-9]* threads*$//')" "$(kept)"
cp model two
train --threads 1
ok 'so its bytes are those of any number of threads' cmp model two
vic-train --device ref --epochs 1 words >model 2>err
same 'ref is ref' 'ref, 1 thread ref' "$(sed -n '1s/.* on //p' err) $(kept)"

# The plug-ins that run here, best first, and a folder of copies to break.
runs=
for v in v4 v3 base; do
	if VIC_CPU=$v vic-train --device cpu --epochs 1 words >/dev/null 2>&1; then runs="$runs $v"; fi
done
set -- $runs
mkdir copies
cp "$plugins"/*.so copies/
VIC_BACKENDS=$T/copies
export VIC_BACKENDS
if [ $# -gt 1 ]; then
	echo 'no shared object' >"copies/libvic-cpu-$1.so"
	train
	like 'a broken one is said, with its file and the reason' \
		"^vic-train: passed over: .*copies/libvic-cpu-$1.so: .*\(header\|short\|invalid\)" "$(head -1 err)"
	like 'the next one is used' "^vic-train: kimcnn,.* on cpu-$2," "$(sed -n 2p err)"
	same 'and named in the model' "cpu-$2" "$(kept | cut -d , -f 1)"
	like '--version says it, too' "^passed over: .*libvic-cpu-$1.so: " "$(vic-train --version)"
	printf 'int missing(void); int vic_backend(void) { return missing(); }\n' >lacks.c
	${CC:-cc} -shared -fPIC -o "copies/libvic-cpu-$1.so" lacks.c
	train
	like 'what it lacks is named' "libvic-cpu-$1.so: .*undefined symbol: missing" "$(head -1 err)"
	printf 'static const int abi = 1; const void *vic_backend(void) { return &abi; }\n' >old.c
	${CC:-cc} -shared -fPIC -o "copies/libvic-cpu-$1.so" old.c
	train
	like 'one of another interface is passed over' "libvic-cpu-$1.so: speaks interface 1" "$(head -1 err)"
	fails 3 "libvic-cpu-$1.so: speaks interface 1" 'and when it is asked for by name it is an error' env \
		VIC_CPU="$1" vic-train --device cpu words
else
	skip 'a broken plug-in' 'only one runs on this processor'
fi
for v in "$@"; do
	echo 'no shared object' >"copies/libvic-cpu-$v.so"
done
fails 3 "copies/libvic-cpu-$1.so: " 'when none loads it is an error' vic-train --device cpu words
like '--version says that there is none' '^engine: none: .*libvic-cpu-' "$(vic-train --version)"
echo 'no shared object' >copies/libvic-cuda.so
cp "$plugins"/libvic-cpu-*.so copies/
vic-train --epochs 1 words >model 2>err
like 'a broken plug-in of cuda is said before the cpu is used' '^vic-train: passed over: .*libvic-cuda.so: ' \
	"$(head -1 err)"
like 'which then is' '^vic-train: kimcnn,.* on cpu-' "$(sed -n 2p err)"
cat >none.c <<END
#include "models/core/backend.h"
static int open_none(struct backend_ctx **ctx, const struct backend_config *config, struct err *err)
{
	(void)ctx, (void)config;
	err->status = VIC_NO_DEVICE;
	snprintf(err->msg, sizeof err->msg, "no device is here");
	return -1;
}
static const struct backend none = { .abi = BACKEND_ABI, .name = "cuda", .open = open_none };
const struct backend *vic_backend(void) { return &none; }
END
here=$PWD
(cd "$root" && ${CC:-cc} -shared -fPIC -I. -o "$here/copies/libvic-cuda.so" "$here/none.c") || exit 1
vic-train --epochs 1 words >model 2>err
# where a card's driver runs it should have found one
want=
[ ! -e /proc/driver/nvidia ] || want='vic-train: passed over: cuda: no device is here'
same 'one that finds no device is said where there should be one, once' "$want" "$(grep 'passed over' err)"
like 'and the cpu is used' '^vic-train: kimcnn,.* on cpu-' "$(sed "/passed over/d" err)"
same '--version says it, too' 'passed over: cuda: no device is here' "$(vic-train --version | grep passed)"
fails 3 'no device is here' 'asked for by name it is an error' vic-train --device cuda -o no /dev/null
rm copies/libvic-cuda.so
vic-train --epochs 1 words >model 2>err
fails 3 'libvic-cuda.so' 'a device that is not there is told before records are waited for' vic-train --device cuda \
	-o no /dev/null
like 'one that is not installed is no news' '^vic-train: kimcnn,.* on cpu-' "$(head -1 err)"
finish
