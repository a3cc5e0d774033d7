#!/bin/sh
# vic-tokenize: golden counts over the real corpora, and every format over small files made here.
. "$(dirname "$0")/lib.sh"

tok() { vic-tokenize -q "$@"; }
# records [FILE]: id, split, label and tokens of each, joined by |
records() { vic-cat "${1:--}" | grep -v '^#' | tr '\t' '|'; }
# stat NAME: one line of --stats, from stdin
stat_of() { vic-cat --stats | sed -n "s/^$1 //p"; }
classes() { vic-cat "$1" | sed -n '1s/.*"classes":\[\([^]]*\)\].*/\1/p'; }

# Real data.
if mr=$(data mr); then
	tok --format mr --rules kim --lower "$mr" >"$T/mr"
	for golden in 'records 10662' 'tokens 217354' 'types 18764' 'longest 56'; do
		same "MR has $golden" "${golden#* }" "$(stat_of "${golden% *}" <"$T/mr")"
	done
	same 'MR: negative lines come first' '5331 5331' \
		"$(records "$T/mr" | cut -d'|' -f3 | uniq -c | awk '{printf s $1; s = " "}')"
	same 'the distributed archive gives the same bytes as the folder' "$(vic-cat "$T/mr" | sed 1,2d | cksum)" \
		"$(tok -f mr "$mr/rt-polaritydata.tar.gz" | vic-cat | sed 1,2d | cksum)"
	like 'lines that are not UTF-8 are counted' '229 lines hold bytes that are not UTF-8' \
		"$(vic-tokenize -f mr "$mr" 2>&1 >/dev/null)"
	fails 1 'rt-polarity.neg:.*not UTF-8' 'strict UTF-8 names file and line' \
		tok -f mr -e utf-8 -o "$T/x" "$mr"
	same '--split marks all' '10662' "$(tok -f mr --split dev "$mr" | vic-cat | grep -c '	dev	')"
else
	skip 'MR' 'data/mr is not there'
fi
if trec=$(data trec); then
	same 'TREC has 8764 types lower-cased' 8764 "$(tok -f trec "$trec" | stat_of types)"
	same 'TREC has 9592 types cased' 9592 "$(tok -f trec --cased "$trec" | stat_of types)"
	same 'the TREC files know their splits' '5452 train 500 test' \
		"$(tok -f trec "$trec/train_5500.label" "$trec/TREC_10.label" | vic-cat | grep -v '^#' | cut -f2 |
			uniq -c | awk '{printf s $1 " " $2; s = " "}')"
	tok -f trec "$trec/TREC_10.label" >"$T/test"
	same 'TREC classes do not depend on the file' '"ABBR","DESC","ENTY","HUM","LOC","NUM"' "$(classes "$T/test")"
	tok -f trec --fine "$trec" >"$T/fine"
	same 'fine classes: 50, all met' 50 "$(records "$T/fine" | cut -d'|' -f3 | sort -u | wc -l | tr -d ' ')"
else
	skip 'TREC' 'data/trec is not there'
fi
if imdb=$(data imdb); then
	tok -f imdb "$imdb" >"$T/imdb"
	same 'IMDB: reviews of each folder, in order' '12500 train neg 12500 train pos 11250 test neg 11250 test pos' \
		"$(vic-cat "$T/imdb" | grep -v '^#' | cut -f2,3 | uniq -c | awk '{printf s $1 " " $2 " " $3; s = " "}')"
else
	skip 'IMDB' 'data/imdb is not there'
fi

# MR's three layouts: the two files, the folder that the archive makes, the archive.
mkdir -p "$T/mr1" "$T/mr2" "$T/mr3"
printf 'dull\ncold and slow\n' >"$T/mr1/rt-polarity.neg"
printf 'warm\n' >"$T/mr1/rt-polarity.pos"
cp -R "$T/mr1" "$T/mr2/rt-polaritydata"
tar czf "$T/mr3/rt-polaritydata.tar.gz" -C "$T/mr2" rt-polaritydata
for layout in 1 2 3; do
	tok -f mr "$T/mr$layout" -o "$T/o" || tap 1 "MR's layout $layout"
	same "MR's layout $layout" '0|train|neg|dull
