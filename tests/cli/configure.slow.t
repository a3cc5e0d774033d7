#!/bin/sh
# pipeline/recipes/configure.sh: every probe is tried both ways. A compiler of our own refuses a library, a header or a
# flag, and the answer must be no; this machine's own, or a library made here, and it must be yes.
. "$(dirname "$0")/lib.sh"
cd "$ROOT" || exit 1
real=${CC:-cc}
conf=$T/a\ folder
mkdir "$T/bin"
mkdir "$T/known"
cat >"$T/bin/refusing-cc" <<END
#!/bin/sh
# \$REFUSE: words of a command line, or headers, that are not there. What this machine says of a program is asked once: the
# answer to the same words and the same text is kept, but where headers are made here. It starts nothing to know that it knows:
# a thousand programs are asked about.
key=\${C_INCLUDE_PATH:-} text= source= own=
error=error # in the user's language, as compilers have it
[ "\${LC_ALL:-}" = C ] || error=Fehler
for arg in "\$@"; do
	for word in \$REFUSE; do
		[ "\$arg" != "\$word" ] || { echo "\$error: cannot find \$word" >&2; exit 1; }
	done
	case \$arg in
	*.c) source=\$arg ;;
	own) own=1 ;;
	-*) key="\$key \$arg" ;;
	esac
done
[ -z "\$source" ] || while IFS= read -r line; do text="\$text\$line "; done <"\$source"
for word in \$REFUSE; do
	case \$text in *"<\$word>"*) echo "\$error: \$word: No such file" >&2; exit 1 ;; esac
done
case \$own\$text\$key in 1*dnnl* | *"$T"*) exec $real "\$@" ;; esac
key=\${source##*/}\$key
while case \$key in */*) ;; *) false ;; esac; do key=\${key%%/*}+\${key#*/}; done
[ \${#key} -lt 200 ] || exec $real "\$@"
known=\$KNOWN/\$key # its first line is the text, the second the status, the rest what was said
if [ ! -e "\$known" ]; then
	said=\$($real "\$@" 2>&1) && status=0 || status=1
	printf '%s\\n%s\\n%s\\n' "\$text" \$status "\$said" >"\$known.\$\$" && mv "\$known.\$\$" "\$known"
fi
{
	IFS= read -r of && read -r status
	[ "\$of" = "\$text" ] || exec $real "\$@"
	while IFS= read -r line; do
		[ \$status = 0 ] && [ -z "\$source" ] && printf '%s\\n' "\$line" || printf '%s\\n' "\$line" >&2
	done
	exit \$status
} <"\$known"
END
chmod +x "$T/bin/refusing-cc"
PATH=$T/bin:$PATH
CONFIG_CC=refusing-cc CONFIG_CFLAGS='-std=c11 -O1 -g'
KNOWN=$T/known
export CONFIG_CC CONFIG_CFLAGS REFUSE KNOWN
unset CONFIG_ONEDNN CONFIG_DEFLATE CONFIG_BZ2 CONFIG_LZMA CONFIG_ZSTD CONFIG_WEBP CONFIG_TIFF CONFIG_MPI CONFIG_CUDA CONFIG_CUDA_HOME CONFIG_CPPFLAGS CONFIG_LDFLAGS
configure() { LC_ALL=de_DE.UTF-8 sh "$ROOT/pipeline/recipes/configure.sh" "$conf" build test >"$T/said" 2>&1; }
value() { sed -n "s/^$1 := //p" "$conf/config.mk"; }
without() { # WORDS: configure where they are not
	REFUSE=$1
	rm -rf "$conf"
	configure
}

REFUSE=
ok 'this machine has what is needed' configure
deflate=$(value DEFLATE_LIBS) onednn=$(value ONEDNN_LIBS) machine=$(value MACHINE)
[ -n "$deflate" ] && same 'libdeflate: yes' -ldeflate "$deflate" || skip 'libdeflate: yes' 'it is not installed'
[ -n "$onednn" ] && like 'oneDNN: yes' '^-ldnnl -lg\{0,1\}omp$' "$onednn" || skip 'oneDNN: yes' 'it is not installed'
for refused in -ldeflate libdeflate.h; do
	without $refused
	same "no libdeflate without $refused" '0 ' "$? $(value DEFLATE_LIBS)"
done
for refused in -ldnnl oneapi/dnnl/dnnl.h '-lgomp -lomp'; do
	without "$refused"
	same "no oneDNN without $refused" '0 ' "$? $(value ONEDNN_LIBS)"
	like 'but a BLAS' '^-lopenblas$' "$(value BLAS_LIBS)"
done
without '-ldnnl -lopenblas'
s=$?
[ $s = 0 ] && like 'another BLAS' '^-l\(c*blas\)' "$(value BLAS_LIBS)" || same 'or it says that there is none' 1 $s
without '-ldnnl cblas.h'
same 'neither oneDNN nor a BLAS' 1 $?
like 'says what to install' 'libdnnl-dev or libopenblas-dev' "$(cat "$T/said")"
packages='libjansson-dev zlib1g-dev libcsv-dev libutf8proc-dev libjpeg-dev libpng-dev libcmocka-dev'
for refused in 'jansson.h zlib.h csv.h utf8proc.h jpeglib.h png.h cmocka.h' \
	'-ljansson -lz -lcsv -lutf8proc -ljpeg -lpng -lcmocka'; do
	without "$refused"
	same "there is no doing without $refused" 1 $?
	for package in $packages; do
		like "$package is named, and the reason" "$package): error: " "$(cat "$T/said")"
	done
done
for refused in $packages; do # each probe says no for itself
	case $refused in libcmocka-dev) word=cmocka.h ;; libjpeg-dev) word=-ljpeg ;; *) continue ;; esac
	without "$word"
	same "one alone is named alone: $refused" "1 $refused" \
		"$? $(grep -o 'Ubuntu: [a-z0-9-]*' "$T/said" | cut -d ' ' -f 2)"
