#!/bin/sh
# vic-cat --from: what other programs write, and what becomes of it. A line of a table is a file, the options and what
# comes out: "label: values; ..." for records, "! words" for a refusal; then words that stderr must hold, if any.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

# records FILE: as "label: values; label: values" (of ids other than 0, 1, ..., "id=label: values").
records() {
	vic-cat "$1" | grep -v '^#' | awk -F '\t' '{ printf "%s%s%s: %s", (NR > 1 ? "; " : ""), ($1 == NR - 1 ? "" : $1 "="), $3, $4 }'
}

# try DESCRIPTION WANTED SAID COMMAND...
try() {
	try_what=$1 try_want=$2 try_said=$3
	shift 3
	"$@" >out 2>err
	case $?$try_want in
	0!*) same "$try_what" "$try_want" "$(records out)" ;;
	0*) same "$try_what" "$try_want${try_said:+ ($try_said)}" "$(records out)${try_said:+ ($(grep -o -e "$try_said" err))}" ;;
	1! | 2!) tap 1 "$try_what (what should it say?)" ;;
	[12]!*) like "$try_what" "${try_want#! }" "$(cat err)" ;;
	*) same "$try_what" "$try_want" "$(cat err)" ;;
	esac
	[ -s err ] || [ -z "$try_said" ] || diag err
}

# table FORM: each line "what | file as for printf | options | wanted | said", the separator being " | ".
table() {
	while IFS= read -r table_line; do
		case $table_line in '' | '#'*) continue ;; esac
		printf '%s\n' "$table_line" | awk -F ' [|] ' '{ for (i = 1; i <= 5; i++) print $i }' >line
		{ IFS= read -r what; IFS= read -r text; IFS= read -r options; IFS= read -r want; IFS= read -r said; } <line
		printf "$text" >in
		set -f
		eval "set -- $options"
		set +f
		try "$1: $what" "$want" "$said" vic-cat --from "$@" in
	done
}

half='0.5 0.5'
table <<'END'
# A header is one only where it cannot be a record, and no row is lost.
a header names the classes | label,neg,pos\n0,.75,.25\npos,.5,.5\n | csv --kind probs | neg: 0.75 0.25; pos: 0.5 0.5
in any case, anywhere | NEG,Label,pos\n.75,0,.25\n | csv --kind probs | NEG: 0.75 0.25
a class called label keeps its record | label,.75,.25\nx,.25,.75\n | csv --kind probs --classes label,x | label: 0.75 0.25; x: 0.25 0.75
classes called like numbers in a header | label,3,1\n3,.75,.25\n1.0,.5,.5\n | csv --kind probs | 3: 0.75 0.25; 1: 0.5 0.5
a header of numbers under --classes | label,0,1\n0,.75,.25\n | csv --kind probs --classes 0,1 | 0: 0.75 0.25
--header takes what could be a record | 0,1,2\n0,3,4\n | csv --kind logits --header --label-column 1 --classes a,b | a: 3 4
--no-header takes none | label,a,b\n0,1,2\n | csv --kind logits --no-header | ! line 1: .*label
another name for the labels is said to be chosen | y_true,p0,p1\n0,.75,.25\n | csv --kind probs | ! --label-column
and is, by name | y_true,p0,p1\n1,.75,.25\n | csv --kind probs --label-column Y_TRUE | p1: 0.75 0.25
by number | y_true,p0,p1\n1,.75,.25\n | csv --kind probs --label-column 1 | p1: 0.75 0.25
in the last column | p0,p1,y\n.75,.25,1\n | csv --kind probs --label-column y | p1: 0.75 0.25
a column that is not there | label,a,b\n0,1,2\n | csv --kind logits --label-column y | ! no column is named 'y'
no labels, and no word of it | 0.25,1.5\n2.5,1\n | csv --kind logits | ! where a label is looked for; --label-column NAME or NUMBER
no labels at all | 1,2\n3,4\n | csv --kind logits --label-column none | -: 1 2; -: 3 4
the header's order is not turned by --classes | label,pos,neg\npos,.75,.25\n | csv --kind probs --classes neg,pos | ! another order
names of --classes rename it | label,p0,p1\nneg,.75,.25\n | csv --kind probs --classes neg,pos | neg: 0.75 0.25
string labels without names are refused | cat,.75,.25\ndog,.5,.5\n | csv --kind probs | ! label 'cat' is none of the 2 classes
ids | id,label,a,b\n7,a,1,2\n5,b,3,4\n | csv --kind logits --id-column ID | 7=a: 1 2; 5=b: 3 4
the same id twice is said | id,a,b\n7,1,2\n5,3,4\n9,1,1\n5,1,2\n7,1,2\n7,1,3\n | csv --kind logits --label-column none --id-column id | 7=-: 1 2; 5=-: 3 4; 9=-: 1 1; 5=-: 1 2; 7=-: 1 2; 7=-: 1 3 | 3 records have an id that an earlier one has (5 on lines 3 and 5 first)
ids by number, first | 7,0,1,2\n | csv --kind logits --id-column 1 | 7=0: 1 2
names are no values | file,label,a,b\nc:\\\\t.png,a,1,2\n,b,3,4\n | csv --kind logits --name-column file | a: 1 2; b: 3 4
beside ids, before confidences | n,i,p,r\nx,7,.75,1\n | csv --kind confidence --id-column i --name-column 1 | 7=predicted: 0.75 0.25
as names and labels | label,a,b\na,1,2\n | csv --kind logits --name-column label | ! label and name are the same column
no column of names | label,a,b\na,1,2\n | csv --kind logits --name-column file | ! no column is named 'file'
an id that is none | id,label,a,b\nx,a,1,2\n | csv --kind logits --id-column id | ! line 2: id: 'x'
two columns of labels | label,label,a,b\na,a,1,2\n | csv --kind logits | ! several columns are named 'label'; choose with --label-column NUMBER
two of the name that is asked for | y,y,a,b\na,a,1,2\n | csv --kind logits --label-column y | ! several columns are named 'y'; choose with --label-column NUMBER
one of them as it is written | Y,y,a,b\n7,a,1,2\n | csv --kind logits --label-column y --id-column 1 | 7=a: 1 2

