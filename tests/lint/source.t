#!/bin/sh
# Rules that a compiler does not check: who may include whom (docs/ARCHITECTURE.md), banned functions, who may print and
# exit, the length of files and lines, and that the project speaks of itself alone.
. "$(dirname "$0")/../cli/lib.sh"
cd "$ROOT" || exit 1

# Tracked files, and those about to be; everything where git or its folder is missing.
files() {
	git ls-files -co --exclude-standard 2>/dev/null || find . -type f ! -path './build/*' ! -path './.git/*' | sed \
		's|^\./||'
}
files | while read -r f; do [ -f "$f" ] && echo "$f"; done >"$T/files"
grep -E '\.(c|h|cu|cuh)$' "$T/files" >"$T/sources"
grep -vE '^tests/' "$T/sources" >"$T/ours"

# report DESCRIPTION FILE: fails when the file has lines, and shows them.
report() {
	if [ -s "$2" ]; then
		tap 1 "$1"
		head -20 "$2" | sed 's/^/# /'
	else
		tap 0 "$1"
	fi
}

# "folder: what it may include beside itself", folders or shelves of them, from the third column of ARCHITECTURE.md's
# table.
sed -n 's/^| `\([a-z]*\)\/` | .* | \(.*\) |$/\1: \2/p' docs/ARCHITECTURE.md | tr -d '`,' |
	sed 's/nothing of ours//' >"$T/allowed"
[ "$(wc -l <"$T/allowed")" -ge 7 ]
tap $? "docs/ARCHITECTURE.md has the table of who may include whom"

# Every #include "..." as: file, what it names from the root.
xargs grep -HoE '^[ 	]*#[ 	]*include[ 	]*"[^"]*"' <"$T/ours" | sed 's/^\([^:]*\):[^"]*"\(.*\)"$/\1 \2/' |
	while read -r f name; do
		folder=${f%/*}
		if [ -f "$folder/$name" ]; then
			echo "$f $folder/$name"
		elif [ -f "$name" ]; then
			echo "$f $name"
		else
			echo "$f ?$name"
		fi
	done >"$T/includes"
awk -v allowed="$T/allowed" '
	BEGIN {
		while ((getline line < allowed) > 0) {
			split(line, part, ": *")
			may[part[1]] = " " part[2] " "
		}
	}
	{
		split($1, from, "/")
		to = $2
		while (sub(/[^\/]*\/\.\.\//, "", to)) ;
		split(to, into, "/")
		if (to ~ /^\?/) print $1 " includes " substr(to, 2) ", which is nowhere"
		else if (!(from[1] in may)) print $1 ": the folder is not in the table of docs/ARCHITECTURE.md"
		else if (from[1] != into[1] && index(may[from[1]], " " into[1] " ") == 0 && index(may[from[1]], " " into[1] "/" into[2] " ") == 0)
			print $1 " may not include " to
	}' "$T/includes" >"$T/bad"
report 'every #include is one that docs/ARCHITECTURE.md allows' "$T/bad"

# The shelves of a folder, lowest first: ARCHITECTURE.md's second table.
sed -n 's/^| `\([a-z]*\)\/\([a-z]*\)\/` | .* |$/\1 \2/p' docs/ARCHITECTURE.md >"$T/shelves"
awk -v shelves="$T/shelves" '
	BEGIN {
		while ((getline line < shelves) > 0) {
			split(line, part, " ")
			floor[part[1] "/" part[2]] = ++n
			shelved[part[1]]
		}
	}
	{
		k = split($1, from, "/")
		m = split($2, to, "/")
		mine = from[1] "/" from[2]
		its = to[1] "/" to[2]
		if (!(from[1] in shelved) || from[1] != to[1] || k == 2 && from[2] ~ /^vic/) next
		if (!(mine in floor)) print $1 ": lies on no shelf of docs/ARCHITECTURE.md"
		else if (!(its in floor) || floor[its] > floor[mine]) print $1 " may not include " $2 ", which stands on a higher shelf"
	}' "$T/includes" >"$T/bad"
[ "$(wc -l <"$T/shelves")" -ge 15 ] || echo 'docs/ARCHITECTURE.md has no table of shelves' >>"$T/bad"
report 'every #include inside a folder is from the same shelf or a lower one' "$T/bad"

# All code as file:line:text, without comments and texts.
while read -r f; do
	awk -v f="$f" '
		{
			line = $0
			if (inside) {
				if (!sub(/^.*\*\//, "", line)) next
				inside = 0
			}
			gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
			gsub(/\/\*([^*]|\*[^\/])*\*\//, "", line)
			sub(/\/\/.*/, "", line)
			if (sub(/\/\*.*/, "", line)) inside = 1
			print f ":" NR ":" line
		}' "$f"
