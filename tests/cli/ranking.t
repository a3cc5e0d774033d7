#!/bin/sh
# Curves of rankings: risk against coverage (vic-reliability), ROC and precision against recall (vic-ood), and figures of them.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

"$TOOLS/mklogits" n=600 classes=4 temperature=2 noise=1 seed=3 name=x >x
"$TOOLS/mklogits" n=300 classes=4 temperature=1 noise=3 seed=9 name=y >y

vic-reliability -q --curve risk-coverage x >risk
same 'its columns' 'stream	coverage	n	threshold	risk	risk_low	risk_high' "$(head -1 risk)"
same 'one line a confidence, the last of all records' "600 1 600" \
	"$(sed 1d risk | wc -l) $(tail -1 risk | cut -f 2,3 | tr '\t' ' ')"
same 'no record is covered below a threshold' '' "$(awk -F '\t' 'NR > 2 && !($4 < t && $2 > c) { print } { t = $4; c = $2 }' risk)"
same 'the mean of the risks is AURC' "$(vic-score -q --tsv --floor 0 x | awk -F '\t' '$1 == "aurc" { printf "%.6f\n", $2 }')" \
	"$(awk -F '\t' 'NR > 1 { s += $5; n++ } END { printf "%.6f\n", s / n }' risk)"
same 'a point is what --coverage answers' "$(vic-score -q --tsv --floor 0 --coverage 0.25 x | awk -F '\t' '$1 == "risk@0.25" ||
	$1 == "threshold@0.25" { printf "%.8g ", $2 }')" "$(awk -F '\t' '$3 == 150 { printf "%.8g %.8g ", $4, $5 }' risk)"
same 'Wilson at --level: z^2 / (1 + z^2)' '0.0000 0.7301' "$(vic-reliability -q --curve risk-coverage --level 0.9 x | awk -F '\t' '
	NR > 1 && $3 == 1 { printf "%.4f %.4f\n", $6, $7 }')"
printf 'a\t0.9\t0.1\nb\t0.9\t0.1\nb\t0.7\t0.3\nb\t0.2\t0.8\n' | vic-cat --from tsv --kind probs --classes a,b --name t - >tied
same 'ties are one step' '0.5 2 0.9 0.5|0.75 3 0.8 0.333333333|1 4 0.7 0.5|' \
	"$(vic-reliability --curve risk-coverage tied | awk 'NR > 1 { printf "%s %s %s %s|", $2, $3, $4, $5 }')"
"$TOOLS/mklogits" n=20000 classes=4 temperature=2 noise=1 seed=3 >large
same 'a large stream has some two thousand lines, the last among them' '1 20000' \
	"$(vic-reliability --curve risk-coverage large | awk 'END { if (NR > 1500 && NR < 2100) print $2, $3; else print NR }')"

for score in msp max_logit energy entropy margin; do
	vic-ood -q --in x --out y --score $score --bootstrap 0 --tsv >table
	vic-ood -q --in x --out y --score $score --curve roc >roc
	same "$score: the area under the ROC is auroc" "$(awk -F '\t' '$1 == "auroc" { printf "%.7f\n", $2 }' table)" \
		"$(awk -F '\t' 'NR > 2 { s += ($2 - x) * ($3 + y) / 2 } { x = $2; y = $3 } END { printf "%.7f\n", s }' roc)"
	same 'from 0, 0 to 1, 1' "$score 0 0  $score 1 1 " "$(sed -n '2p; $p' roc | cut -f 1-3 | tr '\t\n' '  ' | sed 's/0 0 /0 0  /')"
	same 'fpr95 is a point of it' "$(awk -F '\t' '$1 == "fpr95" || $1 == "threshold95" { printf "%.6g ", $2 }' table)" \
		"$(awk -F '\t' 'NR > 1 && $3 >= 0.95 - 1e-9 { printf "%.6g %.6g ", $2, $4; exit }' roc)"
	same 'steps of recall times precision: aupr_in' "$(awk -F '\t' '$1 == "aupr_in" { printf "%.7f\n", $2 }' table)" \
		"$(vic-ood -q --in x --out y --score $score --curve pr | awk -F '\t' 'NR > 1 { s += ($2 - r) * $3; r = $2 }
		END { printf "%.7f\n", s }')"
done
same 'a curve a score' 'energy entropy margin max_logit msp' \
	"$(vic-ood -q --in x --out y --curve roc | sed 1d | cut -f 1 | sort -u | tr '\n' ' ' | sed 's/ $//')"
same 'of several streams: named by both' 'msp x msp y' "$(vic-ood -q --in x --out y --out x --score msp --curve pr |
	sed 1d | cut -f 1 | sort -u | tr '\n' ' ' | sed 's/ $//')"
for wrong in '--bootstrap 9' '--level 0.9' '--seed 2' --json --tsv; do
	# shellcheck disable=SC2086
	fails 2 "${wrong%% *} has no effect with --curve" "$wrong beside a curve" vic-ood --in x --out y --curve roc $wrong
done

vic-reliability -q --curve risk-coverage x y >risk
vic-ood -q --in x --out y --curve roc >roc
vic-ood -q --in x --out y --curve pr >pr
for curve in risk:risk-coverage:coverage:risk roc:roc:'false positive rate':'true positive rate' pr:pr:recall:precision; do
	IFS=: read -r file name across up <<-L
		$curve
	L
	vic-plot --script --curve "$name" $file >script
	tap $? "vic-plot takes $name"
	like 'its axes' "set xlabel '$across'" "$(cat script)"
	like 'its quantity' "set title '$up'" "$(cat script)"
	same 'every line of numbers is drawn' "$(sed 1d $file | wc -l)" "$(grep -c '^[0-9]' script)"
done
fails 1 'holds roc, not pr' 'another curve' vic-plot --script --curve pr roc
if command -v gnuplot >/dev/null; then
	like 'a figure' '<title>risk-coverage of x, y</title>' "$(vic-plot risk)"
else
	skip 'a figure' 'no gnuplot'
fi
finish
