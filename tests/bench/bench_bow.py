#!/usr/bin/env python3
"""bow beside scikit-learn's tf-idf with logistic regression and fastText. TSV rows: name, ours, peer, unit, ratio.

    BIN=build/bin python3 tests/bench/bench_bow.py [--quick]

TREC's own test questions, MR in folds of ten (three of them, --quick: one), pooled, and without --quick IMDB's own
test reviews, where the data are found ($VIC_DATA, data or ../shared/data); else there is nothing to compare and no
row. All have the same tokens, train on the same records and choose on the same dev records: bow its epoch, logistic
regression C of 1, 10, 100, fastText its rate of 0.1, 0.5, 1 (25 epochs, 10 numbers a vector). N-grams are words and
pairs in all. ECE has 15 bins. Time is processor time of training: of bow the whole of vic-train, of the peers one
fit. fastText is left out where Python has none (pip install fasttext-wheel).
"""
import csv, io, os, random, resource, subprocess, sys, tempfile, time

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

try:
    import fasttext
except ImportError:
    fasttext = None
BIN = os.path.abspath(os.environ.get("BIN", "build/bin"))
ENV = dict(os.environ, PATH=BIN + ":" + os.environ["PATH"])
FOLDS = 1 if "--quick" in sys.argv else 3


def sh(line):
    return subprocess.run(["sh", "-c", line], check=True, capture_output=True, text=True, env=ENV).stdout


def found(*names):
    for root in (os.environ.get("VIC_DATA", ""), "data", "../shared/data"):
        for name in names if root else ():
            if os.path.exists(f"{root}/{name}"):
                return f"{root}/{name}"
    return None


def children():
    u = resource.getrusage(resource.RUSAGE_CHILDREN)
    return u.ru_utime + u.ru_stime


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def bow(stream, folder):
    start = children()
    sh(f"vic-train -q -m bow --max-tokens 0 -o {folder}/model {stream}")
    seconds = children() - start
    rows = list(csv.reader(io.StringIO(sh(f"vic-predict -q --split test {folder}/model {stream} | vic-cat --to csv"))))
    names, rows = rows[0][1:], rows[1:]
    label = np.array([names.index(r[0]) for r in rows])
    return names, label, softmax(np.array([[float(v) for v in r[1:]] for r in rows])), seconds


def records(stream):
    parts = {"train": ([], []), "dev": ([], []), "test": ([], [])}
    for line in sh(f"vic-cat {stream}").splitlines():
        if not line.startswith("#"):
            _, split, label, text = line.split("\t")
            parts[split][0].append(text)
            parts[split][1].append(label)
    return parts


def right(prob, names, labels):
    return np.mean([names[k] == l for k, l in zip(prob.argmax(1), labels)])


def sklearn_lr(parts, names, folder):
    best = None
    start = time.process_time()
    v = TfidfVectorizer(token_pattern=r"\S+", lowercase=False, ngram_range=(1, 2))
    x = v.fit_transform(parts["train"][0])
    made = time.process_time() - start
    for c in (1, 10, 100):
        start = time.process_time()
        m = LogisticRegression(C=c, max_iter=1000).fit(x, parts["train"][1])
        seconds = made + time.process_time() - start
        score = right(m.predict_proba(v.transform(parts["dev"][0])), list(m.classes_), parts["dev"][1])
        if not best or score > best[0]:
            best = score, m, seconds
    order = [list(best[1].classes_).index(n) for n in names]
    return best[1].predict_proba(v.transform(parts["test"][0]))[:, order], best[2]


def fasttext_prob(m, texts, names):
    p = np.zeros((len(texts), len(names)))
    for i, t in enumerate(texts):  # the wheel's predict() wants an older numpy
        for value, label in m.f.predict(t + "\n", len(names), 0.0, "strict"):
            p[i, names.index(label[9:])] = value
    return p / p.sum(1, keepdims=True)


def fasttext_lr(parts, names, folder):
    with open(folder + "/ft", "w") as f:
        rows = list(zip(*parts["train"]))
        random.Random(1).shuffle(rows)  # it steps through the file as it lies, and MR lies by class
        for t, l in rows:
            f.write(f"__label__{l} {t}\n")
    best = None
    for lr in (0.1, 0.5, 1.0):
        start = time.process_time()
        m = fasttext.train_supervised(folder + "/ft", lr=lr, epoch=25, wordNgrams=2, dim=10, thread=1, verbose=0)
        seconds = time.process_time() - start
        score = right(fasttext_prob(m, parts["dev"][0], names), names, parts["dev"][1])
        if not best or score > best[0]:
            best = score, m, seconds
    return fasttext_prob(best[1], parts["test"][0], names), best[2]


def ece(label, prob):
    top, hit = prob.max(1), prob.argmax(1) == label
    bins = np.clip(np.ceil(top * 15).astype(int) - 1, 0, 14)
    return sum(abs(hit[bins == b].sum() - top[bins == b].sum()) for b in range(15)) / len(label)


def compare(what, streams, folder):
    label, made = [], {}
    for stream in streams:
        names, of, prob, seconds = bow(stream, folder)
        parts = records(stream)
        label.append(of)
        made.setdefault("bow", []).append((prob, seconds))
        for peer, fit in (("tf-idf + LR", sklearn_lr), ("fastText", fasttext_lr)):
            if fit is not fasttext_lr or fasttext:
                made.setdefault(peer, []).append(fit(parts, names, folder))
    label = np.concatenate(label)
    score = {}
    for who, runs in made.items():
        prob = np.concatenate([p for p, _ in runs])
        score[who] = (prob.argmax(1) == label).mean(), ece(label, prob), np.mean([s for _, s in runs])
    for peer in list(score)[1:]:
        for k, (name, unit, digits) in enumerate((("accuracy", "", 4), ("ECE", "", 4), ("training", "CPU s", 2))):
            a, b = score["bow"][k], score[peer][k]
            ratio = b / a if k else a / b
            row = f"bow, {what}: {name}, beside {peer}", f"{a:.{digits}f}", f"{b:.{digits}f}", unit, f"{ratio:.2f}"
            print("\t".join(row), flush=True)


def main():
    imdb = () if "--quick" in sys.argv else ("imdb/aclImdb_v1.tar.gz", "imdb/aclImdb_v1-subset.tar.gz", "imdb/aclImdb")
    with tempfile.TemporaryDirectory() as folder:
        for name, files in (("trec", ("trec",)), ("mr", ("mr",)), ("imdb", imdb)):
            path = found(*files)
            if not path:
                continue
            sh(f"vic-tokenize -q --rules ptb --format {name} {path} > {folder}/{name}")
            if name == "mr":
                for i in range(FOLDS):
                    sh(f"vic-split -q --cv 10 --fold {i} --dev 0.1 {folder}/mr > {folder}/m{i}")
                compare(f"MR, {FOLDS} of 10 folds", [f"{folder}/m{i}" for i in range(FOLDS)], folder)
            else:
                sh(f"vic-split -q --dev 0.1 {folder}/{name} > {folder}/part")
                compare("TREC" if name == "trec" else "IMDB", [folder + "/part"], folder)


main()
