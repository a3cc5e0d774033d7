#!/bin/sh
# The recipes for one's own data: what they refuse and why; they leave nothing then. (own.slow.t runs them.)
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
recipes_without_data

table 240 topic,message , >tickets.csv
# refused PATTERN WHAT COMMAND...: ends with 1, says why, and leaves no folder.
refused() {
	pattern=$1 what=$2
	shift 2
	"$@" >.out 2>.err
	same "$what: refused" 1 $?
	like "$what: why" "$pattern" "$(cat .err)"
	same "$what: nothing is left" '' "$(find . -name '*.vicinal*')"
}
table 99 kind,words , >small.csv
refused 'my-text: 99 records are too few.*±0.16.*--small' 'few records' vic run my-text small.csv
{ printf '\357\273\277Text;Kategorie\r\n' && awk 'BEGIN { for (i = 0; i < 60; i++)
	printf "%s;%s\r\n", i == 9 ? "" : "für " i, i % 2 ? "Größe" : "Preis" }'; } >turned.csv
refused 'my-text: 60 records are too few' 'texts first, under a header of another language' vic run my-text turned.csv
like 'which it reads' "By its header the labels are in 'Kategorie', the texts in 'Text'" "$(cat .out)"
{ cat tickets.csv && echo 'lat,where is it'; } >slip.csv
refused 'fewer than 5 records: "lat" (1)\..*slip in the label' 'a class of one record' vic run my-text slip.csv
sed 's/^paid/late/; s/^topic,message/label,text/' tickets.csv >alike.csv
refused 'all records are of one class' 'one class' vic run my-text alike.csv
refused 'no column is named "kinds"; choose with --label-column' 'a wrong column' \
	vic run my-text tickets.csv --label-column kinds --text-column message
awk -F, 'NR > 1 { print $2 " " NR "," $1 }' tickets.csv >turned.csv
refused 'the other way round?.*--label-column 2 --text-column 1' 'no header, and the text first' \
	vic run my-text turned.csv
printf 'der -0.5 0.25\nund 0.5 1\nist 1 2\n' >german.txt
refused 'german.txt.*of the .* types' 'vectors of another language' \
	vic run my-text tickets.csv --vectors german.txt
: >empty.csv
refused 'empty.csv: is empty' 'an empty file' vic run my-text empty.csv
mkdir full && : >full/file
vic run my-text tickets.csv --out full >.out 2>.err
same 'a folder that is there is not filled' '1 file' "$? $(ls full)"
for wrong in '--epoch 2' '--epochs two' '--seed' '--out=' 'other.csv' '--small=1'; do
	# shellcheck disable=SC2086
	vic run my-text tickets.csv $wrong >.out 2>.err
	same "a slip in an option: $wrong" '2 1' "$? $(wc -l <.err | tr -d ' ')"
done

refused "no header that names a column 'label'" 'a table of texts is none of logits' \
	vic run my-logits tickets.csv

for i in 1 2; do
	for class in day night; do
		mkdir -p "my photos/$class"
		"$TOOLS/mkphoto" 20 24 100 10 "$i" >"my photos/$class/$i.png"
	done
done
refused 'my-images: 4 records are too few' 'few pictures' vic run my-images 'my photos'
head -c 300 'my photos/day/1.png' >'my photos/day/cut.png'
refused 'day/cut.png' 'a picture that was cut off' vic run my-images 'my photos'
finish
