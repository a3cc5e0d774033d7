"$TOOLS/mkstream" logits 3 >l
"$TOOLS/mkstream" images 3 >i
try() {
	"$@"
	echo "status $?"
}
try vic-cat --head --check l
try vic-cat --from csv l
try vic-cat --from csv --kind logits --head l
try vic-cat --kind probs l
try vic-cat --from npy --kind logits l
try vic-cat --from csv --kind logits l l
try vic-cat --labels x l
try vic-cat --to csv i
try vic-cat --to npy i
try vic-cat --to npy --stats i
try vic-cat --limit 3 --stats i
try vic-cat --stats l i
try vic-cat --words i
try vic-cat --split dvel i