1|train|neg|cold and slow
2|train|pos|warm' "$(records "$T/o")"
done
fails 1 'has neither rt-polarity.neg nor' 'a folder without any is refused' tok -f mr -o "$T/x" "$T"

# Lines.
printf 'One, two!\n\n  \r\nIt'"'"'s a\tb\fc\302\205d\r\nlast' >"$T/lines"
tok -f lines "$T/lines" >"$T/o"
same 'one record a line, empty ones too, the last without LF' "0|train|-|one , two !
1|train|-|
2|train|-|
3|train|-|it 's a b c d
4|train|-|last" "$(records "$T/o")"
same 'stdin gives what the file gives' "$(records "$T/o")" "$(tok -f lines - <"$T/lines" | records)"
tok -f lines "$T/lines" "$T/lines" -o "$T/twice"
same 'ids count over all operands' 9 "$(records "$T/twice" | tail -1 | cut -d'|' -f1)"
: >"$T/empty"
ok 'an empty file is an empty stream' sh -c "vic-tokenize -q --allow-empty -f lines '$T/empty' | vic-cat --check -"
printf '\357\273\277' >"$T/bom"
same 'a byte order mark alone is no line' 0 "$(tok --allow-empty -f lines "$T/bom" | stat_of records)"
printf '\r' >"$T/cr"
same 'a CR alone is a line' 1 "$(tok -f lines "$T/cr" | stat_of records)"
printf '\357\273\277a\n' >"$T/bom"
same 'a byte order mark is no token' '0|train|-|a' "$(tok -f lines -r whitespace "$T/bom" | records)"
like 'and it is reported' '1 byte order mark' "$(vic-tokenize -f lines "$T/bom" 2>&1 >/dev/null)"
printf '\377\376a\0\n\0' >"$T/utf16"
fails 1 'UTF-16' 'UTF-16 is refused with the remedy' tok -f lines -o "$T/x" "$T/utf16"
printf 'ok\na\0b\n' >"$T/nul"
fails 1 'nul:2: holds a NUL byte: is it UTF-16' 'a NUL byte is no text' tok -f lines -o "$T/x" "$T/nul"
printf 'a\0 \0f\0i\0l\0m\0\n\0' >"$T/wide"
fails 1 'UTF-16 text without its mark.*iconv -f UTF-16LE' 'nor is UTF-16 without its mark' tok -f lines -o "$T/x" "$T/wide"
printf 'caf\351 \205\n' >"$T/latin"
for case in 'auto|café …' 'cp1252|café …' 'latin1|café'; do
	same "encoding ${case%%|*}" "0|train|-|${case#*|}" \
		"$(tok -f lines -r whitespace -e "${case%%|*}" "$T/latin" | records)"
done
same 'ptb, cased' "0|train|-|Do n't" "$(printf "Don't\n" | tok -f lines -r ptb --cased - | records)"
same 'ptb, hyphens split' '0|train|-|well - known' \
	"$(echo well-known | tok -f lines -r ptb --hyphens split - | records)"
fails 2 'goes with --rules ptb' '--hyphens with other rules is refused' tok -f lines --hyphens split "$T/lines"
same 'flushed or not, the records are the same' "$(records "$T/o")" \
	"$(tok -f lines --flush "$T/lines" | records)"
mkfifo "$T/in" "$T/out"
vic-tokenize -q -f lines --flush "$T/in" -o "$T/out" &
(exec 3>"$T/in"; echo 'first record here' >&3; exec sleep 60) &
writer=$!
like '--flush lets a record through while the input is open' 'first record here' \
	"$(timeout 10 dd if="$T/out" bs=65536 count=1 2>/dev/null | tr -c '[:print:]' '\n')"
kill "$writer"
wait

# TREC's form.
printf 'NUM:count How many?\nHUM:ind Who?\n' >"$T/q.label"
same 'TREC lines' '0|train|NUM|how many ?
1|train|HUM|who ?' "$(tok -f trec "$T/q.label" | records)"
for bad in 'How many?' 'XXX:count How many?' 'NUM: How?' 'NUM:count' ''; do
	printf 'NUM:count a\n%s\n' "$bad" >"$T/bad.label"
	fails 1 'bad.label:2: ' "TREC refuses \"$bad\" naming the line" tok -f trec -o "$T/x" "$T/bad.label"
done

