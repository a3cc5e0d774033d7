#!/bin/sh
# vic run: your own pictures, a folder for each class: a calibrated classifier, a page, the commands
# shellcheck disable=SC1091,SC2034,SC2154 # lib/own.sh reads and sets them
# A classifier of one's own pictures from a folder with a folder for each class: plain training and mixup, chosen on
# pictures held back for it, calibrated on others, judged on others again.
# usage: vic run my-images FOLDER [options]
#   --resize N              the side of the squares that pictures become [64, or less where they are smaller]
#   --labels FILE           pictures in one folder: lines NAME,CLASS
#   --on-bad stop|skip|list what to do with a picture that cannot be decoded [stop]
#   --out FOLDER            a new folder [FOLDER.vicinal, beside it]
#   --epochs N --model NAME --device NAME --seed N   as vic-train has them [by the size of the data]
#   --small                 go on with fewer than 100 pictures, or fewer than 5 of a class
# Leaves a model, its temperature, a page and commands.sh, the plain commands that did it.
. "${VIC_RECIPES:-$(dirname "$0")}/lib/own.sh"
resize='' labels='' on_bad=''
options 'resize labels on-bad' '' "$@"
[ -d "$file" ] || case $file in *.tar | *.tar.* | *.tgz | *.zip) [ -f "$file" ] ;; *) false ;; esac ||
	die "$file: no folder of pictures, nor a tar or zip of one"
[ -z "$labels" ] || labels=$(absolute "$labels")
begin

note "Pictures from $file"
reading="vic-images$(given labels on_bad)"
if [ -z "$resize" ]; then # the first picture says how small they are
	resize=64
	first=$(vic-images -q --limit 1 --encoding raw ${labels:+--labels "$labels"} "$file" 2>why.txt |
		vic-cat --head 2>>why.txt | sed -n 's/.*"shape":\[\([0-9]*\),\([0-9]*\),.*/\1 \2/p')
	rm why.txt
	for side in $first; do [ "$side" -ge "$resize" ] || resize=$side; done
	echo "They become squares of $resize x $resize pixels, cut to shape (--resize N for others)."
fi
step "$reading --resize $resize --names names.tsv $(quote "$file") > pictures.vic"
look_at_classes pictures.vic
split_records pictures.vic
step "rm pictures.vic"

# As many epochs as keep a training within a minute or two of two cores, and batches that make at least ten steps each.
learned=$(stat_of data.vic 'split train')
[ -n "$epochs" ] || epochs=$(awk -v n="$learned" -v side="$resize" \
	'BEGIN { e = int(3.2e8 / (n * side * side)); print (e > 40 ? 40 : e < 8 ? 8 : e) }')
batch=$(awk -v n="$learned" 'BEGIN { b = int(n / 10); print (b > 128 ? 128 : b < 16 ? 16 : b) }')
network=smallcnn
case $device in cuda*) [ "$learned" -lt 5000 ] || network=resnet18 ;; esac
network=${model:-$network}
with="--schedule cosine --batch $batch"
note "Training: $network, plain and with mixup at two strengths, $epochs epochs each, $learned pictures"
train plain "$network" "$with"
for alpha in 0.1 0.4; do train mixup-$alpha "$network" "$with --mixup $alpha"; done
choose
calibrate extra plain.logits "$rival.logits"
judge
worst names.tsv
finish "cd $(quote "$out")" "vic-predict --files --top-k 3 ${map:+$map }model NEW.jpg FOLDER > answers.tsv"
