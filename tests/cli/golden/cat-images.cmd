"$TOOLS/mkstream" images 2 >images
"$TOOLS/mkstream" jpeg 2 | vic-cat images -
"$TOOLS/mkstream" pixels 2 | vic-cat --limit 1
