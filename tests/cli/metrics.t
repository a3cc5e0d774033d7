#!/bin/sh
# The examples of docs/METRICS.md, run as they stand: after "$ " a command ("> " continues it), then what it prints.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1

console METRICS.md
run_console
ok 'there are examples' test -f 010.sh
finish
