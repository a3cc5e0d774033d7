#!/bin/sh
# Names from outside: whatever a class, a stream, a file, an option is called, nothing that steers a terminal, shifts a
# table or ends a tag comes out, JSON stays JSON, and what is not UTF-8 is called that. tests/cli/names.table has a line
# for each way a name leaves a program; here they are run with every hostile name, and after them every option of every
# program with what is UTF-8 of them in one name, which is as much as one after the other, and with the rest.
. "$(dirname "$0")/lib.sh"
table=$ROOT/tests/cli/names.table
combinations=0 unseen=0

# The hostile names: Qz in front, zQ at the end, and between them (printf's format).
long=$(printf '%01100d' 0 | tr 0 n)
names='table invalid bidi' swept=table
if [ -n "$VIC_THOROUGH" ] && [ "${MODE:-release}" = release ]; then
	names='escape c1 bidi table invalid overlong long markup dash slash quotes line every'
	swept='invalid overlong long every'
fi
hostile() {
	case $1 in
	plain) printf 'Qz zQ' ;;
	escape) printf 'Qz\033[31m\033]0;owned\007\177\rzQ' ;;
	c1) printf 'Qz\302\23331m\302\205zQ' ;;
	bidi) printf 'Qz\342\200\256\342\201\246\330\234\342\200\217zQ' ;;
	table) printf 'Qz\ta\nb\t1\r\nc zQ' ;;
	invalid) printf 'Qz\351\377zQ' ;;
	overlong) printf 'Qz\300\200\355\240\200zQ' ;;
	long) printf 'Qz%szQ' "$long" ;;
	markup) printf 'Qz<b>&"$(touch pwned)`touch pwned`;|%%s%%n<zQ' ;;
	dash) printf -- '-Qz--zQ' ;;
	slash) printf 'Qz\\x00\\0%%00\\n\\zQ' ;;
	quotes) printf "Qz'\"''\\\\\" zQ" ;;
	line) printf 'Qz\342\200\250\342\200\251zQ' ;;
	every)
		for one in escape c1 bidi table markup dash slash quotes line; do
			hostile $one
		done ;;
	esac
}

# A copy of a file under another name, its folders made.
made() {
	case $1 in */*) mkdir -p "./${1%/*}" ;; esac
	cp -- "$2" "./$1"
}

drawn() { # 0: gnuplot is there. Else the command's && leaves nothing, and the row is passed over.
	command -v gnuplot >/dev/null
}

# Inputs with the name $N in the present folder; files that hold none come from $T/common.
inputs() {
	i=0
	while [ $i -lt 12 ]; do # of different words: copies of a record stay on one side
		i=$((i + 1))
		printf '%s,a good film %s\nother,a bad film %s\n' "$Q" $(printf "%0${i}d" 0 | tr 0 g) $(printf \
			"%0${i}d" 0 | tr 0 b)
	done >labelled.csv
	vic-tokenize -q -f csv labelled.csv | vic-split -q --dev .25 --test .25 >tokens &&
		vic-embed -q --random --dim 2 tokens >text &&
		printf '%s\n' "$N" | tr '\n\r' '  ' >word && { echo; } >>word &&
		vic-tokenize -q -f lines -r whitespace --cased word >oov.tokens && vic-embed -q --random --dim 2 \
			oov.tokens >oov.text &&
		vic-train -q --device ref --maps 2 --filters 2 --max-tokens 9 --epochs 1 --batch 8 -o model text &&
		vic-predict -q --device ref --name "$N" model text >logits &&
		vic-calibrate -q --split train -o map logits && vic-conformal -q --split train -o threshold logits &&
		vic-reliability -q --bands 0 logits >curve &&
		vic-embed -q --random --dim 2 --seed 5 tokens >text2 &&
		vic-train -q --device ref --maps 2 --filters 2 --max-tokens 9 --epochs 1 --batch 8 --seed 5 text2 \
			>model2 &&
		vic-predict -q --device ref --name "$N" model2 text2 >other &&
		E=$(sed -n '2s/\t.*//p' curve) && {
			printf 'figure\tdataset\tmodel\tmethod\tsetting\tseed\tn\tmetric\tvalue\tlow\thigh\tcommand\n'
			printf '%s\t%s\t%s\t%s\t1\tall\t9\t%s\t0.5\t0.1\t0.9\t%s\n' "$E" "$E" "$E" "$E" "$E" "$E"
		} >results &&
		{
			printf 'id\tfigure\twhere\tstatement\tdata\tmodel\tmetric\ta\tdirection\tb\tpaper_a\tpaper_b\n'
			printf '%s\t*\t%s\t%s\t*\t*\t%s\t%s 1\tbelow\t0.2\t\t\n' "$E" "$E" "$E" "$E" "$E"
		} >claims &&
		vic-images -q --resize 8 --channels 3 --classes "$N,zz" --name "$N" -o images "$T/common/pictures"
}

