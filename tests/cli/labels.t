#!/bin/sh
# vic-tokenize: what of a table is header, label and text is decided by evidence, and said; and what of a text is kept.
# Each line of a table is one input: options, content (as printf has it) and what becomes of it.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

# becomes WHAT OPTIONS CONTENT WANTED: records as "label:text" joined by "; ", or "error: PATTERN" for status 1.
becomes() {
	# shellcheck disable=SC2059
	printf "$3" >in
	case $2 in *--rules*) rules= ;; *) rules='--rules whitespace' ;; esac
	case $4 in
	error:*)
		# shellcheck disable=SC2086
		fails 1 "${4#error: }" "$1" vic-tokenize -q $rules $2 -o none in
		;;
	*)
		# shellcheck disable=SC2086
		vic-tokenize $rules $2 in >got.tokens 2>said || diag said
		same "$1" "$4" "$(vic-cat got.tokens | grep -v '^#' | cut -f3- | tr '\t' ':' |
			awk '{ printf "%s%s", s, $0; s = "; " }')"
		;;
	esac
}
table() {
	while IFS='|' read -r what options content wanted; do
		[ -z "$wanted" ] || becomes "$what" "$options" "$content" "$wanted"
	done
}
# says PATTERN DESCRIPTION: of the last input that became something.
says() { like "$2" "$1" "$(cat said)"; }

