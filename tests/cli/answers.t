#!/bin/sh
# From what people have to answers, in four commands: a folder of photographs, a CSV of texts as Excel saves it. What is
# answered is what a stream of the same pictures or texts would be predicted as, whatever happens to the others.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

# Photographs of two kinds and several sizes, in a folder each; and new ones, not sorted.
mkdir -p photos/night photos/day new/album
for i in 1 2 3 4 5 6 7 8; do
	"$TOOLS/mkphoto" 3$i 4$i 60 -10 $i >photos/night/$i.png
	"$TOOLS/mkphoto" 4$i 3$i 180 20 2$i >photos/day/$i.png
done
"$TOOLS/mkphoto" 50 60 55 -5 91 >new/2.png
"$TOOLS/mkphoto" 60 50 190 15 92 >'new/album/on the beach.PNG'
cp "$ROOT/tests/golden/images/rgb420.jpg" new/1.jpg
echo 'not a picture' >new/notes.txt

vic-images -q --resize 12x16 photos >photos.vic
vic-train -q -m smallcnn --width 0.1 --epochs 40 --batch 8 --lr 0.05 --device ref -o photos.model photos.vic
vic-predict -q --device ref --split train photos.model photos.vic | vic-score --brief >score
vic-predict --device ref --files photos.model new >answers
tap $? 'photographs to answers in four commands'
same 'a name, a label and a probability for each, in the order of the names' \
	"$(printf 'new/1.jpg\tL\nnew/2.png\tnight\nnew/album/on the beach.PNG\tday')" \
	"$(cut -f 1,2 answers | sed '1s/\t.*/\tL/')"
[ "$(awk -F '\t' 'NF == 3 && $3 >= .5 && $3 <= 1' answers | wc -l)" = 3 ]
tap $? 'whose probability is one'

# The same through streams, to the last bit: the map makes float64 of the logits, which print in full.
vic-predict -q --device ref photos.model photos.vic >logits && vic-calibrate -q --split train --min-temperature 0.5 logits >map
answered() { # the two probabilities of each picture, in the order of the classes
	vic-predict -q --device ref --files --top-k 0 "$@" | awk -F '\t' '{ print $2 < $4 ? $3 " " $5 : $5 " " $3 }'
}
piped() {
	vic-images -q --format files --resize 12x16 new | vic-predict -q --device ref "$@" photos.model | vic-cat - |
		sed '/^#/d' | cut -f 4 | awk '{ m = $1 > $2 ? $1 : $2; a = exp($1 - m); b = exp($2 - m)
			printf "%.9g %.9g\n", a / (a + b), b / (a + b) }'
}
same 'the answers are those of vic-images | vic-predict' "$(piped --map map)" "$(answered --map map photos.model new)"
same 'of every picture' 3 "$(piped --map map | grep -c .)"
find new -name '*.[jpP]*' | LC_ALL=C sort >list
same 'a list of names on stdin is the same' "$(cat answers)" "$(vic-predict --device ref --files photos.model - <list)"
same 'and so is no PATH' "$(cat answers)" "$(vic-predict --device ref --files photos.model <list)"
same 'lines may end in CR LF' "$(cat answers)" \
	"$(sed 's/$/\r/' list | vic-predict --device ref --files photos.model -)"
same 'each is answered as it would be alone' "$(cat answers)" \
	"$(while read -r f; do vic-predict --device ref --files photos.model "$f"; done <list)"
same '--top-k 0 gives every class' '5 5 5' \
	"$(vic-predict --device ref --files --top-k 0 photos.model new | awk -F '\t' '{ printf "%s%d", s, NF; s = " " }')"

# What cannot be answered is said, and the rest is answered.
head -c 200 new/1.jpg >new/broken.jpg
cp new/notes.txt new/false.png
vic-predict --device ref --files photos.model new >got 2>said
same 'pictures that do not decode: status 1' 1 $?
same 'the others are answered' "$(cat answers)" "$(cat got)"
same 'each is named, and how many they are' 'vic-images: new/broken.jpg: JPEG
vic-images: new/false.png: 
vic-predict: 2 of 5 pictures could not be decoded, as said above; the others are answered' \
	"$(sed 's/\(broken.jpg: JPEG\|false.png: \).*/\1/' said)"
