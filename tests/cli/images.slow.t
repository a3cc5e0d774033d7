#!/bin/sh
# vic-images and vic-perturb over the real files of data/.
. "$(dirname "$0")/lib.sh"

images() { vic-images -q "$@"; }
# records [OPTION...]: id, split, label and contents, from stdin; the names are of the folder or the tar, as it is given
records() { vic-cat "$@" | grep -v '^#' | cut -f1-4; }
stat_of() { vic-cat --stats | sed -n "s/^$1 //p"; }

# CIFAR-10
if cifar=$(data cifar-10); then
	images -f cifar10 "$cifar/cifar-10-binary-subset.tar.gz" -o "$T/subset"
	same 'CIFAR-10 subset: 10,000 and 2,000' 'split train 10000,split test 2000,' \
		"$(vic-cat --stats "$T/subset" | grep '^split' | tr '\n' ',')"
	same 'every class has its 1,200' 10 "$(vic-cat --stats "$T/subset" | grep -c '^class [a-z]* 1200$')"
	images -f cifar10 "$cifar/cifar-10-binary-first200-exact.tar.gz" -o "$T/exact"
	same 'the exact 200 have the published class counts' '14 28 22 21 19 19 18 21 15 23' \
		"$(vic-cat --stats "$T/exact" | sed -n 's/^class [a-z]* //p' | tr '\n' ' ' | sed 's/ $//')"
	# JPEG-derived against exact: both as pnm, pixel by pixel; the subset's first images of each class, in order
	same 'PSNR of the JPEG-derived images to the exact ones is 25.6 to 36.2 dB, mean 30.4' '25.6 36.2 30.4' \
		"$("$TOOLS/psnr" "$T/exact" "$T/subset")"
	images -f folder "$cifar/imagefolder-subset.tar" -o "$T/jpegs"
	records <"$T/jpegs" | cut -f4 | sort -u >"$T/a"
	records <"$T/subset" | cut -f4 | sort -u >"$T/b"
	same 'decoded JPEG files are records of the binary files, value for value' 0 \
		"$(comm -23 "$T/a" "$T/b" | wc -l | tr -d ' ')"
	mkdir "$T/x" && tar xf "$cifar/imagefolder-subset.tar" -C "$T/x"
	gzip -1 <"$cifar/imagefolder-subset.tar" >"$T/x.tgz"
	records <"$T/jpegs" >"$T/a"
	for form in "$T/x" "$T/x.tgz"; do
		images "$form" | records >"$T/b"
		ok "folder, tar and tar.gz give the same records (${form##*/})" cmp "$T/a" "$T/b"
	done
	images - <"$T/x.tgz" | records >"$T/b"
	ok 'and so does a pipe' cmp "$T/a" "$T/b"
	images -t 1 -r 20x24 "$T/x" >"$T/a"
	images -t 3 -r 20x24 "$T/x" >"$T/b"
	ok 'one thread and three give the same bytes' cmp "$T/a" "$T/b"
	same 'a subset of classes, few of each' 'class cat 3,class dog 3,' \
		"$(images -f cifar10 --only test --class-subset cat,dog --per-class 3 "$cifar/cifar-10-binary-subset.tar.gz" |
			vic-cat --stats | grep '^class' | tr '\n' ',')"
	tar xzf "$cifar/cifar-10-binary-first200-exact.tar.gz" -C "$T"
	truncate -s -1 "$T/cifar-10-batches-bin/data_batch_1.bin"
	fails 1 'data_batch_1.bin: 614599 bytes are no whole number of 3073-byte records' \
		'a truncated .bin is refused' \
		images -f cifar10 "$T/cifar-10-batches-bin"
else
	skip 'CIFAR-10' 'data/cifar-10 is not there'
fi

# Fashion-MNIST
if fashion=$(data fashion-mnist); then
	images -f idx "$fashion" -o "$T/fashion"
	same 'Fashion-MNIST: 60,000 and 10,000' 'split train 60000,split test 10000,' \
		"$(vic-cat --stats "$T/fashion" | grep '^split' | tr '\n' ',')"
	same 'its first labels' '2 9 6 0 3 4 4 5 4 8' \
		"$(records --limit 10 <"$T/fashion" | cut -f3 | tr '\n' ' ' | sed 's/ $//')"
	same 'its training mean and deviation' '0.286105 0.352811' \
		"$(images -f idx --only train "$fashion" | vic-cat --stats | sed -n 's/^channel 0 mean \(.*\) sd \(.*\)/\1 \2/p')"
	vic-images -q --gaussian-like "$T/fashion" --limit 2000 --seed 5 -o "$T/noise"
	like 'noise has the training images mean and deviation' 'channel 0 mean 0.28[56].* sd 0.35[23]' \
		"$(vic-cat --stats "$T/noise")"
	same 'noise is marked test and has no labels' '2000 2000' \
		"$(vic-cat --stats "$T/noise" | sed -n 's/^split test //p; s/^unlabelled //p' | tr '\n' ' ' | sed 's/ $//')"
	vic-images -q --gaussian-like "$T/fashion" --limit 2000 --seed 5 -t 1 -o "$T/b"
	ok 'noise does not depend on the threads' cmp "$T/noise" "$T/b"
