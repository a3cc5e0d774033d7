#!/bin/sh
# A build without the libraries that it can do without reads all else, names what a file of such a kind needs, and its
# tests pass or say what they miss.
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit 1
[ "$MODE" = release ] || { skip 'a build without libraries' "one in MODE=release is enough"; finish; exit; }
b=build/without
# What it says is tried, not how fast: -O0 takes half as long to compile, and larger frames.
make_without() {
	env -u MAKEFLAGS make -s B=$b MODE=release CC="${CC:-cc}" CFLAGS='-O0 -Wframe-larger-than=65536' DEFLATE=no BZ2=no \
		LZMA=no ZSTD=no WEBP=no TIFF=no "$@" >"$T/log" 2>&1
}
# What includes nothing that asks for a library is the same with and without: such objects are those of the build under test.
rm -rf $b
make_without $b/pipeline/base/err.o || diag "$T/log"
grep -rlF VIC_LIB --include='*.[ch]' pipeline corpora tokenize embed vision models eval >"$T/asking"
(cd "$BIN/.." && find pipeline corpora tokenize embed vision models eval isa-* -name '*.d' -exec grep -LF -f "$T/asking" {} +) |
	while read -r depends; do
		mkdir -p "$b/${depends%/*}" && cp "$BIN/../${depends%d}o" "$b/${depends%d}o" || exit 1
	done
make_without $b/bin/vic-cat $b/bin/vic-tokenize $b/bin/vic-embed $b/bin/vic-images $b/tests/test_vision_kinds \
	$b/tests/test_vision_codec $b/tests/test_vision_folder $b/tests/fuzz_unpack $b/tests/fuzz_images
tap $? 'it builds' || diag "$T/log"
ok 'and is linked with none of them' sh -c "! ldd $b/bin/vic-images | grep -E 'libdeflate|libbz2|liblzma|libzstd|libwebp|libtiff'"
same '--version names none' 0 "$($b/bin/vic-images --version | grep -c -E 'libbz2|liblzma|libzstd|libwebp|libtiff')"
for t in test_vision_kinds test_vision_codec test_vision_folder fuzz_unpack fuzz_images; do
	ok "$t" env CMOCKA_MESSAGE_OUTPUT=TAP $b/tests/$t
done
for t in packed layouts images; do
	ok "tests/cli/$t.t" env BIN="$PWD/$b/bin" TOOLS="$TOOLS" tests/cli/$t.t
done
PATH=$PWD/$b/bin:$PATH
seeds=$ROOT/tests/fuzz/seeds/unpack
while read -r file library; do
	fails 1 "needs $library (Debian and Ubuntu: $library-dev), and this build does without; install that and make anew" \
		"${file##*/}" "$b/bin/${2:-vic-tokenize}" -f lines "$seeds/$file"
done <<'L'
bzip2 libbz2
xz liblzma
zstd libzstd
L
while read -r file library; do
	fails 1 "$file: is a .* image, which needs $library (Debian and Ubuntu: $library-dev), and this build does without" \
		"$file" "$b/bin/vic-images" -f files "$ROOT/tests/golden/images/$file"
done <<'L'
lossy.webp libwebp
strips.tif libtiff
L
finish
