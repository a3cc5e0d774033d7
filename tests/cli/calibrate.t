#!/bin/sh
# vic-calibrate: fits, applies, refuses its own fit data.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

value() { # value FILE KEY COLUMN: a number of a table as TSV
	awk -F '\t' -v key="$2" -v col="$3" '$1 == key { print $col }' "$1"
}
near() { # near WHAT WANTED GOT TOLERANCE
	tap "$(awk -v a="$2" -v b="$3" -v t="$4" 'BEGIN { d = a - b; print !(d <= t && -d <= t && b != "") }')" \
		"$1 (wanted $2, got $3)"
}

"$TOOLS/mklogits" n=4000 dev=500 split=test temperature=3 name=sure >x
ok 'a temperature is fitted' vic-calibrate -o map x
like 'what was fitted is said' 'fitted temperature 3\.[0-9]* on [0-9]* records of sure (split dev)' "$(cat .err)"
like 'so is that the table flatters' 'of the records fitted on' "$(cat .err)"
t=$(sed -n 's/.*"temperature": \([0-9.]*\).*/\1/p' map)
near 'the planted temperature, as well as 2,000 records can tell' 3 "$t" 0.2

vic-calibrate --apply map x >y 2>talk
same 'applied to the records marked test' "$(vic-cat --stats y | sed -n 's/^records //p')" \
	"$(sed -n 's/.* to \([0-9]*\) records (split test).*/\1/p' talk)"
vic-score -q --tsv --brief y >score
vic-calibrate --apply map --table --tsv x >table 2>/dev/null
for key in n accuracy ece oe nll brier gap; do
	same "vic-score finds the table's $key" "$(value score $key 2)" "$(value table $key 3)"
done
vic-score -q --tsv --brief x >score
for key in n accuracy ece oe nll brier gap; do
	same "and before, $key" "$(value score $key 2)" "$(value table $key 2)"
done
same 'accuracy does not move' "$(value table accuracy 2)" "$(value table accuracy 3)"
tap "$(awk -v a="$(value table ece 2)" -v b="$(value table ece 3)" 'BEGIN { print !(b < a / 3) }')" \
	'the ECE falls to a third or less'

fails 1 'records the map was fitted on (split dev of sure)' 'the fit data are refused' vic-calibrate -q --apply map \
	--split dev x
fails 1 ': 1[0-9]* of the 1[0-9]* records\|2[0-9]* of the' 'and when they are among others' vic-calibrate -q --apply \
	map --split all x
ok 'unless they are allowed' vic-calibrate --apply map --split dev --allow-fit-data x
vic-split --dev 0 --test 1 --remark --seed 1 x 2>/dev/null >remarked && fails 1 'fitted on' \
	'renaming a split does not help' vic-calibrate -q --apply map remarked
vic-cat -q --to tsv x | tail -n +2 | sort -r >shuffled.tsv
vic-cat -q --from tsv --kind logits --classes "$(vic-cat --to tsv x | head -1 | cut -f 2- | tr '\t' ,)" shuffled.tsv >shuffled
fails 1 'fitted on' 'nor does another order, with other numbers' vic-calibrate -q --apply map shuffled
"$TOOLS/mklogits" n=4000 first=4000 split=test temperature=3 >new
ok 'other records pass' vic-calibrate --apply map new
ok 'the map is in the provenance' sh -c 'vic-cat --head y | grep -q "\"method\": *\"temperature\""'

for method in temperature vector matrix structured-matrix dirichlet ensemble-temperature isotonic centred-isotonic \
	histogram; do
	ok "$method fits" vic-calibrate --method $method -o $method x
	ok "$method is the same by any number of threads" sh -c \
		"vic-calibrate -q --threads 1 --method $method x | cmp - $method"
	vic-calibrate -q --apply $method x >$method.out
	vic-score -q --tsv --brief $method.out >score
	tap "$(awk -v b="$(value score ece 2)" 'BEGIN { print !(b < 0.05) }')" \
		"$method: ECE below 0.05 ($(value score ece 2))"
done
like 'isotonic gives probabilities' '"values": *"probs"' "$(vic-cat --head isotonic.out)"
"$TOOLS/mklogits" n=4000 classes=2 dev=500 split=test temperature=3 >two
for method in platt beta; do
	ok "$method fits" vic-calibrate --method $method -o $method two
	vic-calibrate -q --apply $method two | vic-score -q --tsv --brief >score
	tap "$(awk -v b="$(value score ece 2)" 'BEGIN { print !(b < 0.05) }')" \
		"$method: ECE below 0.05 ($(value score ece 2))"
done

