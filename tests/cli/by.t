#!/bin/sh
# Groups of records: vic-score --by.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

# Three groups of unlike quality: b's labels are turned in a third of its records.
"$TOOLS/mklogits" n=900 classes=7 temperature=2 noise=1 seed=3 >raw
vic-cat --to tsv raw | sed 1d | awk -F '\t' 'BEGIN { OFS = FS } { g = NR % 4 ? NR % 4 > 1 ? "a" : "b" : "c"
	if (g == "b" && NR % 3 == 0) $1 = $1 == "class 0" ? "class 1" : "class 0"
	print > "all.tsv"; print > g ".tsv"; print NR - 1 "\t" g > "ids"; print g > "lines" }'
classes='class 0,class 1,class 2,class 3,class 4,class 5,class 6'
for f in all a b c; do vic-cat --from tsv --kind logits --classes "$classes" $f.tsv >$f 2>/dev/null; done

# A group has the numbers of a stream of its records: points, floors, and with its level its intervals.
column() {
	awk -F '\t' -v want="$1" 'NR == 1 { for (i = 2; i <= NF; i++) at[$i] = i; next }
		{ print $1, $at[want], $at[want " low"], $at[want " high"] }' "$2"
}
vic-score -q --tsv --by ids --bins 15,40 all >got
level=$(awk 'BEGIN { printf "%.17g", 0.95 ^ (1 / 3) }')
for g in a b c; do
	vic-score -q --tsv --bins 15,40 --bootstrap 200 --level "$level" --name it $g >alone
	column it alone | sed 's/ *$//' >want
	column "group=$g" got | grep -v permutations | sed 's/ *$//' | cmp - want
	tap $? "group $g: what its records alone give"
done
vic-score -q --tsv --bins 15,40 --bootstrap 200 --name it all >alone
column it alone | sed 's/ *$//' >want
column all got | grep -v permutations | sed 's/ *$//' | cmp - want
tap $? 'all: what they give without groups, level and all'

