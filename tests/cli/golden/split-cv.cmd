"$TOOLS/mkstream" tokens 40 >x
for i in 0 1 2; do
	vic-split --cv 3 --fold $i --dev 0.2 --remark --seed 5 x | vic-cat --split test | grep -v '^#' | cut -f 1,2,3
done | sort -n
