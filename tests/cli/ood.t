#!/bin/sh
# vic-ood: exact areas, each score where it can be had, the same bytes by any number of threads.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

# Three records against two, by hand: confidences .9 .8 .6 against .8 .55 (two classes, probabilities).
printf '%s\t%s\t%s\n' '' 0.9 0.1 '' 0.2 0.8 '' 0.6 0.4 >in.tsv
printf '%s\t%s\t%s\n' '' 0.8 0.2 '' 0.45 0.55 >out.tsv
for side in in out; do
	vic-cat --from tsv --kind probs --classes a,b --name $side $side.tsv >$side
done
ok 'two streams are compared' vic-ood --bootstrap 0 --tsv --in in --out out
vic-ood -q --bootstrap 0 --tsv --score msp --in in --out out >table
row() { awk -F '\t' -v key="$1" '$1 == key { print $2 }' table; }
same 'auroc by hand: 4.5 of 6 pairs' 0.75 "$(row auroc)"
# from above: .9 in; .8 in and out; .6 in; .55 out. Precision at the steps: 1, 2/3, 3/4.
same 'aupr_in by hand' 0.8055555555555556 "$(row aupr_in)"
same 'aupr_out by hand: 1/2 x 1 + 1/2 x 2/4' 0.75 "$(row aupr_out)"
same 'fpr95: all in need .6, then 1 of 2 out' 0.5 "$(row fpr95)"
same 'its threshold' 0.6 "$(row threshold95)"
same 'the positive class is stated' in "$(row positive)"
like 'logit scores are left out of probabilities, and it is said' 'max_logit is left out: it needs logits' "$(cat .err)"
like 'energy too' 'energy is left out: it needs logits' "$(cat .err)"
# Two classes: entropy and margin order records as the confidence does.
for score in entropy margin; do
	same "$score is turned so that higher is in" 0.75 \
		"$(vic-ood -q --bootstrap 0 --tsv --score $score --in in --out out | awk -F '\t' '$1 == "auroc" { print $2 }')"
done
fails 1 'energy needs logits, and these are probabilities' 'asked for, it is refused' vic-ood -q --score energy --in \
	in --out out
fails 1 'mutual needs several samples' 'so is mutual with one sample' vic-ood -q --score mutual --in in --out out

# The 720 permutations of one record's six logits, half of them in, half out: no score tells them apart.
awk 'function permute(left, line,  i, n, v) {
		n = split(left, v, " ")
		if (!n) { print line; return }
		for (i = 1; i <= n; i++) {
			left = ""
			for (j = 1; j <= n; j++) if (j != i) left = left v[j] " "
			permute(left, line "\t" v[i])
		}
	}
	BEGIN { permute("0.1 0.2 0.3 0.4 0.5 0.6", "") }' >permuted.tsv
for side in in out; do
	awk -v odd=$([ $side = in ] && echo 1 || echo 0) 'NR % 2 == odd' permuted.tsv |
		vic-cat --from tsv --kind logits --classes a,b,c,d,e,f - >permuted.$side
done
same 'all permutations of one record have one score, every one' '720 0.5 0.5 0.5 0.5 0.5' \
	"$(awk 'END { printf "%d ", NR }' permuted.tsv; vic-ood -q --bootstrap 0 --tsv --in permuted.in --out permuted.out |
		awk -F '\t' '$1 == "auroc" { print $2, $5, $8, $11, $14 }')"

# Saturated: float64 softmax is 1 for all of these, the logits are not.
printf '%s\t%s\t%s\n' '' 60 0 '' 70 0 '' 80 0 >in.tsv
printf '%s\t%s\t%s\n' '' 50 0 '' 55 0 '' 45 0 >out.tsv
for side in in out; do
	vic-cat --from tsv --kind logits --classes a,b $side.tsv >sat.$side
done
for score in max_logit energy; do
	same "$score is turned so that higher is in" 1 \
		"$(vic-ood -q --bootstrap 0 --tsv --score $score --in sat.in --out sat.out | awk -F '\t' '$1 == "auroc" { print $2 }')"
done
vic-ood -q --bootstrap 0 --tsv --score msp --in sat.in --out sat.out >table
same 'msp does not saturate' 1 "$(row auroc)"
low=$(awk -F '\t' '$1 == "auroc" { print $3 }' table)
tap "$(awk -v l="$low" 'BEGIN { print !(l > 0 && l < 1) }')" "perfect separation has an interval (low $low)"

"$TOOLS/mklogits" n=3000 classes=10 name=known >known
"$TOOLS/mklogits" n=2000 classes=10 ood=1 seed=2 name=noise >noise
"$TOOLS/mklogits" n=500 classes=10 ood=1 seed=3 temperature=2 name=other samples=3 >other
"$TOOLS/mklogits" n=500 classes=10 seed=3 samples=3 noise=1 name=mc >mc
ok 'several outs make several columns' vic-ood --json --bootstrap 50 --in known --out noise --out noise
vic-ood -q --json --in known --out noise --threads 1 >one
vic-ood -q --json --in known --out noise --threads 3 >three
ok 'the same bytes by any number of threads' cmp one three
vic-ood -q --json --seed 2 --in known --out noise >seed
ok 'another seed, other intervals' sh -c '! cmp -s one seed'
like 'json has value, low and high' '"name":"msp",.*"auroc":{"value":0\.[0-9]*,"low":0\.[0-9]*,"high":0\.[0-9]*}' \
	"$(cat one)"
like 'samples bring mutual information' 'mutual' "$(vic-ood -q --bootstrap 0 --in mc --out other | head -1)"
ok 'stdin for one of them' sh -c 'vic-ood -q --bootstrap 0 --in - --out noise <known'
fails 2 'stdin can be read once' 'not for both' vic-ood --in - --out -
fails 2 'both --in and --out' 'both are needed' vic-ood --in known
same 'two others of one name' 'msp made	msp made (again)' "$("$TOOLS/mklogits" n=40 name=made | tee other >again; vic-ood -q --tsv --bootstrap 0 --score msp \
	--in other --out other --out again | head -1 | cut -f 2,5)"
fails 1 'not outputs of one model' 'other numbers of classes' vic-ood -q --in known --out out
finish