# IMDB's form: numbers out of order, a break tag, unsup, a stray file; folder and archive alike.
for part in train/neg train/pos train/unsup test/neg test/pos; do
	mkdir -p "$T/aclImdb/$part"
	for id in 10 9 100; do
		printf 'Review %s of<br />%s' "$id" "$part" >"$T/aclImdb/$part/${id}_4.txt"
	done
done
echo stray >"$T/aclImdb/train/pos/README"
tok -f imdb "$T/aclImdb" >"$T/folder"
same 'IMDB: by split, class and number' '0|train|neg|review 9 of train neg
1|train|neg|review 10 of train neg
2|train|neg|review 100 of train neg
3|train|pos|review 9 of train pos' "$(records "$T/folder" | head -4)"
same 'IMDB: unsup is extra, without label' '12|extra|-|review 9 of train unsup' "$(records "$T/folder" | sed -n 13p)"
like 'IMDB: other files are counted' '1 files not named' "$(vic-tokenize -f imdb "$T/aclImdb" 2>&1 >/dev/null)"
(cd "$T" && tar --format=ustar -czf aclImdb_v1.tar.gz aclImdb)
same 'IMDB: the archive gives the same records' "$(records "$T/folder")" \
	"$(tok -f imdb "$T/aclImdb_v1.tar.gz" | records)"
size=$(wc -c <"$T/aclImdb_v1.tar.gz")
for cut in 0 100 $((size / 2)) $((size - 20)) $((size - 1)); do
	head -c "$cut" "$T/aclImdb_v1.tar.gz" >"$T/cut.tar.gz"
	fails 1 'cut' "an archive cut at $cut is refused" tok -f imdb -o "$T/x" "$T/cut.tar.gz"
done
(cd "$T" && tar --format=ustar -cf flip.tar aclImdb && printf X | dd of=flip.tar bs=1 seek=2 conv=notrunc 2>/dev/null)
fails 1 'not a tar archive, or damaged' 'a header whose sum is wrong is refused' \
	tok -f imdb -o "$T/x" "$T/flip.tar"
fails 1 'tar archive' 'what is no archive is refused' tok -f imdb -o "$T/x" "$BIN/vic-tokenize"
for twice in train/neg/9 test/neg/9 test/pos/100; do # the first, one within, the last
	(cd "$T" && tar --format=ustar -cf twice.tar aclImdb && tar --format=ustar -rf twice.tar "aclImdb/${twice}_4.txt")
	fails 1 "twice.tar: ${twice}_4.txt is there twice" "$twice that is there twice is refused" \
		tok -f imdb -o "$T/x" "$T/twice.tar"
done
fails 1 'train/pos' 'an archive without reviews is refused' sh -c \
	"cd '$T' && tar --format=ustar -cf none.tar lines && vic-tokenize -q -f imdb none.tar -o x"

# CSV, TSV, fastText.
printf 'id,text,label\r\n1,"Good, ""really""\nso",pos\r\n\r\n2,bad,neg\r\n3, spaced ,neg' >"$T/a.csv"
tok -f csv -r whitespace "$T/a.csv" >"$T/o"
same 'CSV: header, quotes, quoted newline, CRLF, last row without line end' '0|train|pos|good, "really" so
1|train|neg|bad
2|train|neg|spaced' "$(records "$T/o")"
same 'CSV: classes are sorted' '"neg","pos"' "$(classes "$T/o")"
like 'CSV: blank lines are counted' '1 blank lines' "$(vic-tokenize -f csv "$T/a.csv" 2>&1 >/dev/null)"
gzip -c "$T/a.csv" >"$T/a.csv.gz"
same 'CSV: gzipped, it is the same' "$(records <"$T/o")" "$(tok -f csv -r whitespace "$T/a.csv.gz" | records)"
same 'CSV: columns by number, no header' '0|train|3|1
1|train|2|x y' "$(printf '1,a,3\nx y,b,2\n' | tok -f csv --label-column 3 --text-column 1 --no-header - | records)"
same 'CSV: columns by name' '0|train|b|a' "$(printf 'body,stars\na,b\n' |
	tok -f csv --label-column stars --text-column body - | records)"
same 'CSV: two columns without a header are label and text' '0|train|x|y' \
	"$(printf 'x,y\n' | tok -f csv - | records)"
