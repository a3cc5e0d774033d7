"$TOOLS/mkstream" text 4 >x
vic-split --dev .5 --remark --quiet x | vic-cat --head - x
