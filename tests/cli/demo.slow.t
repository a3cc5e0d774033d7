#!/bin/sh
# make demo's recipe, on data that it makes itself, and so to its end everywhere.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
VIC_OFFLINE=1 SYNTHETIC=1 vic run demo --seeds 1 --out demo >out 2>err
status=$?
same 'the demo runs to its end' 0 $status
[ $status = 0 ] || diag err
like 'and names its page last' "^demo: look at $T/demo/demo/page.html$" "$(tail -n 1 err)"
ok 'which is whole' grep -q '</html>' demo/demo/page.html
for of in 'text	kimcnn	baseline	-' 'text	kimcnn	features-only	0.4' 'images	smallcnn	mixup	0.4'; do
	like "a row of $of" "^demo	$of	all	[0-9]*	ece	" "$(cat demo/demo/RESULTS.tsv)"
done
finish