like 'CSV: it is said when the first row is read as a record' '1 files have no header' \
	"$(printf 'x,y\n' | vic-tokenize -f csv - 2>&1 >/dev/null)"
same 'CSV: no labels' '0|train|-|a' "$(printf 'text\na\n' | tok -f csv --label-column none - | records)"
csv_fails() { # PATTERN DESCRIPTION CONTENT OPTIONS...
	csv_pattern=$1 csv_what=$2
	printf "$3" >"$T/bad.csv"
	shift 3
	fails 1 "$csv_pattern" "$csv_what" tok -f csv -o "$T/x" "$@" "$T/bad.csv"
}
csv_fails 'line 3: the file ends inside quotes' 'CSV: an unterminated quote names its line' \
	'label,text\na,b\nc,"d\n'
csv_fails 'line 3: a quote' 'CSV: a quote inside a bare field names its line' 'label,text\na,b\nc,d"e\nf,g\n'
csv_fails 'line 2: a quote' 'CSV: a space before a quote is part of the field' 'label,text\na, "b"\n'
csv_fails 'line 2: has 3 columns where the first row has 2' 'CSV: a row too long names its line' \
	'label,text\na,b,c\n'
csv_fails 'line 2: has 1 columns' 'CSV: a row too short names its line' 'label,text\na\n'
csv_fails '3 columns, and no header' 'CSV: three columns and no header must be chosen' 'a,b,c\n'
csv_fails "if ';' stands between columns, say so: --separator ';'" 'CSV: semicolons are asked for' \
	'stars;review\na;b\n'
csv_fails "if ';' stands between columns" 'CSV: also where columns are named' \
	'stars;review\na;b\n' --label-column stars --text-column review
csv_fails 'say so: --separator tab' 'CSV: and tabs' 'a\tb\n'
same 'CSV: a text may hold them' '0|train|-|a b' \
	"$(printf 'a; b\n' | tok -f csv --label-column none --text-column 1 --no-header - | records)"
csv_fails 'no column is named "stars"' 'CSV: a column that is not there' \
	'label,text\na,b\n' --label-column stars --header
csv_fails 'several columns are named "text"; choose with --text-column NUMBER' 'CSV: two columns of texts' \
	'label,text,text\na,b,c\n'
csv_fails 'several columns are named "label"; choose with --label-column NUMBER' 'CSV: two columns of labels, in any case' \
	'Label,text,LABEL\na,b,c\n'
same 'CSV: one of two is taken by number' '0|train|c|b' \
	"$(printf 'label,text,label\na,b,c\n' | tok -f csv --label-column 3 - | records)"
csv_fails 'without a header there is no column "stars"' 'CSV: a name needs a header' \
	'x,y\na,b\n' --label-column stars
printf 'label,text\na,b\n' >"$T/bad.csv"
fails 2 '2 columns.*--text-column' 'CSV: a number beyond the columns' \
	tok -f csv -o "$T/x" --text-column 3 "$T/bad.csv"
csv_fails 'the label is empty' 'CSV: an empty label' 'label,text\n,b\n'
printf 'pos\tGood\tfilm\nneg\t\nZ\tx\n' >"$T/a.tsv"
tok -f tsv "$T/a.tsv" >"$T/o"
same 'TSV: the first TAB parts label and text' '0|train|pos|good film
1|train|neg|
2|train|Z|x' "$(records "$T/o")"
same 'TSV: classes are sorted bytewise' '"Z","neg","pos"' "$(classes "$T/o")"
tok -f tsv --classes pos,neg,Z,more "$T/a.tsv" >"$T/o"
same '--classes gives their order' '"pos","neg","Z","more"' "$(classes "$T/o")"
fails 1 'a.tsv:3: .*none of the --classes' '--classes refuses others' \
	tok -f tsv --classes pos,neg -o "$T/x" "$T/a.tsv"