# What needs no name.
common() {
	mkdir "$T/common" && cd "$T/common" || return 1
	mkdir -p pictures/a pictures/b
	cp "$ROOT/tests/golden/images/rgb420.jpg" pictures/a/1.jpg && cp "$ROOT/tests/golden/images/rgb420.jpg" \
		pictures/b/2.jpg &&
		printf '0,1,2\n1,2,1\n0,2,1\n1,1,2\n' >bare.csv &&
		vic-cat --from csv --kind logits --classes a,b bare.csv >bare && vic-cat --to npy bare >bare.npy &&
		"$TOOLS/mkarray" npz stored z=bare.npy >bare.npz &&
		vic-reliability -q --bands 0 bare >bare.curve &&
		printf 'figure\tdataset\tmodel\tmethod\tsetting\tseed\tn\tmetric\tvalue\tlow\thigh\tcommand\n' \
			>bare.results && printf 'f\td\tm\tx\t1\tall\t9\tece\t0.5\t0.1\t0.9\tc\n' >>bare.results &&
		echo '<svg xmlns="http://www.w3.org/2000/svg"></svg>' >drawing.svg &&
		printf 'this is nothing that any of the programs reads\n' >junk && head -c 100 bare >short &&
		printf 'a good film\nbad\n' >lines && printf 'good 1 2\nfilm 2 3\na 1 0\n' >glove &&
		"$TOOLS/mkstream" text 24 >text && "$TOOLS/mkstream" tokens 24 >tokens &&
		vic-train -q --device ref --maps 2 --epochs 2 --batch 8 --history history -o model text && head -c 900 \
			model >short.model
}

# run_row NAME: one line of the table with one name: a line of the list that namecheck reads, or of the findings.
run_row() {
	combinations=$((combinations + 1))
	out=$T/out/$combinations
	said=$out
	case $kind in # what is said beside JSON or a page is text
	text*)
		(
			eval "$command"
		) >"$out" 2>&1 </dev/null ;;
	*)
		said=$out.err
		(
			eval "$command"
		) >"$out" 2>"$said" </dev/null ;;
	esac
	got=$?
	what="$program: $channel: $1 (status $got)"
	[ "$said" = "$out" ] || printf 'text\t%s\t%s any\n' "$said" "$what" >>"$T/list"
	wanted=$status
	case $1 in
	invalid | overlong)
		if [ "$not_utf8" = refuse ]; then
			grep -q 'is not UTF-8' "$out" "$said" || printf 'not refused as not UTF-8\t%s\n' "$what" \
				>>"$T/findings"
			printf 'text\t%s\t%s\n' "$said" "$what" >>"$T/list"
			return
		fi
		;;
	esac
	[ "$got" = "$wanted" ] || printf 'status, not %s\t%s\n' "$wanted" "$what" >>"$T/findings"
	how=${kind#* }
	[ "$how" != short ] || [ "$1" = long ] || how=
	[ "$how" != "$kind" ] || how=
	printf '%s\t%s\t%s%s\n' "${kind%% *}" "$out" "$what" "${how:+ $how}" >>"$T/list"
}

