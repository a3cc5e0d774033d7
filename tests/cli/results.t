#!/bin/sh
# From cells to the page: rows.sh's RESULTS.tsv against plain arithmetic, the verdicts, the tables, the pictures.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
tab=$(printf '\t')

# Cells of three kinds: folds, seeds and a single one. The baseline is twice as sure as it should be.
cells() { # OUT
	mkdir -p "$1/try"
	printf 'dataset\tmodel\tmethod\tsetting\tseed\tfolder\n' >"$1/try/cells.tsv"
	for set in cv:fold0,fold1,fold2 seeds:1,2,3,4 one:1; do
		for way in baseline:-:2 mixup:0.4:1 mixup:1:0.6; do
			name=${way%%:*} setting=${way#*:} setting=${setting%:*}
			folder=$name
			[ "$setting" = - ] || folder=$name-$setting
			n=0
			for seed in $(echo "${set#*:}" | tr , ' '); do
				n=$((n + 1))
				cell=cells/${set%%:*}/net/$folder/$seed
				mkdir -p "$1/$cell"
				"$TOOLS/mklogits" n=$((300 + 50 * n)) seed=$n model=$n temperature="${way##*:}" \
					noise=0.3 \
					split=test name="$name" >"$1/$cell/test.logits"
				"$TOOLS/mklogits" n=150 seed=3 model=$n temperature="${way##*:}" noise=0.3 split=test \
					>"$1/$cell/pair.logits" # the same records in all
				"$TOOLS/mklogits" n=120 seed=9$n ood=1 temperature="${way##*:}" split=test \
					>"$1/$cell/noise.logits"
				printf \
					'epoch\tlr\ttrain_loss\tdev_ece\n1\t1\t0.9\t-\n2\t1\t0.5\t0.25\n3\t1\t0.%d\t0.5\n' \
					$n \
					>"$1/$cell/history.tsv"
				printf '%s\tnet\t%s\t%s\t%s\t%s\n' "${set%%:*}" "$name" "$setting" "$seed" "$cell" \
					>>"$1/try/cells.tsv"
			done
		done
	done
}
cat >recipe <<'R'
set -eu
OUT=$1 RECIPE=try LIB=$2
. "$LIB/rows.sh"
rows_begin
rows_scores test - accuracy ece oe gap confidence
rows_differences baseline ece
rows_ensemble_differences 'mixup 0.4' pair ece nll
rows_foreign noise auroc
rows_confident noise 0.9
rows_history train_loss dev_ece:rise
rows_end
R
cells out
ok 'rows are made of cells' sh recipe "$PWD/out" "$ROOT/pipeline/recipes/lib"
r=out/try/RESULTS.tsv
same 'nothing else is left' 'RESULTS.tsv cells.tsv' "$(ls out/try | sort | tr '\n' ' ' | sed 's/ $//')"
same 'every row has twelve fields' 12 "$(awk -F '\t' '{ print NF }' $r | sort -u)"
row() { awk -F '\t' -v at="$1" -v f="$2" '$2 " " $4 " " $5 " " $6 " " $8 == at { print $f }' $r; }
plain() { awk -F '\t' -v k="$1" '$1 == k { printf "%.6g\n", $2 }'; }
same 'a cell has what vic-score says' \
	"$(vic-score -q --tsv --brief out/cells/cv/net/mixup-0.4/fold1/test.logits | plain ece)" \
	"$(row 'cv mixup 0.4 fold1 ece' 9)"
same 'folds are pooled' "$(cat out/cells/cv/net/baseline/fold?/test.logits | vic-score -q --tsv --brief | plain ece)" \
	"$(row 'cv baseline - all ece' 9)"
same 'their records are counted' 1200 "$(row 'cv baseline - all ece' 7)"
# Student's t of 3 degrees of freedom, 95 %: 3.18245.
for i in 1 2 3 4; do row "seeds baseline - $i ece" 9; done |
	awk '{ v[NR] = $1; m += $1 / 4 } END { for (i in v) s += (v[i] - m) ^ 2
		printf "%.4f %.4f %.4f\n", m, m - 3.18245 * sqrt(s / 3 / 4), m + 3.18245 * sqrt(s / 3 / 4) }' >want
