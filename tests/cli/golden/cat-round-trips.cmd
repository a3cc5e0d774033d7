# What goes out comes back: values, labels and classes; only provenance, ids and splits are new.
for kind in logits f64 probs; do
	"$TOOLS/mkstream" $kind 8 >x
	values=${kind#f64}
	[ "$kind" = probs ] || values=logits
	vic-cat x | grep -v '^#' | cut -f 3- >want
	dtype=f32
	[ "$kind" = f64 ] && dtype=f64
	for form in csv tsv; do
		vic-cat --to $form x | vic-cat --from $form --kind $values --dtype $dtype | vic-cat | grep -v '^#' | cut -f 3- | cmp - want && echo "$kind $form"
	done
	vic-cat --to npy x | vic-cat --from npy --kind $values --classes neg,pos | vic-cat | grep -v '^#' | cut -f 3- | cmp - want && echo "$kind npy"
	vic-cat --to npy --labels l.npy x >v.npy && vic-cat --from npy --kind $values --classes neg,pos --labels l.npy v.npy | vic-cat | grep -v '^#' | cut -f 3- | cmp - want && echo "$kind npy, labels apart"
done
"$TOOLS/mkstream" passes 8 >x
vic-cat x | grep -v '^#' | cut -f 3- >want
vic-cat --to npy --labels l.npy x >v.npy && vic-cat --from npy --kind logits --classes neg,pos --labels l.npy v.npy | vic-cat | grep -v '^#' | cut -f 3- | cmp - want && echo "passes npy"
