#!/bin/sh
# The recipes for one's own data: what they find out by themselves, what they leave, and that commands.sh does again
# what was done. (own.t has what they refuse.)
. "$(dirname "$0")/lib.sh"
few_kernels AVX2
cd "$T" || exit 1
recipes_without_data

# again DIR FILE...: commands.sh of DIR, run elsewhere, makes the same bytes.
again() {
	dir=$1
	shift
	mkdir again
	(cd again && sh "../$dir/commands.sh") >again.out 2>&1
	same "$dir/commands.sh runs" 0 $?
	for f in "$@"; do ok "and makes the same $f" cmp "$dir/$f" "again/$f"; done
	rm -r again
}

table 240 topic,message , >tickets.csv
ok 'a table of texts, without an option' vic run my-text tickets.csv --epochs 2
said=$(cat .out)
like 'the columns were found' "labels are in 'topic', the texts in 'message'" "$said"
like 'the vectors were not, and it is said' 'No GloVe vectors were found' "$said"
like 'how little so few records tell' '^On 60 test records an accuracy near 0.8 is known to ±0.10' "$said"
like 'the choice is shown with intervals' '^mixup-0.4  *[0-9.]* ([0-9.]* to [0-9.]*)' "$said"
like 'the page is named' "page to look at: $T/tickets.vicinal/report.html" "$said"
ok 'and is there' grep -q '</html>' tickets.vicinal/report.html
again tickets.vicinal data.vic plain.model mixup-0.4.model model report.html
next=$(printf '%s\n' "$said" | sed -n 's/^  \(echo .*\)/\1/p')
like 'a new text is answered as the last lines say' '^\(late\|paid\)	0\.' "$(cd tickets.vicinal && sh -c "$next")"
next=$(printf '%s\n' "$said" | sed -n 's/^  \(vic-predict .*\)/\1/p')
cp tickets.csv tickets.vicinal/NEW.csv
ok 'and so is a table' sh -c "cd tickets.vicinal && $next"
same 'line by line' 240 "$(wc -l <tickets.vicinal/answers.tsv)"
cksum tickets.vicinal/model >before
ok 'a second run' vic run my-text tickets.csv --epochs 1
ok 'overwrites nothing' sh -c 'cksum tickets.vicinal/model | cmp - before && [ -f tickets.vicinal-2/model ]'
rm -r tickets.vicinal tickets.vicinal-2

printf 'der -0.5 0.25\nund 0.5 1\nist 1 2\n' >german.txt
mkdir -p data/glove && cp german.txt data/glove/glove.6B.300d.txt
VIC_DATA=$T/data vic run my-text tickets.csv --epochs 1 >.out 2>.err
like 'those that were found and do not fit are left' 'The vectors that were found do not fit: ' "$(cat .out)"
ok 'and words begin at random' grep -q '^vic-embed --random' tickets.vicinal/commands.sh
rm -r tickets.vicinal data
table 120 '' ';' | tr -d , >"it's plain.csv"
ok 'semicolons, no header, a name to be quoted' vic run my-text --epochs=1 --model bow "it's plain.csv"
like 'the semicolon was found' "stand between ';'" "$(cat .out)"
again "it's plain.vicinal" model report.html
next=$(sed -n 's/^# next: \(vic-predict .*\)/\1/p' "it's plain.vicinal/commands.sh")
cp "it's plain.csv" "it's plain.vicinal/NEW.csv"
ok 'new ones are read as these were' sh -c "cd \"it's plain.vicinal\" && $next"
same 'the first row too' 120 "$(wc -l <"it's plain.vicinal/answers.tsv")"
rm -r "it's plain.vicinal"

"$TOOLS/mklogits" n=400 temperature=2 split=test >theirs
vic-cat --to csv theirs >logits.csv
vic-cat --to npy --labels labels.npy theirs >values.npy
"$TOOLS/mklogits" n=400 temperature=2 probs=1 | vic-cat --to tsv >probs.tsv
for run in 'logits.csv' 'values.npy --labels labels.npy' 'theirs'; do
	# shellcheck disable=SC2086
	ok "logits of another program: $run" vic run my-logits $run --out got
	like 'half of them are judged' '^n  *200  *200$' "$(cat .out)"
	like 'and the temperature is found' 'fitted temperature 2\.' "$(cat .out .err)"
	again got temperature.map report.html
	rm -r got
done
ok 'probabilities are known by their sum' vic run my-logits probs.tsv
like 'and it is said' 'taken for probs: each record.s add up to 1' "$(cat .out)"
next=$(sed -n 's/^# next: \(vic-cat .*\)/\1/p' probs.vicinal/commands.sh)
"$TOOLS/mklogits" n=400 first=400 probs=1 | vic-cat --to tsv | cut -f 2- >probs.vicinal/NEW.tsv
ok 'new ones are calibrated as the last line says' sh -c "cd probs.vicinal && $next"
same 'all of them' 401 "$(wc -l <probs.vicinal/calibrated.csv)"
rm -r probs.vicinal
for i in $(seq 40); do
	for class in day night dusk; do
		mkdir -p "my photos/$class"
		case $class in day) light=190 ;; night) light=40 ;; *) light=$((60 + i * 3)) ;; esac
		"$TOOLS/mkphoto" 20 24 $light 10 "$i" >"my photos/$class/$i.png"
	done
done
ok 'a folder of pictures' vic run my-images 'my photos/' --epochs 3
like 'small ones stay small' 'squares of 20 x 20' "$(cat .out)"
like 'wrong ones are named' ' as [a-z]*, 0\.[0-9]*: .*/[0-9]*\.png$' "$(cat .out)"
again 'my photos.vicinal' plain.model model report.html
next=$(sed -n 's/^# next: \(vic-predict .*\)/\1/p' 'my photos.vicinal/commands.sh' | sed 's/NEW.jpg FOLDER/"..\/my photos\/day"/')
ok 'new ones are answered' sh -c "cd 'my photos.vicinal' && $next"
same 'each' 40 "$(wc -l <'my photos.vicinal/answers.tsv')"
rm -r 'my photos.vicinal'
finish
