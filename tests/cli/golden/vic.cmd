try() {
	"$@"
	echo "status $?"
}
try vic tokenise
try vic nothing-like-it
try vic ../sh
try vic
try vic help tokenise
try vic help cat split
try vic cat --hlep
"$TOOLS/mkstream" logits 2 | try vic cat --to csv
vic help split | head -1
vic help | awk '/^  [a-z]/ { print $1 }'
