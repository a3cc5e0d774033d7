#!/bin/sh
# The commands of docs/TUTORIAL.md print what the page says, on the small data that this test makes. Decimals are not
# compared: processors differ in the last digits, and training carries that on; which of two trainings fits a few dev
# records better may hang on it, so what can computes as AVX2 does. VIC_DATA names a folder without data, and the recipes are a
# copy that has none beside it, so that no vectors are found.
. "$(dirname "$0")/lib.sh"
! VIC_CPU=v3 vic-train --version | grep -q 'engine: cpu-v3' || export VIC_CPU=v3 ONEDNN_MAX_CPU_ISA=AVX2
cd "$T" || exit 1
recipes_without_data

table 600 topic,message , >tickets.csv
{ cat tickets.csv && echo 'lat,where is it'; } >slip.csv
table 200 label,text , >training.csv
table 280 label,text , | sed 1,200d | sed '1s/.*/label,text/' >judged.csv
awk -F, 'NR > 1 { print $2 "," $1 }' tickets.csv >turned.csv
table 60 'stars;review' ';' >semicolons.csv
table 60 label,text , | sed '2s/,\(.*\) no/,the "\1" no/' >quotes.csv
printf 'der -0.5 0.25\nund 0.5 1\nist 1 2\nnicht 3 1\n' >german.txt
"$TOOLS/mklogits" n=600 temperature=2 >theirs
vic-cat --to npy --labels labels.npy theirs >logits.npy
vic-cat --to csv theirs | awk -F, -v OFS=, 'NR > 1 { sub(/class /, ""); print }' >logits.csv
"$TOOLS/mklogits" n=400 probs=1 | vic-cat --to csv | sed '1d; s/class //' >probs.csv
for i in $(seq 40); do
	for class in day night dusk; do
		mkdir -p "photos/$class"
		case $class in day) light=190 ;; night) light=40 ;; *) light=$((60 + i * 3)) ;; esac
		"$TOOLS/mkphoto" 20 24 $light 10 "$i" >"photos/$class/$i.png"
	done
done
mkdir -p damaged/day damaged/night
cp photos/day/[123].png damaged/day
head -c 300 photos/night/1.png >damaged/night/cut.png
cp photos/night/2.png damaged/night

# What the page shows of a command's output: ~ for the folder, without the quotes that a space in its name brings, and no
# line of seconds.
console_filter() {
	sed -E "s|'$T([^' ]*)'|~\1|g; s|$T|~|g; /^  [0-9]+ s\$/d"
}
# The part of it that is compared.
console_form() {
	sed -E 's/-?[0-9]+\.[0-9]+/#/g; s/  +/  /g'
}
console TUTORIAL.md
# The page shows its recipe by `cat`: what it shows is what the file holds.
for cmd in [0-9]*.sh; do
	[ "$(cat "$cmd")" != 'cat mine.sh' ] || cat "${cmd%.sh}.want" >mine.sh
done
run_console
[ -z "${PAGE:-}" ] || new_console TUTORIAL.md >"$PAGE" # to write the page anew
finish
