#!/bin/sh
# vic-score --coverage and --risk: answers given only where the model is confident.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

"$TOOLS/mklogits" n=4000 classes=3 seed=2 f64=1 >x
vic-score -q --tsv --floor 0 --coverage 0.7 --risk 0.15 x >table
value() { awk -F '\t' -v key="$1" '$1 == key { print $2 }' table; }

# By hand: the winner's probability, whether it was right.
vic-cat --to tsv x | awk -F '\t' 'NR > 1 { w = 2; s = 0; for (k = 3; k <= NF; k++) if ($k > $w) w = k
	for (k = 2; k <= NF; k++) s += exp($k - $w); printf "%.15f %d\n", 1 / s, $1 != "class " (w - 2) }' | sort -rn >list
same 'the risk of the 2,800 most confident' "$(head -2800 list | awk '{ w += $2 } END { printf "%.12g\n", w / NR }')" \
	"$(value risk@0.7 | awk '{ printf "%.12g\n", $1 }')"
same 'their threshold' "$(sed -n 2800p list | awk '{ printf "%.12f\n", $1 }')" \
	"$(value threshold@0.7 | awk '{ printf "%.12f\n", $1 }')"
same 'threshold, coverage and risk that are promised belong together' "$(awk -v t="$(value threshold_within@0.15)" '
	$1 >= t - 1e-13 { n++; w += $2 } END { printf "%.12g %.12g\n", n / NR, w / n }' list)" \
	"$(value coverage_within@0.15) $(value risk_within@0.15 | awk '{ printf "%.12g\n", $1 }')"
tap "$(awk -v r="$(value risk_within@0.15)" -v b="$(value bound_within@0.15)" 'BEGIN { print !(r < b && b < 0.15) }')" \
	'the bound lies between the risk and what was asked for'
more=$(vic-score -q --tsv --brief --risk 0.15 --confidence 0.999 x | awk -F '\t' '$1 == "coverage_within@0.15" { print $2 }')
tap "$(awk -v a="$more" -v b="$(value coverage_within@0.15)" 'BEGIN { print !(a < b && a > 0) }')" \
	'more confidence, less coverage'
same 'none is sure enough' 'coverage_within@0.001 0 threshold_within@0.001 inf' \
	"$(vic-score -q --tsv --brief --risk 0.001 x | awk -F '\t' '/within/ { printf "%s%s %s", n++ ? " " : "", $1, $2 }')"
like 'JSON has them' '"risk@0.7":0\.[0-9]*,' "$(vic-score -q --json --brief --coverage 0.7 --risk 0.15 x)"
vic-score -q --tsv --floor 0 --coverage 0.7 --risk 0.15 --threads 1 x | cmp -s - table
tap $? 'by one thread the same bytes'
fails 2 'goes with --risk' '--confidence alone' vic-score --confidence 0.9 x
for with in '--compat guo' --seeds '--class 1'; do
	# shellcheck disable=SC2086
	fails 2 'do not go together' "$with" vic-score --coverage 0.5 $with x
done
fails 2 'leave out --risk' 'nor with --per-class' vic-score --per-class --risk 0.1 x
fails 2 'coverage' 'a coverage of 0' vic-score --coverage 0 x
finish
