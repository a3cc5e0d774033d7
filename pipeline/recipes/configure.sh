#!/bin/sh
# Writes FOLDER/config.mk: the compiler, all flags, and what this machine has. A thing is there when a program that uses
# it compiles and links with the flags in force; nothing else is believed. The file keeps its time while its content
# stays, since every object depends on it. Called by the Makefile, which sets CONFIG_*.
# usage: configure.sh FOLDER build|test...
#   CONFIG_NAME, NAME one of CHOICES below: auto, yes (missing is an error) or no
#   CONFIG_TO: FOLDER as make has it, in rules (tests call this for folders of any name)
#   CONFIG_CUDA_HOME: where CUDA's include/ lies, when not at one of the usual places
set -eu
LC_ALL=C # what the compiler says is searched
export LC_ALL
to=${1:?usage: configure.sh FOLDER build|test...}
needs=" $* "
CC=${CONFIG_CC:-cc}
CHOICES="ONEDNN DEFLATE BZ2 LZMA ZSTD WEBP TIFF CUDA MPI"
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
trap 'exit 130' INT TERM HUP

die() {
	printf 'configure: %s\n' "$1" >&2
	exit 1
}

# A rule's target can hold none of these.
case ${CONFIG_TO:-} in
-* | / | *[[:space:]\'\"\\\`\$\#%:\;\&\|\<\>\(\)\*\?\[~=,]*) die \
	"B=$CONFIG_TO: make cannot build into a folder of that name; letters, digits and _ . + - / will do" ;;
esac

# links NAME LIBRARIES [FLAGS]: the program on stdin compiles and links. What the compiler says lies in $T/NAME.log.
links() {
	cat >"$T/$1.c"
	# shellcheck disable=SC2086
	$CC ${CONFIG_CPPFLAGS:-} -D_GNU_SOURCE ${CONFIG_CFLAGS:-} ${3:-} -o "$T/$1" "$T/$1.c" ${CONFIG_LDFLAGS:-} $2 \
		>"$T/$1.log" 2>&1
}

# library HEADER LIBRARIES DEBIAN_PACKAGE EXPRESSION: one that there is no doing without. Probes run side by side.
library() {
	{
		printf \
			'#include <stdarg.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <setjmp.h>\n'
		printf '#include <%s>\nint main(void)\n{\n\treturn (%s) != 0;\n}\n' "$1" "$4"
	} | links "$3" "$2" ||
		printf '  <%s> with %s (Debian and Ubuntu: %s): %s\n' "$1" "$2" "$3" \
			"$(grep -m 1 -E 'error|undefined|cannot find' "$T/$3.log")" \
			>"$T/$3.missing"
}

# The optional ones leave their libraries in $T/NAME.libs.
onednn() {
	[ "$CONFIG_ONEDNN" != no ] || return 0
	for libs in "-ldnnl -lgomp" "-ldnnl -lomp"; do
		if links onednn "$libs" <<'END'; then echo "$libs" >"$T/onednn.libs" && return 0; fi
#include <oneapi/dnnl/dnnl.h>
#if DNNL_VERSION_MAJOR < 2 || DNNL_VERSION_MAJOR > 3
#error "versions 2 and 3 are served"
#endif
#if DNNL_CPU_RUNTIME != DNNL_RUNTIME_OMP
#error "not built with OpenMP: its threads cannot be held to one"
#endif
void omp_set_num_threads(int n);
int main(void)
{
	float a = 1, c;
	omp_set_num_threads(1);
	return dnnl_sgemm('N', 'N', 1, 1, 1, 1, &a, 1, &a, 1, 0, &c, 1) != dnnl_success || !dnnl_version();
}
END
	done
	[ "$CONFIG_ONEDNN" != yes ] || die \
		"ONEDNN=yes, but no program with it compiles and links: $(grep -m 1 -E 'error|undefined' "$T/onednn.log")"
}
# The matrix product of OpenBLAS, or of any other library with the C interface of BLAS.
blas() {
	for libs in -lopenblas -lblas "-lcblas -lblas"; do
		if links blas "$libs" <<'END'; then echo "$libs" >"$T/blas.libs" && return 0; fi
#include <cblas.h>
int main(void)
{
	float a = 1, c;
#ifdef OPENBLAS_VERSION
	openblas_set_num_threads(1);
#endif
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 1, 1, 1, 1, &a, 1, &a, 1, 0, &c, 1);
	return c != 1;
}
END
	done
}
# optional NAME CHOICE LIBRARIES < PROGRAM: a library that is used where it is there. CONFIG_CHOICE says no, or insists.
optional() {
	eval "choice=\$CONFIG_$2"
	[ "$choice" != no ] || return 0
	if links "$1" "$3"; then echo "$3" >"$T/$1.libs" && return 0; fi
	[ "$choice" != yes ] || die "$2=yes, but no program with it compiles and links: $(
		grep -m 1 -E 'error|undefined|cannot find' "$T/$1.log")"
}
deflate() {
	optional deflate DEFLATE -ldeflate <<'END'
#include <libdeflate.h>
int main(void)
{
	return libdeflate_crc32(0, "a", 1) == 0;
}
END
}
# What files packed so need to be read.
bz2() {
	optional bz2 BZ2 -lbz2 <<'END'
#include <stdio.h>
#include <bzlib.h>
int main(void)
{
	bz_stream s = { 0 };
	return BZ2_bzDecompressInit(&s, 0, 0) != BZ_OK || BZ2_bzDecompressEnd(&s) != BZ_OK;
}
END
}
lzma() {
	optional lzma LZMA -llzma <<'END'
#include <lzma.h>
int main(void)
{
	lzma_stream s = LZMA_STREAM_INIT;
	int rc = lzma_stream_decoder(&s, 1 << 20, LZMA_TELL_UNSUPPORTED_CHECK) != LZMA_OK;
	lzma_end(&s);
	return rc;
}
END
}
zstd() {
	optional zstd ZSTD -lzstd <<'END'
#include <zstd.h>
int main(void)
{
	ZSTD_DStream *s = ZSTD_createDStream();
	return !s || ZSTD_isError(ZSTD_initDStream(s)) || ZSTD_freeDStream(s);
}
END
}
# What pictures of these kinds need.
webp() {
	optional webp WEBP "-lwebpdemux -lwebp" <<'END'
#include <webp/decode.h>
#include <webp/demux.h>
int main(void)
{
	WebPAnimDecoderOptions o;
	WebPDecoderConfig c;
	return !WebPAnimDecoderOptionsInit(&o) || !WebPInitDecoderConfig(&c);
}
END
}
# From 4.5 on what libtiff has to say goes to the file that it is about, not to one place for all threads.
tiff() {
	optional tiff TIFF -ltiff <<'END'
#include <tiffio.h>
int main(void)
{
	TIFFOpenOptions *o = TIFFOpenOptionsAlloc();
	TIFFOpenOptionsSetMaxSingleMemAlloc(o, 1 << 20);
	TIFFOpenOptionsFree(o);
	return !TIFFGetVersion();
}
END
}
# The headers of CUDA and cuDNN: "include" of the folders found. No library: the tests have their own (tests/gpu).
cuda() {
	[ "$CONFIG_CUDA" != no ] || return 0
	nvcc=$(command -v nvcc) || nvcc=/usr/local/cuda/bin/nvcc
	set -- "${nvcc%/bin/nvcc}" /usr/local/cuda /opt/cuda /usr
	[ -z "${CONFIG_CUDA_HOME:-}" ] || set -- "$CONFIG_CUDA_HOME"
	for home in "$@"; do
		[ -e "$home/include/cuda_runtime_api.h" ] || continue
		C_INCLUDE_PATH=$home/include links cuda "" <<'END' || continue
#include <cuda_runtime_api.h>
#include <cublas_v2.h>
#if CUDART_VERSION < 12000
#error "versions from 12 are served"
#endif
int main(void)
{
	cudaStream_t s = 0;
	cublasHandle_t h = 0;
	return s || h;
}
END
		echo "$home" >"$T/cuda.libs"
		cudnn "$home"
		return 0
	done
	[ "$CONFIG_CUDA" != yes ] || die \
		"CUDA=yes, but no program with its headers compiles: $(grep -s -m 1 error "$T/cuda.log" ||
			echo "${CONFIG_CUDA_HOME:-no usual place} has none")"
}
cudnn() {
	for home in "$1" /usr; do
		[ -e "$home/include/cudnn.h" ] || continue
		if C_INCLUDE_PATH=$1/include:$home/include links cudnn "" <<'END'; then
#include <cudnn.h>
#if CUDNN_VERSION < 90800
#error "versions from 9.8 are served"
#endif
int main(void)
{
	cudnnBackendDescriptor_t d = 0;
	return d != 0;
}
END
			echo "$home" >"$T/cudnn.libs"
			return 0
		fi
	done
}
# MPI's flags are what its compiler's wrapper would add; Open MPI's and MPICH's both answer to -show.
mpi() {
	[ "$CONFIG_MPI" != no ] || return 0
	cpp='' libs=''
	for flag in $(mpicc -show 2>"$T/mpi.log" | cut -d' ' -f2-); do
		case $flag in -I* | -D*) cpp="$cpp $flag" ;; *) libs="$libs $flag" ;; esac
	done
	if [ -n "$libs" ] && links mpi "$libs" "$cpp" <<'END'; then
