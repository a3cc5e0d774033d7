#!/usr/bin/env python3
"""What the evaluator's other programs need at 10,000,000 x 10 and 50,000 x 1,000 with default options, beside scikit-learn where
it does part of the work. Prints TSV as bench_score.py does.

    BIN=build/bin python3 tests/bench/bench_scale.py [--quick]

Needs numpy, scikit-learn, netcal. Ours reads streams and prints intervals; the peer gets one score in memory and gives points.
"""
import os
import sys
import tempfile
import time

from bench_score import draw, np, row, used, write


def confidences(z):
    """Largest softmax probability of each record."""
    p = np.empty(len(z))
    for i in range(0, len(z), 100000):
        e = np.exp(z[i:i + 100000].astype(np.float64) - z[i:i + 100000].max(1, keepdims=True))
        p[i:i + 100000] = 1 / e.sum(1)
    return p


def processor_time(work):
    """Of all threads of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def netcal_fit(z, y):
    from netcal.scaling import TemperatureScaling

    def fit():
        q = np.exp(z.astype(np.float64) - z.max(1, keepdims=True))
        TemperatureScaling().fit(q / q.sum(1, keepdims=True), y)

    return processor_time(fit)


def at_size(folder, program, n, k, scale):
    from sklearn.isotonic import IsotonicRegression
    from sklearn.metrics import average_precision_score, roc_auc_score

    known, other = os.path.join(folder, "known.vic"), os.path.join(folder, "other.vic")
    y, z = draw(n, k, scale)
    write(known, y, z)
    p, right = confidences(z), z.argmax(1) == y
    known_z = z.copy() if k >= 100 else None
    z *= 0.7
    write(other, y, z)
    both = np.concatenate([p, confidences(z)])
    del z
    side = np.repeat([1, 0], n)

    def areas():
        roc_auc_score(side, both)
        average_precision_score(side, both)

    what = f"ood {n:,} x {k:,} a side"
    cpu, memory = used([program("vic-ood"), "--quiet", "--in", known, "--out", other])
    row(f"{what}: five scores, intervals; scikit-learn one score, no interval", cpu, processor_time(areas), "s of CPU")
    row(f"{what}: processor time, limit 60", cpu, 60, "s")
    row(f"{what}: peak memory, limit 2,000", memory, 2000, "MB")
    what = f"corp {n:,} x {k:,}"
    cpu, memory = used([program("vic-reliability"), "--quiet", "--curve", "corp", known])
    fit = processor_time(lambda: IsotonicRegression().fit(p, right))
    row(f"{what}: reading, regression, band; scikit-learn regression alone", cpu, fit, "s of CPU")
    row(f"{what}: processor time, limit 5", cpu, 5, "s")
    row(f"{what}: peak memory, limit 500", memory, 500, "MB")
    for method, limit in (("temperature", 3), ("vector", 5), ("matrix", 120)):
        if method != "temperature" and k < 100:
            continue
        cpu, memory = used([program("vic-calibrate"), "--quiet", "--method", method, "--split", "all", "--out",
                            os.path.join(folder, "map"), known])
        row(f"fit of {method} {n:,} x {k:,}: processor time, limit {limit}", cpu, limit, "s")
        row(f"fit of {method} {n:,} x {k:,}: peak memory, limit 2,000", memory, 2000, "MB")
        if method == "temperature" and k >= 100:
            row(f"fit of temperature {n:,} x {k:,}: netcal, without interval", cpu, netcal_fit(known_z, y), "s of CPU")
    for name, args in (("vic-score --bootstrap", ["--bootstrap", "1000", known]), ("vic-compare", [known, other]),
                       ("vic-report", [known, other])):
        cpu, memory = used([program(name.split()[0]), "--quiet", *args])
        row(f"{name} {n:,} x {k:,}: processor time, limit 60", cpu, 60, "s")
        row(f"{name} {n:,} x {k:,}: peak memory, limit 2,000", memory, 2000, "MB")


def main():
    def program(name):
        return os.path.join(os.environ.get("BIN", "build/bin"), name)

    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        at_size(folder, program, 50_000, 1000, 3)
        if "--quick" not in sys.argv:
            at_size(folder, program, 10_000_000, 10, 2)


if __name__ == "__main__":
    sys.exit(main())
