#!/bin/sh
# make test-arm: everything cross-compiled for aarch64, unit and quick command tests under qemu. Keeps what it needs in
# build/arm and installs nothing. Where a tool is missing it says so and passes. JOBS and MIRROR (of Debian's packages)
# are honoured; TESTS=... given to make is run instead of all. To the tests it says RUNNER, what runs a program that
# lies elsewhere.
set -eu
cd "$(dirname "$0")/../.."
target=aarch64-linux-gnu
work=build/arm
out=$work/out
here=$PWD/$work

skip() {
	echo "test-arm: SKIP: $1"
	exit 0
}
cc=
for c in $target-gcc $target-gcc-14 $target-gcc-13 $target-gcc-12; do
	command -v "$c" >/dev/null && cc=$c && break
done
[ "$cc" ] || skip "no cross-compiler (apt-get install gcc-$target)"
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64) || skip 'no qemu (apt-get install qemu-user-static)'
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || skip \
	'the libraries for aarch64 come from Debian, by apt-get'
mkdir -p "$work"
sh tests/arm/sysroot.sh "$work/sysroot" arm64 2>"$work/sysroot.log" || {
	tail -3 "$work/sysroot.log" >&2
	skip "the libraries for aarch64 could not be had ($work/sysroot.log)"
}

# Relative to the root of the project, whose path may hold spaces.
cross="$cc --sysroot=$work/sysroot"
cross_make() {
	${MAKE:-make} --no-print-directory B="$out" CUDA=no CC="$cross" AR=$target-ar JOBS="${JOBS:-$(nproc)}" "$@"
}
cross_make -j "${JOBS:-$(nproc)}" test-programs

# What is run: in folders of the same shape, each program as .NAME beside a NAME that has qemu run it.
rm -rf "$work/run"
mkdir -p "$work/run/bin" "$work/run/tests/tools" "$work/run/tests/ranks"
ln -s ../out/lib "$work/run/lib"
ln -sfn ../../pipeline "$work/pipeline" # where programs in build/ find recipes
${HOSTCC:-cc} -std=gnu11 -O2 -Wall -static -DQEMU="\"$qemu\"" -DSYSROOT="\"$here/sysroot\"" -o "$work/emulated" \
	tests/arm/emulated.c
for file in "$out"/bin/* "$out"/tests/test_* "$out"/tests/fuzz_* "$out"/tests/tools/* \
	"$out"/tests/ranks/*; do
	to=$work/run${file#"$out"}
	case $file in
	*.[od]) ;;
	*.so) ln "$file" "$to" ;;
	*) [ -f "$file" ] && ln "$file" "${to%/*}/.${to##*/}" && cp "$work/emulated" "$to" ;;
	esac
done

ulimit -c 0 # qemu writes a core of its own for a program killed by a signal
RUNNER=$qemu
QEMU_LD_PREFIX=$here/sysroot
LIMIT=${LIMIT:-7200} # seconds of a test: networks take some sixty times as long here, most else ten
export RUNNER QEMU_LD_PREFIX LIMIT
cross_make prove-in IN="$work/run"
