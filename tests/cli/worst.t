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
same 'the wrong ones, the surest first, ties as they came' 'stream	id	label	predicted	confidence
made	2	cat	dog	1
made	5	a\tb	cat	0.999999999
made	4	dog	cat	0.843794734
made	31	dog	cat	0.843794734
made	3	cat	a\tb	0.546549387' "$(vic-reliability --worst 99 logits)"
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
id=$(vic-predict -q --device ref model photos.vic | vic-reliability --worst 1 | sed 1d | cut -f 2)
same 'the picture that was labelled wrongly' "$id	photos/night/lamp.png" "$(grep "^$id	" names)"
same 'names has a header and a line for each picture found' 14 "$(wc -l <names)"
fails 2 'names has no meaning with this --format' 'names of records that have none' \
	vic-images -q --format stream --names other photos.vic
finish