done
case $machine in
x86_64*)
	without -march=x86-64-v4
	same 'a compiler that does not know an instruction set' 'v3 base' "$(value ISAS)"
	;;
esac

# A oneDNN made here: what is found need not be the system's, and a version that is not served is none.
mkdir -p "$T/own/oneapi/dnnl"
own() { # VERSION RUNTIME
	cat >"$T/own/oneapi/dnnl/dnnl.h" <<END
#define DNNL_VERSION_MAJOR $1
#define DNNL_RUNTIME_OMP 2
#define DNNL_CPU_RUNTIME $2
enum { dnnl_success };
int dnnl_sgemm(char, char, long, long, long, float, const float *, long, const float *, long, float, float *, long);
const void *dnnl_version(void);
END
	rm -rf "$conf"
	CONFIG_CPPFLAGS='-I own' CONFIG_LDFLAGS='-L own' # flags cannot name a folder with a space
	export CONFIG_CPPFLAGS CONFIG_LDFLAGS
	(cd "$T" && configure)
}
REFUSE=
echo 'int dnnl_sgemm() { return 0; } const void *dnnl_version() { return ""; }' >"$T/own.c"
"$real" -shared -fPIC -o "$T/own/libdnnl.so" "$T/own.c"
own 3 2
like 'a oneDNN of our own is found' '^-ldnnl' "$(value ONEDNN_LIBS)"
own 1 2
same 'version 1 is not served' '' "$(value ONEDNN_LIBS)"
own 3 8
same 'one without OpenMP is not' '' "$(value ONEDNN_LIBS)"
unset CONFIG_CPPFLAGS CONFIG_LDFLAGS

# MPI: what its compiler's wrapper would add.
REFUSE=
rm -rf "$conf"
configure
if [ -n "$(value MPI_LIBS)" ]; then
	like 'MPI: yes' '-lmpi' "$(value MPI_LIBS)"
	for refused in mpi.h -lmpi; do
		without $refused
		same "no MPI without $refused" '0  ' "$? $(value MPI_CPPFLAGS) $(value MPI_LIBS)"
	done
	REFUSE=
	rm -rf "$conf"
	ok 'MPI=no' env CONFIG_MPI=no sh pipeline/recipes/configure.sh "$conf" build
	same 'does without' '' "$(value MPI_LIBS)"
else
	skip 'MPI: yes' 'there is no mpicc'
fi
printf '#!/bin/sh\nexit 1\n' >"$T/bin/mpicc"
chmod +x "$T/bin/mpicc"
fails 1 'MPI=yes, but no program with it compiles' 'MPI=yes insists' env CONFIG_MPI=yes sh \
	pipeline/recipes/configure.sh "$conf" build
rm -rf "$T/bin/mpicc" "$conf"

