#!/usr/bin/env python3
"""Kim-CNN: training and prediction beside PyTorch, in one run. Prints TSV rows: name, ours, peer, unit, ratio.

    BIN=build/bin python3 tests/bench/bench_train.py [--quick]

The data are MR's sentences where they are found, else synthetic ones, as 300-d random vectors: speed does not depend on values.
PyTorch runs the same network (embedding, three convolutions of 100 maps, max over time, dropout, softmax), batch 50, full mixup on
the embedding layer, in three configurations. The first two compute what we do; the third is a favour to it. Each has its row, at its
faster number of threads:
  padded     every sentence padded to the longest of all, dense Adadelta: the published recipe
  batch      padded to the longest of the batch
  sparse     batch, and the word table by sparse SGD instead of dense Adadelta (another optimiser, and cheaper: a favour to it)
each with 1 thread and with all.
"""
import os, random, statistics, subprocess, sys, tempfile, time

# PyTorch is measured without these; our programs with the environment as it is.
ENV = dict(os.environ)
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)
BIN = os.path.abspath(os.environ.get("BIN", "build/bin"))
QUICK = "--quick" in sys.argv
REPEAT = 3 if QUICK else 5


def sh(line):
    return subprocess.run(["sh", "-c", line], check=True, capture_output=True, text=True,
                          env=dict(ENV, PATH=BIN + ":" + ENV["PATH"])).stdout


def make_text(folder):
    for root in (os.environ.get("VIC_DATA", ""), "data", "../shared/data"):
        if root and os.path.exists(root + "/mr/rt-polarity.pos"):
            sh(f"vic-tokenize -q --format mr {root}/mr > {folder}/tokens")
            return "MR"
    sh(f"vic-corpora synth text -q --n 10000 --to {folder}/synth; vic-tokenize -q --format mr {folder}/synth > {folder}/tokens")
    return "synthetic"


def timed_train(text, epochs, threads):
    start = time.perf_counter()
    sh(f"vic-train -q --mixup 0.4 --epochs {epochs} --threads {threads} -o /dev/null {text}")
    return time.perf_counter() - start


def ours_train(text, n, threads):
    # Two lengths of run: their difference is training alone, without start-up, reading and writing.
    rates = []
    for _ in range(REPEAT):
        short, long = timed_train(text, 1, threads), timed_train(text, 6, threads)
        rates.append(5 * n / (long - short))
    return statistics.median(rates)


def ours_predict(model, folder, n, times):
    # The same way: the records once, and many times in one document.
    text, rates = f"{folder}/text", []
    sh(f"vic-embed -q --random --dim 300 $(for i in $(seq {times}); do echo {folder}/tokens; done) > {text}.many")
    for _ in range(REPEAT):
        t = []
        for file in (text, text + ".many"):
            start = time.perf_counter()
            sh(f"vic-predict -q {model} {file} > /dev/null")
            t.append(time.perf_counter() - start)
        rates.append((times - 1) * n / (t[1] - t[0]))
    os.remove(text + ".many")
    return statistics.median(rates)


