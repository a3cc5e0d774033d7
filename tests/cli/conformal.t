#!/bin/sh
# vic-conformal: fits thresholds, prints sets, counts what they cover, refuses its own fit data.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

cell() { # cell FILE ROW COLUMN: of a table as TSV
	awk -F '\t' -v row="$2" -v col="$3" '$1 == row { printf "%.12g\n", $col }' "$1"
}

"$TOOLS/mklogits" n=6000 classes=5 dev=500 split=test temperature=3 name=sure >x
vic-score -q --tsv --brief --split test x >score
for method in lac aps raps 'aps --randomised' 'raps --randomised --k-reg 1'; do
	ok "$method is fitted" vic-conformal --method $method -o bound x
	like 'and it is said' 'fitted .* on [0-9]* records of sure (split dev): threshold .*, score [0-9]* of [0-9]* in rising order' "$(cat .err)"
	ok 'it is applied' vic-conformal --apply bound -o sets x
	like 'to the records marked test' '(split test)' "$(cat .err)"
	vic-conformal -q --apply bound --table --tsv x >table
	same 'no set without --out where there is a table' 'records	n	coverage	coverage low	coverage high	size' \
		"$(head -1 table)"
	same 'the table counts what the sets say' "$(cell table all 2) $(cell table all 3) $(cell table all 6)" "$(awk -F '\t' '
		NR > 1 { n++; hit += $3; size += $4 } END { printf "%d %.12g %.12g\n", n, hit / n, size / n }' sets)"
	tap "$(cell table all 3 | awk '{ print !($1 > 0.875 && $1 < 0.925) }')" "about 9 in 10 are covered"
	for class in 0 4; do
		same "by class $class" "$(cell table "class class $class" 2) $(cell table "class class $class" 3)" "$(awk -F '\t' \
			-v y="class\\\\x20$class" '$2 == y { n++; hit += $3 } END { printf "%d %.12g\n", n, hit / n }' sets)"
	done
	same 'by size' "$(cell table 'size 2' 2) $(cell table 'size 2' 3)" "$(awk -F '\t' '
		NR > 1 && $4 == 2 { n++; hit += $3 } END { printf "%d %.12g\n", n, hit / n }' sets)"
	same 'size and covered are those of the set' '' "$(awk -F '\t' 'NR > 1 { n = split($5, c, " "); hit = 0
		for (i = 1; i <= n; i++) hit += c[i] == $2; if (n != $4 || hit != $3) print }' sets)"
	vic-conformal -q --json --apply bound x >sets.json
	same 'as JSON they are the same' "$(awk -F '\t' 'NR > 1 { print $1, $3, $4 }' sets)" "$(sed -n \
		's/^{"record":\([0-9]*\),"label":"[^"]*","covered":\([a-z]*\),"size":\([0-9]*\),"set":\[.*\]}$/\1 \2 \3/p' \
		sets.json | sed 's/true/1/; s/false/0/')"
	vic-conformal -q --threads 1 --method $method x | cmp -s - bound
	tap $? 'by one thread the same bytes'
done
same 'the likeliest class comes first' "$(vic-score -q --tsv --brief --split test x | awk -F '\t' '$1 == "accuracy" { printf "%.12g\n", $2 }')" \
	"$(vic-conformal -q --alpha 0.000001 x | vic-conformal -q --apply - x | awk -F '\t' '
	NR > 1 { n++; split($5, c, " "); hit += c[1] == $2 } END { printf "%.12g\n", hit / n }')"

# Draws: of a seed, and others in a fit than in its application.
vic-conformal -q --randomised --method aps x >a
vic-conformal -q --randomised --method aps --seed 1 x | sed '/crc32/d; /--seed/d; /--randomised/d' >b
same 'the seed is 1' "$(sed '/crc32/d; /--seed/d; /--randomised/d' a)" "$(cat b)"
vic-conformal -q --randomised --method aps --seed 2 x | sed '/crc32/d; /--seed/d; /--randomised/d' >c
cmp -s b c
tap $((1 - $?)) 'another seed gives another threshold'
vic-conformal -q --apply a x >one
vic-conformal -q --apply a --seed 1 x >again
vic-conformal -q --apply a --seed 2 x >two
cmp -s one again && ! cmp -s one two
tap $? 'and other sets'