same 'seeds are averaged, with the interval of their mean' "$(cat want)" \
	"$(for f in 9 10 11; do row 'seeds baseline - all ece' $f; done |
		awk '{ printf "%s%.4f", (NR > 1 ? " " : ""), $1 } END { print "" }')"
same 'a single cell stands for all' "$(row 'one mixup 1 1 oe' 10)" "$(row 'one mixup 1 all oe' 10)"
same 'a difference is B less A' "$(vic-compare -q --tsv out/cells/one/net/baseline/1/test.logits \
	out/cells/one/net/mixup-1/1/test.logits | awk -F '\t' '$1 == "ece" { printf "%.6g\n", $4 }')" \
	"$(row 'one mixup 1 all ece less baseline' 9)"
same 'differences are of single cells alone' one "$(awk -F '\t' '$8 ~ / less baseline$/ { print $2 }' $r | sort -u)"
same 'of ensembles it is their difference' "$(vic-compare -q --tsv --ensemble out/cells/seeds/net/mixup-0.4/*/pair.logits \
	out/cells/seeds/net/baseline/*/pair.logits | awk -F '\t' '$1 == "nll" { printf "%.6g %.6g %.6g\n", $4, $5, $6 }')" \
	"$(for f in 9 10 11; do row 'seeds baseline+ensemble - all nll less mixup+ensemble 0.4' $f; done | paste -s -d ' ')"
same 'where there are several of each' 'cv seeds' \
	"$(awk -F '\t' '$8 ~ / less mixup[+]ensemble 0.4$/ { print $2 }' $r | sort -u | paste -s -d ' ')"
for f in accuracy gap confidence; do row "one baseline - 1 $f" 9; done | awk '{ v[NR] = $1 } END {
	exit !(v[3] > 0 && v[1] + v[2] - v[3] < 2e-6 && v[3] - v[1] - v[2] < 2e-6) }'
tap $? 'confidence is accuracy and gap'
same 'foreign records' "$(vic-ood -q --tsv --score msp --in out/cells/cv/net/baseline/fold2/test.logits \
	--out out/cells/cv/net/baseline/fold2/noise.logits | plain auroc)" "$(row 'cv/noise baseline - fold2 auroc' 9)"
same 'confident ones' "$(vic-reliability -q --curve histogram --bins 10 out/cells/one/net/baseline/1/noise.logits |
	awk -F '\t' '$2 == 10 { printf "%.6g\n", $5 / 120 }')" "$(row 'one/noise baseline - 1 above_0.9' 9)"
same 'a history ends' '0.2 0.25' "$(row 'cv baseline - fold1 train_loss' 9) $(row 'cv baseline - fold1 dev_ece:rise' 9)"
OUT=$PWD/out sh -c "$(row 'cv mixup 1 all oe' 12)" | plain oe >again
same 'a row can be made again by its command' "$(row 'cv mixup 1 all oe' 9)" "$(cat again)"
cells 'an other/out'
ok 'elsewhere, by another shell' "$(command -v bash || echo sh)" recipe "$PWD/an other/out" "$ROOT/pipeline/recipes/lib"
ok 'the same bytes' cmp $r 'an other/out/try/RESULTS.tsv'
mv out/cells/cv/net/mixup-1/fold0/test.logits gone
fails 1 'this failed: vic-score .*mixup-1/fold0' 'a cell without logits' \
	sh -c 'sh recipe "$PWD/out" "$1" 2>&1 | tail -1 >&2; exit 1' - "$ROOT/pipeline/recipes/lib"
