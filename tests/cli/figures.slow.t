#!/bin/sh
# Every recipe of the paper's figures and tables to its end, on data made here, with short trainings at paper scale's settings
# of all else, its rows and its pictures; and what they do to words.
. "$(dirname "$0")/lib.sh"
export VIC_RECIPES="$ROOT/pipeline/recipes"
cd "$T" || exit 1

# whole RECIPE SETS METRIC ROWS: it runs; so many of its rows of single trainings have METRIC, and each SET a picture.
whole() {
	status=0
	vic run "$1" --scale paper --data "$2" --seeds 2 --out out --stage data,train,predict,table,page >"$T/log" 2>&1 || status=$?
	same "$1 runs to its end" 0 $status
	[ $status = 0 ] || { diag "$T/log"; return 1; }
	same "$1 has its rows of $3" "$4" "$(awk -F '\t' -v m="$3" '$8 == m && $6 != "all"' "out/$1/RESULTS.tsv" | wc -l)"
	same "$1 leaves no number out" 0 "$(awk -F '\t' 'NR > 1 && ($9 == "" || $9 ~ /nan/)' "out/$1/RESULTS.tsv" | wc -l)"
	grep -q "Scale paper" "out/$1/page.html"
	tap $? "$1 has its page"
	command -v gnuplot >/dev/null || { skip "$1 has pictures" 'gnuplot is not installed'; return 0; }
	case $1 in
	table* | beyond*) [ -s "out/$1/$1-bars.svg" ]; tap $? "$1 has a picture" ;;
	fig5*) [ -s "out/$1/$1-entropy.svg" ]; tap $? "$1 has a picture" ;;
	*)
		for set in $(echo "$2" | tr , ' '); do
			set -- "$1" "$2" "out/$1/$1"-*"$set"*.svg
			[ -s "$3" ]
			tap $? "$1 has a picture of $set"
		done ;;
	esac
}
both=synth-text,synth-images
whole fig1-density $both ece 24
whole fig2-images $both ece 32
whole fig3-imagenet synth-images ece 8
whole fig4-text $both ece 44
whole fig5-label-entropy $both label_entropy 28
whole fig6-features-only $both ece 12
whole fig7-extended $both train_loss 8
whole fig8-ood $both above_0.9 32
whole table1-auroc $both auroc 16
whole fig9-scores $both above_0.9 8
whole fig10-off-hull $both entropy 84
whole table2-cifar-resnet18 synth-images ece 10
whole table3-manifold synth-images ece 12
whole beyond-chosen $both ece 42
whole beyond-temperature $both ece 56
whole beyond-shift synth-text ece 48

# MR, made here, with labels turned over in training: none of the test's.
mkdir -p raw/mr raw/glove.6B
vic-corpora synth text -q --n 300 --dim 10 --to raw/mr && mv raw/mr/vectors.txt raw/glove.6B/glove.6B.100d.txt
VIC_DATA=$T/raw vic run beyond-noise --scale paper --out out --stage data >"$T/log" 2>&1
tap $? 'labels are turned over' || diag "$T/log"
for kind in held flipped; do
	vic-cat out/data/mr-$kind.vic | sed '/^#/d' | awk -F '\t' '{ print $4 "\t" $2 "\t" $3 }' | sort >$kind
done
same 'a fifth of the records that are no test, more or less, have another label' 1 \
	"$(join -t "$(printf '\t')" held flipped | awk -F '\t' '$2 != "test" { n++; k += $3 != $5 }
	END { print (k / n > 0.1 && k / n < 0.3) }')"
same 'no test record has' 0 "$(join -t "$(printf '\t')" held flipped | awk -F '\t' '$2 == "test" && $3 != $5' | wc -l)"
same 'a tenth is the test' 30 "$(grep -c '	test	' held)"

# What temperatures do: no class changes, so accuracy is the same.
same 'a temperature changes no class' 1 "$(awk -F '\t' '$3 == "kimcnn" && $6 ~ /fold/ && $8 == "accuracy" {
	if ($4 ~ /hot/) hot[$2, $6] = $9; else if ($4 == "baseline") plain[$2, $6] = $9 }
	END { for (k in hot) if (hot[k] != plain[k]) exit; for (k in hot) n++; print (n > 0) }' out/fig10-off-hull/RESULTS.tsv)"
# Words replaced at 0 are the test records themselves; at 1 none but chance remains.
at=out/cells/synth-text/kimcnn/baseline/fold0
same 'no word replaced: the same logits' "$(vic-cat --to tsv $at/test.logits)" "$(vic-cat --to tsv $at/mu0.logits)"
[ "$(vic-cat --to tsv $at/mu0.logits)" != "$(vic-cat --to tsv $at/mu1.logits)" ]
tap $? 'all words replaced: others'
# Rows of random words are as long as the set's, and of its words.
vic-cat --to tsv out/data/synth-text.vic | cut -f 2 | awk '{ print NF }' >lengths
vic-cat out/data/synth-text-words.vic | sed '/^#/d' | cut -f 4 | awk '{ print NF }' | cmp -s - lengths
tap $? "rows of random words are as long as the set's"
vic-cat --to tsv out/data/synth-text.vic | cut -f 2 | tr ' ' '\n' | sort -u >words
same 'and of its words' '' "$(vic-cat out/data/synth-text-words.vic | sed '/^#/d' | cut -f 4 | tr ' ' '\n' | sort -u |
	comm -23 - words)"
finish