# Few records: infinite.
"$TOOLS/mklogits" n=30 classes=3 split=dev first=70000 >few
ok 'too few records for alpha are no error' vic-conformal --alpha 0.03 -o all few
like 'but it is said' '30 records are too few for alpha 0.03, which takes 33: the threshold is infinite' "$(cat .err)"
"$TOOLS/mklogits" n=40 classes=3 split=test >test3
ok 'to other records' vic-conformal --apply all -o sets test3
like 'which is said too' 'the threshold is infinite' "$(cat .err)"
same 'every set holds every class' '3' "$(awk -F '\t' 'NR > 1 { print $4 }' sets | sort -u)"
"$TOOLS/mklogits" n=32 classes=3 split=dev first=70000 >few
vic-conformal --alpha 0.03 few 2>talk >all
like '32 do not yet' 'too few' "$(cat talk)"
"$TOOLS/mklogits" n=33 classes=3 split=dev first=70000 >few
vic-conformal --alpha 0.03 few 2>talk >all
like '33 do' 'score 33 of' "$(cat talk)"

# Votes tie: coverage is higher, and it is said. Nothing depends on the order of the classes.
awk 'BEGIN { for (i = 0; i < 200; i++) { v = (i * 7) % 11; w = i % 3 ? "a" : "b"
	printf "%s\t%.1f\t%.1f\t0\n", w, v / 10, 1 - v / 10 } }' >votes.tsv
vic-cat --from tsv --kind probs --classes a,b,c votes.tsv >votes
awk -F '\t' '{ print $1 "\t" $4 "\t" $3 "\t" $2 }' votes.tsv >turned.tsv
vic-cat --from tsv --kind probs --classes c,b,a turned.tsv >turned
vic-conformal --method aps votes 2>talk >v.sets
like 'ties are counted' '[1-9][0-9]* other scores are equal to the threshold: coverage will be higher' "$(cat talk)"
vic-conformal -q --method aps turned >t.sets
like 'a threshold is there' '"complement": [0-9]' "$(cat v.sets)"
same 'the order of classes changes no threshold' "$(grep '"complement"' v.sets)" "$(grep '"complement"' t.sets)"
vic-conformal -q --allow-fit-data --apply v.sets votes | cut -f 1-4 >one
vic-conformal -q --allow-fit-data --apply t.sets turned | cut -f 1-4 | cmp -s - one
tap $? 'and no set'

# Records without a label have a set and no part in the coverage.
vic-conformal -q --method lac --alpha 0.3 votes >v.sets
printf '\t0.9\t0.1\t0\na\t0.9\t0.05\t0.05\n' >half.tsv
vic-cat --from tsv --kind probs --classes a,b,c half.tsv >half
ok 'without a label' vic-conformal --apply v.sets -o sets half
like 'which is said' '1 records without label have a set, and no part in the coverage' "$(cat .err)"
same 'label and covered are empty' '0			1' "$(sed -n 2p sets | cut -f 1-4)"
same 'in JSON null' '{"record":0,"label":null,"covered":null,' "$(vic-conformal -q --json --apply v.sets half | head -1 |
	cut -c1-40)"
sed 's/^a//' half.tsv | vic-cat --from tsv --kind probs --classes a,b,c - >bare
same 'without any label the table has a size, and no coverage' 'all 0 1 ' \
	"$(vic-conformal -q --table --tsv --apply v.sets bare | awk -F '\t' 'NR > 1 { printf "%s %s %s ", $1, $2, $NF }')"
