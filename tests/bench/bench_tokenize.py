"""Tokenising: vic-tokenize beside Python's re, NLTK and spaCy, in one run on one core each.

    BIN=build/bin python3 tests/bench/bench_tokenize.py

Prints a row for each rule and peer: name, ours, peer, unit, ratio, separated by tabs. Ours is the whole program,
started, reading MR's lines repeated to 200 MB from a file and writing a stream to /dev/null. The peers are functions
over lines that already lie in memory, so start-up, reading and writing are not held against them; their text is
shorter, since they are slow. Times are of the processor (user and system), for all alike, so that a busy machine
disturbs them less; all are single-threaded, and figures are medians.
"""
import os
import re
import statistics
import subprocess
import sys
import tempfile

MB = 1e6
BIG = 200 * MB
RUNS = 5


def find_mr():
    roots = [os.environ.get("VIC_DATA"), "data", "../shared/data"]
    for root in filter(None, roots):
        files = [os.path.join(root, "mr", "rt-polarity." + half) for half in ("neg", "pos")]
        if all(map(os.path.exists, files)):
            return files
    return None


def processor():
    """Seconds of this process and of its finished children."""
    return sum(os.times()[:4])


def median_time(work, runs=RUNS):
    times = []
    for _ in range(runs):
        begin = processor()
        work()
        times.append(processor() - begin)
    return statistics.median(times)


def ours(path, rule):
    program = os.path.join(os.environ.get("BIN", "build/bin"), "vic-tokenize")
    command = [program, "-q", "--format", "lines", "--rules", rule, "-o", "/dev/null", path]
    return os.path.getsize(path) / MB / median_time(lambda: subprocess.run(command, check=True))


# Kim's own substitutions (process_data.py), compiled; re keeps compiled patterns anyway.
KIM = [(re.compile(p), by) for p, by in [
    (r"[^A-Za-z0-9(),!?\'\`]", " "), (r"\'s", " 's"), (r"\'ve", " 've"), (r"n\'t", " n't"), (r"\'re", " 're"),
    (r"\'d", " 'd"), (r"\'ll", " 'll"), (r",", " , "), (r"!", " ! "), (r"\(", " ( "), (r"\)", " ) "), (r"\?", " ? "),
    (r"\s{2,}", " ")]]


def kim(lines):
    for text in lines:
        for pattern, by in KIM:
            text = pattern.sub(by, text)
        text.strip().lower()


def peers(lines):
    """(rule of ours, name, function) of what is installed; the rest is said on stderr."""
    yield "kim", "python-re", kim, lines
    yield "whitespace", "python-split", lambda some: [text.lower().split() for text in some], lines
    try:
        from nltk.tokenize import NLTKWordTokenizer  # what word_tokenize runs on each sentence
        nltk = NLTKWordTokenizer()
        yield "ptb", "nltk", lambda some: [nltk.tokenize(text.lower()) for text in some], lines
    except ImportError:
        print("nltk is not installed: its row is left out", file=sys.stderr)
    try:
        import spacy
        nlp = spacy.blank("en")
        yield "ptb", "spacy", lambda some: [[t.text for t in nlp.tokenizer(text.lower())] for text in some], lines
    except ImportError:
        print("spacy is not installed: its row is left out", file=sys.stderr)


def main():
    files = find_mr()
    if not files:
        print("# SKIP tokenising: no mr/ in $VIC_DATA, data or ../shared/data", file=sys.stderr)
        return
    raw = b"".join(open(f, "rb").read() for f in files).decode("cp1252").encode("ascii", "replace")
    lines = raw.decode("ascii").split("\n")[:-1]
    folder = "/dev/shm" if os.path.isdir("/dev/shm") else None  # so that no disk is measured
    with tempfile.NamedTemporaryFile(dir=folder) as big:
        for _ in range(int(BIG / len(raw)) + 1):
            big.write(raw)
        big.flush()
        speed = {}
        for rule, name, work, some in peers(lines):
            if rule not in speed:
                speed[rule] = ours(big.name, rule)
            theirs = len(raw) / MB / median_time(lambda: work(some))
            print(f"tokenise-{rule}/{name}", f"{speed[rule]:.1f}", f"{theirs:.2f}", "MB/s",
                  f"{speed[rule] / theirs:.1f}", sep="\t")


main()