# What stands beside the classes is none of them.
the index that pandas writes | ,label,a,b\n0,a,1,2\n | csv --kind logits | ! line 1: column 1 is called '', which names no class: --id-column 1
read back by pandas | Unnamed: 0,label,a,b\n0,a,1,2\n | csv --kind logits | ! column 1 is called 'Unnamed: 0'
ids, in any case | label,ID,a,b\na,7,1,2\n | csv --kind logits | ! column 2 is called 'ID', which names no class: --id-column 2
are taken by number | label,ID,a,b\na,7,1,2\n | csv --kind logits --id-column 2 | 7=a: 1 2
predictions | label,a,b,prediction\na,1,2,b\n | csv --kind logits --header | ! column 4 is called 'prediction'
a separator at the end of each line | label,a,b,\na,1,2,\n | csv --kind logits | ! column 4 is called ''
beside a single value | index,label,p\n0,0,.25\n | csv --kind p1 | ! column 1 is called 'index'
classes that are called so are named | label,id,ego\nid,1,2\n | csv --kind logits --classes id,ego | id: 1 2
a column that counts from 0, without a name | 0,0,.5\n0,1,.5\n0,2,.5\n0,3,.5\n | csv --kind logits | ! the values of class '0' are the records' numbers 0, 1, 2
that counts from 1 | 0,5,1\n0,5,2\n0,5,3\n0,5,4\n | csv --kind counts | ! the values of class '1' are the records' numbers 1, 2, 3
one that leaves off may be of logits | 0,5,1\n0,5,2\n0,5,3\n0,5,5\n | csv --kind logits | 0: 5 1; 0: 5 2; 0: 5 3; 0: 5 5
as may few | 0,5,1\n0,5,2\n0,5,3\n | csv --kind logits | 0: 5 1; 0: 5 2; 0: 5 3
and those of classes that are named | a,5,1\na,5,2\na,5,3\na,5,4\n | csv --kind logits --classes a,b | a: 5 1; a: 5 2; a: 5 3; a: 5 4

