"$TOOLS/mkstream" tokens 6 | vic-cat
