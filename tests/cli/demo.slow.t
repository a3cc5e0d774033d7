#!/bin/sh
# make demo's recipe, shortened, on data that it makes itself, and so to its end everywhere.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
sed 's/epochs=10$/epochs=1/; s/epochs=5$/epochs=1/; s/--n 6000/--n 600/; s/--n 5000/--n 300/' \
	"$ROOT/pipeline/recipes/demo.sh" >demo.sh
same 'it is shortened' 4 "$(grep -c 'epochs=1$\|--n 600 \|--n 300 ' demo.sh)"
VIC_OFFLINE=1 SYNTHETIC=1 vic run ./demo.sh --seeds 1 --out out >said 2>err
status=$?
same 'the demo runs to its end' 0 $status
[ $status = 0 ] || diag err
like 'and names its page last' "^demo: look at $T/out/demo/page.html$" "$(tail -n 1 err)"
ok 'which is whole' grep -q '</html>' out/demo/page.html
for of in 'text	kimcnn	baseline	-' 'text	kimcnn	features-only	0.4' 'images	smallcnn	mixup	0.4'; do
	like "a row of $of" "^demo	$of	all	[0-9]*	ece	" "$(cat out/demo/RESULTS.tsv)"
done
finish
