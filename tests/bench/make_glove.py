"""A file in GloVe's text format for benchmarks: make_glove.py OUT [ROWS] [DIM] [WORDS].

WORDS (a file, one word a line) are spread evenly over the rows; the other rows have made-up words. Numbers look as in
glove.6B (five significant digits); 4096 rows of them are formatted once and used in turn, so that a file of 1 GB is
made in seconds. Same arguments, same bytes."""
import sys

import numpy as np


def main():
    out = sys.argv[1]
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 400000
    dim = int(sys.argv[3]) if len(sys.argv) > 3 else 300
    words = open(sys.argv[4], "rb").read().split(b"\n")[:-1] if len(sys.argv) > 4 else []
    rng = np.random.default_rng(1)
    tails = []
    for row in rng.normal(0, 0.4, (4096, dim)):
        tails.append((" " + " ".join("%.5g" % x for x in row) + "\n").encode())
    step = rows / len(words) if words else 0
    at = 0
    with open(out, "wb") as f:
        for i in range(rows):
            if at < len(words) and i >= at * step:
                word = words[at]
                at += 1
            else:
                word = b"row%06d" % i
            f.write(word + tails[i % 4096])


main()
