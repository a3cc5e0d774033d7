"""Loading word vectors: vic-embed beside gensim, a loop with numpy, and cat, in one run.

    BIN=build/bin python3 tests/bench/bench_glove.py

Prints a row for each: name, ours, peer, unit, ratio, separated by tabs. Unit MB/s is of the file of vectors (10^6 bytes),
which lies in the page cache; ours is the whole program, started, with the tokens of MR (or of a synthetic corpus, said in
the name), writing a stream to /dev/null. gensim loads every row; the numpy loop, as in most scripts, splits every line and
keeps the rows of the vocabulary. All figures are medians. The 1 GB file is made by make_glove.py in a temporary folder.
"""
import gzip
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.environ.get("BIN", "build/bin")


def median_time(work, runs):
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def tool(name):
    return os.path.join(BIN, name)


def make_tokens(folder):
    """Writes a stream of tokens; returns its path, its words and what it is."""
    tokens = os.path.join(folder, "x.tokens")
    for root in filter(None, [os.environ.get("VIC_DATA"), "data", "../shared/data"]):
        mr = os.path.join(root, "mr")
        if os.path.exists(os.path.join(mr, "rt-polarity.neg")):
            what = "MR"
            break
    else:
        what, mr = "synthetic", os.path.join(folder, "synth")
        subprocess.run([tool("vic-corpora"), "synth", "text", "-q", "--vocabulary", "18764", "--to", mr], check=True)
    with open(tokens, "wb") as f:
        subprocess.run([tool("vic-tokenize"), "-q", "--format", "mr", "--rules", "kim", "--lower", mr], stdout=f, check=True)
    twin = subprocess.run([tool("vic-embed"), "-q", "--random", "--dim", "1", tokens], stdout=subprocess.PIPE, check=True).stdout
    words = subprocess.run([tool("vic-cat"), "--words", "-"], input=twin, stdout=subprocess.PIPE, check=True).stdout
    return tokens, [line.split(b"\t")[0] for line in words.split(b"\n") if line], what


def make_vectors(path, rows, words, folder):
    listing = os.path.join(folder, "words")
    with open(listing, "wb") as f:
        f.write(b"".join(w + b"\n" for w in words))
    subprocess.run([sys.executable, os.path.join(HERE, "make_glove.py"), path, str(rows), "300", listing], check=True)


def ours(tokens, *more):
    command = [tool("vic-embed"), "-q", *more, tokens]
    return lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def numpy_loop(path, vocabulary):
    found = {}
    with open(path, encoding="utf-8", newline="\n") as f:
        for line in f:
            fields = line.rstrip("\n").split(" ")
            if fields[0] in vocabulary:
                found[fields[0]] = np.array(fields[1:], dtype=np.float32)
    return found


def row(name, mine, peer, unit="MB/s"):
    print(f"{name}\t{mine:.0f}\t{peer:.0f}\t{unit}\t{mine / peer:.2f}", flush=True)


def main():
    from gensim.models import KeyedVectors

    folder = tempfile.mkdtemp()
    try:
        tokens, words, what = make_tokens(folder)
        big, small = os.path.join(folder, "big.txt"), os.path.join(folder, "small.txt")
        make_vectors(big, 400000, words, folder)
        make_vectors(small, 40000, words, folder)
        mb = {path: os.path.getsize(path) / 1e6 for path in (big, small)}
        rate = lambda path, work, runs: mb[path] / median_time(work, runs)
        for path in (big, small):
            subprocess.run(["cat", path], stdout=subprocess.DEVNULL, check=True)

        name = f"vic-embed, {len(words)} words of {what}, GloVe text"
        cat = rate(big, lambda: subprocess.run(["cat", big], stdout=subprocess.DEVNULL, check=True), 9)
        row(f"{name} 1.04 GB, vs cat", rate(big, ours(tokens, "--vectors", big), 9), cat)
        row(f"{name} 1.04 GB, 1 thread, vs cat", rate(big, ours(tokens, "--threads", "1", "--vectors", big), 9), cat)
        mine = rate(small, ours(tokens, "--vectors", small), 9)
        row(f"{name} 104 MB, vs gensim", mine, rate(small, lambda: KeyedVectors.load_word2vec_format(small, no_header=True), 3))
        vocabulary = {w.decode() for w in words}
        row(f"{name} 104 MB, vs numpy loop", mine, rate(small, lambda: numpy_loop(small, vocabulary), 3))
        with open(small, "rb") as f, gzip.open(small + ".gz", "wb", 6) as z:
            shutil.copyfileobj(f, z, 1 << 20)
        zcat = rate(small, lambda: subprocess.run(["zcat", small + ".gz"], stdout=subprocess.DEVNULL, check=True), 3)
        row(f"{name} 104 MB gzipped, vs zcat", rate(small, ours(tokens, "--vectors", small + ".gz"), 3), zcat)
    finally:
        shutil.rmtree(folder)


main()