trimmed() { # VARIABLE: without spaces around it
	eval "$1=\${$1# }; $1=\${$1% }"
}

each_row() {
	while IFS='|' read -r program channel kind status not_utf8 command; do
		case $program in '#'* | '') continue ;; esac
		for field in program channel kind status not_utf8 command; do
			trimmed $field
		done
		"$@"
	done <"$table"
}

with_name() {
	case $1 in invalid | overlong) [ "$not_utf8" != - ] || return 0 ;; esac
	case $command in *drawn*) drawn || return 0 ;; esac
	[ -x "$BIN/$program" ] || return 0
	run_row "$1"
	cleared tree x s "./${F%%/*}"
}

# Removes what is there of these. (A program is not started for nothing, some thousand times.)
cleared() {
	for left; do
		[ ! -e "$left" ] && [ ! -L "$left" ] || rm -rf "$left"
	done
}

# Every option that takes a value, and an unknown one: as many programs and options as there are, found from --help.
sweep_options() {
	for file in "$BIN"/vic*; do
		program=${file##*/}
		{
			"$program" --help | sed -n 's/^  \(-., \|    \)--\([a-z0-9-]*\) [A-Z<a-z|].*/\2/p'
			echo "=" # an unknown option; a missing file
		} >"$T/options"
		while read -r option; do
			combinations=$((combinations + 1))
			out=$T/out/$combinations
			case $option in
			=) "$program" "--$N" ./nowhere ;;
			*) "$program" "--$option=$N" ./nowhere ;;
			esac >"$out" 2>&1 </dev/null
			got=$?
			what="$program: --$option: $1 (status $got)"
			[ $got -le 3 ] || printf 'status\t%s\n' "$what" >>"$T/findings"
			printf 'text\t%s\t%s any\n' "$out" "$what" >>"$T/list"
			cleared "./${F%%/*}"
		done <"$T/options"
	done
}

for file in "$BIN"/vic*; do
	grep -q "^${file##*/} |" "$table"
	tap $? "${file##*/} has its lines in tests/cli/names.table"
done
common
tap $? 'the inputs could be made'
for name in $names; do
	mkdir "$T/$name" "$T/out" && cd "$T/$name" || exit 1
	cp -r "$T/common/." .
	: >"$T/list"
	: >"$T/findings"
	hostile "$name" >"$T/bytes"
	N=$(cat "$T/bytes")
	Q="\"$(sed 's/"/""/g' "$T/bytes")\""
	# A file's name: no slash in it, and where it is long, folders within folders. C: one component.
	F=$N C=$N
	case $name in
	long) C=Qz$(printf %.200s "$long")zQ F=$C/$C/$C/$C/$C/$C ;;
	esac
	case $name in
	invalid | overlong | every) ;;
	*)
		inputs
		tap $? "inputs with the name '$name'" ;;
	esac
	[ "$name" = every ] || each_row with_name "$name"
	case " $swept " in *" $name "*) sweep_options "$name" ;; esac
	# A name is no reason to be without memory.
	grep -rlF 'out of memory' "$T/out" | while read -r out; do
		printf 'out of memory\t'
		grep -F "$out	" "$T/list" | cut -f 3 | head -1
	done >>"$T/findings"
	"$TOOLS/namecheck" "$T/bytes" "$T/list" >"$T/looked" || echo "namecheck failed" >>"$T/findings"
	grep -vE '^seen	|^cut	.*\)$|^(cut|unseen)	.* (short|any)$' "$T/looked" >>"$T/findings"
	[ ! -e pwned ] || echo 'a name was run by a shell' >>"$T/findings"
	[ -s "$T/findings" ] && bad=1 || bad=0
	tap $bad "nothing raw comes out of the name '$name'" || { sort "$T/findings" | head -60 | sed 's/^/# /'; }
	unseen=$((unseen + $(grep -cE '^(unseen|cut)' "$T/findings")))
	cd "$T" && rm -rf "$T/out" "${T:?}/$name"
done
echo "# names matrix: $combinations combinations, $unseen unseen"
finish
