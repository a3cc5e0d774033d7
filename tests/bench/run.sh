#!/bin/sh
# make bench: the tables of docs/PERFORMANCE.md, every row beside its peer in one run. Peers come from PyPI into a
# virtual environment of their own (VIC_PYTHON names another Python that has them). Nothing here fails when a row is
# slow: timings are shown, not asserted.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
BIN=${BIN:-$root/build/bin}
export BIN
python=${VIC_PYTHON:-$root/build/venv/bin/python}
peers="numpy scipy scikit-learn torch torchmetrics netcal nltk gensim pillow torchvision"
cd "$root"
if ! [ -x "$python" ]; then
	echo "bench: the peers need $python with: $peers (PyTorch is large)" >&2
	if [ "${YES:-0}" != 1 ]; then
		[ -t 0 ] || { echo "bench: run with YES=1 to have them installed, or set VIC_PYTHON" >&2; exit 1; }
		printf 'Make it now? [y/N] ' >&2
		read -r answer
		case $answer in y | Y | yes) ;; *) exit 1 ;; esac
	fi
	python3 -m venv "$root/build/venv"
	# shellcheck disable=SC2086
	"$python" -m pip install -q $peers
fi
printf '%-76s %12s %12s %-14s %s\n' what ours peer unit ratio
for b in tests/bench/bench_*.py; do
	"$python" "$b" "$@" | awk -F '\t' \
		'NF == 5 { printf "%-76s %12s %12s %-14s %sx\n", $1, $2, $3, $4, $5; next } { print }' ||
		echo "bench: $b failed" >&2
done
