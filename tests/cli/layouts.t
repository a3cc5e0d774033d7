#!/bin/sh
# vic-images: which layouts of folders, tars and IDX files are read as what, and which are refused.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
png=$ROOT/tests/golden/images/rgb.png

# What a run took, from its report: "train: a 1, b 1; test: a 1", or its error.
taken() {
	vic-images "$@" 2>"$T/said" >/dev/null || { sed 's/^vic-images: //' "$T/said"; return; }
	sed -n -E '/: its name makes its records/d; s/^vic-images: ((train|dev|test|extra): .*)/\1/p; s/^vic-images: ([0-9]+ [a-z]+ records have no label).*/\1/p' \
		"$T/said" | paste -s -d ';' | sed 's/;/; /g'
}

# exactly WANTED GOT: of an error WANTED, where that is a piece of it; else GOT.
exactly() {
	case $2 in
	train:* | dev:* | test:* | extra:* | [0-9]*' records have no label'*) echo "$2" ;;
	*"$1"*) echo "$1" ;;
	*) echo "$2" ;;
	esac
}

# files | arguments | what is taken, or a piece of the error
n=0
while IFS='|' read -r files args wanted; do
	case $files in '' | '#'*) continue ;; esac
	n=$((n + 1))
	mkdir "$n" && cd "$n" || exit 1
	for f in $files; do
		mkdir -p "$(dirname "$f")"
		case $f in *.png) cp "$png" "$f" ;; */) mkdir -p "$f" ;; *) echo x >"$f" ;; esac
	done
	wanted=$(echo $wanted)
	# shellcheck disable=SC2086
	got=$(exactly "$wanted" "$(taken $args)")
	same "$(echo $args): $(echo $files | cut -c1-60)" "$wanted" "$got"
	cd "$T" || exit 1
	rm -rf "./$n"
