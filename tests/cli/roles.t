#!/bin/sh
# No file is two things at once. Every pair of what a program reads and writes, from the program's own table (--roles),
# is made one file in every way there is. Refused, with nothing written: an output that is an input, two outputs of one
# place, a descriptor that is read twice. Not refused: /dev/null as often as one likes, one file read twice, a
# checkpoint that a run goes on from.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
for program in "$BIN"/vic*; do
	"$program" --roles || echo "$program: gives no list"
done >roles

# Options that take a text which is no file. A new option of a program gets a role in its table, or is put here.
# --plan-device is the name of a card; where it is that of a file, nothing but stdout is written.
sort >no_files <<'L'
vic-cat --array
vic-cat --classes
vic-cat --id-column
vic-cat --name-column
vic-cat --ignore
vic-cat --label-column
vic-cat --labels-array
vic-cat --name
vic-cat --separator
vic-embed --oov
vic-images --classes
vic-images --name
vic-images --only
vic-images --resize
vic-images --split
vic-perturb --only
vic-plot --method
vic-plot --metric
vic-plot --title
vic-predict --column
vic-predict --device
vic-predict --name
vic-predict --separator
vic-predict --split
vic-reliability --alpha
vic-reliability --at
vic-reliability --class
vic-reliability --name
vic-reliability --split
vic-report --note
vic-report --title
vic-score --bins
vic-score --class
vic-score --name
vic-score --split
vic-tokenize --asked-by
vic-tokenize --classes
vic-tokenize --label-column
vic-tokenize --name-column
vic-tokenize --separator
vic-tokenize --text-column
vic-train --checkpoint-every
vic-train --class-weights
vic-train --crop-scale
vic-train --device
vic-train --filters
vic-train --keep-epochs
vic-train --lr-steps
vic-train --resize
vic-train --model
vic-train --plan-device
L
same 'every option that takes a text has a role or is known to be no file' "$(cat no_files)" \
	"$(awk -F '\t' '$2 ~ /^--/ && $3 == "text" { print $1, $2 }' roles | sort -u)"

# One line a run: refused or taken, the redirections, the command.
cat >pairs.awk <<'A'
BEGIN {
	FS = "\t"
	least["vic-tokenize"] = least["vic-predict"] = 1; least["vic-compare"] = 2
	both = "file file|file ./file|link file|file link|hard file|file hard|file ../" here "/file|file /proc/self/cwd/file"
}
function slot(k, h, t, a) { n++; kind[n] = k; how[n] = h; text[n] = t; alone[n] = a }
function pairs(  i, j) { for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) pair(i, j); n = 0 }
$1 != program { pairs(); program = $1 }
{ a = $3 ~ / alone$/; sub(/ alone$/, "", $3) }
$1 == "vic-report" && $2 ~ /^--(claims|picture)$/ { slot("r", "option", "--results other " $2 " @", 1); next }
$2 == "stdin" { slot("r", "stdin", "") }
$2 == "stdout" { slot("w", "stdout", ""); next }
$3 == "read" && $2 ~ /^--/ { slot("r", "option", $2 " @", a) }
$3 == "list" { slot("r", "option", $2 " '@'@", a) }
$3 == "read" && $2 !~ /^(--|stdin)/ { slot("r", "operand", "@"); if ($2 ~ / |\.\.\./) slot("r", "operand", "@") }
$3 == "written" || $3 == "written anew" { slot("w", "option", $2 " @") }
$3 == "written or stdout" { slot("w", "main", $2 " @") }
$3 == "read or written" { slot("r", "option", "--from npy " $2 " @"); slot("w", "option", "--to npy " $2 " @") }
$3 == "prints" { slot("w", "prints", $2, a) }
END { pairs(); print count >"count" }

