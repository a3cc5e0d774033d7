#!/bin/sh
# Installs what a fresh Debian machine lacks: says what, asks, installs. Nothing to do is silent.
# usage: setup.sh build|test      YES=1: do not ask
set -eu
want="gcc make pkg-config libjansson-dev zlib1g-dev libdeflate-dev libutf8proc-dev libcsv-dev libdnnl-dev libopenblas-dev
libjpeg-dev libpng-dev curl unzip gnuplot-nox"
[ "${1:-build}" = test ] && want="$want libcmocka-dev perl groff-base"
command -v dpkg-query >/dev/null 2>&1 || exit 0 # not Debian: the compiler will name what is missing
have=$(dpkg-query -W -f='${Package} ${Provides} ${db:Status-Status}\n' 2>/dev/null | sed -n 's/ installed$//p' | tr ', ' '\n\n')
missing=
for p in $want; do
	printf '%s\n' "$have" | grep -qx "$p" || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
echo "vicinal needs these Debian packages:$missing" >&2
if [ "${YES:-0}" != 1 ]; then
	if ! [ -t 0 ]; then
		echo "setup: install them, or run with YES=1 to have that done" >&2
		exit 1
	fi
	printf 'Install them now with apt-get? [y/N] ' >&2
	read -r answer
	case $answer in y | Y | yes) ;; *) echo "setup: nothing was installed" >&2; exit 1 ;; esac
fi
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
$as_root apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >&2
