#!/bin/sh
# The examples of docs/METRICS.md, run as they stand: after "$ " a command ("> " continues it), then what it prints.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

# One file a command (NAME.sh) and one for what it should print (NAME.want), in order.
awk '
	/^```console$/ { on = 1; next }
	/^```/ { on = 0; close(want) }
	!on { next }
	/^\$ / { close(cmd); close(want); n++; cmd = sprintf("%03d.sh", n); want = sprintf("%03d.want", n); printf "" > want
		print substr($0, 3) > cmd; next }
	/^> / { print substr($0, 3) > cmd; next }
	{ print > want }
' "$ROOT/docs/METRICS.md"

for cmd in [0-9]*.sh; do
	sh "$cmd" >got 2>&1
	same "$(head -1 "$cmd" | cut -c1-90 | tr -d '\\')" "$(cat "${cmd%.sh}.want")" "$(cat got)"
done
ok 'there are examples' test -f 010.sh
finish