else
	skip 'Fashion-MNIST' 'data/fashion-mnist is not there'
fi

# STL-10
if stl=$(data stl10); then
	images -f stl10 "$stl/stl10_binary-sample.tar.gz" -o "$T/stl"
	same 'STL-10 sample: 10 labelled, 246 not' 'split test 10,split extra 246,unlabelled 246,' \
		"$(vic-cat --stats "$T/stl" | grep -e '^split' -e '^unlab' | tr '\n' ',')"
	same 'one test image of each class' 10 "$(vic-cat --stats "$T/stl" | grep -c '^class [a-z]* 1$')"
	# Pictures looked at once (upright), and kept by their checksums.
	same 'the ten images stand upright' '3674570697 276610' "$(vic-cat --to pnm "$T/stl" --limit 10 | cksum)"
	fails 1 'fold_indices.txt is not beside\|there is no train_X' 'a fold of training images that are not there' \
		images -f stl10 --fold 0 "$stl/stl10_binary-sample.tar.gz"
	vic-perturb -q --mu 3 --only test "$T/stl" -o "$T/a"
	vic-perturb -q --mu 3 --only test -t 1 <"$T/stl" >"$T/b"
	ok 'a perturbation does not depend on threads or on where the stream comes from' cmp "$T/a" "$T/b"
	same 'perturbed records keep their ids and labels' "$(records --split test <"$T/stl" | cut -f1-3)" \
		"$(records <"$T/a" | cut -f1-3)"
	vic-perturb -q --mu 0 --encoding raw "$T/stl" | records >"$T/a"
	records <"$T/stl" >"$T/b"
	ok 'mu 0 changes nothing' cmp "$T/a" "$T/b"
	like 'clipped values are counted' 'values were clipped' \
		"$(vic-perturb --mu 100 --encoding raw "$T/stl" 2>&1 >/dev/null)"
	same 'each image goes along N directions' 30 \
		"$(vic-perturb -q --only test --directions 3 "$T/stl" | stat_of records)"
else
	skip 'STL-10' 'data/stl10 is not there'
fi

# ImageNet, whole files of every chroma kind
if imagenet=$(data imagenet-sample); then
	tar=$imagenet/imagenet-fullsize-sample.tar
	images "$tar" -o "$T/full"
	like 'images of many sizes stay JPEG files' '"encoding":"jpeg"' "$(vic-cat --head "$T/full")"
	same '47 of them, 47 classes' '47 47' \
		"$(stat_of records <"$T/full") $(vic-cat --stats "$T/full" | grep -c '^class ')"
	images -f stream -r 64 "$T/full" | records >"$T/a"
	images -r 64 "$tar" | records >"$T/b"
	ok 'decoding the packed files is decoding the files' cmp "$T/a" "$T/b"
	same 'all 47 decode to one size' '47 images' "$(grep -c '64x64x3' "$T/b") images"
	images -r 64 --as-stored "$tar" | records >"$T/a"
	same 'one of them is turned by its EXIF tag' 1 "$(comm -23 "$T/a" "$T/b" | wc -l | tr -d ' ')"
	fails 1 'make them one size, as in --resize' 'mixed sizes as raw records are refused' images --encoding raw \
		"$tar"
	images "$imagenet/imagenette2-224-subset.tar" --limit 60 | stat_of shape >"$T/a"
	same 'images of one size become raw records' '224x224x3' "$(cat "$T/a")"
else
	skip 'ImageNet' 'data/imagenet-sample is not there'
fi

# Tiny ImageNet
if tiny=$(data tiny-imagenet); then
	images "$tiny/tiny-imagenet-200-subset.tar.gz" -o "$T/tiny"
	same 'Tiny ImageNet: 1,200 and 3,000' 'split train 1200,split dev 3000,' \
		"$(vic-cat --stats "$T/tiny" | grep '^split' | tr '\n' ',')"
	same '15 validation images of each of 200 classes' '200 15' \
		"$(records --split dev <"$T/tiny" | cut -f3 | sort | uniq -c | awk '{ n[$1]++ } END { for (k in n) print n[k], k }')"
	mkdir "$T/t" && tar xzf "$tiny/tiny-imagenet-200-subset.tar.gz" -C "$T/t"
	sort "$T/t/tiny-imagenet-200/val/val_annotations.txt" | cut -f2 >"$T/a"
	records --split dev <"$T/tiny" | cut -f3 >"$T/b"
	ok 'labels are those of val_annotations.txt' cmp "$T/a" "$T/b"
else
	skip 'Tiny ImageNet' 'data/tiny-imagenet is not there'
fi

finish