# Labels that are numbers.
counted from 1 | 1,5,2,1\n3,1,2,4\n | csv --kind logits --labels-from 1 | 1: 5 2 1; 3: 1 2 4
in a header's classes | label,a,b\n2,5,2\n1,1,2\n-1,2,1\n | csv --kind logits --labels-from 1 | b: 5 2; a: 1 2; -: 2 1
of two, as R writes them | 2,.75\n1,.25\n | csv --kind p1 --labels-from 1 | 2: 0.25 0.75; 1: 0.75 0.25
below the first | label,a,b\n0,5,2\n | csv --kind logits --labels-from 1 | ! label 0 is outside 1 to 2
which is said to be meant | 1,5,2\n2,1,2\n | csv --kind logits | ! label '2' is none of the 2 classes; --labels-from 1
by a header too | label,a,b\n1,5,2\n2,1,2\n | csv --kind logits | ! label 2 is outside 0 to 1, and -1 for none; --labels-from 1 where
or where the last is not met | 1,5,2,1\n2,1,2,4\n | csv --kind logits | 1: 5 2 1; 2: 1 2 4 | no label is 0; --labels-from 1
no number of a header is counted | label,0,1\n1,5,2\n | csv --kind logits --labels-from 1 | ! --labels-from: the header's classes are numbers themselves
-1 and 1 are two classes elsewhere | 1,.75\n-1,.25\n | csv --kind p1 | 1: 0.25 0.75; -: 0.75 0.25 | 1 records of -1 have none here
names are asked for | yes,.75\nno,.25\n | csv --kind p1 | ! label 'yes' is none of the 2 classes; --classes A,B

