#!/bin/sh
# vic-plot: every curve becomes a figure; wrong tables and a missing gnuplot are said.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
"$TOOLS/mklogits" n=800 temperature=2 name="it's \"quoted\" & <odd> _{x}" >a
"$TOOLS/mklogits" n=800 noise=1 name=mild >b
"$TOOLS/mklogits" n=200 ood=1 name=noise >ood
for curve in bins histogram corp scatter density; do
	case $curve in
	bins | corp) with='--bands 20' ;;
	scatter | density) with='--group 50' ;;
	*) with= ;;
	esac
	# shellcheck disable=SC2086
	vic-reliability -q $with --curve $curve a b >$curve.tsv
done
vic-reliability -q --curve histogram a ood >mixed.tsv
vic-reliability -q --curve entropy >entropy.tsv
{
	printf 'run\tepoch\tquantity\tvalue\n'
	for run in base mixup; do
		for epoch in 1 2 3; do
			printf '%s\t%d\ttrain_loss\t0.%d\n%s\t%d\tdev_ece\t0.%d5\n' $run $epoch $epoch $run $epoch \
				$epoch
		done
	done
} >training.tsv
printf \
	'stream\tmu\tn\taccuracy\taccuracy_low\taccuracy_high\tconfidence\tentropy\nbase\t0\t9\t0.9\t\t\t0.8\t0.1\nbase\t10\t9\t0.5\t\t\t0.9\t0.2\nbase\t100\t9\t0.1\t\t\t1\t0\n' >hull.tsv

like 'a script can be had without gnuplot' '^set terminal svg' "$(vic-plot --script bins.tsv)"
like 'a quote in a name is a string of its own' "set title 'it'.\"'\".'s \"quoted\" & <odd> _{x}'" \
	"$(vic-plot --script bins.tsv)"
printf \
	'stream\tgroup\tn\tconfidence\taccuracy\n`touch pwned`\t1\t2\t0.5\t0.5\nx"; system "touch pwned\t1\t2\t0.5\t0.5\n' >evil.tsv
if command -v gnuplot >/dev/null; then
	for curve in bins histogram corp scatter density entropy training hull; do
		ok "$curve as SVG" vic-plot --curve $curve --title "A title" $curve.tsv
		like "$curve: is SVG" '^<svg' "$(cat .out)"
		same "$curve: is whole" '</svg>' "$(tail -2 .out | tr -d '\n' | sed 's/.*<\/svg>/<\/svg>/')"
		ok "$curve as PNG" vic-plot -o $curve.png $curve.tsv
		same "$curve: gnuplot said nothing" '' "$(cat .err)"
		same "$curve: is PNG" PNG "$(head -c 4 $curve.png | tail -c 3)"
	done
	ok 'labelled beside unlabelled' vic-plot mixed.tsv
	for order in 'a b' 'a ood' 'ood a'; do
		# shellcheck disable=SC2086 # two words
		same "a key for what has no label: $order" "$(case $order in *ood*) echo 1 ;; *) echo 0 ;; esac)" \
			"$(vic-reliability -q --curve histogram $order | vic-plot | grep -c '>unlabelled<')"
	done
	like 'the odd name is drawn as it is' '<text>it.*s "quoted" &amp; &lt;odd\(>\|&gt;\) _{x}</text>' \
		"$(vic-plot scatter.tsv | grep '<text>it')"
	like 'the figure has a title to be read out' '<title>MR: scatter of it.*odd&gt; _{x}, mild</title>' \
		"$(vic-plot --title MR scatter.tsv | grep '<title>MR')"
	vic-plot bins.tsv >one.svg
	vic-plot <bins.tsv >two.svg
	ok 'the same bytes twice' cmp one.svg two.svg
	ok 'names are never commands' vic-plot evil.tsv
	ok 'nor is anything run' test ! -e pwned
	ok 'a PNG by --format on stdout' sh -c 'vic-plot --format png bins.tsv | head -c 4 | grep -q PNG'
	ok 'the folder holds no half a figure' sh -c 'vic-plot -o nowhere/x.svg bins.tsv; test ! -e nowhere'
else
	skip 'figures' 'gnuplot is not there'
fi
mkdir empty
fails 1 'gnuplot is not on the PATH' 'a missing gnuplot is said' env PATH="$T/empty" "$BIN/vic-plot" bins.tsv
printf '#!/bin/sh\necho "line 3: no such thing" >&2\nexit 1\n' >empty/gnuplot
chmod +x empty/gnuplot
fails 1 'gnuplot failed: line 3: no such thing' 'a failing one too' env PATH="$T/empty" "$BIN/vic-plot" bins.tsv
printf '#!/bin/sh\nexit 0\n' >empty/gnuplot
fails 1 'it drew nothing and said nothing' 'and one that draws nothing' env PATH="$T/empty" "$BIN/vic-plot" bins.tsv
# A gnuplot that cannot write all of it, and says nothing.
for end in '<svg>' '<svg></svg' '<svg></svg>x'; do
	printf '#!/bin/sh\necho "%s"\n' "$end" >empty/gnuplot
	echo '<svg>old' >kept.svg
	fails 1 'figure has no end: is there no room' "a figure that ends in '$end'" env PATH="$T/empty:$PATH" \
		vic-plot -o kept.svg bins.tsv
	same 'the old one stays' '<svg>old' "$(cat kept.svg)"