same 'the worst is lowest in accuracy, highest in errors' \
	"$(for m in accuracy nll; do for g in a b c; do vic-score -q --tsv --floor 0 --name it $g |
		awk -F '\t' -v m=$m -v g=$g '$1 == m { print m, "group=" g, $2 }'; done |
		sort -k3g | { [ $m = accuracy ] && head -1 || tail -1; }; done)" \
	"$(awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
		$1 == "accuracy" || $1 == "nll" { print $1, $at["worst group"], $at["worst"] }' got)"
same 'what is of the data is not judged' '' "$(awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i }
	$1 == "corp_unc" || $1 == "entropy" || $1 == "n" { printf "%s", $at["worst"] }' got)"
same 'groups that differ are found to' 'accuracy 0.001|nll 0.001|' "$(awk -F '\t' 'NR > 1 && $NF != "" &&
	($1 == "accuracy" || $1 == "nll") { printf "%s %s|", $1, $NF }' got)"
again() { vic-score -q --tsv --bins 15,40 --bootstrap 50 --by "$@" all; }
again ids --threads 2 >got
again ids --threads 1 | cmp -s - got
tap $? 'by one thread the same bytes'
again lines | cmp -s - got
tap $? 'groups alone, in the order of the records'
sort -R ids >mixed
same 'ids in any order; JSON: an object a column' 'all group=a group=b group=c p of no difference worst worst group' \
	"$(vic-score -q --json --by mixed --brief all | sed 's/^{"name":"\([^"]*\)".*/\1/' | sort | tr '\n' ' ' | sed 's/ $//')"
fails 2 "has a column 'worst' of its own" "--by's own names" vic-score -q --by ids --name worst all
{ printf 'record\tgroup\r\n'; sed 's/$/\r/' ids; } >dos
again dos | cmp -s - got
tap $? 'a header and CRs are no part of it'
same 'all at --bootstrap 0: no intervals' 0 "$(vic-score -q --tsv --by ids --bootstrap 0 all | head -1 | grep -c low)"

# Columns of the stream.
same 'by label' "$(cut -f1 all.tsv | sort | uniq -c | awk '{ print "label=" $2, $3, $1 }')" \
	"$(vic-score -q --tsv --brief --bootstrap 0 --by label all | awk -F '\t' 'NR == 1 { for (i = 3; i < NF - 2; i++) name[i] = $i }
	$1 == "n" { for (i = 3; i < NF - 2; i++) print name[i], $i }')"
same 'by predicted class: n of --per-class' "$(vic-score -q --tsv --per-class all | awk -F '\t' 'NR > 1 && $3 { print $3 }')" \
	"$(vic-score -q --tsv --brief --bootstrap 0 --by predicted all | awk -F '\t' '$1 == "n" { for (i = 3; i < NF - 2; i++) print $i }')"
vic-split -q --test 0.3 --dev 0.2 all >split
like 'by split: all of them' 'split=train *split=dev *split=test' "$(vic-score --by split --brief split 2>&1)"
like 'of the chosen split alone, and it is said' '2 groups of split have no record' "$(vic-score --by split --split dev --brief split 2>&1)"
like 'one group is nothing to compare' 'all records are in one group' "$(vic-score --by split --brief all 2>&1)"
ok 'a file called as a column' sh -c 'cp ids label; vic-score -q --by ./label --brief all'
like 'an ensemble is one stream' 'group=a' "$(vic-score -q --ensemble --by ids --brief all all)"

# Coverage by group: of the sets that are printed.
vic-split -q --dev 0.4 --seed 2 all >parts
vic-conformal -q --split dev parts >bound
vic-conformal -q --apply bound --split train -o sets --by ids --table --tsv parts >table
for g in a b c; do
	same "coverage of $g" "$(awk -F '\t' -v g="$g" 'NR == FNR { is[$1] = $2; next } FNR > 1 && is[$1] == g { n++; hit += $3
		size += $4 } END { printf "%d %.12g %.12g\n", n, hit / n, size / n }' ids sets)" \
		"$(awk -F '\t' -v g="group=$g" '$1 == g { printf "%d %.12g %.12g\n", $2, $3, $6 }' table)"
done
like 'by predicted class, on stderr' 'predicted=class 6 ' "$(vic-conformal --apply bound --split train --by predicted parts 2>&1 >sets)"
same 'a split that is not chosen has no row' 1 "$(vic-conformal -q --apply bound --split train --by split --table --tsv parts |
	grep -c '^split=')"
fails 1 'the record with id 0 has no line in some' 'a record without a group there' sh -c 'sed 1d ids >some
	vic-conformal -q --apply bound --split train --by some parts'
fails 2 'belongs to --apply' 'groups of a fit' vic-conformal --by label parts

# What is wrong in a file of groups is said, with its line.
bad() {
	name=$1 want=$2
	shift 2
	printf "$@" >bad
	fails 1 "$want" "$name" vic-score --by bad all
}
head -899 ids >few
fails 1 'the record with id 899 has no line in few' 'a record without a group' vic-score --by few all
{ cat ids; printf '900\ta\n'; } >more
fails 1 'more: line 901: no record of all has the id 900' 'a group without a record' vic-score --by more all
{ cat ids; printf '7\ta\n'; } >twice
fails 1 'twice: line 901: id 7 stands on line 8 already' 'an id that stands twice' vic-score --by twice all
head -5 lines >few
seq 0 899 | sed 's/$/,a/' >commas
fails 1 "commas: its lines begin with ids and ','; a tab is what parts an id from its group: tr ',' " \
	'ids that no tab parts from their groups' vic-score --by commas all
sort -R commas >shuffled
fails 1 "shuffled: its lines begin with ids and ','" 'in any order' vic-score --by shuffled all
{ echo 'id;group' && seq 10 909 | sed 's/$/;a/'; } >semicolons
fails 1 "semicolons: its lines begin with ids and ';'" 'nor under a header' vic-score --by semicolons all
seq 0 899 | sed 's/.*/5 stars/; n; s/.*/4 stars/' >stars
ok 'groups that begin with a number are groups' vic-score --by stars all
fails 1 'few: 5 lines without ids for the 900 records' 'too few lines' vic-score --by few all
bad 'an id that is no number' "line 1: an id: 'x' is not a whole number" 'x\ta\n'
bad 'no group' 'bad: line 2: names no group' '0\ta\n1\t\n'
bad 'an empty line' 'bad: line 2: is blank' 'a\n\nb\n'
bad 'a group that cannot be seen' 'bad: line 2: names no group: there is white space alone' '0\ta\n1\t \n'
bad 'three fields' 'line 1: more than two fields' '0\ta\tb\n'
bad 'lines of both kinds' 'line 2: lacks an id, unlike' '0\ta\nb\n'
bad 'a NUL' 'line 1: holds a NUL' '0\ta\000\n'
bad 'nothing' 'bad: holds no groups' ''
bad 'a header alone' 'bad: holds no groups' 'id\tgroup\n'
awk '{ print NR - 1 "\t" NR }' lines | cat >each
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sed "s/$/x$i/" each; done | awk '{ print NR - 1 "\t" $2 }' >many
fails 1 "many: line 10001: more than 10000 groups" 'a group a record' vic-score --by many all
fails 2 "'lable' is none of split, label and predicted, and no file" 'no such column' vic-score --by lable all
fails 1 'no/such' 'no such file' vic-score --by no/such all
printf 'a\377\nb\n' >latin
head -2 all.tsv | vic-cat --from tsv --kind logits --classes "$classes" - >two
like 'a group that is not UTF-8' 'group=a.xff' "$(vic-score --by latin --brief two)"
fails 1 'is not UTF-8' 'in JSON it cannot be' vic-score --by latin --brief --json two
for wrong in --seeds --separate --per-class '--compat guo'; do
	# shellcheck disable=SC2086
	fails 2 "leave out ${wrong%% *}" "$wrong is refused" vic-score --by ids $wrong all
done
fails 2 'of one stream' 'two streams are refused' vic-score --by ids all all
fails 2 'goes with --bootstrap above 0' 'a level of no interval' vic-score --by ids --bootstrap 0 --level 0.9 all

# What looks like one group and is two is said.
sed 's/.*/a/; 7s/$/ /; 9s/a/A/' lines >seeming
like 'groups that differ in white space' "seeming: group 'a ' differs from an earlier one in white space or case" \
	"$(vic-score --by seeming --brief --bootstrap 0 all 2>&1 >/dev/null)"
vic-report --by seeming --bootstrap 0 --floor 0 -o page all 2>said
like 'on a page too' "group 'a ' differs" "$(cat said)"
vic-score --by lines --brief --bootstrap 0 all 2>said >/dev/null
same 'others do not' 0 "$(grep -c 'differs from' said)"
{ printf 'ID\tGROUP\n' && cat ids; } >headed
same 'a header in capitals' "$(vic-score -q --by ids --tsv --bootstrap 0 all)" \
	"$(vic-score -q --by headed --tsv --bootstrap 0 all)"
finish