vic-predict -q --device ref --files photos.model new 2>&1 >/dev/null | sed 1,2d >quiet
like 'with --quiet, too' '2 of 5' "$(cat quiet)"
rm new/broken.jpg new/false.png
vic-predict --device ref --files photos.model new nowhere.jpg >got 2>said
same 'a name that is not there: status 1' 1 $?
same 'nothing is answered' '' "$(cat got)"
like 'and which it is' 'nowhere.jpg: No such file' "$(cat said)"
same 'and last what became of the pictures' 'vic-predict: the pictures could not be read' "$(tail -n 1 said)"
name=$(printf 'new/a\tb\033\n c.png') && cp new/2.png "$name"
same 'a name is one field of one line' 'new/a\tb\x1b\n c.png' \
	"$(vic-predict --device ref --files photos.model "$name" | cut -f 1)"
mkdir empty
vic-predict --device ref --files photos.model empty 2>said
like 'a folder without a picture is an error' 'empty: no .jpg' "$(cat said)"

# Where the model does not say how pictures come to its size, the user must.
"$TOOLS/mkstream" images 8 >made && vic-train -q -m smallcnn --width 0.1 --epochs 1 --batch 4 --device ref -o made.model \
	made 2>/dev/null
fails 2 'nothing says how pictures of another size' 'records that were no pictures: --resize must be given' \
	vic-predict --device ref --files made.model new
for how in crop stretch; do
	shape=$(vic-cat --head made | sed 's/.*"shape":\[\([0-9]*\),\([0-9]*\),\([0-9]*\).*/--resize \1x\2 --channels \3/')
	# shellcheck disable=SC2086
	want=$(vic-images -q --format files $shape --fit $how new/2.png | vic-predict -q --device ref made.model - |
		vic-cat - | sed '/^#/d' | cut -f 4 | awk '{
			m = $1 > $2 ? $1 : $2
			for (i = 1; i <= NF; i++) s += exp($i - m)
			printf "%.6f\n", 1 / s
		}')
	same "--resize $how answers as --fit $how does" "$want" "$(vic-predict -q --device ref --files --resize $how made.model \
		new/2.png | awk -F '\t' '{ printf "%.6f\n", $3 }')"
	vic-predict --device ref --files --resize $how --top-k 0 made.model new/2.png | cut -f 2- >"$how"
done
! cmp -s crop stretch
tap $? 'each in its way'
if vic-images --version | grep -q libtiff; then
	cp "$ROOT/tests/golden/images/pages.tif" .
	like 'of several pages the first is answered, and that is said' 'pages.tif: the first of several pages is taken' \
		"$(vic-predict -q --device ref --files photos.model pages.tif 2>&1 >said)"
	same 'in one line' 1 "$(grep -c '^pages.tif	' said)"
else
	skip 'of several pages the first is answered' 'built without libtiff'
fi
fails 2 'says itself how its pictures came to 12x16' 'a model that says it is not overruled' \
	vic-predict --device ref --files --resize crop photos.model new
for second in '--resize 12' '--channels 1'; do
	# shellcheck disable=SC2086
	vic-images -q --resize 40 photos | vic-images -q --format stream $second - |
		vic-train -q -m smallcnn --width 0.1 --epochs 1 --device ref -o twice.model
	fails 1 'two passes of vic-images' "pictures made in two passes, $second in the second, are not guessed at" \
		vic-predict --device ref --files twice.model new
done
vic-perturb -q --mu 1 --only train photos.vic 2>/dev/null |
	vic-train -q -m smallcnn --width 0.1 --epochs 1 --device ref -o moved.model
fails 1 'moved by vic-perturb' 'nor are perturbed ones' vic-predict --device ref --files moved.model new

# Which options of vic-images say what a record's pixels are: these, and no other, are taken from a model's history.
vic-images --help | sed -n '/^example:/q; s/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p' >options
cp "$ROOT/tests/golden/images/exif6.jpg" turned.jpg
shown() {
	vic-images "$@" -- -q --format files --encoding raw turned.jpg 2>/dev/null | vic-cat - 2>/dev/null
}
plain=$(shown --line-as-in)
for option in --resize=5x7 --channels=1 --as-stored '--resize=5x7 --fit=stretch' --max-pixels=1; do
	# shellcheck disable=SC2086
	[ "$(shown --line-as-in $option)" != "$plain" ] || echo "$option"