# CUDA and cuDNN: headers made here, or none.
mkdir -p "$T/card/include"
card() { # CUDA_VERSION CUDNN_VERSION
	echo "#define CUDART_VERSION $1
typedef struct stream *cudaStream_t;" >"$T/card/include/cuda_runtime_api.h"
	echo 'typedef struct handle *cublasHandle_t;' >"$T/card/include/cublas_v2.h"
	echo "#define CUDNN_VERSION $2
typedef void *cudnnBackendDescriptor_t;" >"$T/card/include/cudnn.h"
	rm -rf "$conf"
	CONFIG_CUDA_HOME=$T/card configure
}
card 13000 90800
same 'CUDA and cuDNN of our own are found' "$T/card $T/card" "$(value CUDA_HOME) $(value CUDNN_HOME)"
card 13000 90700
same 'cuDNN 9.7 is not served' "$T/card " "$(value CUDA_HOME) $(value CUDNN_HOME | grep -v '^/usr$')"
card 11080 90800
same 'CUDA 11 is not served' ' ' "$(value CUDA_HOME) $(value CUDNN_HOME)"
for refused in cuda_runtime_api.h cublas_v2.h; do
	without $refused
	same "no CUDA without $refused" '0  ' "$? $(value CUDA_HOME) $(value CUDNN_HOME)"
done
without cudnn.h
same 'no cuDNN without its header' '0 ' "$? $(value CUDNN_HOME)"
REFUSE=
rm -rf "$conf"
ok 'CUDA=no' env CONFIG_CUDA=no CONFIG_CUDA_HOME="$T/card" sh pipeline/recipes/configure.sh "$conf" build
same 'does without' ' ' "$(value CUDA_HOME) $(value CUDNN_HOME)"
fails 1 'CUDA=yes, but no program with its headers compiles: .*nothing has none' 'CUDA=yes insists' env CONFIG_CUDA=yes \
	CONFIG_CUDA_HOME="$T/nothing" sh pipeline/recipes/configure.sh "$conf" build
fails 1 'none of auto, yes, no' 'CUDA=maybe is refused' env CONFIG_CUDA=maybe sh pipeline/recipes/configure.sh \
	"$conf" build

# Libraries without which a kind of file is refused.
while read -r name made lib header; do
	rm -rf "$conf"
	configure
	case " $(value "$made") " in *" $lib "*) ;; *) skip "$lib: yes" 'it is not installed'; continue ;; esac
	for refused in $lib $header; do
		without $refused
		case " $(value "$made") " in *" $lib "*) said=there ;; *) said=none ;; esac
		same "no $lib without $refused" '0 none' "$? $said"
	done
	REFUSE=
	rm -rf "$conf"
	ok "$name=no" env "CONFIG_$name=no" sh pipeline/recipes/configure.sh "$conf" build
	case " $(value "$made") " in *" $lib "*) said=there ;; *) said=none ;; esac
	same 'does without' none $said
	REFUSE=$lib
	fails 1 "$name=yes, but no program with it compiles and links: .*cannot find $lib" "$name=yes insists" \
		env "CONFIG_$name=yes" sh pipeline/recipes/configure.sh "$conf" build
	REFUSE=
done <<'L'
BZ2 UNPACK_LIBS -lbz2 bzlib.h
LZMA UNPACK_LIBS -llzma lzma.h
ZSTD UNPACK_LIBS -lzstd zstd.h
WEBP PICTURE_LIBS -lwebp webp/decode.h
WEBP PICTURE_LIBS -lwebpdemux webp/demux.h
TIFF PICTURE_LIBS -ltiff tiffio.h
L

for choice in CONFIG_ONEDNN CONFIG_DEFLATE; do
	rm -rf "$conf"
	ok "$choice=no" env $choice=no sh pipeline/recipes/configure.sh "$conf" build
	same 'does without' '' "$(value ${choice#CONFIG_}_LIBS)"
	REFUSE='-ldnnl -ldeflate'
	fails 1 '=yes, but no program with it compiles and links' "$choice=yes insists" \
		env $choice=yes sh pipeline/recipes/configure.sh "$conf" build
	fails 1 'none of auto, yes, no' "$choice=maybe is refused" env $choice=maybe sh pipeline/recipes/configure.sh \
		"$conf" build
	REFUSE=
done
fails 1 "compiler 'nonesuch' is not there" 'a compiler that is not there' env CONFIG_CC=nonesuch sh \
	pipeline/recipes/configure.sh "$conf" build
CONFIG_CFLAGS=-fnonsense configure
like 'a flag that the compiler does not know' 'makes no program with these flags: -fnonsense' "$(cat "$T/said")"

# The file keeps its time while nothing changed.
rm -rf "$conf"
configure
touch -d '2001-01-01' "$conf/config.mk"
old=$(ls -l --time-style=full-iso "$conf/config.mk")
configure
same 'the same facts, the same file' "$old" "$(ls -l --time-style=full-iso "$conf/config.mk")"
CONFIG_CFLAGS='-std=c11 -O0' configure
[ "$old" != "$(ls -l --time-style=full-iso "$conf/config.mk")" ]
tap $? 'other flags, another'
finish
