#!/bin/sh
# vic-images and vic-perturb: what goes wrong.
. "$(dirname "$0")/lib.sh"

images() { vic-images -q "$@"; }
stat_of() { vic-cat --stats | sed -n "s/^$1 //p"; }
golden=$ROOT/tests/golden/images

# What goes wrong.
mkdir -p "$T/f/a" "$T/f/b"
cp "$golden/rgb420.jpg" "$T/f/a/1.jpg"
head -c 500 "$golden/rgb420.jpg" >"$T/f/a/2.jpg"
cp "$golden/rgb422.jpg" "$T/f/b/3.jpg"
fails 1 'a/2.jpg: JPEG: Premature end.*--on-bad skip' 'a corrupt JPEG in the middle of a folder stops' images "$T/f"
like 'or is left out, named and counted' '1 images left out that do not decode; the first: .*a/2.jpg: JPEG: Premature' \
	"$(vic-images --on-bad skip "$T/f" 2>&1 >/dev/null)"
same 'and the others are there' 2 "$(images --on-bad skip "$T/f" | stat_of records)"
rm "$T/f/a/2.jpg"
images -o "$T/f.vic" "$T/f"
same 'a run that fails leaves the old file' 2 \
	"$(images -f cifar10 -o "$T/f.vic" "$T/f" 2>/dev/null; stat_of records <"$T/f.vic")"
head -c 3073 /dev/zero | tr '\0' '\377' >"$T/bad.bin"
fails 1 'bad.bin: record 0: label 255 is outside the 10 classes' 'a label out of range' images -f cifar10 "$T/bad.bin"
fails 1 'announces 41x27 pixels; --max-pixels is 100' 'more pixels than allowed' images --max-pixels 100 "$T/f"
printf '\000\000\010\003\377\377\377\377\377\377\377\377\377\377\377\377' >"$T/bomb-images-idx3-ubyte"
fails 1 'its size overflows' 'an IDX file that announces 2^96 bytes' images -f idx "$T/bomb-images-idx3-ubyte"
fails 1 'No such file' 'a path that is not there' images "$T/absent"
fails 2 'PATH is missing' 'no path' images
fails 2 'neither N nor HxW' 'a size that is none' images -r 10000000x3 "$T/f"
fails 2 'fold has no meaning' 'an option of another format' images --fold 1 "$T/f"
fails 2 "fit is for --resize" '--fit alone' images --fit stretch "$T/f"
fails 2 'gaussian-like takes no PATH' 'noise and a path' images --gaussian-like "$T/f.vic" "$T/f"
fails 2 'resize has no meaning' 'noise and --resize' images --gaussian-like "$T/f.vic" -r 3
fails 2 "'hound' is neither" 'a class that is not there' images --class-subset hound "$T/f"
images --split test "$T/f" -o "$T/test.vic"
fails 1 'no record of split train' 'noise like a stream without training images' images --gaussian-like "$T/test.vic"
vic-perturb -q "$T/f.vic" -o "$T/float.vic"
fails 1 'holds float images' 'float images are not resized' images -f stream -r 8 "$T/float.vic"
fails 1 'is a stream of images' 'a program for another kind says so' vic-embed --random "$T/f.vic"
fails 1 'no record of split dev' 'a split that is not there' vic-perturb -q --only dev "$T/f.vic"
fails 2 "'val' is none of" 'a split that does not exist' vic-perturb -q --only val "$T/f.vic"
head -c 1500 "$T/f.vic" >"$T/cut.vic"
fails 1 'truncated after record 0' 'a truncated stream' vic-perturb -q -o "$T/y" "$T/cut.vic"
fails 1 'truncated after record 0' 'a truncated stream again' images -f stream -o "$T/y" "$T/cut.vic"

# Pictures whose posterior is known, in both layouts.
for layout in idx cifar; do
	vic-corpora -q synth images --layout $layout --n 100 --seed 4 --to "$T/$layout"
	format=idx
	[ $layout = cifar ] && format=cifar10
	same "synth images --layout $layout: 100 and 20 pictures" 'split train 100,split test 20,' \
		"$(images -f $format "$T/$layout" | vic-cat --stats | grep '^split' | tr '\n' ',')"
	same 'and a line of posterior.tsv for each, after the header' 121 \
		"$(wc -l <"$T/$layout/posterior.tsv" | tr -d ' ')"
