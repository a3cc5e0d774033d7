#!/bin/sh
# A file of the wrong kind: whatever program it is given to, the one line says what the file is and names what reads it.
# Every kind of pipeline/stream/sniff.c by every way of reading a file.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

# Good files, for what stands beside the wrong one.
vic-corpora synth text -q --n 200 --vocabulary 100 --dim 4 --to synth
vic-tokenize -q -f mr synth | vic-embed -q --vectors synth/vectors.txt | vic-split -q --dev 0.2 --test 0.2 >good.text
vic-train -q --epochs 1 --maps 2 --checkpoint good.ckpt --history good.history -o good.model good.text
vic-predict -q good.model good.text >good.logits
vic-calibrate -q --max-temperature 5 good.logits >good.map
vic-conformal -q good.logits >good.threshold
"$TOOLS/mkstream" tokens 5 >good.tokens
"$TOOLS/mkstream" images 5 >good.images
vic-reliability -q good.logits >good.curves
vic-cat good.logits >good.twin

mkdir dir pictures
cp "$ROOT/tests/golden/images/rgb.png" pictures/1.png
zeros() { head -c "$1" /dev/zero; }
# What is no file of ours, by its first bytes.
printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }" >array.npy
zeros 8 >>array.npy
{ printf 'PK\003\004'; zeros 22; printf '\011\000\000\000array.npyxxxx'; } >arrays.npz
{ printf 'PK\003\004'; zeros 22; printf '\020\000\000\000archive/data.pkl'; } >net.pt
{ printf '\377\330\377\340\000\020JFIF\000'; zeros 90; } >cat.jpg
{ printf '\211PNG\r\n\032\n'; zeros 90; } >cat.png
{ printf 'GIF89a'; zeros 90; } >cat.gif
{ printf 'RIFF\001\001\001\001WEBP'; zeros 90; } >cat.webp
printf '%%PDF-1.4\n\200\201\202\000' >paper.pdf
printf '<!DOCTYPE html>\n<html><body>404</body></html>\n' >page.html
printf '{"a": 1}\n' >some.json
printf '\n<!-- saved -->\n<html>\n<body>404</body></html>\n' >saved.html
printf '<head><title>404</title></head>\n<body>404</body>\n' >head.html
printf '{"text": "a fine film", "label": "pos"}\n{"text": "dull", "label": "neg"}\n' >records.jsonl
printf '\357\273\277[\n {"text": "a fine film"},\n {"text": "dull"}\n]\n' >list.json
printf '["a fine film", 1]\n["dull", 0]\n' >rows.jsonl
printf '{"text": "dull", "score": NaN}\n' >nan.jsonl
printf '<?xml version="1.0"?>\n<r>a</r>\n' >some.xml
printf '<reviews>\n  <r c="pos">a fine film</r>\n</reviews>\n' >bare.xml
printf '404: Not Found\n' >absent.csv
printf '<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>' >denied.csv
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n' >pointer.csv
{ printf 'PAR1'; zeros 90; printf PAR1; } >table.parquet
{ printf 'ORC'; zeros 90; } >table.orc
{ printf 'Obj\001'; zeros 90; } >table.avro
{ printf '\320\317\021\340\241\261\032\341'; zeros 90; } >old.xls
{ printf 'Rar!\032\007\000'; zeros 90; } >some.rar
{ printf 'MATLAB 5.0 MAT-file, '; zeros 90; } >some.mat
printf '{\\rtf1\\ansi a fine film}\n' >film.rtf
# A zip of several files, of which the first is named; no more of it is looked at.
zipped() { printf 'PK\003\004'; zeros 22; printf "\\$(printf %03o ${#1})\\000\\000\\000%s" "$1"; zeros 20; printf '%s' "$2"; }
zipped '[Content_Types].xml' 'PK..xl/workbook.xml' >table.xlsx
zipped docProps/app.xml 'PK..word/document.xml' >film.docx
zipped mimetype application/vnd.oasis.opendocument.spreadsheet >table.ods
printf 'pos,a fine film\nneg,dull\n' >plain.csv
iconv -t UTF-16LE plain.csv >wide.csv
iconv -t UTF-32BE plain.csv >wider.csv
gzip -c plain.csv | gzip -c >twice.csv.gz
{ printf 'BM'; printf 'x\000\000\000'; zeros 4; printf '\066\000\000\000\050\000\000\000'; zeros 80; } >cat.bmp
{ printf 'II*\000'; zeros 90; } >cat.tif
{ zeros 3; printf '\034ftypavif'; zeros 80; } >cat.avif
printf '\002\000\000\000\000\000\000\000{}' >other.safetensors
{ printf '\000\000\010\003\000\000\000\001\000\000\000\002\000\000\000\002'; zeros 4; } >train-images-idx3-ubyte
{ printf '\003'; zeros 3072; } >data_batch_1.bin
{ printf '\003\004'; zeros 3072; } >train.bin
printf \
	'2 3\nthe \315\314\314\075\315\314\314\075\315\314\314\075\nof \315\314\314\075\315\314\314\075\315\314\314\075\n' >w2v.bin
