printf 'label,cat,"a ""dog"""\ncat,1,-inf\n"a ""dog""",0.1,3e-5\n,7,8\n1,1,1\n' | vic-cat --from csv --kind logits --split test | vic-cat
printf '1\t.25\t.75\n-1\t0.5\t0.5\n' | vic-cat --from tsv --kind probs --dtype f32 --classes no,yes --name theirs | vic-cat
