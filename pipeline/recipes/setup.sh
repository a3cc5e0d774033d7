#!/bin/sh
# Installs what a Debian or Ubuntu machine lacks: says what, asks, installs. Nothing to do is silent.
# usage: setup.sh build|test|fuzz|bench...
#   YES=1: do not ask    AGAIN=1: ask again for optional packages that were not to be had before
set -eu
needs=" ${*:-build} "
need="gcc libc6-dev make libjansson-dev zlib1g-dev libutf8proc-dev libcsv-dev libopenblas-dev libjpeg-dev libpng-dev
ca-certificates curl unzip gnuplot-nox"
# OpenBLAS and zlib serve where the first two are missing; what the others unpack or decode is then refused
optional="libdnnl-dev libdeflate-dev liblzma-dev libzstd-dev libbz2-dev libwebp-dev libtiff-dev"
case $needs in *' test '* | *' fuzz '*) need="$need libcmocka-dev perl groff-base" ;; esac
case $needs in *' bench '*) need="$need python3-venv" ;; esac
compiler=${CONFIG_CC:-cc}
compiler=${compiler##* }
case $compiler in clang | clang-[0-9]* | gcc-[0-9]*) need="$need $compiler" ;; esac
command -v dpkg-query >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1 || exit 0 # configure names what is missing

have=$(dpkg-query -W -f='${Package} ${Provides} ${db:Status-Status}\n' 2>/dev/null | sed -n 's/ installed$//p' | tr \
	', ' '\n\n')
lacking() {
	for p in "$@"; do
		printf '%s\n' "$have" | grep -qx "$p" || printf ' %s' "$p"
	done
}
# shellcheck disable=SC2086
missing=$(lacking $need) wanted=$(lacking $optional)
case $needs in *' fuzz '*) command -v "${FUZZ_CC:-clang}" >/dev/null || missing="$missing clang" ;; esac
declined=build/optional-not-to-be-had # asked for once, not at every make
[ -n "$missing" ] || [ "${AGAIN:-0}" = 1 ] || ! [ -e "$declined" ] || [ "$(cat "$declined")" != "$wanted" ] || exit 0
[ -n "$missing$wanted" ] || exit 0

# Goes on when only what is optional is missing.
without() {
	[ -z "$missing" ] || exit 1
	echo "setup: going on without$wanted: $1" >&2
	mkdir -p build
	printf '%s\n' "$wanted" >"$declined"
	exit 0
}
echo "vicinal needs these Debian packages:$missing${wanted:+ (optional, for speed, packed files and more kinds of pictures:$wanted)}" >&2
as_root=
if [ "$(id -u)" != 0 ]; then
	as_root=sudo
	if ! command -v sudo >/dev/null || { ! [ -t 0 ] && ! sudo -n true 2>/dev/null; }; then
		echo \
			"setup: this user may not install them; ask one who may to run: apt-get install -y$missing$wanted" >&2
		without "they cannot be installed by this user"
	fi
fi
if [ "${YES:-0}" != 1 ]; then
	if ! [ -t 0 ]; then
		echo "setup: install them, or run with YES=1 to have that done" >&2
		without "make setup YES=1 installs them"
	fi
	printf 'Install them now with apt-get? [y/N] ' >&2
	read -r answer || answer=
	case $answer in y | Y | yes) ;; *) echo "setup: nothing was installed" >&2; without "make setup asks again" ;; \
		esac
fi

get() { # packages
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o \
		DPkg::Lock::Timeout=300 \
		-o Dpkg::Use-Pty=0 "$@" </dev/null >&2
}
$as_root apt-get update -qq -o DPkg::Lock::Timeout=300 </dev/null >&2 ||
	echo "setup: the lists of packages could not be brought up to date; trying with those that are here" >&2
case $missing in *clang*) # its run-time library for fuzzing and sanitizers is a recommendation
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=300 clang </dev/null \
		>&2 || true ;;
esac
# shellcheck disable=SC2086
if get $missing $wanted; then
	rm -f "$declined"
	exit 0
fi
[ -n "$wanted" ] || { echo "setup: apt-get could not install:$missing" >&2; exit 1; }
# One of the optional ones may not exist here: the others go in without it.
# shellcheck disable=SC2086
[ -z "$missing" ] || get $missing || { echo "setup: apt-get could not install:$missing" >&2; exit 1; }
missing= left=
for p in $wanted; do
	get "$p" || left="$left $p"
done
wanted=$left
[ -n "$wanted" ] || { rm -f "$declined"; exit 0; }
without "apt-get cannot install them here"