done >bad
same 'what shapes pixels is taken from a history' '' "$(cat bad)"
for option in --format=stream --split=dev --only=train --class-subset=a --limit=1 --per-class=1 --sample=1 --encoding=jpeg \
	--labels=x --labels-from=1 --transpose --no-splits --allow-empty --fold=1 --classes=a --name=x --names=x \
	--on-bad=skip --gaussian-like=x --seed=2 --threads=1 --output=x; do
	[ "$(shown --line-as-in $option)" = "$plain" ] || echo "$option"
	grep -qx -e "${option%%=*}" options || echo "$option is no option"
	sed -i "/^${option%%=*}\$/d" options
done >bad
same 'and nothing else is' '' "$(cat bad)"
same 'every option was tried' '--resize --fit --channels --as-stored --max-pixels --quiet --help --version ' \
	"$(tr '\n' ' ' <options)"

# A CSV as Excel saves it: a byte order mark, semicolons, CR LF.
printf '\357\273\277stars;review\r\n' >reviews.csv
for i in 1 2 3 4 5 6 7 8 9; do
	printf 'bad;"a dull; dreary film, take %s"\r\ngood;a fine film number %s\r\n' $i $i
done >>reviews.csv
printf '\357\273\277id;review\r\n7;"a dull; dreary film"\r\n8;a fine film\r\n' >new.csv
vic-tokenize -q -f csv --separator ';' --label-column stars --text-column review reviews.csv >reviews.tokens
vic-embed -q --random --dim 8 reviews.tokens >reviews.text
vic-train -q --maps 8 --epochs 30 --batch 4 --device ref -o reviews.model reviews.text
vic-predict --device ref --text --column review --separator ';' reviews.model new.csv >answers 2>said
tap $? 'a CSV of texts to answers in four commands'
same 'a line for each row, and nothing to complain of' 'bad good' "$(cut -f 1 answers said | tr '\n' ' ' | sed 's/ $//')"
printf 'a dull; dreary film\na fine film\n' >lines
same 'the same as the texts alone' "$(vic-predict --device ref --text reviews.model lines)" "$(cat answers)"
csv() {
	vic-predict --device ref --text "$@" 2>said
}
same 'from stdin, with its sep= line, by number' "$(cat answers)" \
	"$( { echo 'sep=;'; sed 's/^\xEF\xBB\xBF//' new.csv; } | csv --column 2 --header reviews.model -)"
sed 's/^\xEF\xBB\xBF//; 1d; s/;/\t/; s/"//g' new.csv >bare.tsv
same 'of a table without header, with tabs' "$(cat answers)" "$(csv --column 2 --no-header --separator tab reviews.model bare.tsv)"
csv --column 2 --separator ';' reviews.model new.csv
like 'a first row that may be either is asked about' '--header or --no-header' "$(cat said)"
csv --column stars --separator ';' reviews.model new.csv
like 'a column that is not there' 'no column is named "stars"' "$(cat said)"
# The tokenizer speaks of the options that are there: of each way to ask wrongly, those its message names.
printf 'review,review,id\na,b "c",7\n' >quoted.csv
while IFS='|' read -r how named; do
	# shellcheck disable=SC2086
	csv $how
	same "$how: the message names${named:- no option}" "$named" \
		"$(grep -o -e '--[a-z-]*' said | sort -u | sed 's/^/ /' | tr -d '\n')"
done <<'L'
--column stars --separator ; reviews.model new.csv| --column
--column 7 --separator ; --header reviews.model new.csv| --column
--column 3 --separator ; --no-header reviews.model new.csv| --column
--column review reviews.model quoted.csv| --column
--column 3 --header reviews.model quoted.csv|
--column id reviews.model quoted.csv|
--column review reviews.model new.csv| --separator
L
printf 'a fine film\na\000b\n' | vic-predict --device ref --text reviews.model - >got 2>said
same 'a NUL byte on stdin: status 1' 1 $?
same 'where it is, and of what it is the end' 'vic-tokenize: stdin:2: holds a NUL byte
vic-predict: stdin could not be tokenised' "$(sed 's/\(NUL byte\):.*/\1/' said)"
fails 2 'goes with --text' 'a column of pictures' vic-predict --files --column 2 photos.model new
fails 2 'goes with --column' 'a header of lines' vic-predict --text --header reviews.model lines
fails 2 'answer texts, or pictures' 'both at once' vic-predict --files --text reviews.model lines
fails 2 'reviews.model is a model of text' 'pictures for a model of text' vic-predict --device ref --files reviews.model new
fails 2 'photos.model is a model of images' 'text for a model of pictures' vic-predict --device ref --text photos.model new
fails 2 "unexpected operand 'lines'" 'two texts' vic-predict --text reviews.model lines lines
finish