printf 'the 0.1 0.2 0.3 0.4\nof 0.1 -0.2 0.3 1e-4\n' >glove.txt
printf 'label,a,b\n0,1.5,2\n1,0.3,1\n' >numbers.csv
printf '0\t1.5\t2\n1\t0.3\t1\n' >numbers.tsv
printf 'label,text\npos,a fine film\nneg,dull\n' >texts.csv
printf 'stars;review\n1;a fine film\n0;a dull film\n' >semi.csv
printf 'pos\ta fine film\nneg\tdull\n' >texts.tsv
printf '__label__pos a fine film\n__label__neg dull\n' >fast.txt
printf 'NUM:count How many ?\nHUM:ind Who ?\n' >trec.txt
printf 'a gorgeous , witty film\nlame\n' >plain.txt
printf '\377\376H\000i\000\n\000' >utf16.txt
printf 'x' >dir/f
printf "INSERT INTO reviews VALUES ('pos','good');\nINSERT INTO reviews VALUES ('neg','bad');\n" >inserts.csv
printf -- '-- MySQL dump 10.13\n--\nCREATE TABLE `r` (\n  `id` int\n);\n' >dump.sql
printf -- '--\n-- films\n--\n\ncreate table films (id int, text varchar);\n' >table.sql
printf '%% films\n@RELATION films\n@ATTRIBUTE text string\n@DATA\n"good film",pos\n' >films.arff
perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => "sock", Listen => 1) or die' # which prove runs on
tar -cf some.tar dir
gzip -c some.tar >some.tar.gz
: >empty
{ printf '\001\002\003\000'; zeros 90; } >noise

# Ways of reading: a word that kinds below exclude, and the command with {} for the file.
cat >ways <<'END'
cat      vic-cat {}
check    vic-cat --check {}
npy      vic-cat --from npy --kind logits {}
labels   vic-cat --from npy --kind logits --labels {} array.npy
npz      vic-cat --from npz --kind logits {}
tensors  vic-cat --from safetensors --kind logits {}
csv      vic-cat --from csv --kind logits {}
split    vic-split --dev 0.1 {}
embed    vic-embed --random {}
vectors  vic-embed --vectors {} good.tokens
train    vic-train -o out {}
resume   vic-train --resume {} -o out good.text
records  vic-predict good.model {}
model    vic-predict {} good.text
score    vic-score {}
post     vic-score --posterior {} good.logits
curves   vic-reliability {}
history  vic-reliability --curve training {}
fit      vic-calibrate {}
map      vic-calibrate --apply {} good.logits
answers  vic-predict --map {} good.model good.text
sets     vic-conformal {}
bound    vic-conformal --apply {} good.logits
ood      vic-ood --in good.logits --out {}
compare  vic-compare {} good.logits
report   vic-report {}
plot     vic-plot --script {}
perturb  vic-perturb {}
stream   vic-images --format stream {}
idx      vic-images --format idx {}
cifar    vic-images --format cifar10 {}
folder   vic-images --format folder {}
files    vic-images --format files --resize 8 {}
names    vic-images --labels {} pictures
lines    vic-tokenize --format lines {}
texts    vic-tokenize --format csv {}
tsv      vic-tokenize --format tsv {}
trec     vic-tokenize --format trec {}
fast     vic-tokenize --format fasttext {}
mr       vic-tokenize --format mr {}
END
# Any text may be lines, and what a CSV or TSV reader finds at fault in text of its own kind it says itself.
text='lines texts tsv names'
html='is an HTML page' xml='is XML' refusal='an error message in place of a download'
# file | what the message calls it | what it must name | ways that read it, or speak of it in words of their own
cat >kinds <<END
array.npy | an NPY array | vic-cat --from npy | npy labels
arrays.npz | an NPZ archive | vic-cat --from npz | npz labels
net.pt | a PyTorch file | vic-cat --from npy |
cat.jpg | a JPEG image | vic-images --format folder | folder files
cat.png | a PNG image | vic-images --format folder | folder files
cat.gif | a GIF image | vic-images --format folder |
cat.webp | a WebP image | vic-images --format folder | folder files
paper.pdf | a PDF document | vic-tokenize --format lines |
page.html | $html | browser |
saved.html | $html | browser |
head.html | $html | browser |
some.json | is JSON | CSV | check
records.jsonl | is JSON | vic-tokenize --format csv | check
list.json | is JSON | vic-tokenize --format csv | check
rows.jsonl | is JSON | vic-tokenize --format csv | check
nan.jsonl | is JSON | vic-tokenize --format csv | check
inserts.csv | SQL statements | vic-tokenize --format csv |
dump.sql | SQL statements | vic-tokenize --format csv |
table.sql | SQL statements | vic-tokenize --format csv |
films.arff | an ARFF table | vic-tokenize --format csv |
some.xml | $xml | vic-tokenize --format csv |
bare.xml | $xml | vic-tokenize --format csv |
absent.csv | $refusal | get the file again |
denied.csv | $refusal | get the file again |
pointer.csv | a Git LFS pointer | git lfs pull |
table.parquet | a Parquet table | vic-tokenize --format csv |
table.orc | an ORC table | vic-tokenize --format csv |
table.avro | an Avro table | vic-tokenize --format csv |
old.xls | an Office document | save it as CSV |
some.rar | a RAR archive | unpack it |
some.mat | a MATLAB file | numpy.save |
film.rtf | an RTF document | plain text | check
table.xlsx | an Excel workbook | save it as CSV |
film.docx | a Word document | plain text |
table.ods | an OpenDocument table | save it as CSV |
wide.csv | UTF-16 | iconv -f UTF-16LE |
wider.csv | UTF-32 | iconv -f UTF-32BE |
twice.csv.gz | gzip data of a CSV table | vic-tokenize --format csv | idx cifar
cat.bmp | a BMP image | vic-images --format folder | folder files
cat.tif | a TIFF image | vic-images --format folder | folder files
cat.avif | an AVIF image | PNG |
other.safetensors | a safetensors file | vic-predict | check labels tensors
good.model | a model | vic-predict | check labels model tensors
good.ckpt | a checkpoint | vic-train --resume | check labels model resume tensors
good.map | a calibration map | vic-calibrate --apply | check map answers
good.threshold | a conformal threshold | vic-conformal --apply | check bound
train-images-idx3-ubyte | an IDX file | vic-images --format idx | idx
data_batch_1.bin | CIFAR-10 | vic-images --format cifar10 | cifar files
train.bin | CIFAR-100 | vic-images --format cifar100 | cifar files
w2v.bin | word vectors | vic-embed --vectors | vectors cifar
glove.txt | word vectors | vic-embed --vectors | vectors $text
numbers.csv | a CSV table of numbers | vic-cat --from csv | csv $text
numbers.tsv | a TSV table of numbers | vic-cat --from tsv | $text vectors
texts.csv | a CSV table | vic-tokenize --format csv | csv $text
semi.csv | a CSV table without commas | --separator | csv files $text
texts.tsv | a TSV table | vic-tokenize --format tsv | $text
fast.txt | text in fastText's form | vic-tokenize --format fasttext | fast $text
trec.txt | questions in TREC's form | vic-tokenize --format trec | trec $text
plain.txt | plain text | vic-tokenize --format lines | $text
utf16.txt | UTF-16 | iconv | $text
good.history | a training history | vic-reliability --curve training | history plot $text
synth/posterior.tsv | a table of posteriors | vic-score --posterior | post $text
good.twin | the text twin of a stream | vic-cat FILE printed so | csv files plot post $text
good.curves | a table of curves | vic-plot | plot $text
some.tar | a tar archive | tar -xf | idx cifar folder mr
some.tar.gz | a tar archive | tar -xf | idx cifar folder mr
sock | is a socket | where a file is wanted | files
dir | a folder | vic-images | texts trec mr idx cifar folder files
empty | empty | wrote nothing | files $text csv vectors post history plot trec fast
noise | of no kind | vic-cat(1) | files csv vectors $text resume model check post history plot trec fast idx cifar folder mr map answers bound
good.tokens | stream of tokens | vic-embed | cat check split embed records
good.text | stream of text | vic-train and vic-predict | cat check split train records
good.images | stream of images | vic-perturb | cat check split train perturb stream
good.logits | stream of logits | vic-score | cat check split score curves fit sets ood compare report
END

