#!/bin/sh
# vic-report: one page, whole, readable without script, network or eyes. report.slow.t opens it in a browser.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
"$TOOLS/mklogits" n=1500 classes=4 temperature=2 name='base <b>&"line' split=test >a
"$TOOLS/mklogits" n=1500 classes=4 noise=0.3 name='mixup 0.4' split=test >b
"$TOOLS/mklogits" n=700 classes=4 seed=9 samples=3 noise=0.3 name=dropout >c
ok 'a page is written' vic-report --bootstrap 100 --floor 20 --title 'A & B' -o page.html a b c
like 'other records are not compared, and it is said' 'dropout is not compared with base' "$(cat .err)"
page=$(cat page.html)
like 'the title is escaped' '<title>A &amp; B</title>' "$page"
like 'names are escaped' 'base &lt;b&gt;&amp;&quot;line' "$page"
same 'no name gets through raw' 0 "$(grep -c '<b>&"' page.html)"
like 'language' '<html lang="en">' "$page"
like 'a phone is thought of' 'name="viewport" *content="width=device-width,initial-scale=1"' "$page"
like 'light and dark' 'prefers-color-scheme:dark' "$page"
like 'paper' '@media print' "$page"
same 'no script' 0 "$(grep -ci '<script\|javascript:\| on[a-z]*=' page.html)"
same 'nothing is fetched' 0 "$(grep -Ec '(src|href)="?(https?:)?//|url\("?h|@import' page.html)"
like 'nothing may be' "default-src 'none'" "$page"
same 'a picture a stream' 3 "$(grep -o 'role="img"' page.html | wc -l | tr -d ' ')"
same 'each has a title' 3 "$(grep -o '<title id="t[0-9]*">Reliability diagram of' page.html | wc -l | tr -d ' ')"
same 'each is described' 3 "$(grep -o '<desc id="d[0-9]*">[0-9]* records in 15 bins' page.html | wc -l | tr -d ' ')"
same 'each is told in numbers' 3 "$(grep -o '<summary>The same in numbers' page.html | wc -l | tr -d ' ')"
same 'every id is there once' '' "$(grep -o ' id="[^"]*"' page.html | sort | uniq -d)"
for target in $(grep -o 'href="#[a-z]*"' page.html | sed 's/.*#//; s/"//' | sort -u); do
	same "the link to $target leads somewhere" 1 "$(grep -c "id=\"$target\"" page.html)"
done
for tag in table tbody thead tr th td caption div figure svg g details summary dl dt dd ol ul li pre code h1 h2 h3 p \
	small nav main body html style; do
	same "<$tag> opens as often as it closes" "$(grep -Eo "<$tag[ >]" page.html | wc -l)" \
		"$(grep -o "</$tag>" page.html | wc -l)"
done
same 'every column heading says that it is one' 0 \
	"$(grep -o '<thead>.*</thead>' page.html | grep -o '<th>' | wc -l | tr -d ' ')"
like 'intervals are there' '<small>0\.[0-9]*&nbsp;to 0\.[0-9]*</small>' "$page"
like 'claims are there' 'may be called better than' "$page"
like 'how it was made is there' 'mklogits n=1500 classes=4 temperature=2' "$page"
like 'quoted for the shell' "'name=mixup 0.4'" "$page"
like 'samples are averaged, and it is said' '3 samples a record, probabilities averaged' "$page"
score() { vic-score -q --tsv --brief --bootstrap 0 "$1" | awk -F '\t' -v k="$2" '$1 == k { printf "%.4f", $2 }'; }
like "vic-score's ECE" "<th scope=\"row\">ECE<small>.*<td>$(score a ece)<" "$page"
like "vic-score's NLL" "<td>$(score b nll)<" "$page"

vic-report -q --bootstrap 100 --floor 20 --title 'A & B' --threads 1 a b c >one.html
ok 'the same bytes by any number of threads, and on stdout' cmp one.html page.html
vic-report -q --bootstrap 0 --floor 0 a >bare.html
same 'without resamples no interval' 0 "$(grep -c 'bootstrap' bare.html)"
cat a b >folds
ok 'documents are pooled' vic-report --bootstrap 0 --floor 0 -o folds.html folds
like 'and it is said' '2 documents were pooled' "$(cat folds.html)"
ok 'stdin' sh -c 'vic-report -q --bootstrap 0 <a >/dev/null'
fails 2 "stdin can be read once" 'one stdin' vic-report - -
"$TOOLS/mklogits" n=30 ood=1 >unlabelled
fails 1 'has no label' 'records without a label' vic-report -q unlabelled
finish
