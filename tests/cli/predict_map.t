#!/bin/sh
# vic-predict --map: every kind of map gives what vic-calibrate --apply gives, as a stream, line by line and for images.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

vic-corpora synth text -q --n 900 --vocabulary 200 --noise 0.1 --dim 8 --seed 4 --to synth
vic-tokenize -q -f mr synth | vic-embed -q --vectors synth/vectors.txt | vic-split -q --test 0.3 --calibration 0.4 \
	>two.text
awk -F '\t' '{ print (NR % 3 ? $1 : "other") "\t" $2 }' <<END >three.tsv
$(for f in neg pos; do sed "s/^/$f	/" synth/rt-polarity.$f; done)
END
vic-tokenize -q -f tsv three.tsv | vic-embed -q --vectors synth/vectors.txt | vic-split -q --test 0.3 --calibration \
	0.4 >three.text
vic-train -q --epochs 8 --maps 8 --dropout 0.5 -o two.model two.text
vic-train -q --epochs 8 --maps 8 -o three.model three.text
vic-corpora synth images -q --n 300 --noise 0.3 --to shapes
vic-images -q -f idx shapes | vic-split -q --remark --test 0.3 --calibration 0.5 >images.vic
# It must have learned: Dirichlet's and the structured matrix's fits refuse, rightly, what says nothing of the labels.
vic-train -q -m smallcnn --width 0.1 --epochs 6 --batch 16 --lr 0.05 -o images.model images.vic

# agree WHAT A B: two streams hold the same records, and probabilities that differ by less than 1e-12.
agree() {
	for f in "$2" "$3"; do vic-cat --to tsv "$f" >"$f.tsv"; done
	paste "$2.tsv" "$3.tsv" | awk -F '\t' 'NR > 1 {
		k = NF / 2
		if ($1 != $(k + 1)) exit 1
		for (i = 2; i <= k; i++) {
			d = $i - $(k + i); s = $i < 0 ? -$i : $i
			if (!(d < 1e-12 * (1 + s) && -d < 1e-12 * (1 + s))) exit 1
		}
		n++
	} END { exit !(n > 5) }'
	tap $? "$1" && return
	paste "$2.tsv" "$3.tsv" | head -3 | sed 's/^/# /'
}

for method in temperature vector matrix platt beta isotonic histogram structured-matrix dirichlet centred-isotonic \
	ensemble-temperature; do
	for data in two three images; do
		case "$data $method" in three\ platt | three\ beta | images\ platt | images\ beta) continue ;; esac
		stream=$data.text held=extra
		[ $data = images ] && stream=images.vic
		vic-predict -q $data.model $stream >logits
		vic-calibrate -q --split $held --method $method -o map logits 2>err || { tap 1 \
			"$method is fitted on $data"; diag err; continue; }
		vic-predict -q --split test --map map -o mapped $data.model $stream
		vic-calibrate -q --apply map -o applied logits
		agree "$method on $data: the stream is that of vic-calibrate --apply" mapped applied
		same "$method on $data: so is its head" \
			"$(vic-cat --head applied | sed 's/,"provenance.*//; s/"name":"[^"]* + /"name":"/')" \
			"$(vic-cat --head mapped | sed 's/,"provenance.*//; s/"name":"[^"]* + /"name":"/')"
		fails 1 "map: .* records the map was fitted on (split extra" \
			"$method on $data: records it was fitted on are refused" \
			vic-predict -q --split extra --map map -o out $data.model $stream
	done
done

# Line by line: probabilities of the map, at once.
vic-predict -q two.model two.text >logits
vic-calibrate -q --split extra --max-temperature 20 --min-temperature 2 -o t.map logits
for method in t isotonic; do
	[ $method = t ] || vic-calibrate -q --split extra --method $method -o $method.map logits
	sed -n 1,40p synth/rt-polarity.neg >lines
	vic-predict -q --text --top-k 0 --map $method.map two.model lines >answers
	vic-tokenize -q -f lines lines | vic-predict -q two.model | vic-calibrate -q --split all --allow-fit-data --apply $method.map \
		>applied
	vic-cat --to tsv applied >rows2
	same "$method: an answer a line" 40 "$(wc -l <answers)"
	tail -n +2 rows2 | paste answers - | awk -F '\t' -v kind=$method '{
		neg = $1 == "neg" ? $2 : $4; a = $6; b = $7
		want = kind == "t" ? 1 / (1 + exp(b - a)) : a
		d = neg - want
		if (!(d < 1e-8 && -d < 1e-8)) exit 1
		n++
	} END { exit n != 40 }'
	tap $? "$method: answers to lines are the probabilities of vic-calibrate --apply"
done
vic-predict -q --text two.model lines >plain
vic-predict -q --text --map t.map two.model lines >cooled
same 'which are others than without a map' yes "$(cmp -s plain cooled || echo yes)"
same 'an answer comes before the next line is there' neg-or-pos \
	"$({ head -1 lines; sleep 1; } | vic-predict -q --text --map t.map two.model - | sed 's/^neg	.*/neg-or-pos/; s/^pos	.*/neg-or-pos/')"

# Passes with dropout are averaged, as the map of such a stream is fitted.
vic-predict -q --mc-dropout 2 two.model two.text >mc
vic-calibrate -q --split extra --max-temperature 9 -o mc.map mc
vic-predict -q --mc-dropout 2 --split test --map mc.map two.model two.text >mapped
vic-calibrate -q --apply mc.map mc >applied
agree 'passes of MC dropout' mapped applied

vic-predict -q images.model images.vic >logits
vic-calibrate -q --split extra --max-temperature 9 --min-temperature 0.1 -o images.map logits
vic-predict -q --split test --map images.map images.model images.vic >mapped
like 'the map is in the history' '"method": *"temperature"' "$(vic-cat --head mapped)"
like 'with the command that fitted it' '^vic-calibrate .* > images.map$' "$(vic-cat --provenance mapped)"

fails 1 'has 3 classes; the map was fitted on 2' 'a map of other classes' vic-predict -q --map t.map -o out \
	three.model three.text
printf 'label,good,bad\ngood,1,0.5\nbad,0.2,0.4\ngood,0.1,0.3\nbad,0.3,0.2\n' | vic-cat --from csv --kind logits |
	vic-calibrate -q --max-temperature 9 --min-temperature 0.1 -o named.map
fails 1 'class 0 is .*; the map was fitted on' 'or of others by name' vic-predict -q --map named.map -o out two.model \
	two.text
fails 1 'is a model, not a calibration map' 'a file that is no map' vic-predict -q --map two.model -o out two.model \
	two.text
fails 1 'No such file' 'a map that is not there' vic-predict -q --map nowhere -o out two.model two.text
same 'which leave no output' absent "$([ -e out ] || echo absent)"
finish
