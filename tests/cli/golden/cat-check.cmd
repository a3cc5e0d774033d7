"$TOOLS/mkstream" probs 1 >x
vic-cat --check x
"$TOOLS/mkstream" passes 4 3 | vic-cat --check - x