done <<'L'
# split folders by the names in use
d/train/a/1.png d/train/b/1.png d/testing/a/1.png d/testing/b/1.png | d | train: a 1, b 1; test: a 1, b 1
d/Train/a/1.png d/Testing/a/1.png | d | train: a 1; test: a 1
d/TRAIN/a/1.png d/VAL/a/1.png d/TEST/a/1.png | d | train: a 1; dev: a 1; test: a 1
d/training/a/1.png d/eval/a/1.png | d | train: a 1; test: a 1
d/training/a/1.png d/Evaluation/a/1.png d/Validation/a/1.png | d | train: a 1; dev: a 1; test: a 1
d/train/a/1.png d/dev/a/1.png d/valid/a/2.png | d | train: a 1; dev: a 2
d/seg_train/seg_train/a/1.png d/seg_test/seg_test/a/1.png d/seg_pred/seg_pred/1.png | d | train: a 1; test: a 1; 1 extra records have no label
d/train_images/a/1.png d/test_images/a/1.png | d | train: a 1; test: a 1
d/images_train/a/1.png d/testset/a/1.png d/val2017/a/1.png | d | train: a 1; dev: a 1; test: a 1
d/training_set/training_set/a/1.png d/test_set/test_set/a/1.png | d | train: a 1; test: a 1
d/TrainSet/a/1.png d/TestSet/a/1.png | d | train: a 1; test: a 1
d/cats_train/a/1.png d/cats_test/a/1.png | d | train: a 1; test: a 1
d/images/train/a/1.png d/images/test/a/1.png d/notes/x.txt | d | train: a 1; test: a 1
d/train/train/1.png d/train/bus/1.png d/test/bus/1.png | d | train: bus 1, train 1; test: bus 1
d/a/train/1.png d/a/test/1.png d/b/Train/1.png d/b/Test/1.png | d | train: a 1, b 1; test: a 1, b 1
# classes, though a split's word is among their names
d/bullet-train/1.png d/car/1.png | d | train: bullet-train 1, car 1
d/dev-board/1.png d/test-tube/1.png | --no-splits d | train: dev-board 1, test-tube 1
d/train/1.png d/bus/1.png d/car/1.png | --no-splits d | train: bus 1, car 1, train 1
# in part
d/train/1.png d/bus/1.png d/car/1.png | d | folder 'train' is named like a split and 'car' is not
d/train/a/1.png d/holdout/a/1.png | d | folder 'train' is named like a split and 'holdout' is not
d/a/train/1.png d/a/test/1.png d/b/1.png | d | folder 'a/train' is named like a split and 'b' is not
d/a/train/x/1.png d/b/train/x/1.png | d | named like a split and lies in a class folder
d/cats_train/1.png d/dogs_test/1.png d/dogs_train/1.png | d | each name a split beside something else
d/a/1.png d/2.png | d | the picture '2.png' lies beside the folder 'a'
d/train/a/1.png d/train/2.png | d | the picture 'train/2.png' lies beside the folder 'a'
d/train/train/a/1.png d/train/train/2.png d/test/a/1.png | d | the picture 'train/train/2.png' lies beside the folder 'a'
d/train/a/1.png d/2.png | d | the picture '2.png' lies beside the folder 'train'
# what the operands' own names say
train/a/1.png test/a/1.png | train test | train: a 1; test: a 1
train/a/1.png test/a/1.png | ./train/ ./test/. | train: a 1; test: a 1
x_train/a/1.png x_test/a/1.png | x_train x_test | train: a 1; test: a 1
train/a/1.png train/b/1.png | train/a train/b | train: a 1, b 1
test/a/1.png test/b/1.png train/a/1.png | test/a test/b train/a | train: a 1; test: a 1, b 1
a/1.png b/x/1.png | a b | holds class folders, and another PATH only pictures
x_train/1.png x_test/1.png | x_train x_test | 1 train records have no label; 1 test records have no label
train/1.png test/1.png | train test | 1 train records have no label; 1 test records have no label
# a picture once
a/1.png b/1.png | a b a | a and a are one, whose pictures would be there twice; give each once
a/1.png b/1.png | a ./b/ b | ./b/ and b are one, whose pictures
d/train/a/1.png d/test/a/1.png | d d/test | d and d/test lie one in the other, whose pictures
d/train/a/1.png d/test/a/1.png | d/test d/train/.. | d/test and d/train/.. lie one in the other, whose pictures
d/a/1.png db/a/1.png | d/a db/a | train: a 2
# folders without a picture
d/a/1.png d/b/ d/c/1.png | d | folder 'b' holds no picture that is read
d/a/1.png d/b/.keep | d | folder 'b' holds no picture that is read
d/a/1.gif d/b/1.png | d | folder 'a' holds no picture that is read
d/a/1.gif d/b/1.png | --allow-empty d | train: b 1
d/a/1.bmp d/b/1.png | d | d/a/1.bmp: is plain text, none of JPEG, PNG, WebP, TIFF, BMP
d/a/1.TIFF d/b/1.png | d | d/a/1.TIFF: is plain text, none of JPEG, PNG, WebP, TIFF, BMP
d/a/1.tif d/b/1.png | d | d/a/1.tif: is plain text, none of JPEG, PNG, WebP, TIFF, BMP
d/a/1.webp d/b/1.png | d | d/a/1.webp: is plain text, none of JPEG, PNG, WebP, TIFF, BMP
d/train/a/1.png d/test/a/1.txt d/test/b/1.png | d | folder 'test/a' holds no picture that is read
d/train/a/1.png d/test/ | d | folder 'test' holds no picture that is read
d/a/1.gif d/b/2.gif | d | no .jpg, .jpeg, .jpe, .jfif, .png, .webp, .tif, .tiff or .bmp file is in it
d/train/train/a/1.png d/train/abcdefg/x.txt d/test/a/1.png | d | train: a 1; test: a 1
d/a/1.png d/__MACOSX/a/1.png | d | train: a 1
L

# What became nothing is said: names of folders below classes, and of classes that are other classes by their case.
while IFS='|' read -r files note; do
	rm -rf notes && mkdir notes
	for f in $files; do
		mkdir -p "notes/$(dirname "$f")" && cp "$png" "notes/$f"
	done
	note=$(echo $note)
	same "$(echo $files): ${note:-nothing is said}" "$note" \
		"$(vic-images notes 2>&1 >/dev/null | grep -e 'below their' -e 'in case alone' | sed 's/.*: \([0-9]* of the\)/\1/; s/^vic-images: //')"
done <<'L'
fold1/cat/1.png fold1/2.png fold2/cat/1.png | 2 of the pictures lie in folders below their class's, whose names are not read: those of 'fold1/cat', as 'cat', have the class 'fold1'
train/animals/cat/1.png test/animals/1.png | 1 of the pictures lie in folders below their class's, whose names are not read: those of 'animals/cat', as 'cat', have the class 'animals'
d/train/cat/1.png d/train/Dog/1.png d/test/Cat/1.png d/test/dog/1.png | 2 pairs of classes differ in case alone, the first: 'Cat' and 'cat'
cat/train/1.png dog/train/1.png dog/test/1.png |
L
# A tar of a folder beside: where its names begin does not matter, for nothing is unpacked.
mkdir -p up/from up/p/a up/p/b && cp "$png" up/p/a/1.png && cp "$png" up/p/b/1.png
(cd up/from && tar -P -cf ../../up.tar ../p)
same 'a tar whose names begin with ../' 'train: a 1, b 1' "$(taken up.tar)"

