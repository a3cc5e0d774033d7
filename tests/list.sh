#!/bin/sh
# Lists the tests: what each is about (its opening comment's first sentence) and, for C, the headers it includes, which
# say whose functions it calls. make list-tests calls it; ONLY=TEXT lists those with TEXT in their name, opening or
# headers: ONLY=bins.h answers "what tests bins.h?".
cd "$(dirname "$0")/.." || exit 1
for t in tests/cli/*.t tests/lint/*.t tests/unit/*/test_*.c tests/gpu/test_*.c tests/fuzz/fuzz_*.c; do
	awk -v name="$t" -v only="${ONLY:-}" '
		FNR == 1 && /^#!/ { next }
		!closed && (/^#/ && !/^#include/ || /^\/\*/ || in_comment) {
			in_comment = 1
			line = $0
			if (/^#/) sub(/^# ?/, "", line)
			else { closed = line ~ /\*\/$/; sub(/^(\/\*| \*) ?/, "", line); sub(/ ?\*\/$/, "", line) }
			about = about (about == "" ? "" : " ") line
			next
		}
		{ closed = 1 }
		/^#include "(corpora|embed|eval|models|pipeline|tokenize|vision)\// {
			split($0, part, "\"")
			headers = headers " " part[2]
		}
		END {
			if (match(about, /[.:;](  *|$)/)) about = substr(about, 1, RSTART - 1)
			text = name "\n    " about (headers == "" ? "" : "\n   " headers)
			if (only == "" || index(text, only)) print text
		}' "$t"
done