like 'which in JSON is null' '^{"name":"all","n":0,"coverage":null,"size":1.0}$' \
	"$(vic-conformal -q --table --json --apply v.sets bare)"
vic-cat --from tsv --kind probs --classes a,b,c half.tsv | cat - votes >mixed 2>/dev/null
vic-conformal --split all mixed 2>talk >/dev/null
like 'a fit leaves them out' '1 records without label were left out' "$(cat talk)"

# No class is likely enough: the set is empty, unless it may not be.
awk 'BEGIN { for (i = 0; i < 20; i++) print "a\t0.99\t0.01" }' >sharp.tsv
vic-cat --from tsv --kind probs --classes a,b sharp.tsv | vic-conformal -q >sharp.sets
printf 'a\t0.6\t0.4\n' | vic-cat --from tsv --kind probs --classes a,b - >soft
same 'an empty set' '0	a	0	0	' "$(vic-conformal -q --apply sharp.sets soft | sed 1d)"
same 'the winner instead' '0	a	1	1	a' "$(vic-conformal -q --no-empty --apply sharp.sets soft | sed 1d)"

vic-conformal -q x >bound
fails 1 '[0-9]* of the [0-9]* records the threshold was fitted on (split dev of sure)' 'the fit data are refused' \
	vic-conformal -q --apply bound --split dev x
ok 'unless they are allowed' vic-conformal --apply bound --split dev --allow-fit-data x
fails 1 '3 classes; the threshold was fitted on 5' 'another number of classes' vic-conformal -q --apply bound test3
fails 1 'no record of split extra' 'a split that is not there' vic-conformal -q --apply bound --split extra x
fails 2 '\-\-randomised belongs to --method aps or raps' 'lac draws nothing' vic-conformal --randomised x
fails 2 '\-\-seed belongs to --randomised' 'a seed of nothing' vic-conformal --seed 3 x
fails 2 '\-\-seed belongs to --randomised, which' 'nor when it is applied' vic-conformal --seed 3 --apply bound x
fails 2 '\-\-lambda belongs to --method raps' 'a penalty of aps' vic-conformal -m aps --lambda 1 x
fails 2 '\-\-alpha belongs to a fit' 'an alpha that comes too late' vic-conformal --apply bound --alpha 0.2 x
fails 2 '\-\-table belongs to --apply' 'a table of a fit' vic-conformal --table x
sed 's/"alpha": [0-9.]*/"alpha": 0.5/' bound >bad
fails 1 'bad: damaged' 'a threshold that was changed' vic-conformal -q --apply bad x
sed 's/"vicinal conformal": 3/"vicinal conformal": 1/; s/vicinal crc32/was/' bound >hand
ok 'one without a seal' vic-conformal --apply hand -o sets x
like 'and it is said' 'no checksum: damage would not be seen' "$(cat .err)"
ok 'a threshold is checked' vic-cat --check bound
fails 1 'bad: damaged' 'and damage seen' vic-cat -q --check bad
cat x x >twice
vic-conformal -q --apply bound twice >sets
same 'documents follow one another' "$((2 * $(vic-conformal -q --apply bound x | sed 1d | wc -l)))" \
	"$(sed 1d sets | wc -l)"

# Counts of none and of all: Wilson's interval ends at the edge, not a rounding from it.
awk 'BEGIN { for (i = 0; i < 99; i++) print "a\t.9\t.1" }' | vic-cat --from tsv --kind probs --classes a,b - >right
vic-conformal -q --split all right >of_right
for n in 1 3 7 10 18 44 90; do
	for label in a b; do
		yes "$label	.9	.1" | head -$n | vic-cat --from tsv --kind probs --classes a,b - |
			vic-conformal -q --apply of_right --allow-fit-data --split all --table --tsv
	done
done | awk '$1 == "all" { print $3, $4, $5 }' >edges
same 'bounds of none and of all' 14 "$(grep -Ec '^(0 0 0\.|1 0\.[0-9]* 1$)' edges)"
finish
