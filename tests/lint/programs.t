#!/bin/sh
# Every program of BIN: help with an example, version, summary, and a man page that groff takes without a warning.
. "$(dirname "$0")/../cli/lib.sh"

for program in "$BIN"/vic*; do
	name=${program##*/}
	"$program" --help >"$T/help" 2>&1
	example=$(sed -n '/^example:$/,$p' "$T/help" | sed 1d)
	case $example in
	*"$name"* | *"vic ${name#vic-}"*) good=0 ;;
	*) good=1 ;;
	esac
	tap $good "$name --help ends in an example of $name"
	like "$name --help begins with its usage" "^usage: $name " "$(head -1 "$T/help")"
	like "$name --version names version, compiler, flags and libraries" '^libraries: ' "$("$program" --version)"
	like "$name has one line for vic help" '^[a-z].*[^.]$' "$("$program" --summary)"
	wide=$(expand -t 8 "$T/help" | awk 'length($0) > 80' | wc -l)
	same "$name --help has no line wider than 80 columns" 0 "$wide"
	[ "$name" = vic ] || like "vic(7) names $name" "\\\\fB$name" "$(cat "$ROOT/docs/vic.7")"
	"$program" --help-man >"$T/page.1"
	if command -v groff >/dev/null; then
		groff -man -ww -Tutf8 -rLL=100n "$T/page.1" >"$T/page" 2>"$T/warnings"
		[ ! -s "$T/warnings" ] && [ -s "$T/page" ]
		tap $? "$name has a man page without warnings" || diag "$T/warnings"
	else
		skip "$name has a man page without warnings" 'groff is not installed'
	fi
done
# A program takes each name from the first library that has it, so a second function of that name would be called where
# its own folder means it, or not at all.
if command -v nm >/dev/null; then
	for library in "$BIN"/../lib/*.a; do
		nm --defined-only -gA "$library" 2>&1
	done | awk -F '[: ]' '$(NF - 1) ~ /^[A-Z]$/ && $(NF - 1) != "U" {
		sub(/.*\//, "", $1)
		print $NF, $1 "(" $2 ")"
	}' | sort >"$T/names"
	[ "$(wc -l <"$T/names")" -ge 500 ]
	tap $? 'the libraries have names that can be read'
	same 'no two objects of the libraries define one name' '' \
		"$(awk '$1 == name { print name " is in " where " and in " $2 } { name = $1; where = $2 }' "$T/names")"
else
	skip 'no two objects of the libraries define one name' 'nm is not installed'
fi
if command -v groff >/dev/null; then
	groff -t -man -ww -Tutf8 "$ROOT/docs/vic.7" >"$T/page" 2>"$T/warnings"
	[ ! -s "$T/warnings" ] && [ -s "$T/page" ]
	tap $? "vic(7) is a man page without warnings" || diag "$T/warnings"
else
	skip "vic(7) is a man page without warnings" 'groff is not installed'
fi
finish