table <<'END'
CSV: a header in capitals|-f csv|Label,Text\npos,fine film\nneg,dull\n|pos:fine film; neg:dull
CSV: a header with a space|-f csv|label, text\npos,fine\n|pos:fine
CSV: Excel's first line, then a header|-f csv|sep=;\nlabel;text\npos;fine, film\n|pos:fine, film
CSV: a separator|-f csv --separator ;|label;text\npos;fine, film\n|pos:fine, film
CSV: tabs|-f csv --separator tab|text\tlabel\nfine\tpos\n|pos:fine
CSV: other names are not guessed|-f csv|review,sentiment\nFine,pos\nDull,neg\n|error: header.*--label-column "sentiment" --text-column "review"
CSV: nor that the texts stand first|-f csv --separator ;|\357\273\277Text;Kategorie\nfine;pos\n;neg\n|error: in: the first row: looks like a header, of 2 columns; is it --label-column "Kategorie" --text-column "Text"
CSV: or that a label is called so|-f csv --no-header|text,fine\npos,dull\n|text:fine; pos:dull
CSV: nor in another order|-f csv|Sentiment,Review\npos,Fine\n|error: looks like a header
CSV: nor among more columns|-f csv|id,tweet,target\n1,fine,0\n|error: --label-column "target" --text-column "tweet"
CSV: columns by number under such a header|-f csv --label-column 2 --text-column 1|review,sentiment\nFine,pos\nDull,neg\n|pos:fine; neg:dull
CSV: the same where there is none|-f csv --label-column 2 --text-column 1|Fine,pos\nDull,neg\n|pos:fine; neg:dull
CSV: columns by name, whatever the case|-f csv --label-column Sentiment --text-column REVIEW|review,sentiment\nFine,pos\n|pos:fine
CSV: the user has the word|-f csv --no-header|review,sentiment\npos,fine\n|review:sentiment; pos:fine
CSV: a first label that nothing else has|-f csv|Klasse,Meinung\na,x\nb,y\na,z\nb,w\n|error: its first row looks like a header.*"Klasse"
CSV: is that a header?|-f csv --header --label-column Klasse --text-column Meinung|Klasse,Meinung\na,x\nb,y\n|a:x; b:y
CSV: or a class?|-f csv --no-header|Klasse,Meinung\na,x\nb,y\na,z\nb,w\n|Klasse:meinung; a:x; b:y; a:z; b:w
CSV: texts before labels|-f csv|a b,pos\nc d,neg\ne f,pos\ng h,neg\n|error: 4 different labels in 4 records, and 2 different texts
CSV: bare quotes|-f csv --quotes bare|label,text\npos,a 5" disc\n|pos:a 5" disc
CSV: backslashes|-f csv --quotes backslash|"pos","a \\"fine\\" film, \\\\o/"\nneg,dull\\, really\n|pos:a "fine" film, \\o/; neg:dull, really
CSV: a backslash before a quote|-f csv|"pos","a \\"fine\\" film"\n|error: line 1: .*after a backslash: --quotes backslash
CSV: a backslash in one word|-f csv --quotes backslash|pos,c:\\dir\n|error: line 1: a backslash stands before what needs none
CSV: \\N of a text|-f csv --quotes backslash|pos,\\N\nneg,dull\n|pos:; neg:dull
CSV: \\N of a label|-f csv --quotes backslash|pos,fine\n\\N,dull\n|error: line 2: the label is empty
CSV: \\N is a word|-f csv|pos,fine\n\\N,dull\n|error: line 2: .N stands for no value
TSV: \\N is a word|-f tsv|pos\t\\N\nneg\tdull\n|error: in:1: .N stands for no value
CSV: \\N as it stands|-f csv --quotes none|pos,\\N\n|pos:\\n
CSV: bare quotes are not strict|-f csv|label,text\npos,a 5" disc\n|error: --quotes bare
CSV: a mark in the middle|-f csv|a,x\n\357\273\277a,y\nb,z\n|a:x; a:y; b:z
TSV: a header|-f tsv|label\ttext\npos\tfine\nneg\tdull\n|pos:fine; neg:dull
TSV: a header in capitals|-f tsv|Category\tMessage\nham\tok\n|ham:ok
TSV: by request|-f tsv --header|Klasse\tMeinung\npos\tfine\n|pos:fine
TSV: a class called label|-f tsv --no-header|label\ttext\npos\tfine\n|label:text; pos:fine
TSV: a header of other columns|-f tsv|text\tlabel\nfine\tpos\n|error: in:1: looks like a header of 2 columns.*--label-column 2 --text-column 1
TSV: a header of more columns|-f tsv|id\tsentiment\treview\n1\t0\tfine\n|error: --label-column 2 --text-column 3
TSV: a first label that nothing else has|-f tsv|Klasse\tMeinung\na\tx\nb\ty\na\tz\nb\tw\n|error: looks like a header
TSV: texts before labels|-f tsv|a b\tpos\nc d\tneg\ne f\tpos\n|error: are they the other way round
TSV: unless classes are named|-f tsv --classes a,b,c|a\tpos\nb\tneg\nc\tpos\n|a:pos; b:neg; c:pos
TSV: a mark in the middle|-f tsv|a\tx\n\357\273\277a\ty\n|a:x; a:y
fastText: a word ends at any white space|-f fasttext|__label__a\vx y\n__label__a\rz\n__label__b\fw\n|a:x y; a:z; b:w
TREC: a tab|-f trec|DESC:manner\tHow do they fly ?\n|DESC:how do they fly ?
TREC: no fine class|-f trec|DESC:What is it ?\n|error: in:1: "DESC:What" is none of TREC.s 50 classes
TREC: a fine class of another|-f trec|HUM:count Who ?\n|error: "HUM:count" is none
TREC: fine|-f trec --fine|DESC:manner\tHow ?\n|DESC:manner:how ?
one bad byte spoils itself|-f lines|caf\303\251 \226 \342\200\234x\342\200\235\n|-:café – “x”
no width inside words|-f lines|fi\342\200\213lm so\302\255so \342\200\217x\n|-:film soso x
a mark in the middle|-f lines|x\n\357\273\277y\n|-:x; -:y
Ph.D. and U.S.-based|-f lines --rules ptb|She has a Ph.D. in art. A U.S.-based actor.\n|-:she has a ph.d. in art . a u.s.-based actor .
J.-P. and M.Sc.|-f lines --rules ptb|J.-P. Melville, M.Sc.-level.\n|-:j.-p. melville , m.sc.-level .
ptb, hyphens split|-f lines --rules ptb --hyphens split|U.S.-based\n|-:u.s. - based
tags and references|-f csv --html|label,text\na,so<br />so &amp;lt; <a href='x>y'>caf&eacute;</a> &#39;t&#x27; &#8211; a<b AT&T\n|a:so so &lt; café 't' – a<b at&t
unless asked for|-f tsv|a\tso<br />so &amp;\nb\tx\n|a:so<br />so &amp;; b:x
LFS pointers|-f lines|version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n|error: is a Git LFS pointer
pages|-f lines|<!DOCTYPE html>\n<p>404\n|error: is an HTML page
bzip2|-f tsv|BZh91AY&SY\n|error: the bzip2 data is truncated
pickles|-f fasttext|\200\004\225x\n|error: is a Python pickle
NPY|-f csv|\223NUMPY\001\n|error: is an NPY array
Parquet|-f lines|PAR1\001\n|error: is a Parquet table
END

