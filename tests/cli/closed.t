#!/bin/sh
# Descriptors 0, 1 and 2 closed by the caller, in all seven ways, for every program: the file that is asked for is there
# and whole, what goes to a closed stdout is an error, and what is read from a closed stdin is nobody's file.
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/faults/matrix.sh"
prepare
tap $? 'the inputs could be made'
cd "$T/inputs" || exit 1
vic-reliability -q --bands 0 logits >curve

ways='<&-
>&-
2>&-
<&- >&-
<&- 2>&-
>&- 2>&-
<&- >&- 2>&-'
runs=0

# bad WAY WHY: notes the first fault of the row.
bad() {
	[ -z "$fault" ] && fault="[$1] $2"
}

# One row: `to` is where its bytes go (file: o; folder: o/; stdout; stdin: it reads that), `command` the command.
row() {
	rm -rf o want
	fault=
	if ! eval "$command" >out 2>err </dev/null && [ "$to" != stdin ]; then
		tap 1 "$command: with all of them open"
		diag err
		return
	fi
	case $to in file) cp o want ;; folder) mv o want ;; stdout) cp out want ;; esac
	while read -r way; do
		rm -rf o
		runs=$((runs + 1))
		: >got
		(eval "$command $way") >got 2>err </dev/null
		status=$?
		case $to in
		file) { [ $status = 0 ] && cmp -s o want; } || bad "$way" "exit $status, $(cmp o want 2>&1)" ;;
		folder) { [ $status = 0 ] && diff -r o want >/dev/null; } || bad "$way" "exit $status or other files" ;;
		stdin) case $way in *'<'*) [ $status = 1 ] || bad "$way" "exit $status with nothing to read" ;; esac ;;
		stdout)
			case $way in
			'>'* | *' >'*) [ $status = 1 ] || bad "$way" "exit $status with nowhere to write" ;;
			*) { [ $status = 0 ] && cmp -s got want; } || bad "$way" "exit $status or other bytes" ;;
			esac
			;;
		esac
		[ $to != file ] || [ ! -s got ] || bad "$way" 'bytes on stdout'
	done <<-W
		$ways
	W
	[ -z "$fault" ]
	tap $? "$command: $to${fault:+: $fault}"
}

while IFS='|' read -r to command; do
	to=${to%% *} command=${command# }
	programs="$programs ${command%% *}"
	[ "$to" != file ] || commands="$commands
$command"
	row
done <<'ROWS'
file   | vic-tokenize --format tsv -o o tsv
file   | vic-embed --random --dim 4 -o o tokens
file   | vic-embed --vectors glove --oov-report o -o /dev/null tokens
file   | vic-train --maps 2 --epochs 1 --batch 4 --threads 1 --device ref -o o text
file   | vic-train --maps 2 --epochs 1 --batch 4 --threads 1 --device ref --history o -o /dev/null text
file   | vic-train --maps 2 --epochs 1 --batch 4 --threads 1 --device ref --checkpoint o -o /dev/null text
file   | vic-images --names o --output /dev/null pictures
file   | vic-predict --device ref -o o model text
file   | vic-calibrate --threads 1 --out o f64
file   | vic-conformal --threads 1 --out o f64
file   | vic-report --bootstrap 0 --floor 0 --out o logits
file   | vic-plot --script -o o curve
file   | vic-images --format stream -o o images
file   | vic-perturb -o o images
folder | vic-corpora synth text --n 20 --vocabulary 200 --dim 2 --to o
stdout | vic-cat logits
stdout | vic cat logits
stdout | vic help
stdout | vic-split --dev 0.2 --remark text
stdout | vic-score --floor 0 logits
stdout | vic-ood --bootstrap 0 --in logits --out probs
stdout | vic-calibrate --threads 1 --table f64
stdout | vic-conformal --threads 1 f64
stdout | vic-conformal --threads 1 --allow-fit-data --apply threshold f64
stdout | vic-conformal --threads 1 --allow-fit-data --apply threshold --table f64
stdout | vic-cat --to npy --labels /dev/null logits
stdout | vic-compare --bootstrap 320 logits probs
stdout | vic-reliability --bands 0 logits
stdout | vic-corpora list
stdout | vic-plot --script curve
stdout | vic-train --list-models
stdout | vic-predict --device ref model text
stdin  | vic-cat
stdin  | vic-tokenize --format lines -o o -
stdin  | vic-embed --random --dim 4 -o o
stdin  | vic-embed --vectors - -o o tokens
stdin  | vic-predict --device ref -o o model
stdin  | vic-predict --device ref --text model
stdin  | vic-calibrate --threads 1 --out o
stdin  | vic-calibrate --threads 1 --apply - --out o f64
stdin  | vic-conformal --threads 1 --out o
stdin  | vic-conformal --threads 1 --apply - --out o f64
stdin  | vic-compare --bootstrap 320 logits -
stdin  | vic-ood --bootstrap 0 --in - --out probs
stdin  | vic-plot --script -o o
stdin  | vic-reliability --bands 0
stdin  | vic-report --bootstrap 0 --floor 0 --out o
stdin  | vic-perturb -o o
stdin  | vic-score -
stdin  | vic-split --dev 0.2
stdin  | vic-train --maps 2 -o o
stdin  | vic-images --format stream -o o -
ROWS
for file in "$BIN"/vic*; do
	case "$programs " in
	*" ${file##*/} "*) ;;
	*) tap 1 "${file##*/} has a row" ;;
	esac
done
for file in "$BIN"/vic*; do
	"$file" --roles
done | awk -F '\t' '$3 ~ /^written/ && $2 ~ /^--/ { print $1, $2 }' >outputs
while read -r program option; do
	case $option in --output | --out) short=-o ;; *) short=$option ;; esac
	printf '%s\n' "$commands" | grep -q -e "^$program .*$option o\( \|$\)" -e "^$program .*$short o\( \|$\)"
	tap $? "$program $option has a row"
done <outputs
tap 0 "every program has a row; $runs runs"
finish
