#!/bin/sh
# vic run: your own texts, a CSV table: a calibrated classifier, a page about it, the commands
# shellcheck disable=SC1091,SC2034,SC2154 # lib/own.sh reads and sets them
# A classifier of one's own texts from a CSV table: plain training, mixup and a linear model, chosen on records held
# back for it, calibrated on others, judged on others again.
# usage: vic run my-text FILE.csv [options]
#   --label-column NAME|N --text-column NAME|N   where its header does not say it
#   --separator C --quotes MODE --encoding NAME --header --no-header --html   as vic-tokenize has them
#   --vectors FILE|random   word vectors [GloVe's where they are found, else random]
#   --out FOLDER            a new folder [FILE without its ending, .vicinal, beside it]
#   --epochs N --model NAME --device NAME --seed N   as vic-train has them [by the size of the data]
#   --small                 go on with fewer than 100 records, or fewer than 5 of a class
# Leaves a model, its temperature, a page and commands.sh, the plain commands that did it.
. "${VIC_RECIPES:-$(dirname "$0")}/lib/own.sh"
label_column='' text_column='' separator='' quotes='' encoding='' vectors=''
options 'label-column text-column separator quotes encoding vectors' 'header no-header html' "$@"
[ -f "$file" ] || die "$file: no such file"
[ -r "$file" ] || die "$file: may not be read"
[ -z "$vectors" ] || [ "$vectors" = random ] || [ -f "$vectors" ] || die "$vectors: no file of vectors"
case $vectors in '' | random) ;; *) vectors=$(absolute "$vectors") ;; esac
asked=$vectors
[ -n "$vectors" ] || vectors=$(find_vectors) || vectors=''
begin

note "Texts and labels from $file"
if [ -z "$separator" ]; then # by the first line: what stands there and no comma
	first=$(head -c 65536 "$file" | head -n 1 | tr -d '\000')
	tab=$(printf '\t')
	case $first in *,*) ;; *"$tab"*) separator=tab ;; *\;*) separator=';' ;; esac
	[ -z "$separator" ] || echo "Its first line has no comma: columns are taken to stand between '$separator'."
fi
reading() {
	printf 'vic-tokenize -f csv --rules ptb'
	given separator quotes encoding label_column text_column
	printf %s "$flags"
}
column="--column $(quote "${text_column:-2}")" # for new texts
if [ -z "$label_column$text_column" ]; then # the program says what the header's names suggest; its word is taken
	said=$(eval "$(reading) $(quote "$file")" 2>&1 >tokens.vic) || :
	found=$(printf '%s\n' "$said" | sed -n 's/.*is it \(--label-column ".*" --text-column ".*"\)? (.*/\1/p')
	if [ -n "$found" ]; then
		label_column=$(printf '%s' "$found" | sed 's/^--label-column "\(.*\)" --text-column .*/\1/')
		text_column=$(printf '%s' "$found" | sed 's/.* --text-column "\(.*\)"$/\1/')
		column="--column $(quote "$text_column")"
		printf '%s\n' "By its header the labels are in '$label_column', the texts in '$text_column' \
(else: --label-column, --text-column)."
	fi
	case $said in
	*'its first row looks like a header'*) # of two columns; the label's name is in no other row
		label_column=1 text_column=2 flags="$flags --header" column='--column 2 --header'
		echo "Its first row is taken for a header, the labels to stand in the first column, the texts in the second" \
			"(else: --label-column, --text-column)." ;;
	*'read as headers'*) column="--column text" ;;
	*'read as a record'*) column="--column 2 --no-header" ;;
	esac
fi
[ -s "$file" ] || die "$file: is empty"
step "$(reading) $(quote "$file") > tokens.vic"
look_at_classes tokens.vic
tokens=$(stat_of tokens.vic tokens)

note "Words to vectors"
if [ -n "$vectors" ] && [ "$vectors" != random ]; then
	if attempt "vic-embed --vectors $(quote "$vectors") tokens.vic > text.vic"; then
		stat_of text.vic initialised | awk -v all="$tokens" -v file="$vectors" '$1 > all / 2 {
			printf "%d of %d words have no vector in %s and begin at random: is it of this language?\n", $1, all, file }'
	else
		[ -z "$asked" ] || die "${why#vic-embed: }"
		printf '%s\n' "The vectors that were found do not fit: ${why#vic-embed: }"
		vectors=random
	fi
elif [ -z "$vectors" ]; then
	echo "No GloVe vectors were found (vic-corpora fetch glove.6B brings English ones, 0.9 GB; --vectors names any)."
	vectors=random
fi
[ "$vectors" != random ] || step "vic-embed --random --dim 50 --seed $seed tokens.vic > text.vic"
split_records text.vic
vic-cat tokens.vic | awk -F '\t' '!/^#/ { print $1 "\t" $4 }' >words.txt
step "rm tokens.vic text.vic"

# As many epochs as keep a training within a minute or two of two cores: MR's 213,000 words 25 times.
[ -n "$epochs" ] || epochs=$(awk -v n="$tokens" 'BEGIN { e = int(6e6 / (n + 1)); print (e > 25 ? 25 : e < 4 ? 4 : e) }')
network=${model:-kimcnn}
note "Training: $network, plain and with mixup at three strengths, $epochs epochs each"
train plain "$network" ''
for alpha in 0.1 0.4 1; do train mixup-$alpha "$network" "--mixup $alpha"; done
if [ "$network" != bow ]; then
	echo "And a linear model of words and pairs of words, which costs nothing:"
	train linear bow ''
fi
choose
calibrate extra plain.logits "$rival.logits"
judge
worst words.txt
rm words.txt
finish "cd $(quote "$out")" "echo 'a new text' | vic-predict --text ${map:+$map }model" \
	"vic-predict --text $column$(given separator) ${map:+$map }model NEW.csv > answers.tsv"
