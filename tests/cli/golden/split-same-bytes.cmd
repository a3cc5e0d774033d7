# From a file, from a redirected file, from a pipe, and in two documents.
"$TOOLS/mkstream" text 30 2 >x
vic-split -q --dev .3 --remark x >a
vic-split -q --dev .3 --remark <x >b
cat x | vic-split -q --dev .3 --remark >c
cmp a b && cmp a c && vic-cat --stats a
