# What the recipes for one's own data share: options, the folder they fill, the commands they run and keep, what they
# say of small data, the choice among trained models. Sourced by my-*.sh.
#
# Every command runs in the folder $out through `step`, which shows it and adds it to $out/commands.sh: that file is
# what was done, no more and no less, and does it again as it stands.
# shellcheck disable=SC1091,SC2034,SC2154 # recipe.sh, and variables shared with it and with my-*.sh
. "${VIC_RECIPES:-$(dirname "$0")}/lib/recipe.sh"
file='' out='' device=auto seed=1 epochs='' model='' small='' flags='' candidates=''
LEAST_RECORDS=100 LEAST_OF_CLASS=5

# The comment at the head of the recipe is its help.
usage() {
	sed -n '/^# shellcheck/d; 2,/^[^#]/s/^# \{0,1\}//p' "$0" | sed '1s/^vic run: //'
}

# options VALUES FLAGS "$@": sets $file, the variable of every option (--text-column: $text_column), and $flags.
options() {
	known=" $1 out device seed epochs model " plain=" $2 small "
	shift 2
	while [ $# -gt 0 ]; do
		case $1 in
		-h | --help) usage; exit 0 ;;
		-* ) ;;
		*) [ -z "$file" ] || bad "'$file' and '$1': one at a time"; file=$1; shift; continue ;;
		esac
		name=${1%%=*} key=${1#--}
		key=${key%%=*}
		case $key in *[!a-z-]*) bad "unknown option '$name'" ;; esac
		case $known$plain in *" $key "*) ;; *) bad "unknown option '$name'" ;; esac
		case $plain in *" $key "*) [ "$1" = "--$key" ] || bad "$name takes no value"
			flags="$flags $1"; shift; continue ;; esac
		case $1 in
		*=*) value=${1#*=}; shift ;;
		*) [ $# -gt 1 ] || bad "$1 needs a value"; value=$2; shift 2 ;;
		esac
		[ -n "$value" ] || bad "$name: nothing stands behind it"
		eval "$(printf %s "$key" | tr - _)=\$value"
	done
	[ -n "$file" ] || bad "what shall it read?"
	count seed "$seed"
	count epochs "${epochs:-1}"
	case $flags in *--small*) small=1 flags=$(printf %s "$flags" | sed 's/ --small//g') ;; esac
}

# quote TEXT: a word for the shell, in quotes where it needs them.
quote() {
	case $1 in
	'' | *[!A-Za-z0-9_./=+,:@-]*) printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
	*) printf '%s' "$1" ;;
	esac
}

# given VARIABLE...: those that are set, as options: " --text-column 'my text'".
given() {
	for word in "$@"; do
		eval "value=\$$word"
		[ -z "$value" ] || printf ' --%s %s' "$(printf %s "$word" | tr _ -)" "$(quote "$value")"
	done
}

# GloVe's vectors where recipes look for data, the largest first.
find_vectors() {
	for vectors_file in glove.6B/glove.6B.300d.txt glove/glove.6B.300d.txt glove.6B/glove.6B.100d.txt \
		glove/glove.6B.100d.txt glove/glove.6B.100d.subset.txt.gz; do
		if vectors_root=$(data_root $vectors_file); then
			printf '%s/%s' "$vectors_root" "$vectors_file"
			return 0
		fi
	done
	return 1
}

# The absolute name of a file that is there.
absolute() {
	printf '%s/%s' "$(cd "$(dirname "$1")" && pwd)" "$(basename "$1")"
}

# begin: makes the folder for what comes out, a new one always, and goes there. What fails before training leaves none.
begin() {
	file=$(absolute "$file")
	title=$(basename "$file")
	if [ -n "$out" ]; then
		mkdir -p "$(dirname "$out")" || exit 1
		mkdir "$out" 2>/dev/null ||
			die "--out $out: is there already, or cannot be made; nothing is overwritten"
	else
		stem=${title%.gz}
		stem=$(dirname "$file")/${stem%.?*}
		n=1 out=$stem.vicinal
		while [ -e "$out" ]; do n=$((n + 1)) out=$stem.vicinal-$n; done
		mkdir "$out" 2>/dev/null || die "cannot make $out; --out names a folder elsewhere"
	fi
	out=$(cd "$out" && pwd)
	unfinished=$out
	trap '[ -z "$unfinished" ] || rm -rf "$unfinished"' EXIT
	trap 'exit 130' INT TERM HUP
	cd "$out" || exit 1
	cat >commands.sh <<-END
		#!/bin/sh
		# What "vic run $RECIPE" did. As it stands it does it again: in an empty folder, sh $out/commands.sh
		# (the programs must be on the PATH: $VIC_BIN).
		set -eu
	END
}