printf 'a\tb\nplain\n' >"$T/bad.tsv"
fails 1 'bad.tsv:2: has no TAB' 'TSV: a line without TAB' tok -f tsv -o "$T/x" "$T/bad.tsv"
printf '__label__b It is\n __label__a\tso\n__label__b\r\n' >"$T/ft"
same 'fastText' '0|train|b|it is
1|train|a|so
2|train|b|' "$(tok -f fasttext "$T/ft" | records)"
for bad in 'plain text' '__label__a __label__b text' '__label__a text __label__b' '__label__ text'; do
	printf '__label__a b\n%s\n' "$bad" >"$T/bad.ft"
	fails 1 'bad.ft:2: ' "fastText refuses \"$bad\" naming the line" tok -f fasttext -o "$T/x" "$T/bad.ft"
done

# Usage.
fails 2 'format is missing' 'the format must be given' vic-tokenize "$T/lines"
fails 2 'PATH... is missing' 'a path must be given' vic-tokenize -f lines
fails 2 'goes with --format csv' 'an option of another format is refused' vic-tokenize -f lines --header "$T/lines"
fails 2 'goes with --format trec' '--fine elsewhere is refused' vic-tokenize -f lines --fine "$T/lines"
fails 2 'stdin can be read once' 'stdin twice is refused' vic-tokenize -f lines - -
fails 2 'exclude each other' '--lower --cased is refused' vic-tokenize -f lines --lower --cased "$T/lines"
fails 2 '--flush needs --classes' '--flush where nothing could flow is refused' vic-tokenize -f tsv --flush "$T/a.tsv"
fails 1 'No such file' 'a missing file' vic-tokenize -f lines "$T/nowhere"
fails 1 'is a folder' 'a folder where a file is read' vic-tokenize -f lines "$T" -o "$T/x"
ok 'a failed run leaves no output file' test ! -e "$T/x"

# Kim's rules know ASCII alone: what they take apart is said.
printf \
	'Jos\303\251 N\303\272\303\261ez met Zo\303\253\nna\303\257ve \342\200\224 it was 5 \302\260C \360\237\230\200\nplain\n' >"$T/names"
like 'words that lost letters are counted, with the first and the remedy' \
	"4 words lost letters.*as in 'José'; --rules ptb keeps them" \
	"$(vic-tokenize -f lines "$T/names" 2>&1 >/dev/null)"
printf 'Jos\351 \226 N\372\361ez\n' >"$T/names1"
like 'in cp1252 too' '2 words lost letters' "$(vic-tokenize -f lines "$T/names1" 2>&1 >/dev/null)"
like 'and in latin1' '2 words lost letters' "$(vic-tokenize -f lines -e latin1 "$T/names1" 2>&1 >/dev/null)"
same 'ptb loses none, and says nothing' '0 josé núñez met zoë' \
	"$(vic-tokenize -f lines -r ptb "$T/names" 2>&1 >"$T/y" | grep -c lost) $(vic-cat "$T/y" | sed -n '3s/.*	//p')"

# An operand without a record, by format.
cd "$T" || exit 1
: >nothing
printf '\357\273\277' >mark
gzip -c nothing >nothing.gz
printf '\n\r\n' >blanks
printf 'label,text\n' >titles.csv
printf 'label\ttext\n' >titles.tsv
mkdir hollow && : >hollow/rt-polarity.neg && : >hollow/rt-polarity.pos
while read -r format file what; do
	fails 1 "$file: holds $what; --allow-empty goes on" "$file as $format is no data" vic-tokenize -q -f "$format" "$file"
	same 'but by request' 0 "$(vic-tokenize -q --allow-empty -f "$format" "$file" | vic-cat --stats | sed -n 's/^records //p')"
done <<'L'
csv nothing no record
csv nothing.gz no record
csv mark no record
csv blanks no record
csv titles.csv a header and no record
tsv nothing no record
tsv mark no record
tsv titles.tsv a header and no record
trec nothing no record
fasttext nothing.gz no record
lines nothing no record
lines mark no record
mr hollow no record
L
printf 'pos,a\nneg,b\n' >two.csv
fails 1 'nothing: holds no record' 'one of several that is empty' vic-tokenize -q -f csv two.csv nothing
fails 1 'stdin: holds no record' 'nothing by stdin' sh -c 'vic-tokenize -q -f lines - <nothing'
ok 'with --flush nothing may come' sh -c 'vic-tokenize -q -f lines --flush - <nothing'
fails 2 '--allow-empty has no effect with --flush' 'so both are refused' vic-tokenize -f lines --flush --allow-empty -

