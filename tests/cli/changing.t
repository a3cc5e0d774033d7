#!/bin/sh
# Files that change while they are read: a mapped one that is cut, one that is read twice. tests/faults/inject.c does it
# at the worst moment.
. "$(dirname "$0")/lib.sh"
exec 9<"$TOOLS/inject.so" # LD_PRELOAD cannot name a file whose path holds a space
cd "$T" || exit 1
vectors() {
	for word in the film is a and of dull bad flat good warm fine; do
		echo "$word 0.1 -0.2 0.3"
	done >glove
}
# at KIND:N FILE COMMAND...: the file changes at the Nth call
at() {
	at_what=$1 at_file=$2
	shift 2
	VIC_FAIL=$at_what VIC_FAIL_FILE=$at_file LD_PRELOAD=/proc/self/fd/9 "$@"
}

"$TOOLS/mkstream" tokens 12 >tokens
"$TOOLS/mkstream" images 24 | vic-split -q --remark --dev 0.25 >images.vic
if [ "${MODE:-release}" != release ]; then
	skip 'files that change' 'a sanitizer has its own mmap'
	finish
fi
vectors
fails 1 '^vic-embed: glove: became shorter while it was read$' 'word vectors cut under vic-embed' \
	at map:1 glove vic-embed -q --vectors glove --threads 4 tokens
vectors
ok 'whole again, it works' vic-embed -q --vectors glove tokens
cp images.vic cut.vic
fails 1 '^vic-train: cut.vic: became shorter while it was read$' 'images cut under vic-train' \
	at map:1 cut.vic vic-train -q -m smallcnn --width 0.1 --epochs 2 --batch 4 --threads 4 -o model cut.vic
ok 'leave no model' test ! -e model
cp images.vic cut.vic
: >cut.err
at map:1 cut.vic vic-train -q -m smallcnn --width 0.1 --epochs 2 --batch 4 --device ref -o model <cut.vic 2>cut.err
same 'nor do images on stdin' "1 vic-train: stdin: became shorter while it was read" "$? $(cat cut.err)"

# vic-split reads twice: the same counts and labels, another content
vic-split -q --remark --cv 4 --fold 0 tokens >one
vic-split -q --remark --cv 4 --fold 1 tokens >two
cp one in.vic
cp two in.vic.new
# Started directly: a shell of this machine could not load what is made for another.
changed() {
	at swap:2 in.vic vic-split -q --dev 0.3 in.vic >out 2>err
	same "$1" '1 vic-split: in.vic: changed between its two readings' "$? $(cat err)"
}
changed 'another content at the second reading'
like 'and what was written is seen to be cut' 'truncated\|is empty' "$(vic-cat --check out 2>&1)"
cat one two >in.vic
cp one in.vic.new
changed 'a document less'
cp one in.vic
cat one two >in.vic.new
changed 'a document more'

# what is read to its end as text has no end of its own by which a cut would show
"$TOOLS/mkstream" tokens 20000 >many
vic-cat --to tsv many >many.tsv
awk 'BEGIN { print "label,a,b"; for (i = 0; i < 60000; i++) print "a,1,2" }' >many.csv
cut() {
	cut_file=$1
	shift
	fails 1 "$cut_file: became shorter while it was read" "$cut_file cut under $1" at cut:1 "$cut_file" "$@"
}
cut many.tsv vic-tokenize -q --format tsv -o out.tokens many.tsv
cut many.csv vic-cat --from csv --kind logits many.csv
ok 'leave no stream' test ! -e out.tokens
finish
