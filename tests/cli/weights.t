#!/bin/sh
# Weighted records: vic-score --weights.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

"$TOOLS/mklogits" n=500 classes=7 temperature=2 noise=1 seed=3 | vic-cat --to tsv - | sed 1d >x.tsv
stream() { vic-cat --from tsv --kind logits --classes "$(seq -s, 0 6 | sed 's/[0-9]/class &/g')" --name x -; }
stream <x.tsv >x
seq 0 499 | sed 's/$/	2.5/' >even
shared='accuracy ece oe nll brier gap bins entropy uce mce rmsce ece@40 oe@40'
numbers() { awk -F '\t' -v want="$shared" 'BEGIN { n = split(want, w, " "); for (i = 1; i <= n; i++) is[w[i]] = 1 }
	is[$1] { printf "%s %.12f\n", $1, $2 }' "$1"; }
vic-score -q --tsv --floor 0 --bins 15,40 x >plain
vic-score -q --tsv --bins 15,40 --weights even x >weighted
same 'equal weights: the numbers without' "$(numbers plain)" "$(numbers weighted)"
same 'n, their sum, and as many effective' 'n 500|weight 1250|n_effective 500|' "$(awk -F '\t' '$1 ~ /^n$|^weight$|^n_eff/ {
	printf "%s %.9g|", $1, $2 }' weighted)"

# A record of weight 3 stands for three.
awk -F '\t' '{ w = (NR * 7) % 4; print NR - 1 "\t" w > "uneven"; for (i = 0; i < w; i++) print }' x.tsv |
	stream >repeated
vic-score -q --tsv --floor 0 --bins 15,40 repeated >plain
vic-score -q --tsv --bins 15,40 --weights uneven x >weighted
same 'a record of weight 3 is three records' "$(numbers plain)" "$(numbers weighted)"
same 'n_effective: (sum w)^2 / sum w^2' "$(awk '{ s += $2; q += $2 * $2 } END { printf "%.9f\n", s * s / q }' uneven)" \
	"$(awk -F '\t' '$1 == "n_effective" { printf "%.9f\n", $2 }' weighted)"
for factor in 1e-300 1e300 3e-5; do
	awk -v f=$factor '{ printf "%s\t%.17g\n", $1, $2 * f }' uneven >scaled
	vic-score -q --tsv --bins 15,40 --weights scaled x >other
	same "weights times $factor" "$(numbers weighted)" "$(numbers other)"
done
{ printf 'id\tw\n'; sort -R uneven; } >mixed
vic-score -q --tsv --bins 15,40 --weights mixed x | cmp -s - weighted
tap $? 'in any order, under a header'
cut -f2 uneven | vic-score -q --tsv --bins 15,40 --weights - x | cmp -s - weighted
tap $? 'weights alone, in the order of the records'
vic-split -q --test 0.4 --seed 5 x >parts
vic-score -q --tsv --weights uneven --split test parts >weighted
same 'of the records of a split alone' "$(awk -F '\t' '$1 == "n" { print $2 }' weighted)" \
	"$(vic-score -q --tsv --floor 0 parts | awk -F '\t' '$1 == "n" { print $2 }')"
same 'an infinite loss of weight 0 is none, else it is' '0.1053605157 inf' "$(for w in 0 1; do
	printf 'a\t0.9\t0.1\nb\t1\t0\n' | vic-cat --from tsv --kind probs --classes a,b - >two
	printf '1\n%s\n' $w | vic-score -q --tsv --weights - two | awk -F '\t' '$1 == "nll" { print $2 == "inf" ? $2 : sprintf("%.10f", $2) }'
done | tr '\n' ' ' | sed 's/ $//')"
like 'what is left out is said' 'floors, p-values, intervals' "$(vic-score --weights even x 2>&1 >/dev/null)"
like 'one class' 'weight' "$(vic-score -q --weights even --class 2 x)"

bad() {
	name=$1 want=$2
	shift 2
	printf "$@" >bad
	fails 1 "$want" "$name" vic-score -q --weights bad x
}
bad 'an id that no tab parts from its weight' "'0,1' is not a number (a point stands .* a tab between an id and" '0,1\n1,1\n'
bad 'a negative weight' 'bad: line 1: a weight' '0\t-1\n'
bad 'no number' 'bad: line 2: a weight' '0\t1\n1\tmuch\n'
bad 'NaN' 'bad: line 1: a weight' '0\tnan\n'
bad 'infinite' 'bad: line 1: a weight' '0\tinf\n'
bad 'a record without weight' 'record with id 1 has no line in bad' '0\t1\n'
sed 's/	.*/	0/' even >none
fails 1 'x: every weight is 0' 'no weight at all' vic-score -q --weights none x
for wrong in '--bootstrap 9' '--floor 9' '--by label' --per-class '--risk 0.1' '--coverage 0.5' --seeds --separate '--compat guo' --diagram; do
	# shellcheck disable=SC2086
	fails 2 "leave out ${wrong%% *}" "$wrong is refused" vic-score --weights even $wrong x
done
bad 'of fewer digits than a double' 'bad: line 1: a weight: 1e-320 has fewer digits' '0\t1e-320\n'
printf 'a\t0.9\t0.1\nb\t1\t0\na\t1\t0\n' | vic-cat --from tsv --kind probs --classes a,b - >three
same 'one record that counts is one' 1 "$(printf '1e308\n1e-300\n1\n' | vic-score -q --tsv --weights - three |
	awk -F '\t' '$1 == "n_effective" { print $2 }')"
# A bin whose records weigh next to nothing beside another's has its gap all the same: .5 - 1 / (1 + 3).
printf '%s\n' 'a	0.97	0.03' 'a	0.5	0.5' 'b	0.5	0.5' | vic-cat --from tsv --kind probs --classes a,b - >light
same 'weights that lie 100 powers of ten apart' '0.2500 0.0300' "$(printf '1\n1e-100\n3e-100\n' |
	vic-score -q --tsv --weights - light | awk -F '\t' '$1 == "mce" { m = $2 } $1 == "ece" { e = $2 }
	END { printf "%.4f %.4f", m, e }')"
finish