# Shares of ten votes: unrelated records have the same values, ids and labels, and are no copies.
for part in dev test; do
	awk -v seed=$part 'BEGIN {
		srand(seed == "dev" ? 5 : 6)
		for (i = 0; i < 300; i++) {
			q = rand(); v = 0
			for (j = 0; j < 10; j++) v += rand() < q
			print (rand() < q) "\t" 1 - v / 10 "\t" v / 10
		}
	}' >votes.tsv
	vic-cat -q --from tsv --kind probs votes.tsv >votes-$part
done
ok 'isotonic on votes, a label of probability 0 among them' vic-calibrate --method isotonic -o iso votes-dev
ok 'votes of other records are not taken for those of the fit' vic-calibrate --apply iso -o out votes-test
like 'what is the same is said' 'too few, or too common, to say that they are the same' "$(cat .err)"
vic-calibrate -q --method isotonic votes-dev | sed 's/"vicinal map": 3/"vicinal map": 1/; s/vicinal crc32/was/' >old
ok 'a map that has other fingerprints' vic-calibrate --apply old -o out votes-dev
like 'says that it cannot tell' 'does not tell on which records it was fitted' "$(cat .err)"
for method in temperature vector matrix structured-matrix dirichlet ensemble-temperature platt beta; do
	fails 1 'votes-dev: record [0-9]* of the fit, id [0-9]* gives .* probability 0 .*--clip' \
		"$method: a probability of 0 is refused by its record" vic-calibrate -q --method $method votes-dev
	ok "$method: unless it is clipped" vic-calibrate --method $method --clip 1e-6 -o clipped votes-dev
	like "$method: which is counted" '\-\-clip 1e-06: [1-9][0-9]* of 300 records had a probability beyond' "$(cat .err)"
	like "$method: and is in the map" '"clip": [0-9.]*e-' "$(grep clip clipped)"
	vic-calibrate -q --table --tsv --apply clipped -o out votes-test >table
	tap "$(awk -v a="$(value table nll 3)" 'BEGIN { print !(a > 0 && a < 1) }')" \
		"$method: the map clips what it is applied to ($(value table nll 3))"
	tap "$(vic-cat --to tsv out | grep -c inf)" "$method: which leaves nothing infinite"
done
fails 2 'clip: 0.5 is outside' 'a clip beyond its range' vic-calibrate -q --clip 0.5 votes-dev
"$TOOLS/mklogits" n=60 classes=12 probs=1 split=dev >dozen
fails 2 'leaves 12 classes no room: give less than 1/12' 'a clip that no twelve classes have room for' \
	vic-calibrate -q --clip 0.1 dozen

# The unit of the logits does not matter, nor that there are 1e5 of them between the classes.
for by in 1 1e-3 1e5 1e290; do
	vic-cat -q --to tsv two | awk -F '\t' -v by=$by 'NR > 1 { printf "%s\t%.17g\t%.17g\n", $1, $2 * by, $3 * by }' |
		vic-cat -q --from tsv --kind logits --classes 'class 0,class 1' - >scaled
	for method in temperature 'vector --l2 0' platt; do
		near "${method%% *} of logits times $by" \
			"$(vic-calibrate -q --split all --table --tsv --method $method two | awk '$1 == "nll" { print $3 }')" \
			"$(vic-calibrate -q --table --tsv --method $method scaled | awk '$1 == "nll" { print $3 }')" 1e-5
	done
	ok "beta of logits times $by" vic-calibrate --method beta -o beta scaled
done

# Planted: two records of p = (3/4, 1/4) for each class's share of labels; the best T is 2.5 to the last digits.
for label in c0 c0 c0 c1; do
	printf '%s\t%s\t%s\n' "$label" -0.719205181129452 -3.465735902799727
done >exact.tsv
vic-cat --from tsv --kind logits --classes c0,c1 exact.tsv >exact
near 'a planted temperature' 2.5 \
	"$(vic-calibrate -q --split all exact | sed -n 's/.*"temperature": \([0-9.]*\).*/\1/p')" 0.000001

head -3 exact.tsv >right.tsv
printf 'c1\t-4\t-1\n' >>right.tsv
vic-cat --from tsv --kind logits --classes c0,c1 right.tsv >right
fails 1 'no best temperature' 'all right: no optimum, and it is said' vic-calibrate -q --split all right
ok 'unless it is held' vic-calibrate --split all --min-temperature 0.05 right
like 'which is said too' 'the limit given' "$(cat .err)"

