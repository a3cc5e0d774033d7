#!/bin/sh
# vic-score: known answers, conventions, refusals. Streams are made by tests/tools/putlogits.
. "$(dirname "$0")/lib.sh"
PATH=$TOOLS:$PATH
cd "$T" || exit 1

# value KEY [OPTION...]: one number of stdin's stream.
value() {
	value_key=$1
	shift
	vic-score --quiet --tsv "$@" | awk -F '\t' -v k="$value_key" '$1 == k { print $2 }'
}

# about WHAT WANTED GOT: equal to 1e-6.
about() {
	if awk -v a="$2" -v b="$3" 'BEGIN { d = a - b; exit !(b != "" && d < 1e-6 && d > -1e-6) }'; then
		tap 0 "$1"
	else
		tap 1 "$1"
		echo "# wanted $2, got $3"
	fi
}

# pairs CONF RIGHT...: probabilities of 24 classes with these winning confidences.
pairs() {
	while [ $# -gt 1 ]; do
		awk -v c="$1" -v r="$2" \
			'BEGIN { printf "%d %.17g", !r, c; for (i = 1; i < 24; i++) printf " %.17g", (1 - c) / 23; print "" }'
		shift 2
	done | putlogits --probs --f64 24
}

# -- the numbers, by hand: logits (ln 3, 0) are (3/4, 1/4)
printf '0 1.0986122886681098 0\n1 1.0986122886681098 0\n0 0 0\n' | putlogits --f64 2 >hand.lg
about 'accuracy' 0.6666666667 "$(value accuracy <hand.lg)"
about 'ECE: |3/2 - 1|/3 + |1/2 - 1|/3' 0.3333333333 "$(value ece <hand.lg)"
about 'OE: 2/3 of conf 3/4 times gap 1/4' 0.125 "$(value oe <hand.lg)"
about 'UCE: 1/3 of doubt 1/2 times gap 1/2' 0.0833333333 "$(value uce <hand.lg)"
about 'NLL: (ln 4/3 + ln 4 + ln 2)/3' 0.7890409 "$(value nll <hand.lg)"
about 'Brier: (1/8 + 9/8 + 1/2)/3' 0.5833333333 "$(value brier <hand.lg)"
about 'gap: 2/3 - 2/3' 0 "$(value gap <hand.lg)"
same 'the tie in record 3 goes to the first class and is counted' \
	'vic-score: stdin: ties for the winner in 1 records; the class of lowest index was taken' \
	"$(vic-score --tsv <hand.lg 2>&1 >/dev/null)"
same 'brief JSON has the eight keys of the contract' 'name n accuracy ece oe nll brier gap bins' \
	"$(vic-score --quiet --brief --json <hand.lg | tr -d '{}' | tr , '\n' | sed 's/"\([a-z]*\)".*/\1/' | tr '\n' ' ' | sed 's/ $//')"
same 'bins of a list have keys with @' '2' \
	"$(vic-score --quiet --json --bins 15,100 <hand.lg | grep -o '"[oe]*c*e@100"' | wc -l)"

# -- reference/eval section 2.1: where tools disagree
pairs 0.6 1 0.5 0 >edge.lg
about '0.6 right, 0.5 wrong, 5 bins: ours' 0.05 "$(value ece --bins 5 <edge.lg)"
for t in guo:0.05 torchmetrics:0.45 netcal:0.05 tfp:0.45 sklearn:0.05; do
	about "the same as ${t%:*}" "${t#*:}" "$(value ece --bins 5 --compat "${t%:*}" <edge.lg)"
done
pairs 0.95 1 1 0 >one.lg
about '0.95 right, 1 wrong, 10 bins: ours' 0.475 "$(value ece --bins 10 <one.lg)"
for t in guo:0.475 torchmetrics:0.525 netcal:0.475 tfp:0.475 sklearn:0.475; do
	about "the same as ${t%:*}" "${t#*:}" "$(value ece --bins 10 --compat "${t%:*}" <one.lg)"
done
pairs 0.1 0 0.2 1 0.3 0 0.4 1 0.5 0 0.6 1 0.7 0 0.8 1 0.9 0 1.0 1 >tenths.lg
about 'tenths: ours, by the doubles as they are' 0.29 "$(value ece --bins 10 <tenths.lg)"
about 'tenths: netcal' 0.31 "$(value ece --bins 10 --compat netcal <tenths.lg)"
about 'tenths: torchmetrics' 0.45 "$(value ece --bins 10 --compat torchmetrics <tenths.lg)"
about 'tenths: tfp' 0.45 "$(value ece --bins 10 --compat tfp <tenths.lg)"
about 'tenths: sklearn' 0.45 "$(value ece --bins 10 --compat sklearn <tenths.lg)"
same 'a tool brings its own number of bins' '15 15 10 15 5' \
	"$(for t in guo torchmetrics netcal tfp sklearn; do value bins --compat $t <edge.lg; done | tr '\n' ' ' | sed 's/ $//')"

# -- 2.2 to 2.4: empty bins, ties, two meanings of binary
same 'the worst bin comes with its size' 1 "$(value mce_n --bins 5 <edge.lg | tr -d '\n' | sed 's/^2$/1/')"
for i in 0 1 2 3 4; do echo '0 0 0'; echo '1 0 0'; done | putlogits 2 >tied.lg
about 'equal mass does not split a tie' 0 "$(value ece_mass --bins 2 <tied.lg)"
{
	for i in 1 1 1 1 1 0 0 0 0 0; do echo "$i 0.7 0.3"; done
	for i in 1 1 1 1 1 1 1 1 1 0; do echo "$i 0.3 0.7"; done
} | putlogits --probs --f64 2 >binary.lg
about 'P(class 1) against the rate of class 1' 0.2 "$(value ece --class 1 <binary.lg)"
about 'confidence of the winner against correctness' 0 "$(value ece <binary.lg)"
about 'netcal takes two classes for the first meaning' 0.2 "$(value ece --compat netcal <binary.lg)"
about 'a class by name' 0.2 "$(value ece --class c1 <binary.lg)"
same 'ten classes of which two are seen stay ten' 10 \
	"$(printf '0 1 0 0 0 0 0 0 0 0 0\n1 0 1 0 0 0 0 0 0 0 0\n' | putlogits 10 | value classes)"

# -- 2.5, 2.7: logits are declared; Brier and AURC of several schools
printf '0 0.9 0.1\n0 0.8 0.2\n' >near.txt
about 'values in [0,1] declared as logits' -0.3321846 "$(putlogits 2 <near.txt | value gap)"
about 'and as probabilities' -0.15 "$(putlogits --probs --f64 2 <near.txt | value gap)"
printf '0 0.7 0.3\n' | putlogits --probs --f64 2 >b.lg
about 'Brier summed over classes' 0.18 "$(value brier <b.lg)"
about 'Brier of scikit-learn' 0.09 "$(value brier --compat sklearn <b.lg)"
about 'Brier of TensorFlow Probability' -0.82 "$(value brier --compat tfp <b.lg)"
pairs 0.9 1 0.8 0 0.7 1 0.6 0 >aurc.lg
about 'AURC is the mean of the risks' 0.3333333333 "$(value aurc <aurc.lg)"
printf '0 40 0\n0 20 0\n1 60 0\n' | putlogits 2 >sure.lg
about 'a sure record is not tied with a surer one: AURC' 0.6111111111 "$(value aurc <sure.lg)"

# -- what is pooled, chosen and dropped is said
putlogits --draw 400 --scale 2 10 >a.lg
putlogits --draw 300 --seed 5 --scale 2 10 >b.lg
cat a.lg b.lg >ab.lg
same 'documents are pooled' 700 "$(value n <ab.lg)"
like 'and it is said' 'ab.lg: 2 documents pooled' "$(vic-score ab.lg 2>&1 >/dev/null)"
same 'or kept apart' "400 300" "$(vic-score --quiet --separate --brief --tsv ab.lg | awk '$1 == "n" { print $2, $3 }')"
same 'two files are two columns' 'metric	a.lg	second' \
	"$(putlogits --name second --draw 9 10 | vic-score --tsv a.lg - | head -1)"
same '--name renames' 'metric	x	y' "$(vic-score --tsv --name x --name y a.lg b.lg | head -1)"
printf 'train 0 5 1\ntest 1 0 3\ndev 0 1 0\ntest 0 2 1\n' | putlogits 2 >split.lg
same 'test is taken where there is any' '2 test' \
	"$(vic-score --quiet --tsv split.lg | awk '$1 == "n" || $1 == "split" { printf "%s ", $2 }' | sed 's/ $//')"
like 'and it is said' 'scored 2 of 4 records (test)' "$(vic-score split.lg 2>&1 >/dev/null)"
same 'or what is asked for' 4 "$(value n --split all <split.lg)"
printf '0 5 1\n-1 0 3\n0 1 0\n' | putlogits 2 >none.lg
same 'unlabelled records can be dropped' 2 "$(value n --unlabelled drop <none.lg)"

# -- seeds
for s in 1 2 3; do putlogits --draw 500 --seed $s --random-seed-line $s --scale 2 10 >s$s.lg; done
about 'mean over seeds' \
	"$(for s in 1 2 3; do value accuracy <s$s.lg; done | awk '{ s += $1 } END { printf "%.9f", s / 3 }')" \
	"$(vic-score --quiet --seeds --tsv s1.lg s2.lg s3.lg | awk -F '\t' '$1 == "accuracy" { print $2 }')"
about 'standard deviation over seeds' \
	"$(for s in 1 2 3; do value accuracy <s$s.lg; done | awk '{ s += $1; q += $1 * $1 } END { printf "%.9f", sqrt((q - s * s / 3) / 2) }')" \
	"$(vic-score --quiet --seeds --tsv s1.lg s2.lg s3.lg | awk -F '\t' '$1 == "accuracy" { print $3 }')"
like 'related streams are pointed out' 'differ in their seed alone' "$(vic-score s1.lg s2.lg 2>&1 >/dev/null)"
# Operands may look like options; they stand after "--" in the provenance, and do not tell runs apart.
for n in 1 2; do
	vic-cat --to csv s$n.lg >./-s$n.csv
	vic-cat --from csv --kind logits -- -s$n.csv >o$n.lg
done
like 'operands that look like options are operands' '(2 seeds)' \
	"$(vic-score --quiet --seeds --tsv o1.lg o2.lg 2>&1 | head -1)"
like 'strangers are not averaged' 'no two of these' "$(vic-score --seeds a.lg s1.lg 2>&1 >/dev/null)"

# -- the same bytes at any thread count; seeded resamples
vic-score --quiet --tsv --bootstrap 60 --bins 15,100 --threads 1 a.lg >t1
vic-score --quiet --tsv --bootstrap 60 --bins 15,100 --threads 4 a.lg >t4
like 'too few resamples are said to be' '^vic-score: caution: 39 resamples are too few for intervals at 0.95, which take 40$' \
	"$(vic-score --tsv --bootstrap 39 a.lg 2>&1 >/dev/null)"
same 'enough are not' '' "$(vic-score --tsv --bootstrap 40 a.lg 2>&1 >/dev/null | grep caution)"
ok 'one thread and four give the same bytes' cmp t1 t4
"$TOOLS/mklogits" n=20000 classes=4 >many.lg
vic-score --quiet --tsv --bootstrap 60 --bins 15,100 --threads 1 many.lg >m1
vic-score --quiet --tsv --bootstrap 60 --bins 15,100 --threads 4 many.lg >m4
ok 'so they do of many records, which are counted in cells' cmp m1 m4
vic-score --quiet --tsv --bootstrap 60 --bins 15,100 --seed 2 a.lg >t5
ok 'another seed gives other intervals' test "$(cmp t1 t5 >/dev/null 2>&1 && echo same)" = ""
like 'an interval is an object in JSON' '"ece":{"value":[0-9.e-]*,"low":[0-9.e-]*,"high":[0-9.e-]*}' \
	"$(vic-score --quiet --json --bootstrap 60 a.lg)"

# -- samples
printf '0 1 0 0 0\n1 2 0 0 1\n' | putlogits --samples 2 2 >two.lg
about 'samples: probabilities are averaged, not logits' \
	"$(awk 'BEGIN { a = 1 / (1 + exp(-1)); print ((a + 0.5) / 2 + (1 / (1 + exp(-2)) + 1 - a) / 2) / 2 - 0.5 }')" \
	"$(value gap <two.lg)"
ok 'mutual information is there' test -n "$(value mutual <two.lg)"

printf '0 1 0\n1 2 0\n' | putlogits 2 >m1.lg
printf '0 0 0\n1 0 1\n' | putlogits 2 >m2.lg
same 'an ensemble of two is a stream of two samples' "$(vic-score --quiet --tsv two.lg | grep -v '^documents')" \
	"$(vic-score --quiet --tsv --ensemble --name stdin m1.lg m2.lg | grep -v '^documents' | sed 's/stdin/two.lg/')"
printf '0 1 0\n1 2 0\n' | putlogits --f64 2 >m1.f64
same 'members in float32 and float64 are of one kind' "$(vic-score -q --tsv --ensemble --name x m1.lg m2.lg)" \
	"$(vic-score -q --tsv --ensemble --name x m1.f64 m2.lg)"
same 'in any order' "$(vic-score -q --tsv --ensemble --name x m1.f64 m2.lg)" \
	"$(vic-score -q --tsv --ensemble --name x m2.lg m1.f64)"
fails 1 'are no ensemble' 'probabilities beside logits are not' sh -c \
	"printf '0 0.5 0.5\n1 0.25 0.75\n' | putlogits --probs 2 | vic-score --ensemble m1.f64 -"
fails 1 'are no ensemble: 2 and 3 records' 'members with different records' vic-score --ensemble m1.lg none.lg
fails 1 'are no ensemble: record 0' 'members with other labels' sh -c \
	"printf '1 0 0\n1 0 1\n' | putlogits 2 | vic-score --ensemble m1.lg -"
fails 2 'two streams or more' 'an ensemble of one' vic-score --ensemble m1.lg
same 'its streams are averaged, not pooled' '' "$(vic-score --ensemble m1.lg m2.lg 2>&1 >/dev/null | grep pooled)"
printf 'dev 0 1 0
test -1 1 0
test -1 0 1
' | putlogits 2 >unlabelled.lg
fails 1 'none of the 2 records of split test has a label' 'no label in the split' vic-score --unlabelled drop unlabelled.lg
fails 1 'no record of split train (train 0, dev 1' 'no record in the split' \
	vic-score --unlabelled drop --split train unlabelled.lg

# -- true errors
printf 'record\tc0\tc1\n0\t0.9\t0.1\n1\t0.3\t0.7\n' >post.tsv
printf '0 0.8 0.2\n1 0.4 0.6\n' | putlogits --probs --f64 2 >post.lg
about 'true accuracy' 0.8 "$(value true_accuracy --posterior post.tsv <post.lg)"
about 'true pointwise error' 0.1 "$(value true_point --posterior post.tsv <post.lg)"
about 'true ECE' 0.1 "$(value true_ece --posterior post.tsv <post.lg)"
(printf '\357\273\277' && cat post.tsv) >bom.tsv
about 'true accuracy by a table that begins with a byte order mark' 0.8 "$(value true_accuracy --posterior bom.tsv <post.lg)"
printf 'label,a,b,id\n0,.8,.2,9223372036854775808\n1,.4,.6,18446744073709551615\n' |
	vic-cat --from csv --kind probs --id-column id - >ids.lg
printf '9223372036854775808\tu\n18446744073709551615\tv\n' >ids.tsv
same 'ids of 64 bits: groups' '1 1 ' "$(vic-score -q --bootstrap 0 --by ids.tsv --tsv ids.lg |
	awk -F '\t' '$1 == "n" { print $3, $4 }' ORS=' ')"
