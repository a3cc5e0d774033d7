#!/bin/sh
# vic-embed: words and vectors come out as they went in, and what the file of vectors lacks or garbles is said.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

printf 'pos\tthe cat sat\nneg\tthe dog ran from the cat\npos\t\nneg\tzebra\n' >a.tsv
printf 'pos\tthe end\nneg\tdog days\n' >b.tsv
vic-tokenize -q --format tsv --rules whitespace a.tsv >a.tokens
vic-tokenize -q --format tsv --rules whitespace --split test b.tsv >b.tokens
printf 'the 0.1 0.2\n. . 9 9\ncat 1 2\nhouse 3 4\ndog 5\nsat x 1\nran nan 1\ncat 7 7\nfrom -1e-3 .5\n' >v.txt

vic-embed --vectors v.txt a.tokens >a.text 2>said
same 'it works' 0 $?
ok 'the stream is whole' vic-cat --check a.text
like 'records and types' '4 records, 10 tokens, 7 types' "$(cat said)"
like 'rows' 'v.txt: 9 rows of 2 numbers' "$(cat said)"
like 'words with spaces are counted' '1 rows are of words with spaces' "$(cat said)"
like 'repeats too' '1 rows repeat a word' "$(cat said)"
like 'garbled rows too, by kind' \
	'3 garbled rows .*line 5.*: 1 with too few.* 1 with a field that is no number, 1 with one that is not finite' \
	"$(cat said)"
like 'types and tokens that are missing' \
	'not in it: 4 types (57.14 %), 4 tokens (40.00 %); drawn from U(-a, a), a = 0.25' "$(cat said)"
like 'the most frequent are named' 'most frequent of these: sat 1 dog 1 ran 1 zebra 1' "$(cat said)"
vic-cat a.tokens | grep -v '^#' >tokens.twin
same 'ids, splits, labels and words come out as they went in' "$(cat tokens.twin)" "$(vic-cat a.text | grep -v '^#')"
words=$(vic-cat --words a.text)
like 'the most frequent word first' '^the' "$(echo "$words" | head -1)"
like 'with its vector' '^the	pretrained	0\.1.* 0\.2' "$(echo "$words" | head -1)"
like 'the first sound row counts' '^cat.*[^0-9]1[^0-9.]*2' "$(echo "$words" | sed -n 2p)"

ok 'by stdin' sh -c 'vic-embed -q --vectors v.txt <a.tokens | cmp - a.text'
ok 'to a file' vic-embed -q --vectors v.txt -o o.text a.tokens
ok 'the same bytes' cmp o.text a.text
ok 'one thread, the same bytes' sh -c 'vic-embed -q --threads 1 --vectors v.txt a.tokens | cmp - a.text'
gzip -k v.txt
vic-embed -q --vectors v.txt.gz a.tokens | vic-cat --words - >gz.words
same 'gzip: the same words' "$words" "$(cat gz.words)"
vic-embed -q --vectors - a.tokens <v.txt | vic-cat --words - >stdin.words
same 'vectors by stdin: the same words' "$words" "$(cat stdin.words)"
like 'stdin is called stdin' 'stdin: 9 rows' "$(vic-embed --vectors - a.tokens 2>&1 >/dev/null <v.txt)"
head -c 60 v.txt.gz >cut.gz
fails 1 'gzip data is truncated' 'a cut gzip file' vic-embed -q --vectors cut.gz a.tokens
(printf '3 2\n' && sed '2d;5,9d' v.txt) >head.txt
ok 'a header' vic-embed -q --vectors head.txt a.tokens
like 'rows do not count it' '3 rows of 2' "$(vic-embed --vectors head.txt a.tokens 2>&1 >/dev/null)"
sed -i '$d' head.txt
fails 1 'its header says 3 rows and it has 2' 'a file with a header, cut short' vic-embed -q --vectors head.txt a.tokens
printf 'PK\003\004xxxx' >v.zip
fails 1 'the zip archive is truncated' 'a zip archive' vic-embed -q --vectors v.zip a.tokens
printf '2 2\nthe \0\0\200?\0\0\0@cat \0\0\0?\0\0\200>' >w2v.bin
like 'word2vec' '^cat.*0\.5[^0-9]*0\.25' "$(vic-embed -q --vectors w2v.bin a.tokens | vic-cat --words -)"

# Unknown words
vic-embed -q --vectors v.txt b.tokens | vic-cat --words - >b.words
same 'an unknown word has one vector in every corpus' "$(echo "$words" | grep '^dog')" "$(grep '^dog' b.words)"
ok 'and another with another seed' sh -c \
	'vic-embed -q --seed 1 --vectors v.txt b.tokens | vic-cat --words - | grep "^dog" >s1 && ! grep -qFf s1 b.words'
like 'zeros' '^dog[^1-9]*$' "$(vic-embed -q --oov zero --vectors v.txt b.tokens | vic-cat --words - | grep '^dog')"
like 'std takes the variance of the file' 'a = 1.2030' "$(vic-embed --oov std --vectors v.txt a.tokens 2>&1 >/dev/null)"
ok 'a report' vic-embed -q --oov-report oov.tsv --vectors v.txt -o /dev/null a.tokens
same 'of all unknown words' "word	count
sat	1
dog	1
ran	1
zebra	1" "$(cat oov.tsv)"
# A file with next to none of the words is another file.
awk 'BEGIN { for (i = 0; i < 201; i++) print "a\tw" i; print "b\tthe" }' >many.tsv
vic-tokenize -q --format tsv --rules whitespace many.tsv >many.tokens
printf 'xyz 1 2\n' >none.txt
printf 'the 1 2\nw1 3 4\n' >few.txt
printf 'the 1 2\nw1 3 4\nw2 5 6\n' >enough.txt
fails 1 'none.txt: has 0 of the 7 types of the data.*--allow-oov' 'not one word' vic-embed -q --vectors none.txt a.tokens
fails 1 'few.txt: has 2 of the 202 types' 'under 1 %' vic-embed -q --vectors few.txt many.tokens
ok '1 %' vic-embed -q --vectors enough.txt -o m.text many.tokens
ok 'not one, by request' vic-embed -q --vectors none.txt --allow-oov -o allowed.text a.tokens
same 'every word is then drawn' 7 "$(vic-cat --words allowed.text | grep -c initialised)"