done <"$T/sources" >"$T/code"

# banned PATTERN WHY [LIST]: no source (of the list) calls it.
banned() {
	grep -E "(^|[^a-zA-Z0-9_>.])($1)[ ]*\(" "$T/code" | cut -c1-160 >"$T/found"
	if [ $# -gt 2 ]; then
		awk -F: 'NR == FNR { in_list[$0]; next } $1 in in_list' "$3" "$T/found" >"$T/bad"
	else
		mv "$T/found" "$T/bad"
	fi
	report "$2" "$T/bad"
}
banned 'atoi|atol|atoll|atof' 'numbers are read by num_i64 and num_f64'
banned 'strcpy|strcat|sprintf|vsprintf|gets|strtok|tmpnam|mktemp' 'no function that cannot know how much room there is'
banned 'rand|srand|random|drand48' 'random numbers are counted, not remembered (pipeline/base/philox.h)'
grep -v '^pipeline/files/jsontext\.c$' "$T/ours" >"$T/parsed"
banned 'json_load[a-z]*' 'JSON is parsed by jsontext_parse, which bounds its memory' "$T/parsed"
banned 'open_memstream' 'text in memory is printed by pipeline/base/memtext.h, which notices that there was none' \
	"$T/ours"
banned 'alloca' 'no memory from the stack whose size came from outside'

# Libraries return; the frame prints and exits. opt.c aborts on a slip of the programmer, progress.c draws its line.
grep -vE '(^|/)vic(-[a-z]*)?\.c$|^pipeline/frame/(stage|progress)\.c$|\.cuh?$' "$T/ours" >"$T/library"
banned 'printf|puts|putchar|perror|exit|_Exit|quick_exit|err|errx|warn|warnx' \
	'a library function neither prints nor exits' "$T/library"

sed 's|/[^/]*$||' "$T/sources" | sort | uniq -c | awk '$1 > 30 { print $2 ": " $1 " source files" }' >"$T/bad"
report 'no folder holds more than 30 source files' "$T/bad"
# too_long LINES LIST: those of the list that are longer
too_long() {
	xargs wc -l <"$2" | awk -v most="$1" '$2 != "total" && $1 > most { print $2 ": " $1 " lines" }'
}
too_long 600 "$T/sources" >"$T/bad"
too_long 400 "$T/ours" >>"$T/bad"
report 'no source file is longer than 400 lines, no test longer than 600' "$T/bad"
xargs awk '
	FNR == 1 { begin = 0 }
	/^[A-Za-z].*\(/ { head = FNR }
	/^\{/ { begin = head }
	/^\}/ && begin { if (FNR - begin >= 60) print FILENAME ":" begin ": " FNR - begin + 1 " lines"; begin = 0 }' <"$T/ours" >"$T/bad"
report 'no function is longer than 60 lines' "$T/bad"

xargs awk '{
	n = 0
	gsub(/[\200-\277]/, "") # a character of UTF-8 is one column
	for (i = 1; i <= length($0); i++) n = substr($0, i, 1) == "\t" ? n + 8 - n % 8 : n + 1
	if (n > 120) print FILENAME ":" FNR ": " n " columns"
}' <"$T/sources" >"$T/bad"
report 'no line is wider than 120 columns' "$T/bad"

# A table in a comment has its rows indented; a row that stands amid prose was reflowed by a formatter.
xargs grep -nE '^ \* [^ ]+ [^ ].*[^ ]   +[^ ]' <"$T/sources" >"$T/bad"
report 'no table in a comment was reflowed as prose' "$T/bad"

# Keys of the table of metrics; what METRICS.md explains; what its tables list, but for vic-ood's.
sed -n 's/^	{ "\([a-z0-9_]*\)".*/\1/p' eval/metrics/metric_table.c | sort >"$T/keys"
grep -o '`[a-z0-9_]*`' docs/METRICS.md | tr -d '`' | sort -u >"$T/explained"
awk '/^## / { ours = !/^## Out of distribution/ } /^\| key / { on = ours } !/^\|/ { on = 0 }
	on && split($0, cell, "|") {
		for (; match(cell[2], /`[a-z0-9_]+`/); cell[2] = substr(cell[2], RSTART + RLENGTH))
			print substr(cell[2], RSTART + 1, RLENGTH - 2)
	}' docs/METRICS.md | sort -u >"$T/listed"
comm -23 "$T/keys" "$T/explained" | sed 's/$/ is not in docs\/METRICS.md/' >"$T/bad"
comm -13 "$T/keys" "$T/listed" | sed 's/$/ is not in eval\/metrics\/metric_table.c/' >>"$T/bad"
[ "$(wc -l <"$T/keys")" -ge 40 ] || echo 'eval/metrics/metric_table.c has no rows that this test can read' >>"$T/bad"
report 'docs/METRICS.md and the table of metrics have the same keys' "$T/bad"
xargs grep -nE '^[[:space:]]*\* \*/$' <"$T/sources" >"$T/bad"
report 'no comment ends on a line of its own' "$T/bad"
xargs awk 'FNR == 1 && !/^\/[*\/]/ { print FILENAME " does not open with a comment that says what it is" }' \
	<"$T/sources" >"$T/bad"
report 'every source file opens with what it is' "$T/bad"

grep -vE '\.(png|jpg|jpeg|JPEG|vic|npy|safetensors|gz|bin|idx)$|/seeds/|/golden/' "$T/files" >"$T/texts"
# The words are put together here so that this file does not find itself.
mark='TO''DO|FIX''ME|place''holder'
path='/wo''rk/|/ho''me/[a-z]|/op''t/venv|/ro''ot/'
xargs grep -nEI "$mark" <"$T/texts" >"$T/bad" 2>/dev/null
report 'nothing is left to be done later' "$T/bad"
xargs grep -nEI "$path" <"$T/texts" >"$T/bad" 2>/dev/null
report 'no path of one machine' "$T/bad"
xargs grep -nEI -- '-Ofast|-ffast-math|--use_fast_math' <"$T/texts" 2>/dev/null | grep -vE '\.(md|t):' >"$T/bad"
report 'no build flag that changes arithmetic' "$T/bad"
xargs grep -lE '[ 	]+$' <"$T/sources" >"$T/bad"
report 'no space at the end of a line' "$T/bad"
while read -r f; do
	[ -x "$f" ] || echo "$f"
done >"$T/bad" <<END
$(grep -E '\.t$|^\.ci/run$' "$T/files")
END
report 'tests can be executed' "$T/bad"
# Documents name files in `code`; a name with a folder of ours must lead to one (a pattern to some, FOLDER and the like
# stand for any).
top='corpora|embed|eval|models|pipeline|tests|tokenize|vision|docs'
grep -oE "\`($top)/[A-Za-z0-9_./*-]*\`" README.md docs/*.md | tr -d '\`' | sort -u |
	while IFS=: read -r page name; do
		case $name in docs/*) ;; *[A-Z]*) continue ;; esac
		set -- $name
		[ -e "$1" ] || [ -e "$1.c" ] || echo "$page: $name is not there"
	done >"$T/bad"
report 'documents name files that are there' "$T/bad"
n=$(wc -l <Makefile)
[ "$n" -lt 200 ]
tap $? "the Makefile has fewer than 200 lines ($n)"
finish