printf 'record\ta\tb\n9223372036854775808\t.9\t.1\n18446744073709551615\t.3\t.7\n' >post64.tsv
about 'ids of 64 bits: posteriors' 0.8 "$(value true_accuracy --posterior post64.tsv <ids.lg)"
printf 'record\tc0\tc1\n0\t0.9\t0.2\n' >bad.tsv
fails 1 'bad.tsv: line 2: probabilities sum to 1.1' 'posteriors that are none' vic-score --posterior bad.tsv post.lg
printf 'record\tc0\tc1\n0\t0.9\t0.1\n' >few.tsv
fails 1 'record with id 1 has no posterior' 'a record without a posterior' vic-score --posterior few.tsv post.lg

# -- estimators against the truth: synthetic sentences, predicted by their own posterior (calibrated), and by its odds
# squared
vic-corpora synth text --quiet --n 6000 --seed 5 --strength 2 --to synth
neg=$(wc -l <synth/rt-polarity.neg)
for power in 1 2; do
	awk -F '\t' -v neg="$neg" -v w=$power 'NR == 1 { print "label\t" $2 "\t" $3; next }
		{ a = $2 ^ w; b = $3 ^ w; printf "%s\t%.17g\t%.17g\n", NR - 2 < neg ? "neg" : "pos", a / (a + b), b / (a + b) }' \
		synth/posterior.tsv >power$power.tsv
	vic-cat --quiet --from tsv --kind probs power$power.tsv >power$power.lg
	vic-score --quiet --tsv --posterior synth/posterior.tsv --floor 500 power$power.lg >power$power.out
