"$TOOLS/mkstream" text 1 | vic-cat --words
