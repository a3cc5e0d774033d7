#!/bin/sh
# What vic-report adds where it is asked for: the numbers of vic-score, vic-conformal and vic-ood, and nothing else.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
"$TOOLS/mklogits" n=400 classes=3 dev=200 temperature=2 name='base <b>&"line' split=test >a
"$TOOLS/mklogits" n=400 classes=3 dev=200 noise=0.3 name=mixup split=test >b
"$TOOLS/mklogits" n=100 classes=3 ood=1 first=90000 name=noise >other
"$TOOLS/mklogits" n=300 classes=25 temperature=2 split=test >many
vic-conformal -q -o bound a
report() { vic-report -q --bootstrap 40 --floor 0 "$@"; }

# lines FILE SECTION: its tables as text, a line a row, cells behind bars.
lines() {
	tr -d '\n' <"$1" | sed "s/.*<h2 id=\"$2\">//; s/<h2 id=.*//; s/<tr>/\\
/g; s/<small>[^<]*<\/small>//g; s/<\/t[hd]>/|/g; s/<[^>]*>//g; s/&minus;/-/g"
}
# four FILE ROW COLUMN: of a TSV, as the page shows it.
four() { awk -F '\t' -v row="$2" -v c="$3" '$1 == row { printf "%.4f", $c }' "$1"; }

report a >bare.html
same 'without them no section' 0 "$(grep -c 'id="\(classes\|groups\|selective\|sets\|others\)"' bare.html)"
same 'and no style of theirs' 0 "$(grep -c '\.curves' bare.html)"

report --per-class a >page.html
vic-score -q --per-class --tsv a >score
for class in 0 1 2; do
	like "class $class" "class $class|$(awk -F '\t' -v k="class $class" '$1 == k {
		printf "%d|%d|%.4f|%.4f|%.4f|%.4f|%.4f|", $2, $3, $4, $5, $6, $7, $8 }' score)" "$(lines page.html classes)"
done
same 'the rest of the page is as without' "$(sed 's/<style>.*<\/style>//; s/<li><a href="#classes">Classes<\/a><\/li>//' bare.html |
	cksum)" "$(sed 's/<style>.*<\/style>//; s/<li><a href="#classes">Classes<\/a><\/li>//; /<h2 id="classes">/d' page.html | cksum)"
report --per-class many >page.html
like 'of many classes some are shown' '20 of 25 lines, those of the largest ECE' "$(cat page.html)"
like 'and the rest is folded' '<summary>All 25 lines' "$(cat page.html)"
worst=$(vic-score -q --per-class --tsv many | sed 1d | sort -t "$(printf '\t')" -k 6,6gr | head -1 | cut -f 1)
like 'the furthest first' "^$worst|" "$(lines page.html classes | sed -n 3p)"

report --by label a >page.html
vic-score -q --by label --bootstrap 40 --floor 0 --tsv a >score
for key in 'Accuracy accuracy' 'ECE ece' 'NLL nll'; do
	row=${key#* } columns=$(head -1 score | tr '\t' '\n' | wc -l)
	of() { head -1 score | tr '\t' '\n' | grep -nx "$1" | cut -d : -f 1; }
	group=$(awk -F '\t' -v row="$row" -v c="$(of 'worst group')" '$1 == row { print $c }' score)
	like "worst $row of $columns columns" "${key% *}|$group|$(four score "$row" "$(of worst)")|$(four score "$row" \
		"$(of 'p of no difference')")|" "$(lines page.html groups)"
done
like 'a group' "label=class 1|$(awk -F '\t' -v c="$(of 'label=class 1')" '$1 == "n" { print $c }' score)|" \
	"$(lines page.html groups)"

report --coverage 0.7 --risk 0.3 --confidence 0.9 a >page.html
vic-score -q --coverage 0.7 --risk 0.3 --confidence 0.9 --floor 0 --tsv a | grep @ >score
same 'selections are there' 7 "$(wc -l <score | tr -d ' ')"
for key in $(cut -f 1 score); do
	like "$key" "$key|$(four score "$key" 2)|" "$(lines page.html selective)"
done
like 'with their curve' '<path class="s0" d="M' "$(cat page.html)"

report --apply bound a >page.html
vic-conformal -q --apply bound --table --tsv a >score
like 'coverage and size of sets' "all|$(sed -n 2p score | cut -f 2)|$(four score all 3)|$(four score all 6)|" \
	"$(lines page.html sets)"
fails 1 'the threshold was fitted on' 'the fit data are refused' report --apply bound --split dev a
ok 'unless they are allowed' report --apply bound --split dev --allow-fit-data a
fails 2 '1 --apply for 2 streams' 'a threshold is of one model' report --apply bound a b

for seeded in '--bootstrap 0 --floor 0 --apply bound' '--bootstrap 0 --floor 0'; do
	# shellcheck disable=SC2086
	fails 2 '\-\-seed goes with' "nothing is drawn with $seeded" vic-report -q --seed 3 $seeded a
done
vic-conformal -q --method aps --randomised --split dev a >drawn
ok 'sets of a randomised threshold are' vic-report -q --seed 3 --bootstrap 0 --floor 0 --apply drawn -o page a
ok 'and floors' vic-report -q --seed 3 --bootstrap 0 --apply bound -o page a

report --ood other a >page.html
vic-ood -q --bootstrap 40 --in a --out other --tsv >score
like 'scores tell them apart' "msp|$(awk -F '\t' '$1 == "n_in" { print $2 }' score)|100|$(four score auroc 2)|" \
	"$(lines page.html others)"
for asked in msp energy; do
	report --ood other --score "$asked" a >one.html
	same "--score $asked: that line alone of those of all" "$(lines page.html others | grep "^$asked|")" \
		"$(lines one.html others | grep '^[a-z0-9_]*|[0-9]*|100|')"
done
like 'with curves' 'ROC curves of base &lt;b&gt;' "$(cat page.html)"
fails 2 '1 --ood for 2 streams' 'others are of one model' report --ood other a b
fails 1 'not outputs of one model' 'other classes' report --ood other many

report --per-class --by label --risk 0.3 --apply bound --apply bound --ood other --ood other --split test a a >page.html
like 'two streams of one name are told apart' 'line (a)</th>' "$(cat page.html)"
same 'every id is there once' '' "$(grep -o ' id="[^"]*"' page.html | sort | uniq -d)"
for tag in table tbody thead tr th td div figure svg g details ul li h2 h3 p small b; do
	same "<$tag> opens as often as it closes" "$(grep -Eo "<$tag[ >]" page.html | wc -l)" \
		"$(grep -o "</$tag>" page.html | wc -l)"
done
same 'no name gets through raw' 0 "$(grep -c '<b>&"' page.html)"
report --threads 1 --per-class --by label --risk 0.3 --apply bound --apply bound --ood other --ood other --split test a a |
	cmp -s - page.html
tap $? 'by one thread the same bytes'
finish
