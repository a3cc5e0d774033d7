#!/bin/sh
# Makes one thing of a recipe under its OUT, whole or not at all: a cell (a folder) or a file (a data stream, logits).
# usage: cell.sh -b BIN -o OUT -t TARGET [-f] [-j THREADS] [-d DEVICES] [-i INPUT]... [-l NAME=PATH]... COMMAND
#   -b  folder of the programs            -o  the recipe's folder; the command may name it as $OUT, which leads there
#       from where the command runs, as ../..: so provenance does not say where it lies, and bytes do not depend on it
#   -t  what is made, below OUT           -f  a file (else a folder)
#   -j  threads, as $THREADS [1]          -i  a file below OUT that it is made of: its checksum is part of the provenance
#   -d  CUDA devices, as 0,1,2: the place of the job ($VIC_SLOT, which the engine counts) says which of them it sees
#   -l  a link of this name to a path outside, in the folder in which the command runs: for raw data, so that
#       provenance holds no path of this machine
# The command runs in TARGET.part/ and leaves its files there (with -f: one of TARGET's own name). They get their place
# by rename, with `command` (with -f: TARGET.command) beside them: the command, the checksums of its inputs and the
# programs' version. Where that is there and equal, nothing is done; where it differs, the thing is made anew. A part
# belongs to whoever holds the lock in it, for as long as one of its processes lives; what a killed run left is removed.
# How long a cell took goes to OUT/times.tsv: target, seconds, CPU seconds, threads, device, host.
# A command that fails leaves TARGET.stderr, with its own words in it, and nothing else.
# Status: 0 made or there, 1 the command failed, 2 usage, 130 and 143 interrupted.
# shellcheck disable=SC2030,SC2031 # OUT is another for the command alone
set -u
usage() { echo "cell.sh: $1" >&2; exit 2; }
BIN='' OUT='' target='' file='' THREADS=1 inputs='' links='' devices=''
while getopts b:o:t:fj:d:i:l: flag; do
	case $flag in
	b) BIN=$OPTARG ;;
	o) OUT=$OPTARG ;;
	t) target=$OPTARG ;;
	f) file=1 ;;
	j) THREADS=$OPTARG ;;
	d) devices=$OPTARG ;;
	i) inputs="$inputs$OPTARG
" ;;
	l) links="$links$OPTARG
" ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# = 1 ] || usage 'one command'
for given in "$BIN" "$OUT" "$target"; do [ -n "$given" ] || usage '-b, -o or -t is missing'; done
command=$1
PATH=$BIN:$PATH
LC_ALL=C
export PATH OUT THREADS LC_ALL
if [ -n "$devices" ]; then
	IFS=,
	# shellcheck disable=SC2086 # words
	set -- $devices
	unset IFS
	shift $((${VIC_SLOT:-0} % $#))
	CUDA_VISIBLE_DEVICES=$1
	export CUDA_VISIBLE_DEVICES
fi
whole=$OUT/$target part=$OUT/$target.part
[ -n "$file" ] && kept=$whole. || kept=$whole/
name=${target##*/}
above=.. rest=$target
while [ "$rest" != "${rest#*/}" ]; do above=../$above rest=${rest#*/}; done
say() { printf '%s: %s\n' "$target" "$1" >&2; }

# What `command` must hold for the thing to be done.
provenance() {
	printf '%s\n' "$command"
	printf '%s' "$inputs" | while read -r input; do
		[ -f "$OUT/$input" ] || { say "$input, of which it is made, is not there"; exit 1; }
		if [ "$OUT/$input.sum" -nt "$OUT/$input" ]; then
			sum=$(cat "$OUT/$input.sum")
		else
			sum=$(sha256sum <"$OUT/$input") || exit 1
		fi
		printf '# %s %s\n' "$input" "${sum%% *}"
	done || return 1
	vic --version | sed -n '1s/^/# /p'
}
is_done() { [ -e "$whole" ] && [ -f "${kept}command" ] && [ "$wanted" = "$(cat "${kept}command")" ]; }

# In the part, with its lock (descriptor 9): runs the command, and gives what it made its place.
make() {
	[ "$part/lock" -ef /dev/fd/9 ] || return 9 # it was renamed or removed while we waited
	if is_done; then
		rm -rf "$part"
		return 0
	fi
	find "$part" -mindepth 1 ! -path "$part/lock" -delete
	[ ! -e "$whole" ] || say 'its command, its data or the programs changed; it is made anew'
	printf '%s' "$links" | while IFS='=' read -r link to; do ln -s "$to" "$part/$link" || exit 1; done || return 1
	trap 'rm -rf "$part"; exit 130' INT
	trap 'rm -rf "$part"; exit 143' TERM HUP
	began=$(date +%s)
	if ! (cd "$part" && OUT=$above && eval "$command") </dev/null >"$part/stderr" 2>&1; then
		{ printf '%s\n' "$wanted"; cat "$part/stderr"; } >"$whole.stderr"
		say "failed; what it said is in $whole.stderr
  $command
$(tail -n 5 "$part/stderr" | sed 's/^/  /')"
		rm -rf "$part"
		return 1
	fi
	printf '%s' "$links" | while IFS='=' read -r link to; do rm -f "$part/$link"; done
	rm -f "$part/stderr" "$whole.stderr"
	if [ -n "$file" ]; then
		[ -f "$part/$name" ] || { say "its command made no file $name: $command"; rm -rf "$part"; return 1; }
		(cd "$part" && sha256sum <"$name" >"$name.sum" && printf '%s\n' "$wanted" >"$name.command") || return 1
		rm -f "$whole.command" # first, so that a file never stands beside the command of another
		mv "$part/$name" "$whole" && mv "$part/$name.sum" "$whole.sum" && mv "$part/$name.command" "$whole.command" &&
			rm -rf "$part"
	else
		printf '%s\n' "$wanted" >"$part/command" || return 1
		times >"$part/times" # (not in a subshell, which begins at none)
		cpu=$(awk 'NR == 2 { for (i = 1; i <= 2; i++) { split($i, t, "[ms]"); s += 60 * t[1] + t[2] } printf "%.1f", s }' \
			"$part/times")
		rm "$part/times"
		if [ -e "$whole" ]; then
			rm -rf "$part.old" && mv -T "$whole" "$part.old" || return 1
		fi
		mv -T "$part" "$whole" && rm -rf "$whole/lock" "$part.old" || return 1
		case $command in *'--device '*) device=${command#*--device } device=${device%% *} ;; *) device=- ;; esac
		printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$target" $(($(date +%s) - began)) "$cpu" "$THREADS" "$device" \
			"$(uname -n)" >>"$OUT/times.tsv"
	fi
}

wanted=$(provenance) || exit 1
if is_done; then
	rm -rf "$whole/lock"
	exit 0
fi
rm -rf "$part.old"
while :; do
	mkdir -p "$part" || exit 1
	entered=
	{
		entered=1
		flock -n 9 || { say 'another process is making it; waiting for that'; flock 9; }
		make
	} 9>"$part/lock"
	status=$?
	[ -n "$entered" ] || [ ! -d "$part" ] || exit 1
	[ -z "$entered" ] || [ $status = 9 ] || exit $status
done
