"$TOOLS/mkstream" text 4 2 | vic-cat --split train