function run(want, redirect, i, x, j, y,  line, k) {
	line = program
	k = least[program] - (how[i] == "operand") - (how[j] == "operand")
	if (how[i] != "operand") line = line " " put(text[i], x)
	if (how[j] != "operand") line = line " " put(text[j], y)
	for (; k > 0; k--) line = line " other"
	if (how[i] == "operand") line = line " " put(text[i], x)
	if (how[j] == "operand") line = line " " put(text[j], y)
	print want "\t" redirect "\t" line
}
function put(t, x,  at) { at = match(t, /@$/); return at ? substr(t, 1, at - 1) x : t }
function each(want, redirect, i, j, list,  k, p, xy) {
	p = split(list, part, "|")
	for (k = 1; k <= p; k++) { split(part[k], xy, " "); run(want, redirect, i, xy[1], j, xy[2]) }
}
function pair(i, j,  t) {
	if (kind[i] == "w" && kind[j] == "r") { t = i; i = j; j = t }
	if (how[i] == "stdin" && how[j] == "operand" || how[i] == "operand" && how[j] == "stdin") return
	if ((how[i] ~ /stdin|operand/ && alone[j]) || (how[j] ~ /stdin|operand/ && alone[i])) return
	if ((how[i] == "main" && how[j] == "stdout") || (how[i] == "prints" && how[j] ~ /stdout|prints/)) return
	if (text[i] ~ /--(from|to) npy/ && text[j] ~ /--(from|to) npy/) return
	count++
	if (kind[i] == "r" && kind[j] == "r") read_both(i, j)
	else if (kind[i] == "r") read_and_written(i, j)
	else write_both(i, j)
}
function read_both(i, j) {
	if (how[j] == "stdin") { t = i; i = j; j = t }
	if (how[i] == "stdin") { each("refused", "<file", i, j, "0 -|0 /dev/stdin|0 /dev/fd/0|0 stdin"); return }
	each("taken", "", i, j, "file file|file hard|link ./file|/dev/null /dev/null")
	each("refused", "<file", i, j, "- -|- /dev/stdin|/dev/fd/0 /proc/self/fd/0|stdin -")
	each("refused", "3<file", i, j, "/dev/fd/3 /proc/self/fd/3")
	each("refused", "<pipe 3<&0", i, j, "- /dev/fd/3")
	if (program !~ /^vic-(conformal|images|predict|report|score)$/) # whose records are stdin where no more is named
		each("taken", "<file 3<hard", i, j, "- /dev/fd/3")
}
function read_and_written(i, j) {
	if (how[i] == "stdin" && how[j] ~ /stdout|prints/) { each("refused", "<file >>file", i, j, "0 0"); each("taken", "", i, j, "0 0") }
	else if (how[i] == "stdin") {
		each("refused", "<file", i, j, "0 file|0 link|0 hard")
		each("refused", "<file 3>>file", i, j, "0 /dev/fd/3")
		each("taken", "</dev/null", i, j, "0 /dev/null")
	} else if (how[j] ~ /stdout|prints/) {
		each("refused", ">>file", i, j, "file 0|link 0|hard 0")
		each("refused", "<file >>hard", i, j, "- 0|/dev/stdin 0")
		each("taken", ">/dev/null", i, j, "/dev/null 0")
	} else {
		t = text[i] text[j] ~ /--resume .*--checkpoint/ || text[j] text[i] ~ /--resume .*--checkpoint/
		each(t ? "taken" : "refused", "", i, j, both)
		if (!t) {
			each("refused", "<file", i, j, "- file|/dev/stdin hard|stdin link")
			each("refused", "3<file", i, j, "/dev/fd/3 file")
			each("refused", ">>file", i, j, "file -|file /dev/stdout|hard /dev/fd/1")
			each("refused", "", i, j, "pipe pipe")
		}
		each("taken", "", i, j, "/dev/null /dev/null|null /dev/null|other new")
	}
}
function write_both(i, j) {
	if (how[i] ~ /stdout|prints/) { t = i; i = j; j = t }
	if (how[j] ~ /stdout|prints/) {
		each("refused", "", i, j, "- 0|/dev/stdout 0|/dev/fd/1 0|stdout 0")
		each("refused", "3>&1", i, j, "/proc/self/fd/1 0")
		each("refused", ">>file", i, j, "file 0|link 0|hard 0")
		each("taken", ">/dev/null", i, j, "/dev/null 0|new 0")
	} else {
		each("refused", "", i, j, both "|new new|new ./new|dangling new|dangling dangling|pipe pipe")
		each("refused", "", i, j, "- -|- /dev/stdout|/dev/fd/1 /proc/self/fd/1|stdout -")
		each("refused", ">>file", i, j, "file -|/dev/stdout hard|link stdout")
		each("refused", "3>>new", i, j, "/dev/fd/3 /proc/self/fd/3")
		each("taken", "", i, j, "/dev/null /dev/null|null /dev/null|new other")
		each("taken", "3>/dev/null", i, j, "null /dev/fd/3")
	}
}
A
awk -v here="$(basename "$T")" -f pairs.awk roles >runs
if [ -z "$VIC_THOROUGH" ]; then # a sixth of them, of every pair at least one
	awk 'NR % 6 == 1' runs >some && mv some runs