done
fails 2 'ten classes, not 3' 'CIFAR files of three classes' vic-corpora synth images --layout cifar --classes 3 --to \
	"$T/z"
fails 2 'dim is for synth text' 'an option of synth text' vic-corpora synth images --dim 3 --to "$T/z"

# --sample: of each split so many, of each class its share, the same for the same seed, in the source's order; and every
# record has the same chance.
mkdir -p "$T/many/train/a" "$T/many/train/b" "$T/many/train/c" "$T/many/test/a" "$T/many/test/b"
for i in 01 02 03 04 05 06 07 08 09 10 11 12; do
	cp "$golden/rgb.png" "$T/many/train/a/$i.png"
	[ $i -gt 6 ] || cp "$golden/rgb.png" "$T/many/train/b/$i.png"
	[ $i -gt 2 ] || cp "$golden/rgb.png" "$T/many/train/c/$i.png"
	[ $i -gt 3 ] || cp "$golden/rgb.png" "$T/many/test/a/$i.png"
	[ $i -gt 1 ] || cp "$golden/rgb.png" "$T/many/test/b/$i.png"
done
drawn() { images --resize 2 "$@" "$T/many" | vic-cat; }
vic-images --resize 2 --sample 9 --seed 5 "$T/many" 2>"$T/said" | vic-cat >"$T/drawn"
same 'N of each split, or all there are' '9 4' \
	"$(grep -c '	train	' "$T/drawn") $(grep -c '	test	' "$T/drawn")"
same "each class's share, rounded by the largest remainders" 'a 5 b 3 c 1' \
	"$(awk -F '\t' '$2 == "train" { n[$3]++ } END { print "a", n["a"], "b", n["b"], "c", n["c"] }' "$T/drawn")"
like 'it says what it took' '9 of 20 train records drawn (--seed 5)' "$(cat "$T/said")"
drawn >"$T/all"
ok 'records, ids, names and their order are those of the source' sh -c "grep -v '^#' '$T/drawn' | grep -vxFf '$T/all' |
	wc -l | grep -qx 0 && cut -f 1 '$T/drawn' | sed 1,2d | sort -c -n"
same 'the same for the same seed and any threads' "$(cksum <"$T/drawn")" \
	"$(drawn --sample 9 --seed 5 --threads 3 | cksum)"
for seed in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	drawn --only train --sample 10 --seed $seed
done | awk -F '\t' '!/^#/ { n[$NF]++ } END { for (k in n) if (n[k] < 2 || n[k] > 18) bad = 1; print length(n), bad + 0 }' \
	>"$T/counts"
same 'other seeds draw others, each record about every second time' '20 0' "$(cat "$T/counts")"
same 'of the classes that are kept' 'a 4 c 1' "$(drawn --only train --class-subset c,a --sample 5 |
	awk -F '\t' '!/^#/ { n[$3]++ } END { print "a", n["a"], "c", n["c"] }')"
