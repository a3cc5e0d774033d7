# Every key of vic-score and vic-compare and every row of vic-report, in order; the numbers are tested elsewhere.
"$TOOLS/mkstream" passes 60 1 >passes
"$TOOLS/mkstream" logits 60 1 >other
awk 'BEGIN { for (i = 0; i < 12; i++) { printf "%d\t0.4", i % 6; for (k = 1; k < 6; k++) printf "\t0.12"; print "" } }' |
	vic-cat --from tsv --kind probs --classes a,b,c,d,e,f - >six
awk 'BEGIN { print "record\ta\tb\tc\td\te\tf"
	for (i = 0; i < 12; i++) printf "%d\t0.5\t0.1\t0.1\t0.1\t0.1\t0.1\n", i }' >truth
row() { tr '\n' ' ' && echo; }
vic-score --quiet --tsv --bins 15,100,7 --posterior truth six | cut -f 1 | row
vic-score --quiet --tsv --brief --bins 15,7 --posterior truth six | cut -f 1 | row
vic-score --quiet --tsv --bootstrap 3 passes | cut -f 1,3 | awk -F '\t' 'NR > 1 { print $1 ($2 == "" ? "" : "*") }' | row
vic-compare --quiet --tsv --split all passes other | cut -f 1 | row
vic-report --quiet --bootstrap 3 --split all passes six | grep -o 'scope="row\(group\)\?">[^<]*\(<small>[^<]*\)\?' | cut -d '>' -f 2- | tr '>' ':' | grep -v '^0'
