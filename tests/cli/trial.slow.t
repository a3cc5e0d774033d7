#!/bin/sh
# Every recipe of the paper and of what is beyond it at --scale paper, a trial of a few steps a training, on data made here:
# to its page, which says that it is none, and apart from what is no trial.
. "$(dirname "$0")/lib.sh"
recipes_without_data
few_kernels SSE41
cd "$T" || exit 1
mkdir -p raw/mr raw/glove.6B
vic-corpora synth text -q --n 400 --dim 10 --to raw/mr && mv raw/mr/vectors.txt raw/glove.6B/glove.6B.100d.txt
VIC_DATA=$T/raw
export VIC_DATA
both=synth-text,synth-images
for file in "$VIC_RECIPES"/fig*.sh "$VIC_RECIPES"/table*.sh "$VIC_RECIPES"/beyond*.sh; do
	recipe=$(basename "$file" .sh)
	case $recipe in
	fig3-* | table2-* | table3-*) sets=synth-images ;;
	beyond-noise) sets=mr-flipped ;;
	beyond-ensemble) sets=mr-held,synth-images ;;
	beyond-overlap) sets=synth-overlap ;;
	*) sets=$both ;;
	esac
	seeds=1
	[ "$recipe" != beyond-ensemble ] || seeds=2
	vic run "$recipe" --scale paper --trial 2 --data $sets --seeds $seeds --out out >log 2>&1
	status=$?
	same "$recipe runs to its end" 0 $status
	[ $status = 0 ] || diag log
	grep -q 'A trial of 2 steps a training' "out/$recipe/page.html" 2>/dev/null
	tap $? 'and says on its page what it is'
	same 'its rows too, and no claim is held against them' "trial of $recipe 0" "$(sed 1d "out/$recipe/RESULTS.tsv" |
		cut -f 1 | sort -u) $(sed 1d "out/$recipe/VERDICTS.tsv" | wc -l)"
done
same 'every training has one epoch' '' "$(find out/cells -name history.tsv -exec awk 'END { if (NR != 2) print FILENAME }' {} \;)"
cd out/cells/mr-held/kimcnn/baseline/1 || exit 1
same 'of so many steps, of 50 records' 'split train 100' "$(OUT=../../../../.. sh -c "$(sed -n '1s/ > split .*//p' command)" |
	vic-cat --stats | grep 'split train')"
cd "$T" || exit 1
fails 2 'holds trainings at --scale paper, trial of 2, which these would replace' 'apart from what is no trial' \
	vic run beyond-overlap --scale paper --data synth-overlap --out out
fails 2 'holds trainings at --scale paper, trial of 2, which' 'and from another' \
	vic run beyond-overlap --scale paper --trial 3 --data synth-overlap --out out
finish
