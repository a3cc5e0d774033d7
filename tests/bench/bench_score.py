#!/usr/bin/env python3
"""vic-score beside the Python tools, in one run. Prints TSV: name, ours, peer, unit, ratio (peer / ours where smaller is better).

    python3 tests/bench/bench_score.py BIN TOOLS [--quick]

BIN and TOOLS are the folders of programs and of tests/tools. Needs numpy, torch, torchmetrics, scikit-learn. Each time is the
least of several runs. The peers get arrays in memory; ours reads a stream from a pipe and prints the whole default table.
"""
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)

import numpy as np

RUNS = 5


def best(f, runs=RUNS):
    times = []
    for _ in range(runs):
        t = time.perf_counter()
        f()
        times.append(time.perf_counter() - t)
    return min(times)


def read(path):
    """Labels and logits of a stream whose blocks are as vic writes them (docs/STREAM.md)."""
    data, at, labels, rows, head = np.memmap(path, np.uint8), 64, [], [], None
    def pad(n):
        return (n + 63) // 64 * 64
    while True:
        kind = bytes(data[at:at + 4])
        size = int(data[at + 8:at + 16].view("<u8")[0])
        n = int(data[at + 16:at + 20].view("<u4")[0])
        body = data[at + 64:at + 64 + size]
        at += 64 + pad(size)
        if kind == b"HEAD":
            head = json.loads(bytes(body))
        elif kind == b"ROWS":
            labels.append(body[pad(8 * n):pad(8 * n) + 4 * n].view("<i4"))
            first = pad(8 * n) + pad(4 * n) + pad(n)
            rows.append(body[first:].view("<f4").reshape(n, len(head["classes"])))
        elif kind == b"DONE":
            return np.concatenate(labels), np.concatenate(rows)


def shell(command):
    subprocess.run(["sh", "-c", command], check=True, stdout=subprocess.DEVNULL)


def used(command):
    """CPU seconds and peak memory (MB) of a command. A small process starts it: a child's peak counts its parent's size."""
    code = ("import os, sys, resource\n"
            "null = os.open(os.devnull, os.O_WRONLY); keep = os.dup(1); os.dup2(null, 1)\n"
            "assert os.spawnvp(os.P_WAIT, sys.argv[1], sys.argv[1:]) == 0\n"
            "r = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
            "os.write(keep, f'{r.ru_utime + r.ru_stime} {r.ru_maxrss / 1024}'.encode())")
    out = subprocess.run([sys.executable, "-c", code] + command, check=True, capture_output=True, text=True).stdout
    cpu, memory = out.split()
    return float(cpu), float(memory)


def exponentials(n):
    """Seconds that this machine's fastest core needs for n float64 exponentials: numpy's vector loop, one thread."""
    x = np.linspace(-20, 0, 1 << 16)
    out = np.empty_like(x)
    return best(lambda: np.exp(x, out=out), 50) * n / len(x)


def row(name, ours, peer, unit):
    print(f"{name}\t{ours:.4g}\t{peer:.4g}\t{unit}\t{peer / ours:.3g}", flush=True)


def main():
    import torch
    from sklearn.metrics import accuracy_score, log_loss
    from torchmetrics.functional.classification import multiclass_calibration_error

    bins, tools = sys.argv[1:3]
    quick = "--quick" in sys.argv
    score, put = os.path.join(bins, "vic-score"), os.path.join(tools, "putlogits")
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        big, long = os.path.join(folder, "big.vic"), os.path.join(folder, "long.vic")
        shell(f"{put} --draw 50000 --scale 3 1000 > {big}")
        y, z = read(big)

        def peers():
            p = torch.softmax(torch.from_numpy(z), 1)
            multiclass_calibration_error(p, torch.from_numpy(y).long(), 1000, n_bins=15)
            q = p.numpy()
            log_loss(y, q, labels=np.arange(1000))
            accuracy_score(y, q.argmax(1))

        def torch_only():
            t, labels = torch.from_numpy(z), torch.from_numpy(y).long()
            p = torch.softmax(t, 1)
            multiclass_calibration_error(p, labels, 1000, n_bins=15)
            torch.nn.functional.cross_entropy(t, labels)
            (p.argmax(1) == labels).float().mean()

        ours = best(lambda: shell(f"cat {big} | {score} --tsv"))
        pipe = best(lambda: shell(f"cat {big} | cat > /dev/null"))
        row("50,000 x 1,000: whole table from a pipe; torchmetrics + sklearn, ECE, NLL, accuracy only", ours, best(peers, 3), "s")
        row("50,000 x 1,000: the same; torchmetrics + torch's own cross-entropy", ours, best(torch_only, 3), "s")
        row("50,000 x 1,000: the same; the pipe alone plus the exponentials' floor", ours, pipe + exponentials(z.size), "s")
        cpu, memory = used([score, big])
        row("50,000 x 1,000: processor time; limit 1 s", cpu, 1, "s")
        row("50,000 x 1,000: peak memory; limit 300 MB", memory, 300, "MB")
        if quick:
            return
        del y, z
        shell(f"{put} --draw 10000000 --scale 2 10 > {long}")
        cpu, memory = used([score, long])
        row("10,000,000 x 10: processor time of the whole table; limit 2 s", cpu, 2, "s")
        row("10,000,000 x 10: peak memory; limit 300 MB", memory, 300, "MB")
        y, z = read(long)

        def torch_long():
            t, labels = torch.from_numpy(z), torch.from_numpy(y).long()
            p = torch.softmax(t, 1)
            multiclass_calibration_error(p, labels, 10, n_bins=15)
            torch.nn.functional.cross_entropy(t, labels)

        row("10,000,000 x 10: wall time from a pipe; torchmetrics + torch, ECE and NLL only",
            best(lambda: shell(f"cat {long} | {score} --tsv"), 3), best(torch_long, 2), "s")


if __name__ == "__main__":
    sys.exit(main())