done
for end in '' '\0\0\0\0IEND' '\0\0\0\0IEND\256B`\203'; do
	printf '#!/bin/sh\nprintf "\\211PNG%s"\n' "$(printf %s "$end" | sed 's/[\\`]/\\&/g')" >empty/gnuplot
	fails 1 'figure has no end' "a PNG that ends in '$end'" env PATH="$T/empty:$PATH" vic-plot -o kept.png bins.tsv
	ok 'nothing is written' test ! -e kept.png
done
printf '#!/bin/sh\nprintf "\\211PNG\\0\\0\\0\\0IEND\\256B\\140\\202"\n' >empty/gnuplot
ok 'a PNG with its end' env PATH="$T/empty:$PATH" vic-plot -o kept.png bins.tsv
# Its own folder for temporary files, and nothing of a user's own settings.
printf '#!/bin/sh\n[ "$*" = -d ] && env >"%s/env" && readlink /proc/self/fd/* >"%s/files"\necho "<svg></svg>"\n' "$T" \
	"$T" >empty/gnuplot
mkdir tmp
ok 'a figure' env PATH="$T/empty:$PATH" TMPDIR="$T/tmp" GNUTERM=x11 GNUPLOT_LIB=/x GNUPLOT_FONTPATH=/x KEPT=1 vic-plot \
	-o kept.svg bins.tsv
same 'without GNUTERM and GNUPLOT_*' 'KEPT=1' "$(grep -e '^GNU' -e '^KEPT' env)"
same 'through files in $TMPDIR' 2 "$(grep -c "^$T/tmp/" files)"
fails 1 'temporary file: .*nowhere' 'no such $TMPDIR' env PATH="$T/empty:$PATH" TMPDIR="$T/nowhere" vic-plot bins.tsv
if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=64k none small 2>/dev/null; then
	printf '#!/bin/sh\nyes "<path/>" | head -c 100000 2>/dev/null\necho "</svg>"\nexit 0\n' >empty/gnuplot
	fails 1 'no room\|No space left' 'a full $TMPDIR' env PATH="$T/empty:$PATH" TMPDIR="$T/small" vic-plot -o full.svg bins.tsv
	umount small
	ok 'nothing is written' test ! -e full.svg
else
	skip 'a full $TMPDIR' 'only root can mount a small one'
fi
fails 1 'line 1 is none of the headers' 'another table' sh -c 'echo "a	b" | vic-plot'
fails 1 'bins.tsv: holds bins, not corp' 'another curve than asked for' vic-plot --curve corp bins.tsv
fails 1 'holds no line of numbers' 'a header alone' sh -c 'head -1 bins.tsv | vic-plot'
sed '3s/\t[^\t]*$//' bins.tsv >short.tsv
fails 1 'short.tsv: line 3: has fewer fields' 'a short line' vic-plot short.tsv
sed '3s/$/\t1/' bins.tsv >long.tsv
fails 1 'long.tsv: line 3: has more fields' 'a long line' vic-plot long.tsv
sed '3s/\t0\t/\tnan\t/' hull.tsv | sed '3s/0.9/oops/' >word.tsv
fails 1 'word.tsv: line 3' 'a word among numbers' vic-plot word.tsv
printf 'stream\tgroup\tn\tconfidence\taccuracy\nx\0\t1\t2\t0.5\t0.5\n' >nul.tsv
fails 1 'NUL byte' 'a NUL byte' vic-plot nul.tsv
fails 1 'nowhere' 'a missing file' vic-plot nowhere

# A history of vic-train is what vic-reliability makes of it: from a file, a pipe and packed.
printf 'epoch\tlr\ttrain_loss\tdev_n\tdev_ece\n1\t0.1\t0.9\t10\t0.2\n2\t0.1\t0.5\t10\t-\n' >history.tsv
vic-reliability --curve training history.tsv | vic-plot --script >by_hand
ok 'a history' sh -c 'vic-plot --script history.tsv >direct'
same 'is drawn as its table is' "$(cat by_hand)" "$(cat direct)"
gzip -c history.tsv >history.tsv.gz
same 'packed' "$(vic-reliability --curve training --name history.tsv.gz history.tsv | vic-plot --script)" \
	"$(vic-plot --script history.tsv.gz)"
same 'from a pipe' "$(vic-reliability --curve training --name stdin history.tsv | vic-plot --script)" \
	"$(vic-plot --script <history.tsv)"
printf 'epoch\tlr\ttrain_loss\n1\t0.1\tx\n' >broken.tsv
fails 1 'broken.tsv: line 2' 'a history with a word among its numbers' vic-plot broken.tsv
printf 'epoch\tlr\ttrain_loss\n' >none.tsv
fails 1 'none.tsv: holds no epoch' 'a history of no epoch' vic-plot none.tsv
finish