fails 2 'is for two classes' 'platt refuses three classes' vic-calibrate -q --method platt x
fails 2 'belongs to a fit' 'a method with --apply is refused' vic-calibrate --apply map --method vector x
fails 2 'belongs to --apply' '--allow-fit-data without --apply' vic-calibrate --allow-fit-data x
fails 2 'stdin can be read once' 'one stdin' vic-calibrate --apply -
fails 1 '2 classes; the map was fitted on 3' 'another number of classes' vic-calibrate -q --apply map two
fails 1 'no record of split extra' 'a split that is not there' vic-calibrate -q --apply map --split extra x
# A map changed by hand: seen as damage, unless it says that it has no seal.
unsealed='s/"vicinal map": 3/"vicinal map": 1/; s/vicinal crc32/was/'
sed 's/"temperature": [0-9.]*/"temperature": 1.5/' map >bad
fails 1 'bad: damaged' 'a map that was changed' vic-calibrate -q --apply bad x
fails 1 'bad: damaged' 'which --check sees too' vic-cat -q --check bad
sed 's/vicinal crc32/was/' map >bad
fails 1 'bad: damaged: has no checksum' 'a seal that is lost' vic-calibrate -q --apply bad x
sed "$unsealed; s/\"temperature\": [0-9.]*/\"temperature\": 1.5/" map >hand
ok 'one without a seal' vic-calibrate --apply hand --split test -o theirs x
like 'and it is said' 'no checksum: damage would not be seen' "$(cat .err)"
ok 'a map is checked' vic-cat --check map
like 'and counted' '1 model or map' "$(cat .err)"
sed "$unsealed; s/\"temperature\": [0-9.]*/\"temperature\": -1/" map >bad
fails 1 'bad: .temperature. is not above 0' 'a wrong map' vic-calibrate -q --apply bad x
echo '{' >bad
fails 1 'bad: is like JSON, but cut, damaged or not quite JSON, not a calibration map' 'no map' vic-calibrate -q --apply bad x
fails 1 'bad: is JSON, not a calibration map' 'another JSON' sh -c 'echo "{}" >bad; exec vic-calibrate -q --apply bad x'

cat y y >twice
ok 'two documents stay two' vic-calibrate --allow-fit-data --apply map -o both twice
same 'both are there' "$(vic-cat --stats y | sed -n 's/^records //p')" \
	"$(($(vic-cat --stats both | sed -n 's/^records //p' | paste -sd+) / 2))"
"$TOOLS/mklogits" n=300 samples=4 split=dev noise=1 >mc
ok 'several samples are averaged' vic-calibrate -o mcmap mc
"$TOOLS/mklogits" n=300 probs=1 split=dev >probs
"$TOOLS/mklogits" n=300 split=dev >logits
near 'probabilities give the temperature of their logits' \
	"$(vic-calibrate -q logits | sed -n 's/.*"temperature": \([0-9.]*\).*/\1/p')" \
	"$(vic-calibrate -q probs | sed -n 's/.*"temperature": \([0-9.]*\).*/\1/p')" 0.0001

# What the records of a fit do not tell. Dev records that chose the model's epoch:
vic-corpora synth text -q --n 600 --vocabulary 200 --dim 8 --to synth
vic-tokenize -q -f mr synth | vic-embed -q --vectors synth/vectors.txt >all.text
vic-split -q --test 0.3 --dev 0.1 --calibration 0.3 all.text >parts.text
same 'records are held back for calibration' 'extra 113' \
	"$(vic-cat --stats parts.text | sed -n 's/^split \(extra [0-9]*\)$/\1/p' | head -1)"
chosen='also chose the model.s epoch'
vic-train -q --epochs 2 --maps 4 --lr 0.5 --optimizer sgd -o chosen.model parts.text
vic-predict -q chosen.model parts.text >chosen
vic-calibrate --max-temperature 9 -o map2 chosen 2>talk
like 'dev records that chose the epoch are said to have' "$chosen" "$(cat talk)"
like 'with what to do' 'vic-split --dev 0.1 --calibration 0.1' "$(cat talk)"
like 'the map has it' '"chose-epoch"' "$(cat map2)"

# a class that is no record's label
awk 'BEGIN { srand(3); for (i = 0; i < 60; i++) printf "%s\t%.3f\t%.3f\t%.3f\n", rand() < 0.4 ? "x" : "y", rand(), rand(), rand() }' |
	vic-cat --from tsv --kind logits --classes x,y,z - > two-of-three
for method in dirichlet isotonic; do
	vic-calibrate --method $method two-of-three > map3 2> err3
	like "$method: the caution says which class is missing" 'of 3 classes 1 are the label of no record (the first is z)' \
		"$(cat err3)"
	like "$method: and so does the map" '"absent-class"' "$(cat map3)"
