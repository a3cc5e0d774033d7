#!/bin/sh
# Puts the libraries that the project links, for another processor, under a folder: downloaded by apt from where this
# machine gets its own packages and taken apart there. Nothing is installed, and nothing here needs root.
# usage: sysroot.sh FOLDER ARCHITECTURE
set -eu
into=$1 arch=$2
packages="libc6-dev libjansson-dev zlib1g-dev libdeflate-dev libutf8proc-dev libcsv-dev libdnnl-dev libopenblas-dev libjpeg-dev
libpng-dev libcmocka-dev liblzma-dev libzstd-dev libbz2-dev libwebp-dev libtiff-dev"
made_from="$arch $packages"
[ "$(cat "$into/.packages" 2>/dev/null)" = "$made_from" ] && exit 0

. /etc/os-release
rm -rf "$into" "$into.apt"
mkdir -p "$into" "$into.apt/state/lists/partial" "$into.apt/cache/archives/partial"
: >"$into.apt/state/status"
echo "deb ${MIRROR:-http://deb.debian.org/debian} $VERSION_CODENAME main" >"$into.apt/sources.list"
cd "$into.apt"

# A configuration of its own over the machine's (proxies, credentials and keys are kept).
cat >apt.conf <<-END
	APT::Architecture "$arch";
	APT::Architectures { "$arch"; };
	APT::Update::Post-Invoke-Success "";
	APT::Sandbox::User "";
	Dir::State "$PWD/state";
	Dir::State::status "$PWD/state/status";
	Dir::Cache "$PWD/cache";
	Dir::Etc::sourcelist "$PWD/sources.list";
	Dir::Etc::sourceparts "-";
	DPkg::Post-Invoke "";
END
APT_CONFIG=$PWD/apt.conf
export APT_CONFIG
apt-get -qq update
# shellcheck disable=SC2086
apt-get -qq -y --no-install-recommends --download-only install $packages
root=$OLDPWD/$into
case $into in /*) root=$into ;; esac
for deb in cache/archives/*.deb; do
	dpkg-deb -x "$deb" "$root"
done

# Links within the folder instead of to this machine's own files; then what the packages' scripts would have linked.
find "$root" -type l -lname '/*' | while read -r link; do
	ln -sfn "$root$(readlink "$link")" "$link"
done
lib=$(echo "$root"/usr/lib/*-linux-gnu)
for file in "$lib"/openblas*/lib*; do
	[ -e "$lib/${file##*/}" ] || ln -s "${file#"$lib"/}" "$lib/${file##*/}"
done
echo "$made_from" >"$root/.packages"
cd "$OLDPWD" && rm -rf "$into.apt"
