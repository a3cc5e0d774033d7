#!/bin/sh
# The programs inside the documents do what the pages say: docs/STREAM.md's filter in C and writer in Python, and the
# program in docs/CONTRIBUTING.md.
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
# What runs a program for another processor (make test-arm); nothing for one of this machine.
run=${RUNNER:-}

# block LANGUAGE PAGE: the page's code in that language.
block() {
	awk -v lang="$1" '$0 == "```" lang { inside = 1; next } /^```/ { inside = 0 } inside' "$ROOT/docs/$2"
}

block c STREAM.md >marktest.c
# From the project's root: what CC and COMPILE name may be relative to it.
ok 'the filter compiles without a warning' sh -c \
	"cd '$ROOT' && ${CC:-cc} -std=c11 -Wall -Wextra -Werror -O2 -o '$T/marktest' '$T/marktest.c' -lz"
for kind in tokens text images jpeg pixels logits f64 passes; do
	"$TOOLS/mkstream" "$kind" 20 2 >in
	$run ./marktest <in >out
	ok "its output is a stream: $kind" vic-cat --check out
	vic-cat in | cut -f 1,3- >want
	vic-cat out | cut -f 1,3- >got
	same "and holds the same records: $kind" "$(cksum <want)" "$(cksum <got)"
	same "all marked test: $kind" "test" "$(vic-cat out | grep -v '^#' | cut -f 2 | sort -u)"
done
same 'it leaves its line' 'marktest' "$(vic-cat --provenance out | tail -1)"
head -c 700 in >cut
$run ./marktest <cut >out 2>err
same 'it notices a cut stream' '1 marktest: the stream is truncated' "$? $(cat err)"
fails 1 truncated 'and what it wrote until then is no whole stream' vic-cat --check out

block python STREAM.md >writer.py
n=$(wc -l <writer.py)
[ "$n" -le 30 ]
tap $? "the Python writer has at most 30 lines ($n)"
python=
for candidate in ${PYTHON:+"$PYTHON"} python3; do
	"$candidate" -c 'import numpy' 2>/dev/null && python=$candidate && break
done
if [ -n "$python" ]; then
	for kind in logits f64; do
		"$TOOLS/mkstream" $kind 5000 >want.stream
		vic-cat --to npy --labels labels.npy want.stream >values.npy
		"$python" writer.py values.npy labels.npy neg,pos >out
		ok "the Python writer's stream is whole: $kind" vic-cat --check out
		vic-cat want.stream | grep -v '^#' | cut -f 1,3- >want
		vic-cat out | grep -v '^#' | cut -f 1,3- >got
		ok "and holds what NumPy had: $kind" cmp want got
	done
	"$python" - <<'END'
import numpy as np
a = np.arange(12, dtype=np.float32).reshape(4, 3)
np.save("c.npy", a[:, 1:]); np.save("fortran.npy", np.asfortranarray(a)); np.save("half.npy", a.astype(np.float16))
np.save("big.npy", a.astype(">f8")); np.save("whole.npy", a.astype(int)); np.save("y.npy", np.array([0, 1, 2, 0], np.uint8))
np.savez("packed.npz", z=a, y=[0, 1, 2, 0]); np.savez_compressed("small.npz", z=a, y=np.array(["0", "1", "2", "0"]))
np.savetxt("a.csv", np.c_[[0, 1, 2, 0], a], delimiter=",", header="by savetxt"); np.savetxt("a.txt", np.c_[[0, 1, 2, 0], a])
END
	fails 1 'whole numbers' 'NumPy whole numbers are no logits' vic-cat --from npy --kind logits --labels y.npy \
		whole.npy
	for file in fortran half big; do
		same "NumPy's $file.npy is read" '0 1 2,3 4 5,6 7 8,9 10 11' \
			"$(vic-cat --from npy --kind logits --labels y.npy $file.npy | vic-cat | grep -v '^#' | cut -f 4 | paste -s -d ,)"
	done
	for how in 'npz --array z --labels-array y packed.npz' 'npz --array z --labels-array y small.npz' 'csv a.csv' \
		'csv --separator space a.txt'; do
		same "so is ${how##* }" '0 0 1 2,1 3 4 5,2 6 7 8,0 9 10 11' \
			"$(vic-cat -q --kind logits --from $how | vic-cat | grep -v '^#' | cut -f 3,4 | tr '\t' ' ' | paste -s -d ,)"
	done
	"$python" -c '
import numpy as np
a = np.load("values.npy"); y = np.load("labels.npy")
assert a.shape == (5000, 2) and a.dtype == np.float64 and y.dtype == np.int64 and y.shape == (5000,)'
	tap $? 'NumPy reads what vic-cat --to npy writes'
else
	skip 'the Python writer' 'no python3 with numpy'
fi

# COMPILE and LINK come from the Makefile: the compiler with its flags, the pipe's library with its libraries.
if [ -n "${COMPILE:-}" ]; then
	block c CONTRIBUTING.md >vic-first.c
	ok 'the program of CONTRIBUTING.md compiles' sh -c \
		"cd '$ROOT' && $COMPILE -Werror -o '$T/vic-first' '$T/vic-first.c' $LINK"
	"$TOOLS/mkstream" tokens 9 >in
	same 'it prints labels' '0 1 0' "$($run ./vic-first --limit 3 in | paste -s -d ' ')"
	head -c 800 in >cut
	fails 1 'truncated after record 0' 'it notices a cut stream' $run ./vic-first cut
	fails 2 "did you mean '--limit'" 'it knows its options' $run ./vic-first --limti 3 in
else
	skip 'the program of CONTRIBUTING.md' 'COMPILE and LINK are not set; make check sets them'
fi
finish