done
number() { awk -F '\t' -v k="$1" '$1 == k { print $2 }' "$2"; }
about 'the posterior has no true error' 0 "$(number true_ece power1.out)"
about 'nor from point to point' 0 "$(number true_point power1.out)"
ok 'its ECE is noise: below twice its floor' sh -c \
	"awk -v e=$(number ece power1.out) -v f=$(number ece_floor power1.out) 'BEGIN { exit !(e < 2 * f) }'"
ok 'its p-value says so' sh -c "awk -v p=$(number kuiper_p power1.out) 'BEGIN { exit !(p > 0.01) }'"
ok 'squared odds have a true error' sh -c "awk -v t=$(number true_ece power2.out) 'BEGIN { exit !(t > 0.05) }'"
for k in ece ece_mass ece_sweep ece_smooth rmsce; do
	ok "and $k is near it" sh -c \
		"awk -v e=$(number $k power2.out) -v t=$(number true_ece power2.out) 'BEGIN { exit !(e - t < 0.025 && t - e < 0.025) }'"
done

# -- a diagram
like 'a diagram in plain characters' '#.*|' "$(vic-score --quiet --diagram a.lg)"
same 'none in a pipe' '' "$(vic-score --quiet a.lg | grep '|')"

# -- refusals: file and record, and nothing on stdout
fails 1 'record 1: class 1 has the value nan' 'NaN' sh -c "printf '0 1 2\n0 1 nan\n' | putlogits 2 | vic-score"
fails 1 'record 2: class 0 has the value inf' '+Inf' sh -c "printf '0 1 2\n0 1 2\n0 inf 2\n' | putlogits 2 | vic-score"
ok '-Inf is a logit' sh -c "printf '0 1 -inf\n' | putlogits 2 | vic-score"
fails 1 'record 0: every logit is -Inf' 'nothing but -Inf' sh -c "printf '0 -inf -inf\n' | putlogits 2 | vic-score"
fails 1 'probabilities sum to 1.5' 'probabilities that do not sum to 1' sh -c \
	"printf '0 1 0.5\n' | putlogits --probs 2 | vic-score"