fi

"$TOOLS/mkstream" tokens 3 >tokens
ln -s /dev/null null && ln -s /proc/self/fd/0 stdin && ln -s /proc/self/fd/1 stdout
# Files last changed long ago: what changes them shows in their time, so no program need be started to look.
fresh() {
	rm -f file link hard new dangling pipe other
	cp tokens other && cp tokens file && ln -s file link && ln file hard && ln -s new dangling && mkfifo pipe &&
		touch -d 2001-01-01 file other
	exec 9<>pipe # so that opening it waits for nobody
}
touch -d 2001-01-01 past
spared() { # FILE: nobody wrote to it or put another in its place
	[ "$1" -ef hard ] && ! [ "$1" -nt past ]
}
untouched() { # nor is anything else as fresh did not leave it. What went into a pipe shows nowhere.
	spared file && [ -L link ] && [ -L dangling ] && [ -p pipe ] && ! [ other -nt past ] && ! [ -e new ] &&
		! [ -L new ] || return 1
	case $1 in *pipe*) return 1 ;; esac
}
# read_err: sets $said, and $lines, how many it has, of what a program said in the file err.
read_err() {
	said='' lines=0
	while IFS= read -r line || [ -n "$line" ]; do
		lines=$((lines + 1)) said="$said$line
"
	done <err
}
fresh
wrong=0 refused=0 taken=0
while IFS='	' read -r want redirect command; do
	eval "timeout 20 $command </dev/null >/dev/null 9>&- $redirect" 2>err
	status=$?
	read_err
	got=taken
	case $said in
	*'are the same file'* | *'go to the same place'* | *'can be read once'*)
		got=refused
		[ $status = 2 ] && [ $lines = 1 ] && spared file || got='refused, but too late'
		[ ! -e new ] || rm -f new ;;
	*'has no effect with'*)
		if [ $status = 2 ]; then # the option with what is printed instead
			got=$want
			spared file || got='refused, but too late'
		fi ;;
	esac
	[ "$status" != 124 ] || got='waiting for ever'
	[ "$got" = refused ] || untouched "$command $redirect" || fresh
	case $want in refused) refused=$((refused + 1)) ;; *) taken=$((taken + 1)) ;; esac
	[ "$got" = "$want" ] && continue
	wrong=$((wrong + 1))
	echo "# $got, not $want: $command $redirect: ${said%%
*}"
done <runs
same "all $(cat count) pairs: $refused runs refused, $taken taken" 0 $wrong
[ "$(cat count)" -ge 60 ]
tap $? 'there are pairs enough'

# A state that is written anew after every epoch is a file that can be read again, no stream of all of them.
mkdir anew && mkfifo anew/fifo
while IFS='|' read -r path what; do
	# shellcheck disable=SC2094
	(cd anew && vic-train -q --checkpoint $path -o model ../tokens >out 2>err </dev/null)
	same "$path is no file for a checkpoint: $what" "2 0 $what" \
		"$? $(wc -c <anew/out) $(sed -n 's/.*so it must be a file, not //p' anew/err)"
