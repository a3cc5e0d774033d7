"$TOOLS/mkstream" tokens 24 >"a file"
vic-split -q --cv 3 --fold 1 --remark "a file" | vic-split --quiet --dev .25 | vic-cat --provenance
printf 'label,a,b\na,1,2\n' >"it's"
vic-cat --from csv --kind logits --name '$HOME' "it's" | vic-cat --provenance