fails 1 'record 1 has no label' 'an unlabelled record' vic-score none.lg
fails 1 'no record of split extra' 'an empty split' vic-score --split extra split.lg
fails 1 'holds no records' 'no records' sh -c "putlogits 2 </dev/null | vic-score"
fails 1 'document 2 cannot be pooled' 'mixed class counts' sh -c "putlogits --draw 3 4 | cat a.lg - | vic-score"
head -c 9000 a.lg >cut.lg
fails 1 'cut.lg: truncated after record' 'a cut stream' vic-score cut.lg
fails 1 'a.lg: is empty\|empty.lg' 'an empty file' sh -c ': >empty.lg; vic-score empty.lg'
fails 1 'bytes that are no stream follow' 'something after the stream' sh -c \
	'cat a.lg near.txt >tail.lg; vic-score tail.lg'
fails 1 'reads logits' 'another kind of stream' sh -c \
	"printf '0\tsome words\n' >x.tsv; vic-tokenize --quiet --format tsv x.tsv | vic-score"
fails 1 'gone.lg' 'a file that is not there' vic-score gone.lg
fails 1 'cut.lg: truncated' 'a bad second stream leaves the first unprinted' vic-score a.lg cut.lg
fails 2 "'x' is not a whole number" 'a bad list of bins' vic-score --bins 15,x a.lg
fails 2 'is there twice' 'a bin count given twice' vic-score --bins 15,15 a.lg
fails 2 "is not one of auto" 'a split that does not exist' vic-score --split tset a.lg
fails 2 "there is no class 'c77'" 'a class that does not exist' vic-score --class c77 a.lg
fails 1 'No space left' 'a full device' sh -c 'exec vic-score a.lg >/dev/full'

