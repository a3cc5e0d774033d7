for kind in logits f64 probs passes; do
	"$TOOLS/mkstream" $kind 2 | vic-cat
done
