#!/bin/sh
# Commands and what they print, byte for byte: golden/NAME.cmd is run by sh in an empty folder; golden/NAME.out, .err
# (none: nothing) and .status (none: 0) are what came out. golden/help/PROGRAM is its --help. `make golden` writes them
# anew; look at the difference before committing it.
. "$(dirname "$0")/lib.sh"
golden=$ROOT/tests/cli/golden
export TOOLS

# kept FILE WANTED: as FILE is, or is made, when it holds something; an empty one is not kept.
kept() {
	if [ -s "$1" ]; then
		cp "$1" "$2"
	else
		rm -f "$2"
	fi
}

# match GOT WANTED: equal, a missing WANTED being empty.
match() {
	if [ -e "$2" ]; then
		diff -u "$2" "$1" >"$T/diff" 2>&1
	else
		diff -u /dev/null "$1" >"$T/diff" 2>&1
	fi || { diag "$T/diff"; return 1; }
}

for cmd in "$golden"/*.cmd; do
	name=$(basename "$cmd" .cmd)
	rm -rf "$T/empty"
	mkdir "$T/empty"
	(cd "$T/empty" && timeout 30 sh "$cmd") >"$T/out" 2>"$T/err"
	status=$?
	: >"$T/status"
	[ "$status" = 0 ] || echo "$status" >"$T/status"
	if [ "${REGENERATE:-0}" = 1 ]; then
		for part in out err status; do
			kept "$T/$part" "$golden/$name.$part"
		done
	fi
	good=0
	for part in out err status; do
		match "$T/$part" "$golden/$name.$part" || good=1
	done
	tap $good "$name"
done

for program in "$BIN"/vic*; do
	name=${program##*/}
	"$program" --help >"$T/out" 2>"$T/err"
	status=$?
	[ "${REGENERATE:-0}" = 1 ] && cp "$T/out" "$golden/help/$name"
	good=0
	[ "$status" = 0 ] && [ ! -s "$T/err" ] && match "$T/out" "$golden/help/$name" || good=1
	tap $good "$name --help"
	[ "$good" = 0 ] || echo '# as wanted? then: make golden'
done
finish