# -- probabilities of zero
printf '0 1 0\n1 1 0\n' | putlogits --probs 2 >zero.lg
same 'a label of probability 0 makes the NLL infinite' inf "$(value nll <zero.lg)"
like 'and JSON says so' '"nll":"inf"' "$(vic-score --quiet --json zero.lg)"
printf '0\t0\t1e10\n0\t0\t1e300\n0\t0\t1e300\n1\t0\t1\n' | vic-cat --from tsv --kind logits - >far.lg
same 'a loss that a double holds is no infinite one' 5e+299 "$(value nll <far.lg)"
printf '0 1 0 0 0 0\n0 1 0 0 0 0\n' | putlogits --probs 5 >sure.lg
same 'a largest gap of 0 is that of a bin with records' 2 "$(value mce_n <sure.lg)"

# Confidences that leave no doubt: nothing is left to chance.
printf '%s\t1\t0\n' a a a | vic-cat --from tsv --kind probs --classes a,b - >sure
printf '%s\t1\t0\n' a a b | vic-cat --from tsv --kind probs --classes a,b - >refuted
kuiper_p() {
	vic-score -q --tsv "$@" | awk '$1 == "kuiper_p" { print $2 }'
}
same 'kuiper_p of what is sure and right' '1 1' "$(echo $(kuiper_p sure) $(kuiper_p --floor 0 sure))"
same 'and of what is sure and wrong' '0 0' "$(echo $(kuiper_p refuted) $(kuiper_p --floor 0 refuted))"
finish
