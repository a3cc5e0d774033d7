#!/bin/sh
# The demo, shortened, on data that it makes itself, and so to its end everywhere.
. "$(dirname "$0")/lib.sh"

SYNTHETIC=1 FOLDS=2 EPOCHS=1 OUT="$T/demo" sh "$ROOT/pipeline/recipes/demo.sh" >"$T/out" 2>"$T/err"
status=$?
same 'the demo runs to its end' 0 $status
[ $status = 0 ] || diag "$T/err"
same 'text and images stand in one table' 1 \
	"$(grep -c '^metric *text: baseline *text: mixup *images: baseline *images: mixup$' "$T/out")"
same 'of all records of both' 1 "$(grep -c '^n  *10000  *10000  *2000  *2000$' "$T/out")"
same 'and the true errors of both are told' 2 "$(grep -c '^true_ece ' "$T/out")"
like 'every command is shown' '^+ vic-train .*--model smallcnn.*--mixup 0.4' "$(cat "$T/err")"

finish