# Separators and spellings
for row in 'the\t0.1\t0.2' 'the  0.1   0.2' 'the\t0.1 0.2 '; do
	printf "$row\ncat 1 2\n" | vic-embed -q --vectors - a.tokens | vic-cat --words - | grep -e '^the' -e '^cat' >got
	same "separated so: $row" "$(echo "$words" | grep -e '^the' -e '^cat')" "$(cat got)"
done
printf 'a\tcaf\303\251 na\303\257ve\n' >accent.tsv
vic-tokenize -q --format tsv --rules whitespace accent.tsv >accent.tokens
printf 'cafe\314\201 1 2\nna\357ve 3 4\n' | vic-embed --vectors - accent.tokens 2>said >accent.text
like 'an accent written apart is found, and said' '1 rows are of words that are the data.s only in' "$(cat said)"
like 'Latin-1 words are said' '1 rows are of words that are not UTF-8' "$(cat said)"
like 'so are they that are missing' 'not in it: 1 types' "$(cat said)"
printf 'the 1\nof 7\n' >vocab.txt
fails 1 "counts (GloVe's vocab.txt)" 'counts of words are no vectors' vic-embed -q --vectors vocab.txt a.tokens
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n' >lfs.txt
fails 1 'lfs.txt: is a Git LFS pointer.*git lfs pull' 'a Git LFS pointer' vic-embed -q --vectors lfs.txt a.tokens

# Records without a word
printf 'a\t\nb\t \n' | vic-tokenize -q --format tsv --rules whitespace - >blank.tokens
vic-embed --random -o blank.text blank.tokens 2>said
like 'all empty: said by vic-embed' 'all 2 records are empty' "$(cat said)"
fails 1 'all 2 records are empty: there is no word to train on' 'and by vic-train, as the cause' vic-train -q blank.text
like 'some empty: counted' '1 records are empty' "$(vic-embed --random a.tokens 2>&1 >/dev/null)"
ok 'rand' vic-embed -q --random -o r.text a.tokens
like 'has 300 numbers' '^dim 300$' "$(vic-cat --stats r.text)"
same 'all drawn' 0 \
	"$(vic-embed -q --random --dim 4 a.tokens | vic-cat --words - | awk 'function a(x) { return x < 0 ? -x : x } { for (i = NF; i > NF - 4; i--) if (a($i) > 0.25 || $i == 0) n++ } END { print n + 0 }')"

# Several documents
vic-embed --vectors v.txt a.tokens b.tokens >ab.text 2>said
same 'two files' 0 $?
like 'make one document' '^documents 1$' "$(vic-cat --stats ab.text)"
like 'with both records' '^records 6$' "$(vic-cat --stats ab.text)"
like 'and splits' '^split test 2$' "$(vic-cat --stats ab.text)"
like 'clashing ids are said' 'repeat ids: records are numbered anew' "$(cat said)"
same 'and are unique then' 6 "$(vic-cat ab.text | grep -v '^#' | cut -f1 | sort -u | wc -l)"
ok 'a stream of two documents' sh -c 'cat a.tokens b.tokens | vic-embed -q --vectors v.txt | vic-cat --check -'
printf 'x\thello\n' >c.tsv
vic-tokenize -q --format tsv --rules whitespace c.tsv >c.tokens
fails 1 'c.tokens: does not go with' 'other classes' vic-embed -q --vectors v.txt a.tokens c.tokens

fails 2 'give --vectors FILE or --random' 'neither file nor --random' vic-embed a.tokens
fails 2 'not both' 'both' vic-embed --random --vectors v.txt a.tokens
fails 2 'stdin can be read once' 'two things from stdin' vic-embed --vectors -
fails 2 "is none of uniform:A" '--oov' vic-embed --oov normal --vectors v.txt a.tokens
fails 2 'must be uniform' '--random --oov zero' vic-embed --random --oov zero a.tokens
fails 1 'rows 0 are a word and 5 numbers; line 1 ends in 2 number' 'a wrong --dim' vic-embed -q --dim 5 --vectors v.txt a.tokens
fails 1 'this program reads tokens' 'text is no tokens' vic-embed -q --vectors v.txt a.text
fails 1 'nothing.txt' 'a missing file' vic-embed -q --vectors nothing.txt a.tokens
fails 1 'is a folder' 'a folder' vic-embed -q --vectors "$T" a.tokens
fails 1 'is empty' 'an empty file' vic-embed -q --vectors /dev/null a.tokens

if glove=$(data glove) && mr=$(data mr); then
	vic-tokenize -q --format mr --rules kim --lower "$mr" | vic-embed --vectors "$glove"/*.gz 2>said >mr.text
	like 'MR and GloVe 6B: types' '10662 records, 217354 tokens, 18764 types' "$(cat said)"
	like 'and what is unknown' 'not in it: 1313 types (7.00 %), 1995 tokens (0.92 %)' "$(cat said)"
else
	skip 'MR and GloVe 6B' 'data/glove or data/mr is not there'
fi
finish
