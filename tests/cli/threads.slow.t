#!/bin/sh
# Whatever the number of threads and wherever blocks end: every program of the evaluator gives the same bytes. Streams
# of random shapes, sizes on either side of each limit; VIC_CHECKS says how many of them, VIC_SEED which.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
checks=${VIC_CHECKS:-4}
threads='2 7'
[ -z "$VIC_CHECKS" ] || threads='2 3 4 5 6 7'
state=${VIC_SEED:-1}

# pick WORD...: one of them, in $picked.
pick() {
	state=$(((state * 1103515245 + 12345) % 2147483648))
	shift $((state / 65536 % $#))
	picked=$1
}

# made THREADS: what all programs make of the streams, in the file `made`.
made() {
	{
		vic-score -q --json --threads "$1" --bootstrap 12 --floor 12 a b
		vic-score -q --tsv --brief --threads "$1" --split all a
		vic-score -q --json --threads "$1" --class 0 --bootstrap 0 --floor 0 b
		vic-compare -q --json --threads "$1" --bootstrap 40 --level 0.5 a b
		vic-ood -q --json --threads "$1" --bootstrap 12 a other
		for curve in bins histogram corp scatter density; do
			vic-reliability -q --curve $curve --bands 5 --threads "$1" a b
		done
		for method in temperature vector matrix structured-matrix dirichlet ensemble-temperature isotonic \
			centred-isotonic histogram platt beta; do
			case $method,$classes in
			platt,2 | beta,2 | matrix,? | structured-matrix,? | dirichlet,? | [!pbmsd]*) ;;
			*) continue ;;
			esac
			vic-calibrate -q --method $method --split dev --threads "$1" --tsv --table -o map a && cat map
			vic-calibrate -q --apply map --split test --threads "$1" --tsv --table -o mapped b && cat mapped
		done
		vic-report -q --threads "$1" --bootstrap 40 --level 0.5 --floor 12 a b
	} >made 2>&1
}

i=0
while [ $i -lt "$checks" ]; do
	i=$((i + 1))
	pick 2 3 7 31 32 33 100
	classes=$picked
	pick 40 333 1023 1025 2000 4095 4097
	n=$picked
	pick 1 1 1 3
	samples=$picked
	pick f64=0 f64=1
	dtype=$picked
	pick probs=0 probs=0 probs=1
	values=$picked
	pick 1 3 50 700
	cut=$picked
	shape="n=$n classes=$classes samples=$samples $dtype $values dev=300 split=test seed=$((state % 1000))"
	for blocks in 0 "$cut"; do
		"$TOOLS/mklogits" $shape temperature=2 name=a cut="$blocks" >a
		"$TOOLS/mklogits" $shape noise=0.5 model=2 name=b cut="$blocks" >b
		"$TOOLS/mklogits" $shape ood=1 name=other cut="$blocks" >other
		if [ "$blocks" = 0 ]; then
			made 1
			mv made first
			continue
		fi
		for t in 1 $threads; do
			made "$t"
			tap "$(cmp made first >cmp.out 2>&1; echo $?)" "$shape cut=$cut: $t threads" || diag cmp.out
		done
	done
	same "of which something came" 1 "$(($(wc -c <first) > 5000))"
done
finish
