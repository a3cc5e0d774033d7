"$TOOLS/mkstream" tokens 3 | vic-cat --to tsv
"$TOOLS/mkstream" text 3 | vic-cat --to csv
"$TOOLS/mkstream" logits 3 | vic-cat --to csv
"$TOOLS/mkstream" f64 3 | vic-cat --to tsv
"$TOOLS/mkstream" images 1 | vic-cat --to pnm | od -A d -t u1 | head -3