def torch_rates(sentences, vocabulary):
    import torch
    from torch import nn

    class Kim(nn.Module):
        def __init__(self, sparse):
            super().__init__()
            self.words = nn.Embedding(vocabulary + 1, 300, padding_idx=0, sparse=sparse)
            self.conv = nn.ModuleList(nn.Conv1d(300, 100, k) for k in (3, 4, 5))
            self.drop = nn.Dropout(0.5)
            self.out = nn.Linear(300, 2)

        def forward(self, ids, lam=None, perm=None):
            e = self.words(ids)
            if lam is not None:
                e = lam * e + (1 - lam) * e[perm]
            e = e.transpose(1, 2)
            return self.out(self.drop(torch.cat([torch.relu(c(e)).amax(2) for c in self.conv], 1)))

    longest = max(map(len, sentences))

    def batch_of(group, width):
        ids = torch.zeros(len(group), width + 8, dtype=torch.long)
        for i, s in enumerate(group):
            ids[i, 4:4 + len(s)] = torch.tensor(s)
        return ids

    def train(mode, threads, batches):
        torch.set_num_threads(threads)
        torch.manual_seed(1)
        net = Kim(mode == "sparse")
        rest = [p for n, p in net.named_parameters() if n != "words.weight"]
        if mode == "sparse":
            steps = [torch.optim.SGD([net.words.weight], lr=0.1), torch.optim.Adadelta(rest, lr=1, rho=0.95, eps=1e-6)]
        else:
            steps = [torch.optim.Adadelta(net.parameters(), lr=1, rho=0.95, eps=1e-6, foreach=True)]
        order = sentences[:]
        random.Random(1).shuffle(order)
        data = []
        for b in range(batches + 2):
            group = order[b * 50:(b + 1) * 50]
            data.append(batch_of(group, longest if mode == "padded" else max(map(len, group))))
        y = torch.randint(0, 2, (50,))
        start = 0
        for b, ids in enumerate(data):
            if b == 2:
                start = time.perf_counter()
            lam, perm = 0.3, torch.randperm(len(ids))
            z = net(ids, lam, perm)
            loss = lam * nn.functional.cross_entropy(z, y) + (1 - lam) * nn.functional.cross_entropy(z, y[perm])
            for s in steps:
                s.zero_grad()
            loss.backward()
            for s in steps:
                s.step()
        return batches * 50 / (time.perf_counter() - start)

    def predict(threads):
        torch.set_num_threads(threads)
        net = Kim(False).eval()
        order = sorted(sentences, key=len)[:8192]
        data = [batch_of(order[i:i + 256], len(order[min(i + 255, len(order) - 1)])) for i in range(0, len(order), 256)]
        with torch.inference_mode():
            net(data[0])
            start = time.perf_counter()
            for ids in data:
                net(ids)
            return len(order) / (time.perf_counter() - start)

    threads = sorted({1, os.cpu_count()})
    batches = 15 if QUICK else 40
    same, favour = [], []
    for mode in ("padded", "batch", "sparse"):
        for t in threads:
            row = statistics.median(train(mode, t, batches) for _ in range(3)), f"{mode}, {t} threads"
            (favour if mode == "sparse" else same).append(row)
            print(f"# PyTorch {torch.__version__} {row[1]}: {row[0]:.0f} sentences/s", file=sys.stderr)
    return max(same), max(favour), max(statistics.median(predict(t) for _ in range(3)) for t in threads)


def main():
    with tempfile.TemporaryDirectory() as folder:
        what = make_text(folder)
        sh(f"vic-embed -q --random --dim 300 {folder}/tokens > {folder}/text")
        sentences, number = [], {}
        for line in sh(f"vic-cat {folder}/tokens").splitlines():
            if line and not line.startswith("#"):
                words = line.split("\t")[-1].split()
                sentences.append([number.setdefault(w, len(number) + 1) for w in words])
        n = len(sentences)
        ours = {t: ours_train(f"{folder}/text", n, t) for t in sorted({1, os.cpu_count()})}
        sh(f"vic-train -q --epochs 1 -o {folder}/model {folder}/text")
        fast = ours_predict(f"{folder}/model", folder, n, 40)
        same, favour, peer_predict = torch_rates(sentences, len(number))
        best = max(ours.values())
        for peer, how in (same, favour):
            print(f"train Kim-CNN, {what}, 300-d, batch 50, mixup (peer: PyTorch, {how})\t{best:.0f}\t{peer:.0f}\tsentences/s\t"
                  f"{best / peer:.1f}")
        print(f"the same on one thread (peer: {favour[1]})\t{ours[1]:.0f}\t{favour[0]:.0f}\tsentences/s\t{ours[1] / favour[0]:.1f}")
        print(f"predict (peer: PyTorch, sorted by length, batch 256)\t{fast:.0f}\t{peer_predict:.0f}\tsentences/s\t"
              f"{fast / peer_predict:.1f}")


main()
