#!/bin/sh
# vic-reliability: its curves add up, agree with vic-score, and are refused where they make no sense.
. "$(dirname "$0")/lib.sh"
PATH=$TOOLS:$PATH
cd "$T" || exit 1

putlogits --draw 3000 --scale 2 --temperature 2 --name hot 10 >hot.lg
putlogits --draw 2000 --scale 2 --seed 4 10 >cool.lg

# field NAME: that column of stdin's TSV, by its header.
field() {
	awk -F '\t' -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next } { print $c }'
}

# sums COLUMN WANTED: whether the column's sum is that, to 1e-6.
sums() {
	field "$1" | awk -v want="$2" '{ s += $1 } END { exit !(s - want < 1e-6 && want - s < 1e-6) }'
}

vic-reliability hot.lg cool.lg >bins.tsv
same 'bins: 15 of each stream' '15 cool.lg 15 hot' \
	"$(field stream <bins.tsv | sort | uniq -c | tr -s ' \n' ' ' | sed 's/^ //; s/ $//')"
ok 'bins: every record is in one' sh -c "awk -F '\t' '{ n += \$5 } END { exit n != 5000 }' bins.tsv"
same 'bins: the gaps make the ECE' "$(vic-score --quiet --tsv hot.lg | awk '$1 == "ece" { printf "%.7f", $2 }')" \
	"$(awk -F '\t' '$1 == "hot" { g = $8 < 0 ? -$8 : $8; s += $5 * g } END { printf "%.7f", s / 3000 }' bins.tsv)"
ok 'bins: a calibrated stream lies in its band nearly everywhere' \
	awk -F '\t' '$1 == "cool.lg" && $5 > 0 { n++; out += $7 < $11 || $7 > $12 } END { exit !(n > 9 && out <= 4) }' \
		bins.tsv
ok 'bins: an overconfident one does not' \
	awk -F '\t' '$1 == "hot" && $5 > 50 { n++; out += $7 < $11 } END { exit !(n > 7 && out >= n - 2) }' bins.tsv
ok 'bins: the accuracy is in its interval' \
	awk -F '\t' 'NR > 1 && $5 > 0 { if (!($9 <= $7 && $7 <= $10)) bad = 1 } END { exit bad }' bins.tsv
same 'bins: empty bins have no numbers' '' \
	"$(awk -F '\t' 'NR > 1 && $5 == 0 { print $6 $7 $8 $9 $10 $11 $12 }' bins.tsv | tr -d '\n')"
same 'bins: none are drawn with --bands 0' '' "$(vic-reliability --bands 0 hot.lg | field band_low | tr -d '\n')"
vic-reliability --threads 1 hot.lg >t1
vic-reliability --threads 3 hot.lg >t3
ok 'the same bytes at any thread count' cmp t1 t3

vic-reliability --curve histogram --bins 20 hot.lg >hist.tsv
ok 'histogram: shares sum to 1' sh -c \
	"awk -F '\t' 'NR > 1 { s += \$6; n += \$5; r += \$7 + \$8 } END { exit !(n == 3000 && r == n && s > 0.999999 && s < 1.000001) }' hist.tsv"
printf -- '-1 5 1\n-1 0 3\n' | putlogits 2 >ood.lg
same 'histogram: unlabelled records have confidences too' 2 \
	"$(vic-reliability --curve histogram ood.lg | field n | awk '{ s += $1 } END { print s }')"

vic-reliability --curve corp hot.lg >corp.tsv
ok 'corp: confidences and accuracies rise' \
	awk -F '\t' 'NR > 1 { if ($4 < c || $5 < a) bad = 1; c = $4; a = $5 } END { exit bad }' corp.tsv
same 'corp: blocks hold all records' 3000 "$(awk -F '\t' 'NR > 1 && NR % 2 == 0 { n += $3 } END { print n }' corp.tsv)"
ok 'corp: a calibrated stream lies in its band nearly everywhere' sh -c \
	"vic-reliability --curve corp cool.lg | awk -F '\t' 'NR > 1 { n++; out += \$5 < \$6 || \$5 > \$7 } END { exit !(out <= n / 3) }'"
vic-reliability --curve corp --threads 1 hot.lg >t1
vic-reliability --curve corp --threads 3 hot.lg >t3
ok 'corp: the same bytes at any thread count' cmp t1 t3

vic-reliability --curve scatter --group 100 hot.lg >scatter.tsv
same 'scatter: a point for 100 records' 30 "$(field group <scatter.tsv | wc -l | tr -d ' ')"
same 'scatter: their mean is the accuracy' \
	"$(vic-score --quiet --tsv hot.lg | awk '$1 == "accuracy" { printf "%.7f", $2 }')" \
	"$(field accuracy <scatter.tsv | awk '{ s += $1 } END { printf "%.7f", s / NR }')"