ok 'what was there before stays' cmp $r 'an other/out/try/RESULTS.tsv'
mv gone out/cells/cv/net/mixup-1/fold0/test.logits

# Verdicts.
{
	printf 'id\tfigure\twhere\tstatement\tdata\tmodel\tmetric\ta\tdirection\tb\tpaper_a\tpaper_b\n'
	printf 'below\ttry\tFig. 1\tmixup <is> better\t*\t*\tece\tmixup 0.4\tbelow\tbaseline\t0.02\t0.05\n'
	printf 'above\ttry\tFig. 1\tmixup is worse\tone,cv\tnet\tece\tmixup 0.4\tabove\tbaseline\t\t\n'
	printf 'under\ttry\tSec. 3\tunderconfident\tcv,seeds,one\t*\tgap\tmixup 1\tbelow\t0\t\t\n'
	printf 'value\ttry\tTable 1\tprinted\tone\tnet\taccuracy\tmixup 0.4\t-\t\t0.9616\t\n'
} >claims
vic-report --results $r --claims claims --format tsv >verdicts
same 'verdicts, and what is behind them' "below cv 3 folds confirmed
below seeds 4 seeds confirmed
below one one run, by records confirmed
above cv 3 folds refuted
above one one run, by records refuted
under cv 3 folds confirmed
under seeds 4 seeds confirmed
under one one run, by records confirmed" "$(sed 1d verdicts | cut -f 1,3,14,15 | tr '\t' ' ')"
ok 'a page' vic-report --results $r --claims claims --title 'A & B' --note 'few <records>' -o page.html
page=$(cat page.html)
like 'statements are escaped' 'mixup &lt;is&gt; better' "$page"
like 'so is the note' 'few &lt;records&gt;' "$page"
like 'the paper stands beside ours' '<small class="paper">paper 0.9616</small>' "$page"
like 'and in the claim' 'The paper: 0.02 and 0.05\.' "$page"
like 'verdicts are counted' '6 confirmed</span>, <span class="verdict refuted">2 refuted</span>' "$page"
same 'no script, nothing is fetched' 0 "$(grep -Eci '<script|javascript:|(src|href)="?(https?:)?//|@import' page.html)"
for tag in table tbody thead tr th td caption div small span h1 h2 p nav main body html style details pre code li ul; do
	same "<$tag> opens as often as it closes" "$(grep -Eo "<$tag[ >]" page.html | wc -l)" \
		"$(grep -o "</$tag>" page.html | wc -l)"
done
for target in $(grep -o 'href="#[a-z0-9]*"' page.html | sed 's/.*#//; s/"//' | sort -u); do
	same "the link to $target leads somewhere" 1 "$(grep -o "id=\"$target\"" page.html | wc -l | tr -d ' ')"
done
sed "s/^try$tab/later$tab/" $r >later.tsv
vic-report --results later.tsv --results $r --claims claims >both.html
same 'several recipes, in their order' 'later try' \
	"$(grep -o '<h2 id="f[01]">[a-z]*' both.html | sed 's/.*>//' | tr '\n' ' ' | sed 's/ $//')"
like 'as Markdown' '^| mixup 0.4 | .*; paper 0.9616 |' "$(vic-report --results $r --claims claims --format md)"
like 'as LaTeX' '^mixup 0.4 & .*scriptsize paper 0.9616} &' "$(vic-report --results $r --claims claims --format latex)"
same 'a table of LaTeX has one number of columns' '' "$(vic-report --results $r --claims claims --format latex | awk '
	/begin{tabular}/ { n = gsub(/r/, "r") - 1 } / \\\\$/ && !/multicolumn/ { if (gsub(/ & /, "") != n) print }')"
