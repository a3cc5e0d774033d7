# The gnuplot scripts of every kind of table, for one panel and for several, with a title and without, SVG and PNG.
tables() { # tables KIND GROUPS: a table of whole and half numbers
	awk -v kind="$1" -v groups="$2" 'BEGIN {
		OFS = "\t"
		if (kind == "bins") print "stream", "bin", "low", "high", "n", "confidence", "accuracy", "gap", "accuracy_low", "accuracy_high", "band_low", "band_high"
		if (kind == "histogram") print "stream", "bin", "low", "high", "n", "share", "right", "wrong", "share_low", "share_high"
		if (kind == "corp") print "stream", "block", "n", "confidence", "accuracy", "band_low", "band_high"
		if (kind == "scatter") print "stream", "group", "n", "confidence", "accuracy"
		if (kind == "density") print "stream", "confidence", "accuracy", "groups", "density"
		if (kind == "entropy") print "alpha", "bin", "low", "high", "share", "density"
		if (kind == "training") print "run", "epoch", "quantity", "value"
		if (kind == "hull") print "stream", "mu", "n", "accuracy", "accuracy_low", "accuracy_high", "confidence", "entropy"
		for (g = 1; g <= groups; g++) {
			name = "stream " g
			for (b = 0; b < 2; b++) {
				if (kind == "bins") print name, b + 1, b / 2, (b + 1) / 2, b * g, b ? 0.75 : "", b ? 0.5 : "", b ? 0.25 : "", b ? 0.125 : "", b ? 0.875 : "", b ? 0.25 : "", b ? 1 : ""
				if (kind == "histogram") print name, b + 1, b / 2, (b + 1) / 2, 4 * g + b, 0.5, g == 2 ? 0 : 3 * g, g == 2 ? 0 : g + b, 0.2, 0.8
				if (kind == "corp") print name, 1 + b, 4, 0.25 + b / 2, 0.5 * b, "", ""
				if (kind == "scatter") print name, b + 1, 10, 0.5 + b / 4, 0.25 + b / 2
				if (kind == "density") print name, 0.25 + b / 2, 0.25, 3 * b, 1.5 * b
				if (kind == "entropy") print g / 4, b + 1, b * 0.25, (b + 1) * 0.25, b ? 0.75 : 0.25 / g, b ? 3 : 1
				if (kind == "hull") print name, b ? 50 * g : (g == 1 ? 0 : 1), 100, 0.5, 0.25, 0.75, 0.5 + b / 4, 0.125 * (b + g)
				if (kind == "training") {
					print name, b, "train_loss", 2 / (b + g)
					print name, b, "dev_accuracy", b ? 0.5 : 0.25
					print name, b, "lr", 0.1
					if (g > 1) print name, b, "dev_ece", 0.125
					if (g > 1) print name, b, "label_entropy", 0.5
				}
			}
		}
	}'
}
rest=
for kind in bins histogram corp scatter density entropy training hull; do
	for groups in 1 2; do
		echo "== $kind, $groups"
		tables $kind $groups | vic-plot --script --format png - | sed "$rest"
		rest='/^set \(style\|encoding\|border\|tics nomirror\|grid\|datafile\)/d; /noenhanced$/d'
	done
done
for groups in 3 4 5 8; do
	echo "== scatter, $groups"
	tables scatter $groups | vic-plot --script --panel 170 --title 'all of them' - | grep -v '^[0-9$E]' | sed "$rest"
	echo "== hull, $groups"
	tables hull $groups | vic-plot --script --panel 170 --title 'all of them' - | grep -v '^[0-9$E]' | sed "$rest"
done