same 'before --split marks them' '9 4' "$(drawn --sample 9 --split extra | awk -F '\t' '$2 == "extra" {
	n[$NF ~ /\/test\//]++ } END { print n[0], n[1] }')"
fails 2 'sample' 'the first ones of a draw' images --resize 2 --sample 9 --limit 3 "$T/many"
fails 2 'sample has no meaning with this --format' 'a stream, which is not counted before' images -f stream --sample 3 \
	"$T/f.vic"
fails 2 'seed' 'a seed of nothing' images --resize 2 --seed 3 "$T/many"

# A folder of mixed sizes: the remedy is --resize, and nothing is said of an --encoding that nobody asked for.
mkdir -p "$T/mixed/a" "$T/mixed/b"
cp "$golden/exif6.jpg" "$T/mixed/a/1.jpg"
cp "$golden/rgb420.jpg" "$T/mixed/b/2.jpg"
like 'JPEG files of different sizes are kept, with what to do' 'different sizes.*--resize 64' \
	"$(vic-images "$T/mixed" 2>&1 >"$T/mixed.vic")"
same 'one size: no word' 0 "$(vic-images --resize 20 "$T/mixed" 2>&1 >/dev/null | grep -c 'different sizes')"
fails 1 'make them one size, as in --resize [0-9]' 'raw records of different sizes' images --encoding raw "$T/mixed"
fails 2 'the images are of different sizes; with --channels' 'channels of files as they are' images --channels 1 \
	"$T/mixed"
cp "$golden/rgb.png" "$T/mixed/b/3.png"
fails 1 '3.png: is a PNG among images of different sizes; make them one size, as in --resize 64' 'a PNG among them' \
	images "$T/mixed"
same 'of --encoding jpeg nothing is said' 0 "$(images "$T/mixed" 2>&1 >/dev/null | grep -c 'encoding jpeg')"
fails 1 'is a PNG, and --encoding jpeg keeps' 'who asks for it is told of it' images --encoding jpeg "$T/mixed"
ok 'the remedy is one' images --resize 64 -o "$T/one.vic" "$T/mixed"
rm "$T/mixed/b/3.png"
fails 2 'goes with none of --resize, --channels and --as-stored' 'orientation of files as they are' images --encoding jpeg \
	--as-stored "$T/mixed"
images -o "$T/mixed.vic" "$T/mixed"
fails 2 'are JPEG files; with --as-stored make them one size' 'and of a stream' images -f stream --as-stored "$T/mixed.vic"
ok 'where they are decoded it is taken' images --as-stored --resize 20 "$T/mixed"

# WebP, BMP and TIFF among the others, from a folder, a tar and by name; whose first page is taken is said of each.
mkdir -p "$T/kinds/a" "$T/kinds/b"
cp "$golden/lossless.webp" "$golden/rgb.bmp" "$golden/pages.tif" "$T/kinds/a"
cp "$golden/lzw.tif" "$T/kinds/b/1.TIFF"
cp "$golden/moves.webp" "$T/kinds/b/2.WEBP"
cp "$golden/bits565.bmp" "$T/kinds/b/3.Bmp"
served=$(vic-images --version | grep libwebp | grep -c libtiff)
if [ "$served" = 1 ]; then
	same 'a folder of WebP, BMP and TIFF' '3 3' "$(images "$T/kinds" | vic-cat |
		awk -F '\t' '!/^#/ { n[$3]++ } END { print n["a"], n["b"] }')"
	(cd "$T" && tar -cf kinds.tar kinds)
	same 'and a tar of it' "$(images "$T/kinds" | vic-cat --stats | grep -v name)" \
		"$(images "$T/kinds.tar" | vic-cat --stats | grep -v name)"
	like 'of several pages the first is taken, and that is said' \
		'2 images decoded with a remark; the first: .*/a/pages.tif: the first of several pages is taken' \
		"$(vic-images "$T/kinds" 2>&1 >/dev/null)"
	like 'of each, and also where no more is said than that' '/b/2.WEBP: an animation: the first of 2 frames is taken' \
		"$(images --on-bad list "$T/kinds" 2>&1 >/dev/null)"
	cp "$golden/rgb420.jpg" "$T/kinds/a/1.jpg"
	fails 1 'lossless.webp: is a WebP among images of different sizes' 'of different sizes' images "$T/kinds"
	fails 1 'is a TIFF, and --encoding jpeg keeps' 'they are no JPEG files' images --encoding jpeg --class-subset b "$T/kinds"
	ok 'they are brought to one size' images --resize 8 "$T/kinds"
	fails 1 'announces 13x9 pixels; --max-pixels is 100' 'no larger than allowed' images -f files --max-pixels 100 \
		"$T/kinds/b/1.TIFF"
	for f in a/lossless.webp a/rgb.bmp b/1.TIFF; do
		head -c 100 "$T/kinds/$f" >"$T/cut"
		like "$f cut" 'cut: .*: is truncated: 100 of [0-9]* bytes\|cut: TIFF: .*' \
			"$(images -f files "$T/cut" 2>&1 >/dev/null)"
	done
else
	skip 'a folder of WebP, BMP and TIFF' 'built without libwebp or libtiff'
fi
finish
