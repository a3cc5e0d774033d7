#!/bin/sh
# No option is taken in vain: one that has an effect only beside another (opt.h's with and without) is refused where that
# is not in force, and changes what is written where it is. The conditions come from the programs' tables; each must be
# known here, and so must every option without one.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
for program in "$BIN"/vic*; do
	"$program" --conditions || echo "$program: gives no list"
done >conditions

# beside CONDITION: arguments with which an option of this condition has no effect; with "|" between, each of them.
beside() {
	case $1 in
	with:bootstrap) echo '--bootstrap=0' ;;
	with:bootstrap\|by) echo '--bootstrap=0' ;;
	with:bootstrap\|apply\|ood) echo '--bootstrap=0' ;;
	with:bootstrap\|floor\|by\|apply | with:bootstrap\|floor | with:bootstrap\|floor\|by) echo '--bootstrap=0 --floor=0' ;;
	with:method=temperature\|method=ens*) echo '--method=platt|--method=vector' ;;
	with:method=vector\|method=matrix*) echo '--method=temperature|--method=ensemble-temperature' ;;
	with:curve=bins\|curve=h*) echo '--curve=corp|--curve=hull|--curve=scatter' ;;
	with:curve=bins\|curve=corp\|curve=h*) echo '--curve=scatter|--curve=entropy' ;;
	with:curve=bins\|curve=corp*) echo '--curve=scatter|--curve=histogram|--curve=entropy' ;;
	with:vectors) echo '--random' ;;
	with:*) echo '' ;;
	without:curve=entropy) echo '--curve=entropy' ;;
	without:curve=entropy\|curve=training) echo '--curve=entropy|--curve=training' ;;
	without:limit\|per-class) echo '--limit=3|--per-class=3' ;;
	without:results) echo '--results=none' ;;
	without:plan\|list-models) echo '--plan|--list-models' ;;
	without:brief\|compat) echo '--brief|--compat=guo' ;;
	without:crop-scale) echo '--crop-scale=.5,1' ;;
	without:compat) echo '--compat=guo' ;;
	without:flush) echo '--flush' ;;
	without:text\|files) echo '--text|--files' ;;
	*) echo "--unknown-condition-$1" ;;
	esac
}
tab=$(printf '\t')
grep -v "${tab}-${tab}" conditions >conditional
while IFS=$tab read -r program option kind condition value; do
	IFS='|'
	# shellcheck disable=SC2046
	set -- $(beside "$kind:$condition")
	unset IFS
	[ $# -gt 0 ] || set -- ''
	for other; do
		# shellcheck disable=SC2086
		fails 2 "^$program: $option \(goes with --.*: it has no effect here\|has no effect with --.*\)$" \
			"$program $option${value:+=$value} $other" "$program" "$option${value:+=$value}" $other </dev/null
	done
done <conditional

# Where it is in force it changes what is written: PROGRAM OPTION: the command, and what is added to it.
"$TOOLS/mkstream" logits 400 >logits
"$TOOLS/mkstream" text 40 >text
vic-train -q --maps 2 --epochs 1 -o model text
seq 3 | sed 's/.*/the film is good/' >lines
printf 'neg\tbad film\npos\tgood film\n' | vic-tokenize -q -f tsv - | vic-embed -q --random --dim 3 |
	vic-train -q --epochs 1 -o words
mkdir -p pictures/a
for i in 1 2 3 4 5 6; do
	"$TOOLS/mkphoto" 6 6 60 0 $i >pictures/a/$i.png
done
printf 'good 1 2\nbad 3 4\n' >vectors
printf 'Good 1 2\nBad 3 4\n' >strange
{
	printf 'figure\tdataset\tmodel\tmethod\tsetting\tseed\tn\tmetric\tvalue\tlow\thigh\tcommand\n'
	for row in baseline:-:0.4 mixup:0.1:0.3 erl:0.2:0.2; do
		echo "fig:d:m:${row%:*}:all:9:ece:${row##*:}:::"
	done | tr : '\t'
} >results
printf 'id\tfigure\twhere\tstatement\tdata\tmodel\tmetric\ta\tdirection\tb\tpaper_a\tpaper_b\n' >claims
printf 'one\t*\tTable 1\tbetter\t*\t*\tece\tmixup 0.1\tbelow\tbaseline\t\t\n' >>claims
echo '<svg xmlns="http://www.w3.org/2000/svg"></svg>' >fig.svg
printf 'bad,film\nbad,good film\n' >table
printf 'number,text\n1,good film\n' >titled
printf '<html>\n' >page
"$TOOLS/mkstream" images 8 >painted
vic-train -q -m smallcnn --width 0.1 --epochs 1 --batch 4 -o painter painted
cp "$ROOT/tests/golden/images/rgb420.jpg" picture.jpg
mkdir jpegs.d jpegs.d/a jpegs.d/b
for i in 1 2 3 4; do
	cp picture.jpg jpegs.d/a/$i.jpg
	cp "$ROOT/tests/golden/images/exif6.jpg" jpegs.d/b/$i.jpg
done
vic-images -q --encoding jpeg -o jpegs jpegs.d
"$TOOLS/mkstream" tokens 12 >tokens
"$TOOLS/mkstream" logits 300 | vic-split -q --remark --test 0.9 --seed 4 >other
printf 'a\t1\t0\nb\t1\t0\n\t0\t1\n' | vic-cat -q --from tsv --kind logits --classes a,b - >half
vic-conformal -q --split all -o bound logits
cat >effects <<'L'
vic-calibrate --histogram-bins|vic-calibrate -q --split all --method histogram logits|--histogram-bins 3
vic-calibrate --l2|vic-calibrate -q --split all --method vector logits|--l2 3
vic-calibrate --l2-bias|vic-calibrate -q --split all --method matrix logits|--l2-bias 3
vic-calibrate --max-steps|vic-calibrate -q --split all --method matrix logits|--max-steps 1
vic-calibrate --max-temperature|vic-calibrate -q --split all logits|--max-temperature 0.01
vic-calibrate --min-temperature|vic-calibrate -q --split all logits|--min-temperature 9
vic-embed --allow-oov|vic-embed --vectors strange tokens|--allow-oov
vic-embed --top-oov|vic-embed --vectors vectors tokens|--top-oov 1
vic-images --sample|vic-images -q -r 4 pictures|--sample 1
vic-images --seed|vic-images -q -r 4 --sample 1 pictures|--seed 4
vic-ood --seed|vic-ood --bootstrap 50 --in logits --out other|--seed 9
vic-plot --method|vic-plot --script --curve settings results|--method erl
vic-predict --column|vic-predict --text words table|--column 2
vic-predict --header|vic-predict --text --column 2 words table|--header
vic-predict --name|vic-predict model text|--name other
vic-predict --no-header|vic-predict --text --column 2 words titled|--no-header
vic-predict --resize|vic-predict --files painter picture.jpg|--resize crop
vic-predict --seed|vic-predict --mc-dropout 2 model text|--seed 9
vic-predict --separator|vic-predict --text --column 1 words table|--separator tab
vic-predict --top-k|vic-predict --text words lines|--top-k 2
vic-reliability --alpha|vic-reliability --curve entropy|--alpha 3
vic-reliability --at|vic-reliability --curve hull logits|--at 2
vic-reliability --bands|vic-reliability logits|--bands 0
vic-reliability --bins|vic-reliability logits|--bins 7
vic-reliability --class|vic-reliability logits|--class 1
vic-reliability --group|vic-reliability --curve scatter logits|--group 3
vic-reliability --level|vic-reliability --curve hull --at 1 logits|--level 0.7
vic-reliability --name|vic-reliability logits|--name other
vic-reliability --same|vic-reliability --curve entropy|--same 0.5
vic-reliability --seed|vic-reliability logits|--seed 9
vic-reliability --split|vic-reliability logits|--split train
vic-reliability --unlabelled|vic-reliability --split all half|--unlabelled drop
vic-report --allow-fit-data|vic-report --bootstrap 0 --apply bound logits|--allow-fit-data
vic-report --apply|vic-report --bootstrap 0 logits|--apply bound --allow-fit-data
vic-report --bins|vic-report logits|--bins 7
vic-report --bootstrap|vic-report logits|--bootstrap 50
vic-report --by|vic-report --bootstrap 0 logits|--by label
vic-report --claims|vic-report --results results|--claims claims
vic-report --confidence|vic-report --risk 0.5 logits|--confidence 0.6
vic-report --coverage|vic-report logits|--coverage 0.5
vic-report --floor|vic-report logits|--floor 0
vic-report --format|vic-report --results results|--format md
vic-report --level|vic-report --bootstrap 50 logits|--level 0.6
vic-report --note|vic-report --results results|--note other
vic-report --ood|vic-report --bootstrap 50 logits|--ood other
vic-report --per-class|vic-report logits|--per-class
vic-report --picture|vic-report --results results|--picture fig.svg
vic-report --risk|vic-report logits|--risk 0.5
vic-report --score|vic-report --bootstrap 50 --ood other logits|--score msp
vic-report --seed|vic-report --bootstrap 50 logits|--seed 9
vic-report --split|vic-report logits|--split train
vic-report --unlabelled|vic-report --split all half|--unlabelled drop
vic-score --brief|vic-score logits|--brief
vic-score --confidence|vic-score --risk 0.5 logits|--confidence 0.6
vic-score --diagram|vic-score logits|--diagram
vic-score --floor|vic-score logits|--floor 0
vic-score --level|vic-score --bootstrap 50 logits|--level 0.6
vic-score --seed|vic-score logits|--seed 9
vic-split --fold|vic-split --cv 3 --remark text|--fold 1
vic-tokenize --allow-documents|vic-tokenize -q -f lines page|--allow-documents
vic-tokenize --allow-empty|vic-tokenize -q -f lines /dev/null|--allow-empty
vic-train --channels|vic-train -q -m smallcnn --width 0.1 -e 1 -b 4 --resize 8 jpegs|--channels 1
vic-train --checkpoint|vic-train -q -e 1 -o out text; cat ck|--checkpoint ck
vic-train --checkpoint-every|vic-train -q -e 1 -b 4 -o out --checkpoint /dev/fd/3 text 3>states; cat states|--checkpoint-every 1
vic-train --crop-pad|vic-train -q -m smallcnn --width 0.1 -e 1 -b 4 painted|--crop-pad 1
vic-train --device|vic-train -q -e 1 text|--device ref
vic-train --fit|vic-train -q -m smallcnn --width 0.1 -e 1 -b 4 --resize 8 jpegs|--fit stretch
vic-train --history|vic-train -q -e 1 -o out text; cat h|--history h
vic-train --keep-epochs|vic-train -q -e 1 -o out text; cat out.epoch1|--keep-epochs 1
vic-train --mixup-mode|vic-train -q -e 1 --mixup 1 text|--mixup-mode features
vic-train --mixup-partner|vic-train -q -e 1 --mixup 1 text|--mixup-partner dataset
vic-train --output|vic-train -q -e 1 text|--output out
vic-train --plan-device|vic-train --plan -m resnet20 </dev/null|--plan-device h100
vic-train --ranks|SLURM_STEP_NUM_TASKS=2 SLURM_PROCID=0 vic-train -q -e 1 text|--ranks none
vic-train --reduce|vic-train -q -e 1 text|--reduce fast
vic-train --resume|vic-train -e 1 text|--resume none
vic-train --threads|vic-train -e 1 text|--threads 1
vic-train --tune|vic-train -q -e 1 text|--tune
L
same 'each of them has a command here' "$(cut -f1,2 conditional | tr '\t' ' ' | sort -u)" "$(cut -d'|' -f1 effects)"
sed 's/\\|/\a/g' effects >effects2
while IFS='|' read -r name command added; do
	rm -f out out.epoch1 ck h
	command=$(printf %s "$command" | tr '\a' '|')
	sh -c "$command" >without 2>&1 </dev/null
	case $command in
	*';'*) full="${command%%;*} $added;${command#*;}" ;;
	*) full="$command" ;;
	esac
	[ "$full" = "$command" ] && full=$(printf %s "$command" | sed "s#\\( </dev/null\\)\\{0,1\\}\$# $added\\1#")
	sh -c "$full" >with 2>&1 </dev/null
	status=$?
	case $name in *--max-steps | *--plan-device | *--reduce | *--tune) status=0 ;; esac # which end otherwise where there is no card
	if [ $status != 0 ] || cmp -s without with; then tap 1 "$name has an effect: $full"; else tap 0 "$name has an effect"; fi
