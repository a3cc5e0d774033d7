#!/bin/sh
# vic-compare: paired tests on the same records, and refusal of others.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
"$TOOLS/mklogits" n=2000 temperature=2 name=sure >sure
"$TOOLS/mklogits" n=2000 temperature=1.1 noise=0.1 name=mild >mild
cell() { awk -F '\t' -v key="$2" -v col="$3" \
	'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } $1 == key { print $at[col] }' "$1"; }

ok 'two models are compared' vic-compare sure mild
like 'one sentence says what may be claimed' \
	'mild may be called better than sure in ECE (by .*), OE (by .*), NLL (by .*), Brier score' "$(cat .out)"
like 'and what may not' 'no difference may be claimed in accuracy' "$(cat .out)"
like 'and of what nothing is said' 'nothing is said of other seeds or other data' "$(cat .out)"
vic-compare -q --tsv sure mild >table
vic-score -q --tsv sure mild >score
for key in accuracy ece oe nll aurc; do
	same "A's $key is vic-score's" "$(cell score $key sure)" "$(cell table $key sure)"
	same "B's $key is vic-score's" "$(cell score $key mild)" "$(cell table $key mild)"
done
vic-compare -q --json --threads 1 sure mild >one
vic-compare -q --json --threads 4 sure mild >four
ok 'the same bytes by any number of threads' cmp one four
"$TOOLS/mklogits" n=20000 temperature=2 name=many >many
"$TOOLS/mklogits" n=20000 temperature=1.9 noise=0.05 name=more >more
vic-compare -q --json --threads 1 many more >one.many
vic-compare -q --json --threads 4 many more >four.many
ok 'of many records, which are drawn by kinds, too' cmp one.many four.many
vic-compare -q --tsv many many >same
for key in ece oe nll brier aurc; do
	same "and many records against themselves: p of $key" 1 "$(cell same $key p)"
done
same 'five columns and the claim' 6 "$(wc -l <one | tr -d ' ')"
vic-compare -q --tsv mild sure >turned
same 'turned around, the accuracy p is the same' "$(cell table accuracy p)" "$(cell turned accuracy p)"

# McNemar by hand: A right on 10 more, B on 3 more, 7 both: p = 2 P(X <= 3), X ~ B(13, 1/2) = 0.0922...
i=0
while [ $i -lt 20 ]; do
	a=2 b=2
	[ $i -ge 7 ] && [ $i -lt 17 ] && b=0
	[ $i -ge 17 ] && a=0
	printf 'x\t%s\t1\n' $a >>a.tsv
	printf 'x\t%s\t1\n' $b >>b.tsv
	i=$((i + 1))
done
for side in a b; do
	vic-cat --from tsv --kind logits --classes x,y --name $side $side.tsv >$side
done
vic-compare -q --tsv a b >table
same 'A alone was right 10 times' 10 "$(cell table only_right a)"
same 'B alone 3 times' 3 "$(cell table only_right b)"
like "McNemar's p" '^0\.092285' "$(cell table accuracy p)"

vic-compare -q --tsv sure sure >same
for key in accuracy ece nll auroc_correct; do
	same "a stream against itself: p of $key" 1 "$(cell same $key p)"
done
like 'may claim nothing' 'neither .* may be called better in anything' "$(cell same claim claim)"

head -19 b.tsv >short.tsv
vic-cat --from tsv --kind logits --classes x,y --name short short.tsv >short
fails 1 'a has 20 records and short has 19: the first 19 agree' 'a shorter stream' vic-compare -q a short
sed '5s/^x/y/' b.tsv >label.tsv
vic-cat --from tsv --kind logits --classes x,y --name label label.tsv >label
fails 1 'record 4 (number 4) has label 0 in a and 1 in label' 'another label' vic-compare -q a label
"$TOOLS/mklogits" n=2000 first=1 >moved
fails 1 'record 0 is number 0 in sure and 1 in' 'other ids' vic-compare -q sure moved
fails 1 'sure has 3 classes and a has 2' 'other classes' vic-compare -q sure a
fails 2 'too few to claim anything' 'too few resamples for any claim' vic-compare --bootstrap 100 sure mild
fails 2 "stdin can be read once" 'one stdin' vic-compare - -
fails 2 'missing' 'two streams are needed' vic-compare sure
vic-cat --from tsv --kind probs --classes x,y /dev/stdin >zero <<'END'
x	1	0
y	1	0
x	0.5	0.5
END
vic-cat --from tsv --kind probs --classes x,y /dev/stdin >half <<'END'
x	0.9	0.1
y	0.8	0.2
x	0.5	0.5
END
vic-compare -q --tsv zero half >table
same 'an infinite loss is infinite' inf "$(cell table nll zero)"
same 'and has no difference' '' "$(cell table nll difference)"

# Ensembles: their probabilities are averaged, and the pairs are of these.
average() { # NAME FILE FILE
	{ vic-cat --to tsv "$2"; echo; vic-cat --to tsv "$3"; } | awk -F '\t' -v OFS='\t' '$1 == "" || $1 == "label" { n = 0; next }
		{ n++; if (n in p) print $1, (p[n] + $2) / 2, 1 - (p[n] + $2) / 2; p[n] = $2 }' |
		vic-cat --from tsv --kind probs --classes x,y --name "$1" -
}
for i in 1 2 3 4; do
	awk -v i=$i 'BEGIN { for (n = 0; n < 300; n++) printf "%s\t%.4f\t%.4f\n", n % 3 ? "x" : "y", p = (n * 7 * i % 101 + 1) / 103, 1 - p }' |
		vic-cat --from tsv --kind probs --classes x,y --name "m$i" - >m$i
done
average one m1 m2 >one
average two m3 m4 >two
numbers() { sed '1d; /^claim/d; /^aurc/d' | awk -F '\t' '{ printf "%s", $1; for (i = 2; i <= 7; i++) printf " %.5f", $i; print "" }'; }
vic-compare -q --tsv one two | numbers >want
ok 'two ensembles' vic-compare -q --tsv --ensemble m1 m2 m3 m4
numbers <.out >got
same 'are the streams of their mean probabilities' "$(cat want)" "$(cat got)"
like 'and are named so' 'm1 and 1 more' "$(cat .out)"
fails 2 'ensemble takes two streams of A or more, then as many of B, not 3' 'as many of each' vic-compare --ensemble m1 m2 m3
fails 2 'ensemble takes two' 'and two at least' vic-compare --ensemble m1 m2
fails 2 'two streams are compared, not 4; --ensemble joins' 'several without it' vic-compare m1 m2 m3 m4
fails 1 'are no ensemble' 'of other records' vic-compare -q --ensemble m1 m2 m3 zero
finish
