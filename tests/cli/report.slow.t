#!/bin/sh
# vic-report's page in a browser: nothing logged, nothing fetched, no sideways scrolling on a phone, enough contrast in
# light and dark, an accessibility tree that says what the page says. Skipped where there is no Chromium.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
for browser in chromium chromium-browser google-chrome; do
	command -v "$browser" >/dev/null && break
	browser=
done
"$TOOLS/mklogits" n=1500 classes=4 temperature=2 name='a baseline' split=test >a
"$TOOLS/mklogits" n=1500 classes=4 noise=0.3 name='mixup 0.4' split=test >b
"$TOOLS/mklogits" n=1500 classes=4 noise=0.3 temperature=0.6 name='label_smoothing_with_a_long_name_0.1' split=test >c
vic-report -q --bootstrap 100 --floor 20 --title 'Four classes' -o page.html a b c

look() { # look WIDTH MODE: opens the page; the rest looks at $T/seen
	what="$1 wide, $2"
	if ! timeout 150 "$TOOLS/browse" "$browser" "file://$T/page.html" "$1" "$2" - >seen 2>"$T/.err"; then
		tap 1 "$what: the page opens"
		diag "$T/.err"
		return 1
	fi
	tap 0 "$what: the page opens"
	same "$what: nothing is logged" '' "$(grep '^console' seen)"
	same "$what: nothing is asked for but the page" "request file://$T/page.html" "$(grep '^request' seen | sed 's,%20, ,g')"
	fits=$(sed -n 's/^width \([0-9]*\).*/\1/p' seen)
	tap "$([ "$fits" -le "$1" ] && echo 0 || echo 1)" \
		"$what: it fits (the document is $(sed -n 's/^width //p' seen))"
	least=$(sed -n 's/^contrast \([0-9.]*\).*/\1/p' seen)
	tap "$(awk -v c="$least" 'BEGIN { print !(c >= 7) }')" \
		"$what: text has a contrast of 7 or more ($(sed -n 's/^contrast //p' seen))"
}
named() { # named ROLE NAME: a node of the tree
	grep -q "^ax $1 $2" seen
	tap $? "the tree has a $1 named '$2'"
}

if [ -z "$browser" ]; then
	skip 'the page in a browser' 'no Chromium is there'
elif look 1280 light; then
	named RootWebArea 'Four classes$'
	named main ''
	named navigation Contents
	for heading in 'Four classes' Scores 'What may be claimed' Reliability 'More measures' 'Where they came from' \
		'How to read the numbers'; do
		named heading "$heading\$"
	done
	for stream in 'a baseline' 'mixup 0.4' 'label_smoothing_with_a_long_name_0.1'; do
		named columnheader "$stream\$"
		named figure "$stream\$"
		named image "Reliability diagram of $stream\$"
	done
	named rowheader 'ECE'
	named rowheader 'Brier score'
	same 'two tables are open' 2 "$(grep -c '^ax table' seen)"
	same 'no image is without a name' 0 "$(grep -c '^ax image $' seen)"
	same 'no link is without a name' 0 "$(grep -c '^ax link $' seen)"
	same 'no figure is without a name' 0 "$(grep -c '^ax figure $' seen)"
	look 1280 dark
	look 390 light
	look 390 dark
	look 320 light
	long=$(printf 'aTitle%054d' 0) # a word of sixty letters
	vic-report -q --bootstrap 0 --floor 0 --title "$long" -o page.html a
	look 320 light
	if look 800 print; then
		tap "$([ "$(sed -n 's/^pdf //p' seen)" -gt 20000 ] && echo 0 || echo 1)" \
			"it prints ($(sed -n 's/^pdf //p' seen) bytes of PDF)"
	fi
fi
finish