# The rest is what is said.
becomes 'names alike' '-f csv' 'label,text\npos,a\npos ,b\nPos,c\nneg,d\nneg,e\n' 'pos:a; pos :b; Pos:c; neg:d; neg:e'
says "differ in white space or case alone: 'pos' and 'pos ', 'pos' and 'Pos'" 'names that differ in case or white space'
says '4 classes: neg 2, Pos 1, pos 1, pos  1' 'classes, the most frequent first'
says "3 classes have one record each: 'Pos', 'pos', 'pos '" 'classes of one record'
says '1 first rows were read as headers' 'a header'
becomes 'no labels' '-f lines' 'x\n\ny\n' '-:x; -:; -:y'
says '3 training records have no label (first: in:1)' 'training records without a label, with the first'
says '1 records are empty' 'empty records'
becomes 'all empty' '-f tsv' 'pos\t\nneg\t\n' 'pos:; neg:'
says 'all 2 records are empty' 'that all are'
becomes 'a bad byte' '-f lines' 'a \226 b \226\n\342\200\223\n' '-:a – b –; -:–'
says '1 lines hold bytes that are not UTF-8' 'lines that are not UTF-8'
says '2 bytes that are not UTF-8 were read as Windows-1252' 'and the bytes'
becomes 'no width' '-f lines' 'fi\342\200\213lm so\302\255so\n' '-:film soso'
says '2 characters without width were dropped' 'characters of no width'
becomes 'marks' '-f tsv' '\357\273\277a\tx\n\357\273\277a\ty\n' 'a:x; a:y'
says '2 byte order marks were dropped' 'byte order marks'
becomes 'old line ends' '-f lines' 'a\rb\rc\n' '-:a b c'
says '1 lines hold a CR' 'line ends of another kind'
becomes 'a label each that a header names' '-f csv' 'label,text\na,x\nb,y\nc,x\nd,y\n' 'a:x; b:y; c:x; d:y'
becomes 'markup' '-f tsv --html' 'a\tx<br>y &amp; &what; z\n' 'a:x y & &what; z'
says '1 tags were dropped' 'tags'
says '1 character references became characters' 'references'
says '1 character references are not known and stay' 'and those not known'
awk 'BEGIN { for (i = 10; i < 40; i++) for (k = 0; k < i; k++) print "c" i "\tw" k }' >many
vic-tokenize -f tsv -o none many 2>said
says '30 classes: c39 39, .*, c30 30 and 20 more with 390$' 'a long list is cut'
awk 'BEGIN { for (i = 0; i < 40; i++) print "id" i "\tw" i }' >ids
fails 1 '40 different labels in 40 records: is the first column a text or a number' 'a label each' \
	vic-tokenize -q -f tsv -o none ids
ok 'unless it is meant' vic-tokenize -q -f csv --separator tab --label-column 1 --text-column 2 -o none ids

# --split against what a file says.
mkdir trec
printf 'NUM:count a\nNUM:count b\n' >trec/train_5500.label
printf 'NUM:count c\n' >trec/TREC_10.label
vic-tokenize -f trec --split test -o none trec 2>said
says '2 records of the training files are now marked test' '--split that marks training records'
vic-tokenize -f trec --split train -o none trec 2>said
says '1 records of the test files are now marked train' 'and test records'
vic-tokenize -f tsv --split test -o none many 2>said
same 'where a file says nothing, neither is this said' 0 "$(grep -c 'now marked' said)"

# What no reader takes is not written.
awk 'BEGIN { for (i = 0; i < 240; i++) { s = "c" i; for (k = 0; k < 600; k++) s = s "0123456789012345678901234567890123456789" k; s = s s s
	print s "\tx"; print s "\ty" } }' >long.tsv
fails 1 'class names or provenance of [0-9]* bytes; a stream holds' 'class names beyond what a head holds' \
	vic-tokenize -q -f tsv -o none long.tsv
fails 2 'is no single character' 'a separator of two' vic-tokenize -f csv --separator ab many
fails 2 'goes with --format csv' 'a separator elsewhere' vic-tokenize -f tsv --separator , many
fails 2 'goes with --format csv or tsv' 'a header elsewhere' vic-tokenize -f lines --header many
finish