done <<'L'
-|stdout
/dev/stdout|stdout
/dev/stderr|stderr
fifo|a pipe
L
same 'and no model was trained' '' "$(find anew -name model)"

# Found in a folder or a list, not named: refused when it is opened, and nothing is written.
kept() {
	cp "$2" kept
	fails "$4" "$5" "$1" timeout 20 sh -c "$3"
	cmp -s "$2" kept
	tap $? "$1: the file is as it was"
}
mkdir -p m pictures/a imdb/train/pos imdb/train/neg
echo 'a film' >m/rt-polarity.neg && cp m/rt-polarity.neg m/rt-polarity.pos
cp "$ROOT/tests/golden/images/rgb420.jpg" pictures/a/1.jpg && cp pictures/a/1.jpg pictures/a/2.jpg
echo 'a film' >imdb/train/pos/1_9.txt && echo 'a film' >imdb/train/neg/1_1.txt
ln m/rt-polarity.pos m/hard
among='is among what is read, and is where the output goes'
data=' does not write here, and would be lost'
kept 'a file of MR' m/rt-polarity.neg 'vic-tokenize --format mr -o m/rt-polarity.neg m' 2 "is plain text, .*$data"
kept 'by another name' m/rt-polarity.pos 'vic-tokenize --format mr -o m/hard m' 2 "$data"
kept 'by stdout' m/rt-polarity.pos 'vic-tokenize --format mr m >>m/rt-polarity.pos' 1 "$among"
kept 'a file of IMDB' imdb/train/pos/1_9.txt 'vic-tokenize --format imdb -o imdb/train/pos/1_9.txt imdb' 2 "$data"
kept 'a picture' pictures/a/2.jpg 'vic-images -o pictures/a/2.jpg pictures' 2 "is a JPEG image, .*$data"
: >m/empty.pos && mv m/rt-polarity.pos kept.pos && ln -s empty.pos m/rt-polarity.pos
kept 'an empty file that is read' m/empty.pos 'vic-tokenize --format mr -o m/empty.pos m' 1 "$among"
rm m/rt-polarity.pos m/empty.pos && mv kept.pos m/rt-polarity.pos
ok 'another file of that folder may be written' vic-tokenize -q --format mr -o m/tokens m
ok 'also again' vic-tokenize -q --format mr -o m/tokens m

# Before the work: with inputs from which nothing ever comes, an output that cannot be written is said all the same.
mkdir -p locked
outputs=0
awk -F '\t' '$3 ~ /^written/ && $2 ~ /^--/ || $3 == "read or written" { print $1, $2 }' roles >written
exec 9>&-
exec 9<>pipe
while read -r program option; do
	case $program in vic-tokenize | vic-predict) rest=pipe ;; vic-cat) rest='--to npy' ;; *) rest= ;; esac
	for place in nowhere/x locked m/tokens/x; do
		outputs=$((outputs + 1))
		# shellcheck disable=SC2086
		timeout 20 "$program" $rest "$option" $place <pipe >got 2>err 9>&-
		status=$?
		[ $status = 1 ] && [ ! -s got ] && grep -q "$place: " err || echo \
			"# $program $option $place: exit $status, $(head -1 err)"
	done
done <written >late
[ ! -s late ]
tap $? "all $outputs outputs that cannot be written are found before the work" || cat late