done <effects2

vic-split -q --remark --test 0.2 text >nodev

# Every other option has an effect wherever it is taken, or its program refuses it by itself.
sort >always <<'L'
vic-calibrate --method --apply --split --out --allow-fit-data --table --json --tsv --bins --clip --seed --threads
vic-cat --head --check --provenance --stats --words --to --from --kind --labels --array --labels-array --class-axis --ignore --labels-from --among --label-column --id-column --name-column --separator --decimal --quotes --header --no-header --classes --name --dtype --split --limit
vic-compare --split --bins --bootstrap --level --seed --ensemble --json --tsv --threads
vic-conformal --method --alpha --randomised --lambda --k-reg --apply --no-empty --split --by --out --allow-fit-data --table --json --tsv --level --seed --threads
vic-corpora --to --from --n --classes --noise --strength --layout --vocabulary --dim --seed
vic-embed --vectors --vectors-format --dim --oov --random --seed --oov-report --threads --output
vic-images --format --split --only --class-subset --limit --per-class --resize --fit --channels --encoding --labels --labels-from --transpose --no-splits --allow-empty --fold --classes --name --names --on-bad --as-stored --max-pixels --gaussian-like --threads --output
vic-ood --in --out --score --bootstrap --level --curve --json --tsv --threads
vic-perturb --mu --norm --directions --only --encoding --seed --threads --output
vic-plot --curve --metric --format --out --title --panel --scale --script
vic-predict --split --mc-dropout --text --files --map --device --precision --threads --output
vic-reliability --curve --per-class --worst --threads
vic-report --title --out --results --threads
vic-score --bins --name --split --unlabelled --bootstrap --coverage --risk --seeds --separate --ensemble --class --per-class --by --weights --compat --posterior --json --tsv --no-diagram --threads
vic-split --cv --test --dev --calibration --seed --stratify --no-stratify --remark
vic-tokenize --format --rules --lower --cased --hyphens --encoding --split --label-column --text-column --name-column --separator --quotes --header --no-header --classes --fine --html --asked-by --flush --output
vic-train --model --mixup --label-smoothing --erl --loss --dropout --max-norm --words --filters --maps --ngrams --max-tokens --width --resize --crop --crop-scale --flip --no-flip --optimizer --lr --momentum --nesterov --no-nesterov --weight-decay --decay --clip-norm --ema --rho --eps --schedule --lr-steps --lr-factor --epochs --batch --shards --select --patience --stop-top5 --class-weights --seed --precision --plan --list-models
L
same 'every option without a condition is known to need none' "$(cat always)" \
	"$(awk -F '\t' '$3 == "-" { list[$1] = list[$1] " " $2 } END { for (p in list) print p list[p] }' conditions | sort)"
fails 2 'best-dev needs records marked dev' 'the best of no dev records' \
	vic-train -q --select best-dev -o out nodev
for by in dev-accuracy dev-nll dev-refined; do
	fails 2 "$by needs records marked dev" "the best of no dev records by $by" vic-train -q --select $by -o out nodev
done
vic-reliability logits >curve
fails 2 'goes with --format png' 'pixels of an SVG' vic-plot --scale 3 -o out.svg curve
finish