# Documents are no lines and no rows, unless it is said that they are; NUL is named before what it breaks.
printf '{"text": "a fine film"}\n{"text": "dull"}\n' >some.jsonl
for way in 'lines some.jsonl' 'lines -' 'csv some.jsonl' 'tsv some.jsonl' 'fasttext some.jsonl'; do
	# shellcheck disable=SC2086
	fails 1 'is JSON, not .*; --allow-documents takes it as it is' "JSON lines: $way" vic-tokenize -q -f $way <some.jsonl
done
fails 1 'is JSON, not lines of text;.* (logits) read$' 'trec has no such option' \
	vic-tokenize -q -f trec some.jsonl
like 'by request' '	text a fine film$' \
	"$(vic-tokenize -q -f lines --allow-documents some.jsonl | vic-cat | grep fine | tr -s ' ,:{}"' ' ' | sed 's/ $//')"
same 'and with --flush' 2 "$(vic-tokenize -q -f lines --flush some.jsonl | vic-cat --stats | sed -n 's/^records //p')"
fails 2 'allow-documents goes with --format csv, tsv, fasttext or lines' 'elsewhere it does nothing' \
	vic-tokenize -f trec --allow-documents x
for format in csv tsv trec fasttext lines; do
	case $format in csv) gap=, ;; *) gap='\t' ;; esac
	printf "NUM:count${gap}good\nNUM:co\000unt good\n" | sed "$([ $format = fasttext ] && echo 's/^/__label__/')" >nul
	fails 1 'nul:.*2: holds a NUL byte: is it UTF-16' "a NUL byte as $format" vic-tokenize -q -f $format nul
done

# Labels that another program would hold for one, or for none, are classes of their own, and it is said.
while IFS='|' read -r labels said; do
	# shellcheck disable=SC2059
	printf "$labels" | awk '{ print "\"" $0 "\",word " NR }' >labels.csv
	same "labels $(printf %s "$labels" | tr '\\' ' '): ${said:+it is said}" "$said" "$(vic-tokenize -f csv --no-header labels.csv 2>&1 >"$T/y" |
		sed -n 's/^vic-tokenize: classes //p' | sed 's/;.*//' | paste -sd ' ')"
done <<'L'
1\n1.0\n0\n2|that are the same number: '1' and '1.0'
1\n01\n+1\n0|that are the same number: '1' and '01', '1' and '+1'
0\n-0\n 1\n1|that differ in white space or case alone: ' 1' and '1' that are the same number: '0' and '-0', ' 1' and '1'
1e3\n1000\n1e400\n-1e400|that are the same number: '1e3' and '1000'
1\n10\n100\n1.5\nx1|
nan\npos\nneg|called as a missing value is written: 'nan'
NULL\nN/A\n<NA>\nNone\n#N/A|called as a missing value is written: 'NULL', 'N/A', '<NA>', 'None', '#N/A'
pos\npos\302\240\nneg|that differ in white space or case alone: 'pos' and 'pos\xc2\xa0'
nano\nnullable\nnone of them\ninf|
L
same 'who lists the classes means them' '' \
	"$(printf 'nan,a\n1,b\n1.0,c\n' | vic-tokenize -f csv --classes nan,1,1.0 - 2>&1 >"$T/y" | grep -e number -e missing)"
for blank in ' ' ' \t ' '\302\240' '\343\200\200 '; do
	printf "a,b\n$blank,c\n" >blank.csv
	fails 1 'blank.csv: line 2: the label is white space alone' "a label of white space: $(echo "$blank" | tr -d '\\')" \
		vic-tokenize -q -f csv blank.csv
done
# A first row that is called as columns of labels are, and whose label no other has, is asked about at any size.
printf 'stars,review_body\n5,fine\n1,bad\n' >stars.csv
fails 1 'its first row looks like a header: no other record has the label "stars"' 'a header of few records' \
	vic-tokenize -q -f csv stars.csv
same 'and is a record, by request' 3 "$(vic-tokenize -q -f csv --no-header stars.csv | vic-cat --stats | sed -n 's/^records //p')"
same 'where another record has it, it is a class' 3 \
	"$(printf 'score,a\nfoul,b\nscore,c\n' | vic-tokenize -q -f csv - | vic-cat --stats | sed -n 's/^records //p')"
finish
