#!/bin/sh
# Makes FOLDER: all that a machine with a graphics card needs to try and time the cuda plug-in, where nothing can be
# installed: programs, plug-ins, tests, the libraries that they want beside the C library, and run.sh, which does it. cuDNN
# and cuBLAS are taken from what the machine has. Called by make gpu-kit.
# usage: kit.sh FOLDER BUILD TEST...
set -eu
to=${1:?usage: kit.sh FOLDER BUILD TEST...}
build=${2:?}
shift 2
here=$(dirname "$0")
[ -e "$build/lib/vicinal/libvic-cuda.so" ] || { echo "kit: $build has no cuda plug-in" >&2; exit 1; }
rm -rf "$to"
mkdir -p "$to/bin" "$to/lib/vicinal" "$to/tests" "$to/libraries"
cp "$build"/bin/vic* "$to/bin"
cp "$build"/lib/vicinal/*.so "$to/lib/vicinal"
cp "$@" "$to/tests"
cp "$here"/kit/run.sh "$here"/kit/peer.py "$to"
strip "$to"/bin/* "$to"/lib/vicinal/* "$to"/tests/*
# Third-party libraries, but those of the C library, the compiler and NVIDIA.
ldd "$to"/bin/* "$to"/lib/vicinal/* "$to"/tests/* | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u |
	grep -vE '/(ld-linux|libc\.so|libm\.so|libdl|libpthread|librt|libstdc|libgcc|libcuda|libcudart|libcublas|libcudnn|libnv)' |
	while read -r library; do cp -L "$library" "$to/libraries"; done
find "$to/libraries" -type f -exec strip --strip-unneeded {} + 2>/dev/null || true
size=$(du -sm "$to" | cut -f1)
echo "$to: $size MiB; on the machine with the card: sh run.sh RESULTS_FOLDER"
[ "$size" -le 60 ] || { echo "kit: more than 60 MiB" >&2; exit 1; }
