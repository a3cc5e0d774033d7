#!/bin/sh
# Tables and curves of classes: vic-score --per-class and vic-reliability --per-class.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

"$TOOLS/mklogits" n=3000 classes=4 temperature=2 noise=1 seed=3 >x
vic-score --per-class --tsv x >table 2>talk
same 'its columns' 'class	n	predicted	accuracy	precision	ece	oe	gap' "$(head -1 table)"
same 'a row a class' 4 "$(sed 1d table | wc -l)"

# Counted by hand from the logits: label, predicted.
vic-cat --to tsv x | awk -F '\t' 'NR > 1 { w = 2; for (k = 3; k <= NF; k++) if ($k > $w) w = k; print $1 "\t" w - 2 }' >pairs
for k in 0 1 2 3; do
	same "class $k: records, predicted, accuracy, precision" "$(awk -F '\t' -v k=$k -v name="class $k" '
		{ is = $1 == name || $1 == k; n += is; p += $2 == k; r += is && $2 == k }
		END { printf "%d %d %.12g %.12g\n", n, p, r / n, r / p }' pairs)" \
		"$(awk -F '\t' -v name="class $k" '$1 == name { printf "%d %d %.12g %.12g\n", $2, $3, $4, $5 }' table)"
	same "class $k: errors as of --class" \
		"$(vic-score -q --tsv --class "class $k" --floor 0 x | awk -F '\t' '$1 == "ece" || $1 == "oe" ||
		$1 == "gap" { printf "%.12f ", $2 }')" \
		"$(awk -F '\t' -v name="class $k" '$1 == name { printf "%.12f %.12f %.12f ", $6, $7, $8 }' table)"
done
same 'the mean of the ECEs is ece_class' "$(vic-score -q --tsv --floor 0 x | awk -F '\t' '$1 == "ece_class" {
	printf "%.12f\n", $2 }')" "$(awk -F '\t' 'NR > 1 { s += $6 } END { printf "%.12f\n", s / 4 }' table)"
same 'with other bins too' "$(vic-score -q --tsv --floor 0 --bins 40 x | awk -F '\t' '$1 == "ece_class" {
	printf "%.12f\n", $2 }')" "$(vic-score -q --per-class --bins 40 --tsv x | awk -F '\t' 'NR > 1 { s += $6 }
	END { printf "%.12f\n", s / 4 }')"
vic-score -q --per-class --tsv --threads 1 x | cmp -s - table
tap $? 'by one thread the same bytes'
same 'JSON: an object a class' '4' "$(vic-score -q --per-class --json x | grep -c \
	'^{"name":"class [0-3]","n":[0-9]*,"predicted":[0-9]*,"accuracy":.*,"precision":.*,"ece":.*,"oe":.*,"gap":.*}$')"

# A class that never is a label, and one that is never predicted.
printf 'a\t3\t1\t0\nb\t2\t1\t0\na\t1\t0\t0\n' | vic-cat --from tsv --kind logits --classes a,b,c - >some
same 'undefined is said' 'a 2 3 1.000 0.6667|b 1 0 0.0000 undefined|c 0 0 undefined undefined|' \
	"$(vic-score -q --per-class some | awk 'NR > 1 { printf "%s %s %s %s %s|", $1, $2, $3, $4, $5 }')"
like 'in JSON null' '"name":"c","n":0,"predicted":0,"accuracy":null,"precision":null' "$(vic-score -q --per-class --json some)"

"$TOOLS/mklogits" n=3000 classes=4 temperature=2 noise=1 seed=3 model=2 >y
ok 'an ensemble is one stream' vic-score -q --ensemble --per-class x y
for wrong in --brief '--bootstrap 9' --seeds --separate '--class 1' '--compat guo' --diagram '--floor 0' '--name n'; do
	# shellcheck disable=SC2086
	fails 2 "leave out ${wrong%% *}" "$wrong is refused" vic-score --per-class $wrong x
done
fails 2 'of one stream' 'two streams are refused' vic-score --per-class x y

# The curves are those of --class, one after the other.
for curve in 'bins --bands 20' 'corp --bands 20' histogram 'scatter --group 50' 'density --group 50'; do
	# shellcheck disable=SC2086
	for k in 0 1 2 3; do
		vic-reliability -q --curve $curve --class "class $k" --name "it: class $k" x | sed 1d
	done >want
	# shellcheck disable=SC2086
	vic-reliability -q --curve $curve --per-class --name it x | sed 1d >got
	[ -s got ] && cmp -s want got
	tap $? "--curve ${curve%% *}: those of --class"
done
# However a record is judged: a row at a time, as it is given, from several samples, of a split.
for made in 'classes=33' 'classes=4 probs=1' 'classes=4 samples=3' 'classes=4 cut=40 dev=30 split=train'; do
	# shellcheck disable=SC2086
	"$TOOLS/mklogits" n=200 $made >ways
	for k in 0 1 2 3; do
		vic-reliability -q --class "class $k" --split all ways | sed "1d; s/^[^	]*/class $k/"
	done >want
	vic-reliability -q --per-class --split all ways | sed '1d; s/^[^	]*: //' | grep '^class [0-3]	' >got
	[ -s got ] && cmp -s want got
	tap $? "$made: those of --class"
done
fails 2 'without --class' 'one class and all of them' vic-reliability --per-class --class 1 x
fails 2 'for the curves of confidences' 'no hull' vic-reliability --per-class --curve hull --at 1 x
fails 2 'has one number of bins; --bins 15 alone' 'bins without effect' vic-score --per-class --bins 15,100 x
finish