vic-reliability --curve density --bins 10 --name early --name late hot.lg cool.lg >dens.tsv
same 'density: a grid a stream' '100 early 100 late' \
	"$(field stream <dens.tsv | sort | uniq -c | tr -s ' \n' ' ' | sed 's/^ //; s/ $//')"
ok 'density: it integrates to 1' sh -c \
	"awk -F '\t' '\$1 == \"late\" { s += \$5 / 100 } END { exit !(s > 0.999 && s < 1.001) }' dens.tsv"

# Beta(1, 1): P(entropy <= h) = 2 lambda(h); at lambda = 0.110027864 the entropy is ln(2)/2
same 'entropy: Beta(1,1) by its closed form' 0.220056 \
	"$(vic-reliability --curve entropy --alpha 1 --bins 2 | field share | head -1 | awk '{ printf "%.6f", $1 }')"
ok 'entropy: shares sum to 1' sh -c \
	"vic-reliability --curve entropy --alpha 0.2 | awk -F '\t' 'NR > 1 { s += \$5 } END { exit !(s > 0.999999 && s < 1.000001) }'"
same 'entropy: no mixing is a point at 0' '1' "$(vic-reliability --curve entropy --alpha 0 | field share | head -1)"
same 'entropy: labels of one class do not mix' '0.61' \
	"$(vic-reliability --curve entropy --alpha 1 --same 0.5 --bins 2 | field share | head -1 | awk '{ printf "%.2f", $1 }')"

printf 'epoch\tlr\ttrain_loss\tdev_ece\n1\t0.1\t2.5\t-\n2\t0.1\t1.5\t0.03\n' >run.tsv
same 'training: a line a number' \
	'run	epoch	quantity	value|base	1	lr	0.1|base	1	train_loss	2.5|base	2	lr	0.1|base	2	train_loss	1.5|base	2	dev_ece	0.03|' \
	"$(vic-reliability --curve training --name base run.tsv | tr '\n' '|')"
same 'hull: mu of each stream' '0.1 10' \
	"$(vic-reliability --curve hull --at 0.1,10 cool.lg hot.lg | field mu | tr '\n' ' ' | sed 's/ $//')"

# What is drawn by its name has one of its own.
"$TOOLS/mklogits" n=50 seed=1 name=made >first
"$TOOLS/mklogits" n=60 seed=2 name=made >second
titles() { cut -f1 | sed 1d | uniq -c | awk '{ n = $1; sub(/^ *[0-9]+ /, ""); printf "%d %s|", n, $0 }'; }
same 'curves of streams of one name' '15 made|15 made (second)|15 made (2)|' \
	"$(vic-reliability -q first second second | titles)"
like 'which is said' "second: another stream is called 'made' too; here this one is 'made (second)'; --name names them" \
	"$(vic-reliability first second 2>&1 >/dev/null)"
same 'also where it was given' '15 x|15 x (second)|' "$(vic-reliability -q --name x --name x first second | titles)"
same 'points of scatter and hull are of one curve' '2 made|' \
	"$(vic-reliability -q --curve hull --at 0,1 first second | titles)"
fails 1 'run.tsv: line 3: does not have 4 columns' 'a short line of a history' sh -c \
	"printf 'epoch\tlr\tx\ty\n1\t1\t1\t1\n2\t1\n' >run.tsv; vic-reliability --curve training run.tsv"
fails 1 "line 2: 'x' is not a number" 'a word in a history' sh -c \
	"printf 'epoch\tlr\n1\tx\n' >run.tsv; vic-reliability --curve training run.tsv"
fails 1 'begins with .epoch.' 'another table' sh -c \
	"printf 'a\tb\n1\t2\n' >run.tsv; vic-reliability --curve training run.tsv"
fails 1 'holds no epoch' 'an empty history' sh -c \
	"printf 'epoch\tlr\n' >run.tsv; vic-reliability --curve training run.tsv"
fails 2 'no vic-perturb in its provenance' 'hull without mu' vic-reliability --curve hull hot.lg
fails 2 '1 numbers for 2 streams' 'too few mu' vic-reliability --curve hull --at 1 hot.lg cool.lg
fails 2 'reads nothing' 'entropy with a stream' vic-reliability --curve entropy hot.lg
fails 1 'record 0 has no label' 'unlabelled records have no accuracy' vic-reliability ood.lg
head -c 9000 hot.lg >cut.lg
fails 1 'cut.lg: truncated' 'a cut stream' vic-reliability cool.lg cut.lg
fails 1 'No space left' 'a full device' sh -c 'exec vic-reliability hot.lg >/dev/full'
finish
