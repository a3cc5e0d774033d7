#!/bin/sh
# README's first steps run as they are printed, in an empty folder, and give what they promise.
. "$(dirname "$0")/lib.sh"
mkdir "$T/first" && cd "$T/first" || exit 1
awk '/^## First steps/ { here = 1; next } /^## / { here = 0 } here && /^    / { print substr($0, 5) }' \
	"$ROOT/README.md" >../steps
like 'the steps put build/bin on the PATH' '^export PATH="$PWD/build/bin:$PATH"$' "$(cat ../steps)"
same 'and are as many as were read' 9 "$(wc -l <../steps)"
ok 'they all run' sh -ec "$(cat ../steps)"
like 'the scores are printed' '^accuracy ' "$(cat .out ../.out 2>/dev/null)"
ok 'the report is a page' grep -q '</html>' report.html
like 'which tells how to make it again' 'vic-train .*mixup=0.4' "$(cat report.html)"
like 'the network learned' '^0\.[3-9]' \
	"$(vic-score -q --brief --tsv --split test shapes.logits | sed -n 's/^accuracy	//p')"
finish
