#!/bin/sh
# Every recipe of the paper's figures and tables to its end, on data made here, with short trainings at paper scale's settings
# of all else, its rows and its pictures; and what they do to words.
. "$(dirname "$0")/lib.sh"
export VIC_RECIPES="$ROOT/pipeline/recipes"
cd "$T" || exit 1

# whole RECIPE SETS METRIC ROWS [SEEDS]: it runs, of two seeds where not of SEEDS (the dearest of one: what two come to is
# seen in the others); so many of its rows of single trainings have METRIC, and each SET a picture.
whole() {
	status=0
	case $2 in synth-images) few_kernels AVX2 ;; *) few_kernels SSE41 ;; esac
	vic run "$1" --scale paper --data "$2" --seeds "${5:-2}" --out out --stage data,train,predict,table,page >"$T/log" 2>&1 || status=$?
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
whole fig8-ood $both above_0.9 16 1
whole table1-auroc $both auroc 16
whole fig9-scores $both above_0.9 8
whole fig10-off-hull $both entropy 42 1
whole table2-cifar-resnet18 synth-images ece 5 1
whole table3-manifold synth-images ece 6 1
whole beyond-chosen $both ece 124
whole beyond-ensemble synth-known,synth-images ece 32
whole beyond-overlap synth-known true_point 20
whole beyond-temperature $both ece 56
whole beyond-shift synth-text ece 108 1

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
# Of one training, the weights after the first epoch, and what they say is not what the last do.
at=out/cells/synth-text/kimcnn/baseline-last/fold0
[ -f $at/model.epoch1 ] && [ "$(vic-cat --to tsv $at/first.logits)" != "$(vic-cat --to tsv $at/test.logits)" ]
tap $? 'Figure 1 has the first epoch of the training that it has the last of'
same 'its rows are called so' 'first third last' "$(awk -F '\t' '$2 == "synth-text" && $4 == "baseline" && $6 == "all" {
	if (!($5 in seen)) { seen[$5]; printf "%s%s", n++ ? " " : "", $5 } }' out/fig1-density/RESULTS.tsv)"
# An ensemble is the mean of its models' probabilities; its verdicts are there.
at=out/cells/synth-known/kimcnn/mixup-0.4
for i in 1 2; do vic-cat --to csv $at/$i/test.logits | sed 1d; done | awk -F , '
	{ e = exp($3 - $2); p[FNR > n ? NR : NR, 0] = 1 / (1 + e); label[NR] = $1 }
	END { n = NR / 2; for (i = 1; i <= n; i++) { q = (p[i, 0] + p[i + n, 0]) / 2; s += q > 0.5 ? q : 1 - q
		r += (q >= 0.5) == (label[i] == "neg") } printf "%.4f\n", (s - r) / n }' >want
same "an ensemble's probabilities are the mean" "$(cat want)" "$(awk -F '\t' '$2 == "synth-known" &&
	$4 " " $5 " " $8 == "mixup+ensemble 0.4 gap" { printf "%.4f\n", $9 }' out/beyond-ensemble/RESULTS.tsv)"
same 'whether it is underconfident is judged' 2 "$(grep -c '^ensemble-under	' out/beyond-ensemble/VERDICTS.tsv)"
same 'and one against another by their difference' 'one run, by records' \
	"$(awk -F '\t' '$1 == "ensemble-harm" { print $14 }' out/beyond-ensemble/VERDICTS.tsv | sort -u)"
fails 2 'synth-text is cross-validated' 'folds make no ensemble' vic run beyond-ensemble --data synth-text --plan
same 'a linear model is held against Kim-CNN' 1 "$(grep -c '^bow-ece	' out/fig4-text/VERDICTS.tsv)"
# The strength that is chosen: the least of dev, as it is and after a temperature.
at=out/cells/synth-text/kimcnn/mixup
for s in 0.05 0.1 0.2 0.4 1; do
	echo "$(vic-score -q --tsv --brief --split dev $at-$s/fold1/dev.logits | awk '$1 == "nll" { print $2 }') $s"
	echo "$(vic-calibrate -q --min-temperature 0.05 --max-temperature 20 --table --tsv $at-$s/fold1/dev.logits |
		awk '$1 == "nll" { print $3 }') $s" >&3
done 3>refined >plain
for way in nll:plain refined:refined; do
	s=$(sort -g "${way#*:}" | sed -n '1s/.* //p')
	ok "chosen by ${way#*:} NLL" cmp $at-"$s"/fold1/test.logits $at-dev-${way%:*}/fold1/test.logits
done
# Words replaced at 0 are the test records themselves; at 1 none but chance remains.
at=out/cells/synth-text/kimcnn/baseline/fold0
same 'no word replaced: the same logits' "$(vic-cat --to tsv $at/test.logits)" "$(vic-cat --to tsv $at/mu0.logits)"
[ "$(vic-cat --to tsv $at/mu0.logits)" != "$(vic-cat --to tsv $at/mu1.logits)" ]
tap $? 'all words replaced: others'
# Texts as beyond-shift has them: its awk programs, over lines made here.
moving() { # PROGRAM ASSIGNMENT
	sh -c '. "$1"; eval "program=\$$2"; eval "awk -v $3 $program"' - "$ROOT/pipeline/recipes/lib/data.sh" "$1" "$2"
}
printf 'neg\tit does n'"'"'t work\npos\tnothing lost\nneg\tnote the knot\n' >texts
same 'words of negation' 'neg	it does n'"'"'t work
pos	nothing lost' "$(moving data_negated negated=1 <texts)"
same 'and none' 'neg	note the knot' "$(moving data_negated negated=0 <texts)"
same 'all words left out but the first' 'neg	it
pos	nothing
neg	note' "$(moving data_dropped mu=1 <texts)"
same 'none left out, none mistyped' "$(cat texts; cat texts)" "$(moving data_dropped mu=0 <texts; moving data_typos mu=0 <texts)"
printf 'neg\tabcd efg hijk\n' >texts
same 'typing errors change letters inside of words' 'neg	acbd efg hjik' "$(moving data_typos mu=1 <texts)"
# Rows of random words are as long as the set's, and of its words.
vic-cat --to tsv out/data/synth-text.vic | cut -f 2 | awk '{ print NF }' >lengths
vic-cat out/data/synth-text-words.vic | sed '/^#/d' | cut -f 4 | awk '{ print NF }' | cmp -s - lengths
tap $? "rows of random words are as long as the set's"
vic-cat --to tsv out/data/synth-text.vic | cut -f 2 | tr ' ' '\n' | sort -u >words
same 'and of its words' '' "$(vic-cat out/data/synth-text-words.vic | sed '/^#/d' | cut -f 4 | tr ' ' '\n' | sort -u |
	comm -23 - words)"
finish