# Data of another kind are no output's place: every output of every program, every kind of file that is there. The one
# that a program writes there, an empty file and /dev/null may be replaced (the run then waits for records).
exec 9>&-
exec 9<>pipe
mkdir -p there
printf 'label,text\npos,a film\n' >'there/a CSV table'
printf 'the 1 2 3 4\nof 1 2 3 4\n' >'there/word vectors in text form'
printf 'notes\n' >'there/plain text'
printf 'a\001\000b' >'there/of no kind that is known here'
printf '\1\0\0\0\0\0\0\0{"__metadata__":{"format":"vicinal-model 2"}}' >'there/a model'
printf '\1\0\0\0\0\0\0\0{"__metadata__":{"format":"vicinal-checkpoint 3"}}' >'there/a checkpoint'
printf 'epoch\tlr\ttrain_loss\n' >'there/a training history'
printf '{"vicinal map":3}\n' >'there/a calibration map'
printf '{"vicinal conformal":1}\n' >'there/a conformal threshold'
printf 'record\tlabel\tcovered\tsize\tset\n' >'there/a table of conformal sets'
printf 'word\tcount\nzyxw\t3\n' >'there/a list of words with counts'
printf 'id\tname\n0\ta.png\n' >"there/a list of pictures' names"
printf 'figure\tdataset\tmodel\n' >'there/a table of results'
printf '<!DOCTYPE html>\n<html>\n' >'there/an HTML page'
printf '<svg xmlns=""/>' >'there/an SVG image'
printf '\211PNG\r\n\032\n' >'there/a PNG image'
cp "$ROOT/tests/golden/images/rgb420.jpg" 'there/a JPEG image'
gzip -c tokens >'there/gzip data of a vicinal stream of tokens'
for kind in text images logits tokens; do
	"$TOOLS/mkstream" $kind 3 >"there/a vicinal stream of $kind"
done
printf '\223NUMPY\001\000v\000' >'there/an NPY array'
cat >replaced <<'L'
vic-calibrate --out a calibration map
vic-cat --labels an NPY array
vic-conformal --out a conformal threshold
vic-embed --oov-report a list of words with counts
vic-embed --output a vicinal stream of text
vic-images --names a list of pictures' names
vic-images --output a vicinal stream of images
vic-perturb --output a vicinal stream of images
vic-plot --out a PNG image
vic-plot --out an SVG image
vic-predict --output a vicinal stream of logits
vic-report --out an HTML page
vic-tokenize --output a vicinal stream of tokens
vic-train --checkpoint a checkpoint
vic-train --history a training history
vic-train --output a model
L
put() { # FILE: what is there, last changed long ago
	cp "$1" at && touch -d 2001-01-01 at
}
for place in there/*; do
	put "$place"
	while read -r program option; do
		case $program in vic-cat) rest='--to npy no-such' ;; *) rest=no-such ;; esac
		# shellcheck disable=SC2086
		"$program" "$option" at $rest </dev/null >got 2>err
		status=$?
		[ -e at ] && ! [ at -nt past ] || { echo "# $program $option: $place is lost"; put "$place"; }
		read_err
		case $said in
		*"is ${place#there/}, which $program does not write here"*)
			[ $status = 2 ] && [ ! -s got ] || echo "# $program $option: exit $status" ;;
		*) echo "$program $option ${place#there/}" >>through ;;
		esac
	done <written
done >lost
while read -r program option; do
	case $program in vic-cat) rest='--to npy no-such' ;; *) rest=no-such ;; esac
	: >at
	# shellcheck disable=SC2086
	"$program" "$option" at $rest </dev/null >got 2>err
	grep -q 'does not write here' err && echo "# $program $option: an empty file is refused"
done <written >>lost
same 'no data that are there are lost' '' "$(cat lost)"
same 'a file of its own kind is replaced' "$(cat replaced)" "$(LC_ALL=C sort through)"
cp 'there/a calibration map' at
fails 2 'is a calibration map, which vic-calibrate does not write here' 'a map, where logits go' \
	vic-calibrate --apply no-such --out at no-such
cp 'there/a vicinal stream of logits' at
fails 1 'no-such: No such file' 'and logits' vic-calibrate --apply no-such --out at no-such
fails 2 'would be lost; remove it first, or give another name' 'and a threshold, where sets go' \
	vic-conformal --apply no-such --out 'there/a conformal threshold' no-such
finish