done
same 'not of temperature, which has no number of its own for it' 0 \
	"$(vic-calibrate --method temperature two-of-three 2>&1 | grep -c absent)"
# W and b tell all apart, and nothing holds them
printf 'x\t0.2\t0\t0.1\ny\t0.3\t0.1\t0.1\nz\t0.1\t0\t0.4\nx\t0\t0\t0\n' |
	vic-cat --from tsv --kind logits --classes x,y,z - > four
vic-calibrate --method dirichlet --l2 0 four > map4 2> err4
same 'no best map where all records are told apart' 1 $?
like 'which is what is said' 'tell all 4 records apart' "$(cat err4)"
vic-calibrate --max-temperature 9 --split extra -o map2 chosen 2>talk
same 'records that were held back did not' 0 "$(grep -c "$chosen" talk map2 | sed -n 's/^talk://p')"
vic-train -q --epochs 2 --maps 4 --select last -o last.model parts.text
vic-predict -q last.model parts.text | vic-calibrate --max-temperature 9 -o map2 2>talk
same 'nor did dev records where the last epoch was kept' 0 "$(grep -c "$chosen" talk)"

"$TOOLS/mklogits" n=40 split=dev temperature=1 >few
"$TOOLS/mklogits" n=20000 split=dev temperature=1 >same1
"$TOOLS/mklogits" n=20000 split=dev temperature=3 >many
vic-calibrate -o map2 few 2>talk
like 'the interval is said' 'T lies between [0-9.]* and [0-9.inf]* (95 % interval' "$(cat talk)"
like 'that it holds 1' 'caution: the interval holds T = 1' "$(cat talk)"
like 'that the records are few' 'caution: 40 records are too few: they' "$(cat talk)"
like 'the map has the interval' '"interval": \[' "$(cat map2)"
like 'and what to think of it' '"holds-one",' "$(cat map2)"
vic-calibrate -o map2 same1 2>talk
like 'many records at T = 1: it is held' 'holds T = 1' "$(cat talk)"
same 'but they are not few' 0 "$(grep -c 'too few' talk)"
vic-calibrate -o map2 many 2>talk
same 'many records at T = 3: no caution' 0 "$(grep -c caution talk)"
like 'and an empty list of them' '"cautions": \[\]' "$(cat map2)"
like 'JSON tables have both' '"temperature":{"value":[0-9.]*,"low":[0-9.]*,"high":[0-9.]*},"cautions":""' \
	"$(vic-calibrate -q --table --json many | tail -1)"
like 'and the cautions by name' '"cautions":"holds-one wide"' "$(vic-calibrate -q --table --json few | tail -1)"
for method in vector histogram isotonic centred-isotonic dirichlet structured-matrix; do
	like "40 records are few for $method too" 'caution: 40 records are few' \
		"$(vic-calibrate --method $method -o map2 few 2>&1)"
	same "which is no word about 20,000: $method" 0 \
		"$(vic-calibrate --method $method -o map2 many 2>&1 | grep -c caution)"
done
vic-calibrate --max-temperature 1.1 -o map2 many 2>talk
same 'a held temperature has no interval' 0 "$(grep -c 'T lies' talk)"

# The history of what a map was applied to begins with the run that fitted it, and makes the same bytes again.
vic-calibrate -q --max-temperature 9 --split extra -o my.map chosen
vic-calibrate -q --apply my.map -o mapped chosen
vic-cat --provenance mapped >again.sh
same 'the model and the map are made first, once each' '1 1 1' \
	"$(grep -c '^vic-train' again.sh) $(grep -c ' > chosen.model$' again.sh) $(grep -c ' > my.map$' again.sh)"
like 'with its name' '^vic-calibrate .*--max-temperature=9.* > my.map$' "$(cat again.sh)"
mkdir again && cp -r synth again/ && (cd again && sh ../again.sh >mapped 2>/dev/null)
ok 'and all of it gives the same stream' cmp mapped again/mapped
like 'the report says so too' '^vic-calibrate .*--max-temperature=9.* &gt; my.map' \
	"$(vic-report -q --bootstrap 0 --floor 0 mapped)"
# Records without a label take no part in a fit, and their number is said; so vic-compare says that it left some out.
{ cat exact.tsv; printf '\t1\t2\n\t3\t4\n'; } >some.tsv
vic-cat --from tsv --kind logits --classes c0,c1 some.tsv >some
ok 'some records have no label' vic-calibrate -o map some
like 'which is said' ': 2 records without label were left out' "$(cat .err)"
like 'by vic-compare too' 'A is some: 4 records (split all), those without label left out' \
	"$(vic-compare --bootstrap 320 some some 2>&1 >/dev/null)"
finish