note() {
	printf '\n== %s\n' "$1"
	printf '\n# %s\n' "$1" >>commands.sh
}

step() {
	printf '+ %s\n' "$1"
	eval "$1" || die "this command failed: $1"
	printf '%s\n' "$1" >>commands.sh
}

# Like step, but may fail; then nothing is kept. $said is what the command said, $why the last line of it.
attempt() {
	printf '+ %s\n' "$1"
	attempt_status=0
	eval "$1" 2>said.txt || attempt_status=1
	said=$(cat said.txt) why=$(tail -n 1 said.txt)
	rm said.txt
	[ $attempt_status = 0 ] || return 1
	printf '%s\n' "$said"
	printf '%s\n' "$1" >>commands.sh
}

# stat_of FILE KEY: a number of vic-cat --stats; class lines are "class NAME N".
stat_of() {
	vic-cat --stats "$1" | sed -n "s/^$2 //p"
}

# enough: are $records enough to learn or fit from some of them and to judge by others?
enough() {
	[ "$records" -lt $LEAST_RECORDS ] && [ -z "$small" ] || return 0
	die "$records records are too few to use some and judge by the others: of a quarter, an accuracy is known to \
±$(accuracy_error $((records / 4 + 1))) at best, and a calibration not at all. Collect $LEAST_RECORDS or more, or go on \
with --small"
}

# look_at_classes FILE: what can be learned and judged from so many records of each; ends where that is nothing.
look_at_classes() {
	records=$(stat_of "$1" records)
	enough
	few=$(vic-cat --stats "$1" | sed -n 's/^class \(.*\) \([0-9]*\)$/\2 \1/p' | awk -v least=$LEAST_OF_CLASS '
		$1 < least && ++k <= 8 { n = $1; sub(/^[0-9]* /, ""); printf "%s\"%.40s\" (%d)", comma, $0, n; comma = ", " }
		END { if (k > 8) printf " and %d more", k - 8 }')
	n_classes=$(vic-cat --stats "$1" | grep -c '^class ')
	[ "$n_classes" -ge 2 ] || die "all records are of one class: there is nothing to tell apart"
	if [ -n "$few" ] && [ -z "$small" ]; then
		die "classes of fewer than $LEAST_OF_CLASS records: $few. They cannot be learned, calibrated and judged, \
each on other records. Is it a slip in the label? Else join them to another class, leave them out, collect more, or go \
on with --small"
	fi
	[ -z "$few" ] || printf '%s\n' "Classes of fewer than $LEAST_OF_CLASS records: $few. Nothing can be said of these."
}

# Half the width of an accuracy's 95 % interval at 0.8, on n records.
accuracy_error() {
	awk -v n="$1" 'BEGIN { printf "%.2f", 1.96 * sqrt(0.16 / n) }'
}

# split_records IN: a part to judge by, one to choose by and one to calibrate on, larger shares where records are few.
# A part that the data set brings itself stays what it is.
split_records() {
	share=0.1 test=0.2
	[ "$records" -ge 2000 ] || share=0.15 test=0.25
	note "Parts: train to learn from, dev to choose by, extra to calibrate on, test to judge by and nothing else"
	marked=$(stat_of "$1" 'split test') options="--test $test"
	[ -z "$marked" ] || options=
	[ -n "$(stat_of "$1" 'split dev')" ] || options="$options --dev $share"
	step "vic-split ${options:+$options }--calibration $share --seed $seed $1 > data.vic"
	judged=$(stat_of data.vic 'split test')
	echo "On $judged test records an accuracy near 0.8 is known to ±$(accuracy_error "$judged") (95 %)."
	vic-cat data.vic | awk -F '\t' '!/^#/ && $2 != "train" { n[$2]++; k[$2, $3]++; all[$3] }
		!/^#/ { all[$3] }
		END { for (c in all) for (p in n) if (k[p, c] < 10) few[p] = few[p] (few[p] == "" ? "" : ", ") c " " k[p, c] + 0
			for (p in few) printf "Of few records in %s, too few to speak of each class alone: %s\n", p, few[p] }' |
		cut -c1-300 | sort
}

# train NAME MODEL OPTIONS: one candidate, and its logits of all parts.
train() {
	unfinished= # from here on what was made stays
	began=$(date +%s)
	on=
	[ "$device" = auto ] || [ "$2" = bow ] || on="--device $device "
	step "vic-train -q -m $2 --epochs $epochs ${3:+$3 }--seed $seed $on-o $1.model data.vic"
	step "vic-predict -q $on--name $1 $1.model data.vic > $1.logits"
	echo "  $(($(date +%s) - began)) s"
	candidates="$candidates $1"
}

# choose: the candidate of the least NLL on the dev records becomes $chosen; $rival is the best with mixup.
choose() {
	note "The choice, by the dev records' negative log-likelihood (NLL; less is better), with 95 % intervals"
	list=$(for c in $candidates; do printf ' %s.logits' "$c"; done)
	step "vic-score -q --floor 0 --bootstrap 200 --split dev --tsv$list > dev.tsv"
	awk -F '\t' '$1 == "metric" { for (i = 2; i <= NF; i += 3) name[i] = $i }
		$1 == "accuracy" { for (i = 2; i <= NF; i += 3) a[i] = $i }
		$1 == "nll" { for (i = 2; i <= NF; i += 3)
			printf "%-12s %.4f (%.4f to %.4f)  accuracy %.4f\n", name[i], $i, $(i + 1), $(i + 2), a[i] }' dev.tsv
	chosen=$(least '.') rival=$(least '^mixup')
	echo "Least: $chosen."
	if [ "$chosen" != plain ]; then
		vic-compare -q --tsv --split dev plain.logits "$chosen.logits" | awk -F '\t' -v c="$chosen" '$1 == "nll" {
			printf "%s less plain training: %.4f (%.4f to %.4f): ", c, $4, $5, $6
			print ($6 < 0 ? "more than chance." : "that may be chance.") }'
	fi
	step "cp $chosen.model model"
}