pairs=0 line=0
while IFS='|' read -r file what names reads; do
	file=${file% } what=${what# } what=${what% } names=${names# } names=${names% }
	wrong='' line=$((line + 1)) n=$line
	while read -r way command; do
		n=$((n + 1)) # a quarter of the pairs where time is short
		[ "${VIC_THOROUGH:-}" ] || [ $((n % 4)) = 0 ] || continue
		case " $reads " in *" $way "*) continue ;; esac
		set -f
		set -- $command
		set +f
		for word; do
			shift
			[ "$word" = '{}' ] && word=$file
			set -- "$@" "$word"
		done
		said=$("$@" -q 2>&1 >out </dev/null) 2>/dev/null
		status=$?
		pairs=$((pairs + 1))
		case "$status $said" in
		*"
"*) wrong="$wrong$way (several lines)
" ;;
		1\ *"$what"*"$names"*) [ ! -s out ] || wrong="$wrong$way: bytes on stdout
" ;;
		*) wrong="$wrong$way: $status $said
" ;;
		esac
	done <ways
	same "$file is called $what, with $names" '' "$wrong"
done <kinds
same 'pairs tried' yes "$([ $pairs -gt 250 ] && echo yes || echo "$pairs")"

like 'from stdin it is the same' 'stdin: is a CSV table of numbers' "$(vic-score <numbers.csv 2>&1)"
like 'and through a pipe that comes in drops' 'stdin: is an NPY array' \
	"$({ printf '\223NUM'; sleep 0.1; printf 'PY\001'; } | vic-score 2>&1)"
same 'a line is answered before the next one is there' '0	train	-	hi' \
	"$({ echo hi; sleep 1; } | vic-tokenize -q -f lines --flush - | vic-cat | grep -v '^#')"
finish