same 'numbers alone need no claims' 0 "$(vic-report --results $r | grep -c 'id="verdicts"')"
head -1 $r >empty
fails 1 'empty: holds no row of results' 'a table without rows' vic-report --results empty
fails 1 'two rows for accuracy of baseline on cv' 'the same rows twice' vic-report --results $r --results $r
fails 1 'is not the header of a table of results' 'a table of something else' vic-report --results claims
fails 2 'streams have no place' 'a stream beside results' vic-report --results $r \
	out/cells/one/net/baseline/1/test.logits
fails 2 'it goes with --claims' 'verdicts of nothing' vic-report --results $r --format tsv
fails 2 'goes to stdout' 'another file than a page' vic-report --results $r --format md -o page.html
fails 2 '--note has no effect' 'a note without a place' vic-report --results $r --format latex --note x
fails 1 'not a picture' 'a picture that is none' vic-report --results $r --picture claims

# Pictures.
vic-plot --script $r >bars
same 'a panel a metric, the first three' 'Accuracy ECE OE' \
	"$(sed -n "s/^set title '\(.*\)' .*/\1/p" bars | tr '\n' ' ' | sed 's/ $//')"
same "a bar is a row's number" \
	"$(row 'seeds mixup 0.4 all ece' 9) $(row 'seeds mixup 0.4 all ece' 10) $(row 'seeds mixup 0.4 all ece' 11)" \
	"$(sed -n '/^\$d1_1 <</,/^EOD/p' bars | awk 'NR == 3 { print $2, $3, $4 }')"
vic-plot --script --curve settings --metric oe $r >lines
same 'settings stand in their order, the baseline at 0' \
	"$(for m in 'baseline -' 'mixup 0.4' 'mixup 1'; do row "one $m all oe" 9; done)" \
	"$(sed -n '/^\$d0_2 <</,/^EOD/p' lines | awk '/^[0-9]/ { print $2 }')"
grep -v "^try${tab}seeds${tab}net${tab}mixup" $r >some
same 'a data set without the method is left out' 'cv one' "$(vic-plot --script --curve settings --metric oe some |
	sed -n "s/^set label [0-9]* '\(.*\)' at .*/\1/p" | tr '\n' ' ' | sed 's/ $//')"
like 'settings are named' "^set xtics nomirror ('0' 0, '0.4' 0.4, '1' 1)" "$(cat lines)"
fails 1 "holds no metric 'eec'" 'a slip in a metric' vic-plot --script --metric ece,eec $r
fails 1 "holds no method 'mixip' with a setting" 'a slip in a method' vic-plot --script --curve settings --method \
	mixip $r
fails 1 'holds results, not bins' 'results are no curve' vic-plot --script --curve bins $r
vic-reliability -q --bands 0 out/cells/one/net/baseline/1/test.logits >curve
fails 1 'holds bins, not results' 'a curve is no table of results' vic-plot --script --curve bars curve
fails 1 'holds bins, not results, which --metric is of' 'a metric of a curve' vic-plot --script --metric ece curve
if command -v gnuplot >/dev/null; then
	ok 'bars are drawn' vic-plot -o try-bars.svg $r
	like 'and told' '<title>Accuracy, ECE, OE of baseline, mixup 0.4, mixup 1 on cv, net; seeds, net; one, net' \
		"$(cat try-bars.svg)"
	ok 'lines, too' vic-plot --curve settings -m ece -o lines.png $r
	vic-report --results $r --picture ./try-bars.svg --picture lines.png -o page.html
	same 'a picture is in the page, byte for byte' "$(cksum <try-bars.svg)" \
		"$(grep -o 'image/svg+xml;base64,[^"]*' page.html | sed 's/.*,//' | base64 -d | cksum)"
	like 'with its size and its words' 'width="[0-9]*" height="[0-9]*" alt="Accuracy, ECE, OE of baseline' \
		"$(cat page.html)"
	sed -n '/<h2 id="f0">/,/<table/p' page.html | grep -q 'svg+xml'
	tap $? 'beside the figure that its name begins with'
else
	skip 'pictures of results' 'gnuplot is not installed'
fi
finish