#include <mpi.h>
#if MPI_VERSION < 3
#error "versions from 3 are served"
#endif
int main(int argc, char **argv)
{
	return MPI_Init(&argc, &argv) != MPI_SUCCESS || MPI_Finalize() != MPI_SUCCESS;
}
END
		echo "$cpp" >"$T/mpi_cpp.libs"
		echo "$libs" >"$T/mpi.libs"
		return 0
	fi
	[ "$CONFIG_MPI" != yes ] || die "MPI=yes, but no program with it compiles and links: $(head -1 "$T/mpi.log")"
}
# An instruction set of the cpu backend (models/plugins.mk).
isa() {
	if echo 'int main(void) { return 0; }' | links "isa-$1" "" "$2"; then echo "$1" >"$T/isa-$1.libs"; fi
}
# said NAME TEXT: ", TEXT" where it is there.
said() { [ ! -e "$T/$1.libs" ] || printf ', %s' "$2"; }
found() {
	[ ! -e "$T/$1.libs" ] || {
		IFS= read -r found <"$T/$1.libs"
		printf '%s\n' "$found"
	}
}

for name in $CHOICES; do
	eval ": \"\${CONFIG_$name:=auto}\"; choice=\$CONFIG_$name"
	case $choice in auto | yes | no) ;; *) die "$name=$choice is none of auto, yes, no" ;; esac
