#!/usr/bin/env python3
"""vic-score beside the Python tools, in one run. Prints TSV: name, ours, peer, unit, ratio (peer / ours: larger is better).

    BIN=build/bin python3 tests/bench/bench_score.py [--quick]

Needs numpy, torch, torchmetrics, netcal, scikit-learn. Each time is the least of several runs. The peers get arrays in memory; ours
reads a stream from a pipe and prints the whole default table.
"""
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)

import numpy as np

def race(*functions, runs=7):
    """The least time of each, run in turn, so that whatever else the machine does falls on all. Torch's threads spin for
    0.2 s after their work and would slow down whoever comes next: hence the pause."""
    times = [[] for _ in functions]
    for _ in range(runs):
        for f, mine in zip(functions, times):
            if len(functions) > 1:
                time.sleep(0.3)
            t = time.perf_counter()
            f()
            mine.append(time.perf_counter() - t)
    return [min(mine) for mine in times]


def pad(data):
    return data + b"\0" * (-len(data) % 64)


def write(path, y, z):
    """Labels and float32 logits as a stream (docs/STREAM.md)."""
    crcs, step = 0, max(1, (1 << 20) // (4 * z.shape[1]))
    with open(path, "wb") as f:
        def block(kind, body, n=0, last=False):
            nonlocal crcs
            crc = zlib.crc32(body)
            head = kind + struct.pack("<IQII", crc, len(body), n, 0)
            f.write(pad(head + struct.pack("<I", zlib.crc32(head))) + pad(body))
            crcs = zlib.crc32(struct.pack("<I", crc), crcs)

        f.write(pad(b"\x89VIC\r\n\x1a\n" + struct.pack("<HH", 1, 0)))
        names = [str(k) for k in range(z.shape[1])]
        block(b"HEAD", json.dumps({"kind": "logits", "classes": names, "dtype": "f32", "values": "logits",
                                   "samples": 1}).encode())
        for i in range(0, len(y), step):
            n = len(y[i:i + step])
            block(b"ROWS", pad(np.arange(i, i + n, dtype="<u8").tobytes()) + pad(y[i:i + n].astype("<i4").tobytes())
                  + pad(bytes([2]) * n) + z[i:i + n].astype("<f4").tobytes(), n)
        block(b"DONE", struct.pack("<QQII", len(y), -(-len(y) // step), crcs, 0))


def draw(n, k, scale):
    """Logits N(0, scale^2) and labels drawn from their softmax: a calibrated model."""
    rng = np.random.default_rng(1)
    z, y = np.empty((n, k), np.float32), np.empty(n, np.int32)
    for i in range(0, n, 10000):
        z[i:i + 10000] = scale * rng.standard_normal((min(10000, n - i), k), dtype=np.float32)
        y[i:i + 10000] = (z[i:i + 10000] + rng.gumbel(size=(min(10000, n - i), k))).argmax(1)
    return y, z


def shell(command):
    subprocess.run(["sh", "-c", command], check=True, stdout=subprocess.DEVNULL)


def used(command, runs=1):
    """CPU seconds, the median of so many runs, and peak memory (MB) of a command. A small process starts it: a child's
    peak counts its parent's size."""
    code = ("import os, sys, resource\n"
            "null = os.open(os.devnull, os.O_WRONLY); keep = os.dup(1); os.dup2(null, 1)\n"
            "assert os.spawnvp(os.P_WAIT, sys.argv[1], sys.argv[1:]) == 0\n"
            "r = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
            "os.write(keep, f'{r.ru_utime + r.ru_stime} {r.ru_maxrss / 1024}'.encode())")
    said = [subprocess.run([sys.executable, "-c", code] + command, check=True, capture_output=True, text=True).stdout
            for _ in range(runs)]
    cpu, memory = zip(*(map(float, s.split()) for s in said))
    return statistics.median(cpu), max(memory)


def exponentials(n):
    """Seconds that this machine's fastest core needs for n float64 exponentials: numpy's vector loop, one thread."""
    x = np.linspace(-20, 0, 1 << 16)
    out = np.empty_like(x)
    return race(lambda: np.exp(x, out=out), runs=50)[0] * n / len(x)


def row(name, ours, peer, unit):
    print(f"{name}\t{ours:.4g}\t{peer:.4g}\t{unit}\t{peer / ours:.3g}", flush=True)


def main():
    import torch
    from netcal.metrics import ECE
    from sklearn.metrics import accuracy_score, log_loss
    from torchmetrics.functional.classification import multiclass_calibration_error

    score = os.path.join(os.environ.get("BIN", "build/bin"), "vic-score")
    torch.set_num_threads(2)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        big, long = os.path.join(folder, "big.vic"), os.path.join(folder, "long.vic")
        y, z = draw(50_000, 1000, 3)
        write(big, y, z)

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

        def netcal_only():
            ECE(15).measure(torch.softmax(torch.from_numpy(z), 1).numpy(), y)

        ours, pipe, both, torch_s, netcal_s = race(lambda: shell(f"cat {big} | {score} --quiet --tsv"),
                                         lambda: shell(f"cat {big} | cat > /dev/null"), peers, torch_only,
                                                   netcal_only)
        what = "score 50,000 x 1,000"
        row(f"{what}: torchmetrics + sklearn, ECE NLL accuracy only", ours, both, "s")
        row(f"{what}: torchmetrics + torch cross-entropy", ours, torch_s, "s")
        row(f"{what}: netcal, ECE only", ours, netcal_s, "s")
        row(f"{what}: the pipe alone plus the exponentials", ours, pipe + exponentials(z.size), "s")
        cpu, memory = used([score, big])
        row(f"{what}: peak memory, limit 300", memory, 300, "MB")
        if "--quick" in sys.argv:
            return
        y, z = draw(10_000_000, 10, 2)
        write(long, y, z)
        what = "score 10,000,000 x 10"
        cpu, memory = used([score, long], runs=5)
        row(f"{what}: processor time, limit 1", cpu, 1, "s")
        row(f"{what}: peak memory, limit 300", memory, 300, "MB")

        def torch_long():
            t, labels = torch.from_numpy(z), torch.from_numpy(y).long()
            p = torch.softmax(t, 1)
            multiclass_calibration_error(p, labels, 10, n_bins=15)
            torch.nn.functional.cross_entropy(t, labels)

        ours, torch_s = race(lambda: shell(f"cat {long} | {score} --quiet --tsv"), torch_long, runs=3)
        row(f"{what}: torchmetrics + torch, ECE and NLL only", ours, torch_s, "s")


if __name__ == "__main__":
    sys.exit(main())
