#!/bin/sh
# make test-fresh: what a stranger meets. Makes bare Debian systems in folders (debootstrap), puts a copy of this tree
# into each, as an ordinary user who may use sudo and in a folder with a space in its name, and runs README.md's
# commands there, as they stand in its first indented block, and nothing else. Then once more in another bare system
# with `make -j4` in place of `make`. Prints times. Mirror, proxy and certificates are those of this machine's apt.
# Needs root and debootstrap; says SKIP where they are missing. Mounts live in a name space of their own and end with
# it.
# usage: fresh.sh [RELEASE...]     VARIANTS="plain j4"; KEEP=1 keeps the folders' logs
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- bookworm trixie
skip() {
	echo "test-fresh: SKIP $*: $why"
	exit 0
}
why=
[ "$(id -u)" = 0 ] || why="only root may make a system in a folder"
[ -n "$why" ] || command -v debootstrap >/dev/null || why="debootstrap is not installed"
[ -n "$why" ] || unshare -m true 2>/dev/null || why="unshare -m is not permitted here"
[ -z "$why" ] || skip "$@"
[ "${FRESH_APART:-}" = 1 ] || exec env FRESH_APART=1 unshare -m --propagation private sh tests/fresh.sh "$@"

work=$(mktemp -d "${TMPDIR:-/var/tmp}/vic-fresh-XXXXXX")
# In memory where there is enough: several times as fast, and gone with the name space.
if [ "$(awk '/^MemAvailable/ { print int($2 / 1048576) }' /proc/meminfo)" -ge 10 ]; then
	mount -t tmpfs -o mode=755,size=6g tmpfs "$work"
fi
bare= system=
# A mount that would not go is a reason to leave the folder: rm would follow it.
sweep() {
	for dir in "$work"/*/dev/shm "$work"/*/proc "$work"; do
		if mountpoint -q "$dir" 2>/dev/null; then umount -l "$dir"; fi
	done
	if grep -q " $work" /proc/self/mounts; then
		echo "test-fresh: $work holds mounts; it is left" >&2
	else
		rm -rf --one-file-system "$work"
	fi
}
trap sweep EXIT
trap 'exit 130' INT TERM HUP
passed=0 failed=0
verdict() { # 0|1 TEXT SECONDS
	if [ "$1" = 0 ]; then passed=$((passed + 1)) word=ok; else failed=$((failed + 1)) word='NOT OK'; fi
	printf '%-6s %4d s  %s\n' "$word" "$3" "$2"
}

# The mirror of this machine's Debian, if it is one; debootstrap knows the usual one.
mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 2>/dev/null | sed -n 's/^Debian|Debian|//p' | \
	head -1)

# What apt needs to reach the mirror from inside: proxies and certificates, in its own configuration or in the
# environment.
carry_apt() {
	conf=$1/etc/apt/apt.conf.d/90host
	apt-config dump | grep -E '^Acquire::(http|https|Retries)' | grep -v ' "";$' >"$conf" || true
	for p in http https; do
		eval "url=\${${p}_proxy:-}"
		if [ -n "$url" ]; then echo "Acquire::$p::Proxy \"$url\";" >>"$conf"; fi
	done
	sed -n 's/^Acquire::https.*::\(CAInfo\|CaInfo\|SslCert\|SslKey\) "\(.*\)";/\2/p' "$conf" | while read -r f; do
		if [ -f "$f" ]; then mkdir -p "$1$(dirname "$f")" && cp -L "$f" "$1$f"; fi
	done
	if ! grep -qi cainfo "$conf" && [ -f /etc/ssl/certs/ca-certificates.crt ]; then
		cp -L /etc/ssl/certs/ca-certificates.crt "$1/etc/apt/host-certificates.crt"
		echo 'Acquire::https::CAInfo "/etc/apt/host-certificates.crt";' >>"$conf"
	fi
	for f in /etc/resolv.conf /etc/hosts; do
		if [ -e $f ]; then cp -L $f "$1$f"; fi
	done
}

# What is tracked, or about to be; everything but build/ where git is missing.
copy_tree() {
	{ git ls-files -co --exclude-standard 2>/dev/null || find . -type f ! -path './build/*' ! -path './.git/*'; } |
		while read -r f; do if [ -e "$f" ]; then echo "$f"; fi; done | tar -cf - -T - | tar -xf - -C "$1"
}

make_bare() { # RELEASE
	bare=$work/$1
	start=$(date +%s)
	# shellcheck disable=SC2086
	if ! debootstrap --variant=minbase --include=sudo "$1" "$bare" $mirror >"$work/debootstrap.log" 2>&1; then
		tail -5 "$work/debootstrap.log" | sed 's/^/  /'
		verdict 1 "$1: debootstrap" $(($(date +%s) - start))
		return 1
	fi
	carry_apt "$bare"
	chroot "$bare" useradd -m -d "/srv/a stranger" -s /bin/bash stranger
	echo 'stranger ALL=(ALL) NOPASSWD: ALL' >"$bare/etc/sudoers.d/stranger"
	rm -rf "$bare/var/lib/apt/lists"/*_Packages
	verdict 0 "$1: a bare system" $(($(date +%s) - start))
}

commands() {
	awk '/^    / { inside = 1; sub(/^    /, ""); sub(/ +#.*/, ""); print; next } inside { exit }' README.md
}

run_variant() { # RELEASE VARIANT
	system=$work/$1-$2
	cp -a "$bare" "$system"
	home="$system/srv/a stranger/the source"
	mkdir "$home"
	copy_tree "$home"
	chroot "$system" chown -R stranger: "/srv/a stranger"
	mount -t proc proc "$system/proc"
	mkdir -p "$system/dev/shm"
	mount -t tmpfs tmpfs "$system/dev/shm"
	: >"$work/commands"
	commands >"$work/commands"
	n=0 good=1
	while read -r line && [ $good = 1 ]; do
		n=$((n + 1)) start=$(date +%s) bad=0
		if [ "$2" = j4 ]; then line=$(printf '%s\n' "$line" | sed 's/\(^\|&& *\)make /\1make -j4 /g'); fi
		printf '       %s: %s\n' "$1" "$line"
		env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin chroot "$system" su - stranger -c \
			"cd 'the source' && $line" </dev/null >"$work/log" 2>&1 || bad=1 good=0
		if [ $bad = 1 ]; then tail -40 "$work/log" | sed 's/^/  | /'; else tail -1 "$work/log" | sed \
			's/^/  | /'; fi
		if [ "${KEEP:-}" = 1 ]; then cp "$work/log" "${TMPDIR:-/var/tmp}/fresh-$1-$2-$n.log"; fi
		verdict $bad "$1, $2: command $n" $(($(date +%s) - start))
	done <"$work/commands"
	[ "$n" = 2 ] || verdict 1 "README.md's first indented block has $n commands, not 2" 0
	umount -l "$system/dev/shm" "$system/proc"
	rm -rf --one-file-system "$system"
}

for release in "$@"; do
	make_bare "$release" || continue
	for variant in ${VARIANTS:-plain j4}; do
		run_variant "$release" "$variant"
	done
	rm -rf --one-file-system "$bare"
done
printf 'fresh: %d passed, %d failed\n' $passed $failed
[ $failed = 0 ]