# Of the candidates that match, the one of least NLL.
least() {
	awk -F '\t' -v want="$1" '$1 == "metric" { for (i = 2; i <= NF; i += 3) name[i] = $i }
		$1 == "nll" { for (i = 2; i <= NF; i += 3)
			if (name[i] ~ want && (best == "" || $i < low)) { low = $i; best = name[i] } print best }' dev.tsv
}

# calibrate PART [OTHER...]: a temperature for $chosen from that part. Sets $pages, what is to be judged (the OTHERs,
# the chosen one, the calibrated one), $last, the best of them, and $map: "--map FILE" or nothing.
calibrate() {
	part=$1
	shift
	note "Calibration: a temperature, fitted on the records held back for it"
	map='' last=$chosen.logits calibrated=
	if attempt "vic-calibrate --split $part $chosen.logits > temperature.map"; then
		calibrated=calibrated.logits
		step "vic-calibrate -q --split test --apply temperature.map $chosen.logits > calibrated.logits"
		case $said in
		*'holds T = 1'*) echo "So it is judged below, and left out of the commands for new records." ;;
		*) map='--map temperature.map' last=calibrated.logits ;;
		esac
	else
		rm -f temperature.map
		printf '%s\n' "No temperature: ${why#vic-calibrate: }"
	fi
	pages=
	for c in "$@" "$chosen.logits" $calibrated; do
		case "$pages " in *" $c "*) ;; *) pages="$pages $c" ;; esac
	done
}

# judge: the test records' numbers with intervals, and the page.
judge() {
	note "The verdict, on the test records, with 95 % intervals; an ece at its floor is what chance alone makes"
	step "vic-score -q --bootstrap 300 --no-diagram --split test$pages |
    grep -E '^(metric|n|accuracy|ece|ece_floor|oe|nll|gap) '"
	step "vic-report -q --per-class --title $(quote "$title: how far its probabilities can be trusted") -o report.html$pages"
}

# worst FILE: the records that were wrong and most sure of it, by FILE's lines ID<TAB>WHAT.
worst() {
	note "Wrong, and most sure of it: is it the label that is wrong?"
	step "vic-reliability -q --worst 5 --split test $last > worst.tsv"
	awk -F '\t' 'NR == FNR { what[$1] = $2; next } FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		{ printf "%s as %s, %.3f: %s\n", $at["label"], $at["predicted"], $at["confidence"], what[$at["id"]]; n++ }
		END { if (!n) print "None." }' "$1" worst.tsv |
		cut -c1-160
}

# finish: what is where, and how new records are answered. Arguments: lines of commands.
finish() {
	unfinished=
	printf '\n== Done. Everything is in %s\n' "$out"
	printf '%s\n' "The page to look at: $out/report.html"
	printf '%s\n' "What was done, to do it again or otherwise: $out/commands.sh"
	[ $# = 0 ] || printf 'Next, for new records:\n'
	for command in "$@"; do
		printf '  %s\n' "$command"
		printf '# next: %s\n' "$command" >>commands.sh
	done
}
