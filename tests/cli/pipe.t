#!/bin/sh
# vic-cat and vic-split on real corpora, and what the golden files cannot hold: sizes, times, descriptors.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

stat_of() { # NAME FILE: one line of --stats
	vic-cat --stats "$2" | sed -n "s/^$1 //p"
}

if [ -x "$BIN/vic-tokenize" ] && mr=$(data mr); then
	vic-tokenize -q --format mr --rules kim --lower "$mr" >mr
	same 'MR by the rules of Kim (2014) has the counts he reports' \
		'records 10662,tokens 217354,types 18764,longest 56' \
		"$(vic-cat --stats mr | grep -E '^(records|tokens|types|longest) ' | paste -s -d ,)"
	: >tested
	for fold in 0 1 2 3 4 5 6 7 8 9; do
		vic-split -q --cv 10 --fold $fold --dev 0.1 --seed 3 mr >part
		vic-cat --split test part | grep -v '^#' | cut -f 1 >>tested
		sizes="$sizes $(stat_of 'split test' part)"
	done
	same 'ten folds test each record once' "10662 10662" "$(wc -l <tested) $(sort -u tested | wc -l)"
	same 'fold sizes differ by at most one' '' "$(echo "$sizes" | tr ' ' '\n' | grep -vE '^(1066|1067)?$')"
	same 'the last fold has its dev records' 960 "$(stat_of 'split dev' part)"
	vic-cat part | cut -f 1,3- >got
	vic-cat mr | cut -f 1,3- >want
	ok 'vic-split keeps records, labels and order' cmp got want
else
	skip 'MR has the counts that Kim (2014) reports' 'vic-tokenize or the data folder mr is missing'
fi
if [ -x "$BIN/vic-tokenize" ] && trec=$(data trec); then
	for case in lower:8764 cased:9592; do
		vic-tokenize -q --format trec --"${case%:*}" "$trec" >trec
		same "TREC, ${case%:*}, has ${case#*:} types" "${case#*:} 5452 500" \
			"$(stat_of types trec) $(stat_of 'split train' trec) $(stat_of 'split test' trec)"
	done
	vic-split -q --dev 0.1 trec >part
	same '--dev leaves the test records what they are' '545 500' \
		"$(stat_of 'split dev' part) $(stat_of 'split test' part)"
else
	skip 'TREC has the counts of the published sets' 'vic-tokenize or the data folder trec is missing'
fi

# Large records and many blocks.
"$TOOLS/mkstream" logits 200000 >many
same 'a stream of several blocks is counted whole' 200000 "$(stat_of records many)"
printf -- '-1 0.5 2\n1 3 1\n' | "$TOOLS/putlogits" 2 | vic-cat --to npy - >unlabelled.npy
same 'a record without a label comes back without one' '- 1' \
	"$(vic-cat --from npy --kind logits unlabelled.npy | vic-cat | grep -v '^#' | cut -f 3 | paste -s -d ' ')"
vic-cat --to npy many >many.npy
same 'NPY of several blocks comes back' 200000 \
	"$(vic-cat --from npy --kind logits many.npy | vic-cat --stats | sed -n 's/^records //p')"
vic-cat many | head -2 >/dev/null
same 'a reader that leaves early gets what it asked for' 3 "$(vic-cat many 2>/dev/null | head -3 | wc -l)"

# Descriptors that are not there.
"$TOOLS/mkstream" logits 3 >few
for closed in '<&-' '>&-' '2>&-'; do
	sh -c "vic-cat few $closed" >/dev/null 2>&1
	status=$?
	case $closed in '>&-') want=1 ;; *) want=0 ;; esac
	same "vic-cat FILE $closed" $want $status
done
sh -c 'vic-cat <&-' >out 2>err
same 'vic-cat <&-' "1 vic-cat: stdin: read: Bad file descriptor" "$? $(cat err)"
sh -c 'vic-split -q --dev .3 --remark few >&-' 2>err
same 'vic-split FILE >&-' "1 vic-split: stdout: write: Bad file descriptor" "$? $(cat err)"

# The stages passed make the same stream again where a file is called like an option.
if [ -x "$BIN/vic-tokenize" ]; then
	mkdir dashes && cd dashes || exit 1
	for name in --quiet --lowercase=1 -q -- plain; do
		printf 'a Fine film\n' >"./$name"
		vic-tokenize -q --format lines --lower -- "$name" >../dashed
		vic-cat --provenance ../dashed >../dashed.sh
		sh ../dashed.sh >../again 2>/dev/null </dev/null
		ok "a file called $name is no option" cmp ../dashed ../again
	done
	cd .. || exit 1
	same 'where none is, nothing is added' 'vic-tokenize --format=lines --lower plain' "$(cat dashed.sh)"
else
	skip 'a file called like an option' 'vic-tokenize is missing'
fi
finish