# The classes of folders without a picture stay, with --allow-empty.
mkdir -p d/a d/b && cp "$png" d/b/
same 'a class without a picture keeps its number' '"classes":["a","b"]' \
	"$(vic-images -q --allow-empty d | vic-cat --head | tr -d ' \n' | grep -o '"classes":\[[^]]*\]')"
touch d/b/x.gif d/b/y.gif d/b/z d/b/.w
like 'what is passed over is counted by its ending' '^vic-images: 4 files passed over, .*: 2 .gif, 1 others, 1 hidden$' \
	"$(vic-images --allow-empty d 2>&1 >/dev/null)"

# A list of names and classes: ImageNet's validation pictures, Kaggle's sets.
mkdir val && for i in 1 2 3; do cp "$png" "val/ILSVRC2012_val_0000000$i.JPEG"; done
tar -cf val.tar val
while IFS='|' read -r list wanted; do
	# shellcheck disable=SC2059
	printf "$list" >list
	wanted=$(echo $wanted)
	for path in val val.tar; do
		got=$(exactly "$wanted" "$(taken --labels list $path)")
		same "--labels with $path and $(printf %s "$list" | cut -c1-60 | tr -d "\\\\")" "$wanted" "$got"
	done
done <<'L'
ILSVRC2012_val_00000001.JPEG,cat\nILSVRC2012_val_00000002.JPEG,dog\nILSVRC2012_val_00000003.JPEG,cat\n | dev: cat 2, dog 1
ILSVRC2012_val_00000001\tcat\r\nILSVRC2012_val_00000002\tdog\r\nILSVRC2012_val_00000003\tcat | dev: cat 2, dog 1
ILSVRC2012_val_00000001.JPEG 7\nval/ILSVRC2012_val_00000002.JPEG 8\nILSVRC2012_val_00000003.JPEG 7\n | dev: 7 2, 8 1
name,label\n"ILSVRC2012_val_00000001","a b"\nILSVRC2012_val_00000002,c\nILSVRC2012_val_00000003,c\n | dev: a b 1, c 2
ILSVRC2012_val_00000001,cat\nILSVRC2012_val_00000003,dog\n | ILSVRC2012_val_00000002.JPEG: list has no line for it
ILSVRC2012_val_00000001,cat\nILSVRC2012_val_00000001,dog\n | 'ILSVRC2012_val_00000001' is there twice, in lines 1 and 2
ILSVRC2012_val_00000001;cat\nILSVRC2012_val_00000002;a dog\nILSVRC2012_val_00000003;cat\n | dev: a dog 1, cat 2
cat,ILSVRC2012_val_00000001\ndog,ILSVRC2012_val_00000002\ncat,ILSVRC2012_val_00000003\n | list: line 3 has the picture, 'ILSVRC2012_val_00000003', behind its class
ILSVRC2012_val_00000001,cat,3\n | list: line 1 is not NAME,CLASS
ILSVRC2012_val_00000001\n | list: line 1 is not NAME,CLASS
L
like 'a flat folder is said to have no labels, with the first name' \
	'3 dev records have no label; the first: val/ILSVRC2012_val_00000001' "$(vic-images val 2>&1 >/dev/null)"
fails 2 "labels: 'list' is neither fine nor coarse" 'a list for CIFAR-100' vic-images -f cifar100 --labels list val

# IDX: idx N images of 2x3 (with pixel i at place i), or N labels from FIRST on, as bytes or QMNIST's rows of integers.
be32() { printf "\\000\\000\\000\\$(printf %03o "$1")"; }
images() { printf '\000\000\010\003' && be32 "$1" && be32 2 && be32 3 && for _ in $(seq "$1"); do printf '\001\002\003\004\005\006'; done; }
labels() { printf '\000\000\010\001' && be32 "$1" && for i in $(seq "$1"); do printf "\\$(printf %03o $((i % 2 + $2)))"; done; }
rows() { printf '\000\000\014\002' && be32 "$1" && be32 2 && for i in $(seq "$1"); do be32 $((i % 2)) && printf '\377\377\377\377'; done; }
while IFS='|' read -r files args wanted; do
	case $files in '' | '#'*) continue ;; esac
	rm -rf idx && mkdir idx && cd idx || exit 1
	for f in $files; do
		mkdir -p "$(dirname "$f")"
		case $f in *t10k*) k=2 ;; *) k=4 ;; esac
		case $f in
		*images*) images $k ;; *idx2-int*) rows $k ;; *letters*labels*) labels $k 1 ;; *labels*) labels $k 0 ;; *) echo x ;;
		esac >"${f%.gz}.raw"
		case $f in *.gz) gzip -n <"${f%.gz}.raw" >"$f" && rm "${f%.gz}.raw" ;; *) mv "$f.raw" "$f" ;; esac
	done
	wanted=$(echo $wanted)
	# shellcheck disable=SC2086
	got=$(taken -f idx $args)
	case $got in *"$wanted"*) got=$wanted ;; esac
	same "idx $(echo $args): $(echo $files | cut -c1-60)" "$wanted" "$got"
	cd "$T" || exit 1
