#!/bin/sh
# vic-reliability --worst: which records were wrong, the surest first, and by what name: vic-images --names has the name
# of each id, whatever was split off or left out between.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

# Ids in no order; right ones that are surer than all wrong ones; a tie (31 and 4); 1 - 1e-12 is surer than 1 - 1e-9.
cat >made.csv <<'END'
id,label,cat,dog,a\tb
9,cat,8,0,0
4,dog,3,1,0
31,dog,3,1,0
5,a\tb,20.7232658369,0,-99
2,cat,0,27.6310211159,-99
7,dog,0,9,0
3,cat,1,0,1.5
END
vic-cat --from csv --kind logits --id-column id --name made made.csv >logits
same 'the wrong ones, the surest first, ties as they came' 'stream	id	label	predicted	confidence	name
made	2	cat	dog	1	
made	5	a\tb	cat	0.999999999	
made	4	dog	cat	0.843794734	
made	31	dog	cat	0.843794734	
made	3	cat	a\tb	0.546549387	' "$(vic-reliability --worst 99 logits)"
same 'as many as were asked for' '2 5 4' \
	"$(vic-reliability --worst 3 logits | sed 1d | cut -f 2 | tr '\n' ' ' | sed 's/ $//')"
same 'of each stream' '2 4' "$(vic-reliability --worst 1 logits --name one --name two logits | grep -c 'one\|two') $(
	vic-reliability --worst 2 logits logits | grep -c '^made')"
same 'where none is wrong, none' 1 "$(sed -n '1,2p;7p' made.csv | vic-cat --from csv --kind logits --id-column id - |
	vic-reliability --worst 5 | wc -l)"
fails 2 'has no effect with --worst' 'a curve, too' vic-reliability --worst 3 --curve corp logits
fails 2 'has no effect with --worst' 'bins of no curve' vic-reliability --worst 3 --bins 5 logits

# Pictures: what was wrong by name. One that does not decode is left out and shifts no other.
mkdir -p photos/night photos/day
for i in 1 2 3 4 5 6; do
	"$TOOLS/mkphoto" 12 12 60 0 $i >photos/night/$i.png
	"$TOOLS/mkphoto" 12 12 180 0 1$i >photos/day/$i.png
done
"$TOOLS/mkphoto" 12 12 190 0 99 >photos/night/lamp.png # a mistake in the labels
echo broken >photos/day/2.png
vic-images -q --on-bad skip --names names --resize 12 photos >photos.vic
vic-train -q -m smallcnn --width 0.1 --epochs 30 --batch 4 --lr 0.05 --device ref -o model photos.vic
vic-predict -q --device ref model photos.vic >logits
id=$(vic-reliability --worst 1 logits | sed 1d | cut -f 2)
same 'the picture that was labelled wrongly' "$id	photos/night/lamp.png" "$(grep "^$id	" names)"
same 'its name travels' photos/night/lamp.png "$(vic-reliability --worst 1 logits | sed 1d | cut -f 6)"
# ... through every stage between, in blocks and threads of any number, and comes to no other record.
named() { # id and name of every record of a stream
	vic-cat "$1" | grep -v '^#' | awk -F '\t' '{ print $1 "\t" $NF }'
}
vic-split -q --dev 0.2 --seed 3 photos.vic | vic-images -q --format stream --resize 8 --class-subset night \
	--threads 3 - >some.vic
named photos.vic | grep night/ >want
named some.vic >got
ok 'vic-split keeps names, vic-images --format stream passes them on' cmp want got
vic-perturb -q --directions 2 --mu 0.1 some.vic >moved.vic
named moved.vic | uniq >got
ok 'so does vic-perturb' cmp want got
vic-split -q --dev 0.3 --seed 3 photos.vic >split.vic
vic-predict -q --device ref --split dev model split.vic >dev.logits
vic-cat split.vic | awk -F '\t' '$2 == "dev" { print $1 "\t" $NF }' >want
named dev.logits >got
ok 'vic-predict has those of the records it keeps' cmp want got
"$TOOLS/mkstream" named-tokens 3000 2 >in.tokens
"$TOOLS/mkstream" tokens 5 >bare.tokens
vic-embed -q --random --dim 2 bare.tokens in.tokens >text
{ named bare.tokens | sed 's/\t.*/\t/'; named in.tokens; } | cut -f 2 >want
named text | cut -f 2 >got
ok 'vic-embed joins streams with names and without' cmp want got
"$TOOLS/mkstream" named-logits 70000 >many.logits
vic-cat many.logits | awk -F '\t' '!/^#/ { print $1 "\t" $5 }' | sort >want
for threads in 1 4; do
	vic-reliability --split all --threads $threads --worst 99999 many.logits >worst.$threads
	sed 1d worst.$threads | cut -f 2,6 | sort | join -t '	' -v 1 - want >other
	same "each has its own, with $threads threads" '' "$(cat other)"
done
ok 'the same list with any number of threads' cmp worst.1 worst.4
vic-calibrate -q --split train -o map many.logits
vic-calibrate -q --apply map --split test many.logits >mapped
vic-cat many.logits | awk -F '\t' '$2 == "test" { print $1 "\t" $NF }' >want
named mapped >got
ok 'vic-calibrate keeps names' cmp want got
cat >texts.csv <<'END'
url,text,label
http://x/1,a good film,pos
http://x/2,"a bad film, twice",neg
,nothing to say,neg
END
for classes in '' --classes=neg,pos; do
	vic-tokenize -q -f csv --name-column url $classes texts.csv >texts.tokens
	same "vic-tokenize takes texts' names from a column $classes" 'pos a good film http://x/1,neg a bad film , twice http://x/2,neg nothing to say ,' \
		"$(vic-cat texts.tokens | grep -v '^#' | cut -f 3- | tr '\t\n' ' ,')"
done
fails 1 'no column is named "link"; choose with --name-column' 'a column that is not there' \
	vic-tokenize -f csv --name-column link texts.csv
fails 2 'goes with --format csv' 'names of a format without columns' vic-tokenize -f lines --name-column 1 texts.csv
same 'vic-cat counts them' 'named 56000' "$(vic-cat --stats many.logits | grep named)"
printf 'file,label,a,b\nodd\\tname,0,1,2\n"two\nlines",1,2,1\n' >theirs.csv
same 'names of other programs, escaped' 'theirs	1	b	a	0.731058579	two\nlines
theirs	0	a	b	0.731058579	odd\\tname' "$(vic-cat --from csv --kind logits --name theirs --name-column file theirs.csv |
	vic-reliability --worst 9 | sed 1d | sort -t '	' -k 2,2r)"
same 'names has a header and a line for each picture found' 14 "$(wc -l <names)"
fails 2 'names has no meaning with this --format' 'names of records that have none' \
	vic-images -q --format stream --names other photos.vic
finish
