for kind in tokens text images jpeg pixels logits passes; do
	"$TOOLS/mkstream" $kind 10 2 | vic-cat --stats
done