done <<'L'
train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte | . | train: 0 2, 1 2; test: 0 1, 1 1
train-images-idx3-ubyte.gz train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte.gz | . | train: 0 2, 1 2; test: 0 1, 1 1
train-images-idx3-ubyte train-labels-idx1-ubyte | train-images-idx3-ubyte train-labels-idx1-ubyte | train: 0 2, 1 2
t10k-images-idx3-ubyte.gz t10k-labels-idx1-ubyte.gz | t10k-labels-idx1-ubyte.gz t10k-images-idx3-ubyte.gz | test: 0 1, 1 1
train-images-idx3-ubyte t10k-images-idx3-ubyte train-labels-idx1-ubyte t10k-labels-idx1-ubyte | train-images-idx3-ubyte t10k-images-idx3-ubyte train-labels-idx1-ubyte t10k-labels-idx1-ubyte | train: 0 2, 1 2; test: 0 1, 1 1
images labels | images labels | train: 0 2, 1 2
raw/train-images-idx3-ubyte raw/train-images-idx3-ubyte.gz raw/train-labels-idx1-ubyte raw/train-labels-idx1-ubyte.gz | raw | train: 0 2, 1 2
qmnist-train-images-idx3-ubyte qmnist-train-labels-idx2-int | . | train: 0 2, 1 2
qmnist-test-images-idx3-ubyte.gz qmnist-test-labels-idx2-int.gz | . | test: 0 2, 1 2
val-images-idx3-ubyte val-labels-idx1-ubyte train-images-idx3-ubyte train-labels-idx1-ubyte | . | train: 0 2, 1 2; dev: 0 2, 1 2
train/images-idx3-ubyte train/labels-idx1-ubyte test/images-idx3-ubyte test/labels-idx1-ubyte | . | train: 0 2, 1 2; test: 0 2, 1 2
emnist-letters-test-images-idx3-ubyte emnist-letters-test-labels-idx1-ubyte | --labels-from 1 . | test: 1 2, 2 2
train-images-idx3-ubyte train-labels-idx1-ubyte | --labels-from 1 . | record 1: label 0 is outside the classes from 1 on
train-images-idx3-ubyte t10k-labels-idx1-ubyte val-images-idx3-ubyte | . | none of the 1 files of labels is named like it
train-images-idx3-ubyte | . | 4 train records have no label
L
same 'a label below the first of the classes is said' 1 \
	"$(cd idx && labels 4 1 >train-labels-idx1-ubyte && vic-images -f idx . 2>&1 >/dev/null | grep -c 'no label is 0; --labels-from 1')"
same '--transpose turns rows into columns' '1 4 2 5 3 6' \
	"$(cd idx && vic-images -q -f idx --transpose --limit 1 . | tail -c +65 | od -An -v -tu1 | tr -s ' \n' ' ' | grep -o '1 4 2 5 3 6')"

# --split that goes against the files is said.
like 'records of training files marked test' '^vic-images: 4 records of the training files are now marked test$' \
	"$(vic-images -f idx --split test idx 2>&1 >/dev/null)"
same 'and nothing where they are so already, or nothing is known' 0 \
	"$({ vic-images -f idx --split train idx; vic-images --split test d --allow-empty; } 2>&1 >/dev/null | grep -c 'now marked')"

# A good PNG is never left out as one that does not decode.
mkdir -p mixed/a && cp "$png" mixed/a/1.jpg && cp "$ROOT/tests/golden/images/exif6.jpg" "$ROOT/tests/golden/images/exif1.jpg" mixed/a/
for bad in stop skip; do
	fails 1 'mixed/a/1.jpg: is a PNG among images of different sizes; make them one size, as in --resize 64$' \
		"--on-bad $bad: a PNG by another name among JPEGs" vic-images --on-bad $bad mixed
	fails 1 'mixed/a/1.jpg: is a PNG, and --encoding jpeg keeps files as they are' "--on-bad $bad: as files" \
		vic-images --encoding jpeg --on-bad $bad mixed
done
mkdir -p lost/a lost/b && cp "$png" lost/a/ && echo x >lost/b/1.png
fails 1 "class 'b': none of its images decodes (--allow-empty goes on); the first: lost/b/1.png" \
	'a class of which all pictures are bad' vic-images --on-bad skip lost
ok 'unless asked' vic-images --on-bad skip --allow-empty lost
finish
