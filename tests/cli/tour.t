#!/bin/sh
# The commands of docs/TOUR.md print what the page says.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
LC_ALL=C.UTF-8 # the diagram has bars
console TOUR.md
# The page shows its two small files by `cat`: what it shows is what they hold.
for f in films.tsv vectors.txt; do
	for cmd in [0-9]*.sh; do
		[ "$(cat "$cmd")" = "cat $f" ] && cat "${cmd%.sh}.want" >$f
	done
done
run_console
finish
