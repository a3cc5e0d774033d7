#!/bin/sh
# vic run: another program's logits or probabilities: a page about them, a temperature, the commands
# shellcheck disable=SC1091,SC2034,SC2154 # lib/own.sh reads and sets them
# How far the probabilities of another program's classifier can be trusted, and a temperature for them: half of the
# records to fit it, the other half to judge by.
# usage: vic run my-logits FILE [options]     CSV, TSV, NPY, NPZ, safetensors, or a stream; a label, then a value a class
#   --labels FILE           the labels (NPY), where FILE holds the values alone
#   --array NAME --labels-array NAME       NPZ, safetensors: which arrays
#   --label-column NAME|N --separator C --classes A,B,...   as vic-cat has them
#   --kind logits|probs|p1|counts   what the values are [logits, or probs where each record's sum to 1]
#   --out FOLDER            a new folder [FILE without its ending, .vicinal, beside it]
#   --seed N                which half is which
#   --small                 go on with fewer than 100 records
# Leaves a temperature, a page and commands.sh, the plain commands that did it.
. "${VIC_RECIPES:-$(dirname "$0")}/lib/own.sh"
labels='' array='' labels_array='' label_column='' separator='' classes='' kind=''
options 'labels array labels-array label-column separator classes kind' '' "$@"
[ -f "$file" ] || die "$file: no such file"
[ -r "$file" ] || die "$file: may not be read"
[ -z "$labels" ] || labels=$(absolute "$labels")
begin

note "Values from $file"
said=$(vic-cat --head "$file" 2>&1) && form=stream ||
	form=$(printf '%s\n' "$said" | sed -n 's/.*vic-cat --from \([a-z]*\) .*/\1/p' | head -n 1)
reading() {
	printf 'vic-cat --from %s' "$form"
	given labels array labels_array label_column separator classes
}
[ -n "$form" ] || die "${said#vic-cat: }"
if [ "$form" = stream ]; then
	step "cp $(quote "$file") all.vic"
else
	if [ -z "$kind" ]; then # each record's values: in 0 to 1, and of sum 1?
		kind=$(eval "$(reading) -q --kind logits $(quote "$file")" 2>why.txt | vic-cat --to tsv 2>>why.txt |
			awk -F '\t' 'NR > 1 { s = 0; for (i = 2; i <= NF; i++) { s += $i; if ($i < 0 || $i > 1) none = 1 }
				if (s < 0.998 || s > 1.002) none = 1 } END { print (none || NR < 2 ? "logits" : "probs") }')
		rm why.txt
		said="The values are taken for $kind: each record's $([ "$kind" = probs ] || printf 'do not ')add up to 1 (else: --kind)."
	else
		said=
	fi
	step "$(reading) --kind $kind --name $(quote "$title") $(quote "$file") > all.vic"
	[ -z "$said" ] || printf '%s\n' "$said"
fi
records=$(stat_of all.vic records)
enough

note "Parts: one half to fit the temperature, the other to judge by"
part=train
if [ -n "$(stat_of all.vic 'split dev')" ] && [ -n "$(stat_of all.vic 'split test')" ]; then
	echo "As they are marked: dev to fit, test to judge by."
	part=dev
	step "mv all.vic given.logits"
else
	step "vic-split --remark --test 0.5 --seed $seed all.vic > given.logits"
	step "rm all.vic"
fi
judged=$(stat_of given.logits 'split test')
echo "On $judged records an accuracy near 0.8 is known to ±$(accuracy_error "$judged") (95 %)."
chosen=given
calibrate $part
judge
case $form in
stream) new="cat NEW.logits" ;;
*) new="$(labels='' labels_array='' label_column=none && reading) --kind $kind NEW.$form" ;;
esac
[ -z "$map" ] || set -- "cd $(quote "$out")" \
	"$new | vic-calibrate --apply temperature.map - | vic-cat --to csv > calibrated.csv"
[ -n "$map" ] || set --
finish "$@"