# Spellings of tables.
byte order mark | \357\273\277label,a,b\na,1,2\n | csv --kind logits | a: 1 2 | 1 byte order marks were dropped
byte order mark in TSV | \357\273\277label\ta\tb\na\t1\t2\n | tsv --kind logits | a: 1 2 | 1 byte order marks were dropped
UTF-16 | \377\376l\0a\0 | csv --kind logits | ! UTF-16
semicolons are asked for | label;a;b\na;1;2\n | csv --kind logits | ! --separator ';'
semicolons | label;a;b\na;1;2\n | csv --kind logits --separator ';' | a: 1 2
Excel says so itself | sep=;\r\nlabel;a;b\r\na;1;2\r\n | csv --kind logits | a: 1 2 | says what stands between columns
but where it would help alone | 0,"[1, 2]",2\n | csv --kind logits | ! is not a number (it is plain
the decimal comma is asked for | label;a;b\na;0,5;2\n | csv --kind logits --separator ';' | ! --decimal comma reads it
decimal comma | label;a;b\na;0,5;-1,5e3\n | csv --kind logits --separator ';' --decimal comma | a: 0.5 -1500
a point beside it is no number | 0;1.000,5;2\n | csv --kind logits --separator ';' --decimal comma | ! 1.000,5
quoted decimal commas | 0,"0,5","1,5"\n | csv --kind logits --decimal comma | 0: 0.5 1.5
tabs | 0\t1\t2\n | csv --kind logits --separator tab | 0: 1 2
spaces, as numpy.savetxt | 1.0e+00 1.5e+00 2.0e+00\n | csv --kind logits --separator space | 1: 1.5 2
a separator that is none | 0,1,2\n | csv --kind logits --separator '"' | ! --separator
labels as floats | 0.0,1,2\n1.0e+00,3,4\n | csv --kind logits | 0: 1 2; 1: 3 4
labels that are half | 0.5,1,2\n | csv --kind logits | ! '0.5' stands in the first column, where a label
true and false | False,1,2\nTrue,3,4\n | csv --kind logits | 0: 1 2; 1: 3 4
white space around numbers is none of them | 0, 1,\t2 \n | csv --kind logits | 0: 1 2
white space in names is theirs | label,a b ,c\n"a b ",1,2\nc,2,1\n | csv --kind logits | a b : 1 2; c: 2 1
and is said to differ | label,a ,c\na,1,2\n | csv --kind logits | ! 'a ' differs in case or white space
comments | # by savetxt\n0,1,2\n# more, of it\n1,3,4\n | csv --kind logits | 0: 1 2; 1: 3 4 | 2 lines begin with #
with quotes that a table may not have | # it"s "so"\nlabel,a,b\n#"x" y\na,1,2\n# by "z" | csv --kind logits | a: 1 2 | 3 lines begin with #
nor with --quotes bare | #,"x" y\nlabel,a,b\na,1,2\n | csv --kind logits --quotes bare | a: 1 2 | 1 lines begin with #
and backslashes | label,a,b\n# C:\\dir\na,1,2\n | csv --kind logits --quotes backslash | a: 1 2 | 1 lines begin with #
quoted whole they are as others | "# x"\nlabel,a,b\na,1,2\n | csv --kind logits | a: 1 2 | 1 lines begin with #
elsewhere a quote stays wrong | label,a,b\na,1,2\nb #"x" y\n | csv --kind logits | ! line 3: a quote
a class that begins with a mark, and quotes | label,#a,b\n#a,"1","2"\n | csv --kind logits | #a: 1 2
a name that is not what it looks like | \342\200\213label,a,b\na,1,2\n | csv --kind logits | ! there is '.xe2.x80.x8blabel', with letters that show nothing
one column of several is shown | 0,1,2\n\032\n | csv --kind logits | ! line 2: has one column ('.x1a'); the first row has 3
a header behind a mark | # label,a,b\na,1,2\n | csv --kind logits | a: 1 2
a class that begins with a mark | #a,1,2\nb,3,4\n | csv --kind logits --classes '#a,b' | #a: 1 2; b: 3 4
blank lines | 0,1,2\n\n1,3,4\n\n | csv --kind logits | 0: 1 2; 1: 3 4 | 2 blank lines
line ends of any kind | 0,1,2\r\n1,3,4\r0,5,6 | csv --kind logits | 0: 1 2; 1: 3 4; 0: 5 6
a quote in a bare field | label,5" disc,b\nb,1,2\n | csv --kind logits | ! line 1: a quote
is read on request | label,5" disc,b\nb,1,2\n | csv --kind logits --quotes bare | b: 1 2
text after a closing quote is not | label,"a"x,b\nb,1,2\n | csv --kind logits --quotes bare | ! text follows a closing quote
quotes of no meaning | "a,1,2\nb,3,4\n | csv --kind logits --quotes none --classes '"a,b' | "a: 1 2; b: 3 4
NUL | 0,1,2\n0,1\0,2\n | csv --kind logits | ! line 2: holds a NUL byte
a row too short | 0,1,2\n1,3\n | csv --kind logits | ! line 2: has 2 columns
an open quote | 0,1,2\n0,"1,2\n | csv --kind logits | ! line 2: the file ends inside quotes

# Values.
overflow below | 0,-1e400,2\n | csv --kind logits | ! -1e400 is too large
overflow above | 0,1e400,2\n | csv --kind logits | ! 1e400
minus infinity is a probability of 0 | 0,-inf,2\n | csv --kind logits | 0: -inf 2
a rounding above 1 and below 0 is clipped | 0,1.0000001,-1e-7\n | csv --kind probs | 0: 1 0 | 2 probabilities lay outside
more is refused | 0,1.002,0\n | csv --kind probs | ! class 0 has the value 1.002
a bad sum is printed whole | 0,.5,.4995\n0,.5,.498999999\n | csv --kind probs | ! record 1: probabilities sum to 0.998999999
probabilities as logits | 0,.25,.75\n1,.5,.5\n | csv --kind logits | 0: 0.25 0.75; 1: 0.5 0.5 | say --kind probs
logits as logits | 0,.25,.75\n1,.5,1.5\n | csv --kind logits | 0: 0.25 0.75; 1: 0.5 1.5
probability of the second class | label,p1\n0,.25\n1,.75\n | csv --kind p1 | 0: 0.75 0.25; 1: 0.25 0.75
with names | 0,.25\npos,.75\n | csv --kind p1 --classes neg,pos | neg: 0.75 0.25; pos: 0.25 0.75
without labels | .25\n.75\n | csv --kind p1 --label-column none | -: 0.75 0.25; -: 0.25 0.75
one of logits has no softmax | label,a\na,1\n | csv --kind logits | ! has one value a record, and of one class
sigmoids are neither | 0,.75,.75\n0,.75,.75\n0,.75,.75\n0,.75,.75\n0,.75,.75\n0,.75,.75\n0,.75,.75\n0,.75,.5\n | csv --kind logits | 0: 0.75 0.75; 0: 0.75 0.75; 0: 0.75 0.75; 0: 0.75 0.75; 0: 0.75 0.75; 0: 0.75 0.75; 0: 0.75 0.75; 0: 0.75 0.5 | if they are sigmoids
one column of probs asks for it | 0,.25\n | csv --kind probs | ! --kind p1
two columns under p1 ask for probs | 0,.25,.75\n | csv --kind p1 | ! --kind probs
p1 of 1 and a rounding | 1,1.0000001\n | csv --kind p1 | 1: 0 1 | 1 probabilities
p1 out of range | 1,1.5\n | csv --kind p1 | ! record 0: class 1 has the value 1.5
confidence and right | confidence,right\n.75,1\n.5,0\n | csv --kind confidence | predicted: 0.75 0.25; other: 0.5 0.5
right as words | correct,conf\nTrue,.75\nfalse,.5\n | csv --kind confidence | predicted: 0.75 0.25; other: 0.5 0.5
neither right nor wrong | .75,2\n | csv --kind confidence | ! '2' says neither
a confidence that cannot be the largest | .25,1\n | csv --kind confidence | ! --among
of more classes | .25,1\n.75,0\n | csv --kind confidence --among 4 | predicted: 0.25 0.25 0.25 0.25; other 1: 0.75 0.083333333333333329 0.083333333333333329 0.083333333333333329
counts | a,1,3\nb,0,8\n | csv --kind counts --classes a,b | a: 0.25 0.75; b: 0 1
a count below 0 | 0,-1,2\n | csv --kind counts | ! value -1, which is no count
no vote at all | 0,0,0\n | csv --kind counts | ! the counts sum to 0
a label to ignore | 255,1,2\n1,3,4\nvoid,5,6\n | csv --kind logits --ignore 255 --ignore void | -: 1 2; 1: 3 4; -: 5 6 | 2 labels are those of --ignore
a label to ignore that is nowhere | 0,1,2\n1,3,4\n | csv --kind logits --ignore 225 | 0: 1 2; 1: 3 4 | no label is one of --ignore
which is refused without | 1,1,2\n-100,3,4\n | csv --kind logits | ! line 2: label '-100' is none
too large for f32 | 0,1e39,2\n | csv --kind logits --dtype f32 | ! too large for f32
END
printf 'label,a,b\na,1,2\n' | gzip >in.gz
try 'csv: gzipped' 'a: 1 2' '' vic-cat --from csv --kind logits in.gz
try 'csv: gzipped, through a pipe' 'a: 1 2' '' vic-cat --from csv --kind logits - <in.gz
head -c 30 in.gz >cut.gz
try 'csv: gzipped and cut' '! truncated' '' vic-cat --from csv --kind logits cut.gz
printf 'label,a,b\n\302\240a,1,2\nb\342\200\213,1,2\n' >in
try 'csv: what cannot be seen is shown' "! label '.xc2.xa0a' is none" '' vic-cat --from csv --kind logits in

# Arrays: "what | name = array as for mkarray; ... | options | wanted | said"; the first is the file of values.
arrays() {
	while IFS= read -r table_line; do
		case $table_line in '' | '#'*) continue ;; esac
		printf '%s\n' "$table_line" | awk -F ' [|] ' '{ for (i = 1; i <= 5; i++) print $i }' >line
		{ IFS= read -r what; IFS= read -r make; IFS= read -r options; IFS= read -r want; IFS= read -r said; } <line
		printf '%s\n' "$make" | sed 's/ ; /\n/g' >makes
		while IFS= read -r one; do
			eval "\"\$TOOLS/mkarray\" ${one#* = }" >"${one%% = *}"
		done <makes
		eval "set -- $options"
		try "$1: $what" "$want" "$said" vic-cat --from "$@"
	done
}
z="'<f8' '(2, 2)' C 1 2 3 4" zl="--kind logits z.npy --labels y.npy"
arrays <<END
in Fortran order | z.npy = npy '<f8' '(2, 2)' F 1 3 2 4 ; y.npy = npy '<i8' '(2,)' C 0 1 | npy $zl | 0: 1 2; 1: 3 4
three axes in Fortran order | z.npy = npy '<f4' '(2, 1, 3)' F 1 4 2 5 3 6 ; y.npy = npy '<i8' '(2,)' F 0 1 | npy $zl | 0: 1 2 3; 1: 4 5 6
no labels at all | z.npy = npy $z | npy --kind logits z.npy --label-column none | -: 1 2; -: 3 4
no labels in Fortran order | z.npy = npy '<f4' '(2, 2)' F 1 3 2 4 | npy --kind logits z.npy --label-column none | -: 1 2; -: 3 4
no labels, and no word of it | z.npy = npy '<f8' '(2, 3)' C .5 1 2 .5 3 4 | npy --kind logits z.npy | ! --label-column none says that there is none
a column of an array | z.npy = npy $z | npy --kind logits z.npy --label-column 1 | ! label-column of an array is none, or left out
none, and some | z.npy = npy $z ; y.npy = npy '<i8' '(2,)' C 0 1 | npy $zl --label-column none | ! label-column none and labels exclude
label column in Fortran order | z.npy = npy '<f8' '(2, 3)' F 0 1 1 3 2 4 | npy --kind logits z.npy | 0: 1 2; 1: 3 4
big-endian | z.npy = npy '>f4' '(2, 2)' C 1 2 3 4 ; y.npy = npy '>i2' '(2,)' C 0 1 | npy $zl | 0: 1 2; 1: 3 4
half precision | z.npy = npy '<f2' '(2, 2)' C 1 2 3 4 ; y.npy = npy '|u1' '(2,)' C 0 1 | npy $zl | 0: 1 2; 1: 3 4
version 2, Python 2's longs | z.npy = npy '<f8' '(2L, 2L)' C2 1 2 3 4 ; y.npy = npy '<i8' '(2L,)' C3 0 1 | npy $zl | 0: 1 2; 1: 3 4
labels as floats | z.npy = npy $z ; y.npy = npy '<f8' '(2,)' C 1 0 | npy $zl | 1: 1 2; 0: 3 4
labels as half a float | z.npy = npy $z ; y.npy = npy '<f8' '(2,)' C 1 0.5 | npy $zl | ! record 1: label 0.5 is no whole number
labels as bool | z.npy = npy $z ; y.npy = npy '|b1' '(2,)' C 1 0 | npy $zl | 1: 1 2; 0: 3 4
a bool of 2 | z.npy = npy $z ; y.npy = npy '|b1' '(2,)' C 1 2 | npy $zl | ! neither true nor false
labels in a column | z.npy = npy $z ; y.npy = npy '<i4' '(2, 1)' C 1 0 | npy $zl | 1: 1 2; 0: 3 4
labels as one-hot rows | z.npy = npy $z ; y.npy = npy '<f4' '(2, 2)' C 0 1 1 0 | npy $zl | 1: 1 2; 0: 3 4
rows that are not one-hot | z.npy = npy $z ; y.npy = npy '<f4' '(2, 2)' C 0 1 1 1 | npy $zl | ! record 1: is no one-hot row
labels as text | z.npy = npy $z ; y.npy = npy '<U3' '(2,)' C pos neg | npy $zl --classes neg,pos | pos: 1 2; neg: 3 4
labels as bytes | z.npy = npy $z ; y.npy = npy '|S4' '(2,)' C pos neg | npy $zl --classes neg,pos | pos: 1 2; neg: 3 4
a text that is no class | z.npy = npy $z ; y.npy = npy '<U3' '(2,)' C pos Neg | npy $zl --classes neg,pos | ! label 'Neg' is none
labels counted from 1 | z.npy = npy $z ; y.npy = npy '<i4' '(2,)' C 2 1 | npy $zl --labels-from 1 | 2: 1 2; 1: 3 4
which is said to be meant | z.npy = npy $z ; y.npy = npy '<i4' '(2,)' C 1 2 | npy $zl | ! record 1: label 2 is outside 0 to 1, and -1 for none; --labels-from 1 where
one-hot rows have no first number | z.npy = npy $z ; y.npy = npy '<f4' '(2, 2)' C 0 1 1 0 | npy $zl --labels-from 1 | ! y.npy holds one-hot rows, no numbers
one logit has no softmax | z.npy = npy '<f8' '(2, 1)' C .25 5 ; y.npy = npy '<i8' '(2,)' C 0 0 | npy $zl | ! has one value a record, and of one class
a column that counts the records | z.npy = npy '<f8' '(4, 2)' C 1 5 2 5 3 5 4 6 ; y.npy = npy '<i8' '(4,)' C 0 1 1 0 | npy $zl | ! class '0' are the records' numbers 1, 2, 3 .*leave it out of the array
what NaN becomes as a whole number | z.npy = npy $z ; y.npy = npy '<i8' '(2,)' C -9223372036854775808 1 | npy $zl --ignore -9223372036854775808 | -: 1 2; 1: 3 4 | 1 labels
unless it is ignored | z.npy = npy $z ; y.npy = npy '<i8' '(2,)' C -9223372036854775808 1 | npy $zl | ! label -9.223372036854776e+18 is outside 0 to 1, and -1 for none; --ignore
what no double is | z.npy = npy $z ; y.npy = npy '<i8' '(2,)' C 9223372036854775807 1 | npy $zl | ! value 9223372036854775807 is too large
labels of 255 | z.npy = npy $z ; y.npy = npy '|u1' '(2,)' C 255 1 | npy $zl | ! --ignore 255
ignored | z.npy = npy $z ; y.npy = npy '|u1' '(2,)' C 255 1 | npy $zl --ignore 255 | -: 1 2; 1: 3 4 | 1 labels are those of --ignore
too few labels | z.npy = npy $z ; y.npy = npy '<i8' '(3,)' C 0 1 1 | npy $zl | ! shape \[3\] are none of the 2 records
values beyond the array | z.npy = npy $z 5 ; y.npy = npy '<i8' '(2,)' C 0 1 | npy $zl | ! z.npy: bytes follow
labels beyond theirs | z.npy = npy $z ; y.npy = npy '<i8' '(2,)' C 0 1 1 | npy $zl | ! y.npy: bytes follow
values missing in Fortran order | z.npy = npy '<f8' '(2, 2)' F 1 2 3 ; y.npy = npy '<i8' '(2,)' C 0 1 | npy $zl | ! truncated: 1 of 4 values are missing
more in Fortran order | z.npy = npy '<f8' '(2, 2)' F 1 2 3 4 5 ; y.npy = npy '<i8' '(2,)' C 0 1 | npy $zl | ! z.npy: bytes follow
long double | z.npy = npy '<f16' '(2, 2)' C ; y.npy = npy '<i8' '(2,)' C 0 1 | npy $zl | ! (long double) are not read
Python objects | z.npy = npy $z ; y.npy = npy '|O' '(2,)' C | npy $zl | ! y.npy: .*(Python objects)
whole numbers are no logits | z.npy = npy '<i8' '(2, 2)' C 1 2 3 4 ; y.npy = npy '<i8' '(2,)' C 0 1 | npy $zl | ! --kind counts
but may be votes | z.npy = npy '<i8' '(2, 2)' C 1 3 2 0 ; y.npy = npy '<i8' '(2,)' C 0 1 | npy --kind counts z.npy --labels y.npy | 0: 0.25 0.75; 1: 1 0
one value a record asks for p1 | z.npy = npy '<f8' '(2,)' C .25 .5 ; y.npy = npy '<i8' '(2,)' C 0 1 | npy --kind probs z.npy --labels y.npy | ! --kind p1
p1 | z.npy = npy '<f8' '(2,)' C .25 .5 ; y.npy = npy '<i8' '(2,)' C 0 1 | npy --kind p1 z.npy --labels y.npy | 0: 0.75 0.25; 1: $half
p1 in a column | z.npy = npy '<f8' '(2, 1)' C .25 .5 ; y.npy = npy '<i8' '(2,)' C 0 1 | npy --kind p1 z.npy --labels y.npy | 0: 0.75 0.25; 1: $half
p1 behind its label | z.npy = npy '<f8' '(2, 2)' C 0 .25 1 .5 | npy --kind p1 z.npy | 0: 0.75 0.25; 1: $half
confidence before right | z.npy = npy '<f8' '(2, 2)' C .75 1 .5 0 | npy --kind confidence z.npy | predicted: 0.75 0.25; other: $half
confidence beside it | z.npy = npy '<f8' '(2,)' C .75 .5 ; y.npy = npy '|b1' '(2,)' C 1 0 | npy --kind confidence z.npy --labels y.npy | predicted: 0.75 0.25; other: $half
pixels are asked for | z.npy = npy '<f4' '(1, 2, 2, 2)' C 1 2 3 4 5 6 7 8 ; y.npy = npy '|u1' '(1, 2, 2)' C 0 1 1 255 | npy $zl | ! --class-axis 1
pixels | z.npy = npy '<f4' '(1, 2, 2, 2)' C 1 2 3 4 5 6 7 8 ; y.npy = npy '|u1' '(1, 2, 2)' C 0 1 1 255 | npy $zl --class-axis 1 --ignore 255 | 0: 1 5; 1: 2 6; 1: 3 7; -: 4 8 | 1 labels
pixels with a channel of labels | z.npy = npy '<f4' '(1, 2, 1, 2)' C 1 2 3 4 ; y.npy = npy '|u1' '(1, 1, 1, 2)' C 0 1 | npy $zl --class-axis 1 | 0: 1 3; 1: 2 4
pixels one-hot | z.npy = npy '<f4' '(1, 2, 1, 2)' C 1 2 3 4 ; y.npy = npy '|u1' '(1, 2, 1, 2)' C 0 1 1 0 | npy $zl --class-axis 1 | 1: 1 3; 0: 2 4
pixels in Fortran order | z.npy = npy '<f4' '(2, 2, 2)' F 1 2 3 4 5 6 7 8 ; y.npy = npy '|u1' '(2, 2)' F 0 1 0 1 | npy $zl --class-axis 1 | 0: 1 3; 0: 5 7; 1: 2 4; 1: 6 8
an axis that is not there | z.npy = npy $z ; y.npy = npy '<i8' '(2,)' C 0 1 | npy $zl --class-axis 2 | ! has 2 axes
NPZ, of one array | z.npy = npy '<f8' '(1, 3)' C 0 1 2 ; in.npz = npz stored z=z.npy | npz --kind logits in.npz | 0: 1 2
of two, which are named | z.npy = npy $z ; y.npy = npy '<i8' '(2,)' C 0 1 ; in.npz = npz deflated z=z.npy y=y.npy | npz --kind logits in.npz --array z --labels-array y | 0: 1 2; 1: 3 4
or asked for | in.npz = npz deflated z=z.npy y=y.npy | npz --kind logits in.npz | ! holds the arrays z, y; choose with --array
a name that is not there | in.npz = npz deflated z=z.npy y=y.npy | npz --kind logits in.npz --array w | ! no array 'w'; it holds z, y
labels of their own file | in.npz = npz stored z=z.npy | npz --kind logits in.npz --labels y.npy | 0: 1 2; 1: 3 4
labels in another archive | z.npy = npy $z ; in.npz = npz stored-streamed q=z.npy y=y.npy | npy --kind logits z.npy --labels in.npz --labels-array y | 0: 1 2; 1: 3 4
lengths behind the bytes | in.npz = npz deflated-streamed z=z.npy | npz --kind logits in.npz --labels y.npy | 0: 1 2; 1: 3 4
behind a text | in.npz = npz stored README=y.npy z=z.npy | npz --kind logits in.npz --labels y.npy | 0: 1 2; 1: 3 4
a text alone | in.npz = npz stored README=y.npy | npz --kind logits in.npz | ! none of its 1 members is called NAME.npy
a name twice | in.npz = npz stored z=z.npy z=z.npy | npz --kind logits in.npz --array z | ! two arrays named 'z'
safetensors | in.st = st z F32 '[2,2]' 1 2 3 4 , y I64 '[2]' 0 1 | safetensors --kind logits in.st --array z --labels-array y | 0: 1 2; 1: 3 4
bfloat16 and bool | in.st = st z BF16 '[2,2]' 1 2 -3 0.5 , y BOOL '[2]' 0 1 | safetensors --kind logits in.st --array z --labels-array y | 0: 1 2; 1: -3 0.5
a tensor asked for | in.st = st z F32 '[1,3]' 1 2 3 , y I64 '[1]' 0 | safetensors --kind logits in.st | ! holds the arrays z, y; choose with --array
a single value | in.st = st z F32 '[]' 1 | safetensors --kind logits in.st | ! is a single value
END
# A byte that is wrong, cut or too many is noticed. The directory (46 bytes, the name, and its end of 22) holds dates,
# which mean nothing.
"$TOOLS/mkarray" npy '<f8' '(2, 3)' C 0 1 2 1 3 4 >z.npy
for method in stored deflated; do
	"$TOOLS/mkarray" npz $method z=z.npy >in.npz
	n=$(wc -c <in.npz) wrong=
	for at in $(seq 0 7 $((n - 74))); do
		{ head -c "$at" in.npz; printf '\252'; tail -c +$((at + 2)) in.npz; } >bad.npz
		cmp -s in.npz bad.npz || ! vic-cat --from npz --kind logits bad.npz >out 2>err || wrong="$wrong $at"
	done
	head -c $((n - 1)) in.npz >bad.npz
	vic-cat --from npz --kind logits bad.npz >out 2>err && wrong="$wrong cut"
	{ cat in.npz; echo; } >bad.npz
	vic-cat --from npz --kind logits bad.npz >out 2>err && wrong="$wrong longer"
	{ echo; cat in.npz; } >bad.npz
	vic-cat --from npz --kind logits bad.npz >out 2>err && wrong="$wrong before"
	same "npz: every changed byte is noticed, $method" '' "$wrong"
done
fails 2 'npz and safetensors' '--array goes with archives' vic-cat --from npy --kind logits --array z z.npy
fails 2 'cannot be read twice' 'two arrays of stdin' vic-cat --from npz --kind logits --labels-array y - <in.npz
fails 2 'goes with csv' '--separator goes with csv' vic-cat --from tsv --kind logits --separator ';' in
fails 2 'confidence' '--among goes with --kind confidence' vic-cat --from csv --kind probs --among 3 in
fails 2 'confidence' 'nor does --labels-from' vic-cat --from csv --kind confidence --labels-from 1 in
fails 2 'goes with --from' '--ignore goes with --from' vic-cat --ignore 3 in
finish