done
# shellcheck disable=SC2086
command -v ${CC%% *} >/dev/null || die "the compiler '$CC' is not there (CC=NAME chooses another)"
echo 'int main(void) { return 0; }' | links works "" ||
	die "'$CC' makes no program with these flags: ${CONFIG_CFLAGS:-} ${CONFIG_LDFLAGS:-}
$(head -5 "$T/works.log")"
# shellcheck disable=SC2086
machine=$($CC -dumpmachine)
waited=
for name in onednn deflate bz2 lzma zstd webp tiff cuda mpi; do # CHOICES
	$name &
	waited="$waited $!"
done
blas &
library jansson.h -ljansson libjansson-dev 'json_object()' &
library zlib.h -lz zlib1g-dev 'crc32(0, NULL, 0)' &
library csv.h -lcsv libcsv-dev 'csv_strerror(0)' &
library utf8proc.h -lutf8proc libutf8proc-dev 'utf8proc_version()' &
library jpeglib.h -ljpeg libjpeg-dev 'jpeg_std_error(NULL)' &
library png.h -lpng libpng-dev 'png_access_version_number()' &
case $needs in *' test '*) library cmocka.h -lcmocka libcmocka-dev '_cmocka_run_group_tests("", NULL, 0, NULL, NULL)' \
	& ;; esac
case $machine in x86_64*)
	isa v4 "-march=x86-64-v4 -mprefer-vector-width=512" &
	isa v3 -march=x86-64-v3 &
	;;
esac
failed=0
for pid in $waited; do
	wait "$pid" || failed=1
done
wait
[ $failed = 0 ] || exit 1
cat "$T"/*.missing >"$T/missing" 2>/dev/null || true
[ ! -s "$T/missing" ] || die "what is needed and not there:
$(cat "$T/missing")"
[ -n "$(found onednn)$(found blas)" ] || die \
	"neither oneDNN nor a BLAS is there (Debian and Ubuntu: libdnnl-dev or libopenblas-dev)
$(grep -m 1 -E 'error|undefined' "$T/blas.log")"

# value TEXT: as make wants it. shown TEXT: fit to stand between quotes on a command line.
value() { printf %s "$*" | sed 's/[$]/$$/g; s/#/\\#/g'; }
shown() { printf %s "$*" | tr -d "\"'\\\\\`\$"; }
cat >"$T/config.mk" <<END
# Written by pipeline/recipes/configure.sh; everything is built anew when it changes.
CONFIG_CC := $(value "$CC")
CC_VERSION := $(value "$(shown "$($CC --version | head -1)")")
CONFIG_CFLAGS := $(value "${CONFIG_CFLAGS:-}")
CONFIG_CPPFLAGS := $(value "${CONFIG_CPPFLAGS:-}")
CONFIG_LDFLAGS := $(value "${CONFIG_LDFLAGS:-}")
SHOWN_CFLAGS := $(value "$(shown "${CONFIG_CFLAGS:-}")")
MACHINE := $machine
ISAS := $(echo $(found isa-v4) $(found isa-v3) base)
ONEDNN_LIBS := $(found onednn)
BLAS_LIBS := $([ -n "$(found onednn)" ] || found blas)
DEFLATE_LIBS := $(found deflate)
UNPACK_LIBS := $(echo $(found bz2) $(found lzma) $(found zstd))
PICTURE_LIBS := $(echo $(found webp) $(found tiff))
MPI_CPPFLAGS := $(value "$(echo $(found mpi_cpp))")
MPI_LIBS := $(value "$(echo $(found mpi))")
CUDA_HOME := $(value "$(found cuda)")
CUDNN_HOME := $(value "$(found cudnn)")
END
cmp -s "$T/config.mk" "$to/config.mk" && exit 0
mkdir -p "$to"
cp "$T/config.mk" "$to/config.mk.new"
mv "$to/config.mk.new" "$to/config.mk"
echo \
	"configure: $CC for $machine, $([ -n "$(found onednn)" ] && echo oneDNN || echo "a BLAS ($(found blas)), not oneDNN: images train slower"), \
$([ -n "$(found deflate)" ] && echo libdeflate || echo zlib, not libdeflate), unpacks gzip, zip$(said bz2 bzip2)$(said lzma xz)$(said zstd zstd), \
reads JPEG, PNG, BMP$(said webp WebP)$(said tiff TIFF)"
