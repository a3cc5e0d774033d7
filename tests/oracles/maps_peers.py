#!/usr/bin/env python3
"""The NLL of vic-calibrate's maps on the records they were fitted on, beside probmetrics' and netcal's, on ten synthetic
sets: tests/oracles/maps_peers.py build/bin, which prints the table of docs/METRICS.md and fails where ours is higher.

Needs numpy, scipy, torch, probmetrics, netcal. Every tool gets the same logarithms of probabilities (probmetrics turns
them into float32), and each map is judged here, in float64: the penalised loss where both have the same penalty
(structured matrix), else the NLL. Not penalised: temperature, vector (--l2 0), and the matrix of logarithms, Dirichlet
calibration with --l2 0, which is what probmetrics' matrix scaling fits."""
import json
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np
from scipy.special import log_softmax, softmax

warnings.filterwarnings("ignore")
import torch  # noqa: E402
from netcal.scaling import LogisticCalibration, TemperatureScaling  # noqa: E402
from probmetrics.calibrators import factory  # noqa: E402
from probmetrics.calibrators.logistic import MatrixScalingCalibrator, SMSCalibrator, VectorScalingCalibrator  # noqa: E402
from probmetrics.distributions import CategoricalLogits  # noqa: E402

BIN = sys.argv[1]
#       records classes too sure moved turned noise
SETS = [(300, 3, 2.0, 0.0, 0.0, 0.0), (500, 5, 3.0, 0.3, 0.1, 0.0), (1000, 10, 1.7, 0.2, 0.05, 0.0),
        (2000, 10, 0.5, 0.0, 0.0, 0.1), (1000, 4, 1.0, 0.0, 0.0, 0.0), (800, 3, 5.0, 0.5, 0.3, 0.2),
        (3000, 20, 2.0, 0.2, 0.05, 0.05), (400, 6, 1.5, 1.0, 0.0, 0.3), (5000, 8, 2.5, 0.1, 0.2, 0.0),
        (250, 4, 4.0, 0.2, 0.2, 0.1)]


def records(seed, n, k, t, moved, turned, noise):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, k)) * 2
    y = np.array([rng.choice(k, p=row) for row in softmax(z, 1)])
    y = np.where(rng.random(n) < noise, rng.integers(0, k, n), y)
    z = (z * t + moved * rng.normal(size=k)) @ (np.eye(k) + turned * rng.normal(size=(k, k)))
    return log_softmax(np.maximum(log_softmax(z, 1), np.log(1e-6)), 1), y  # netcal clips at 1.2e-7, probmetrics at 1e-38


def nll(z, y):
    return -log_softmax(z, 1)[np.arange(len(y)), y].mean()


def pulled(x, y, w, b):
    n, k = x.shape
    off = w - np.diag(np.diag(w))
    return (nll(x @ w.T + b, y) +
            (k * ((np.diag(w) - 1) ** 2).sum() + k * (k - 1) * (off ** 2).sum() + k * (b ** 2).sum()) / n)


def ours(folder, method, *options):
    name = os.path.join(folder, "x.logits")
    out = subprocess.run([os.path.join(BIN, "vic-calibrate"), "-q", "--method", method, *options, name],
                         check=True, capture_output=True).stdout
    got = {key: np.array(value) for key, value in json.loads(out)["parameters"].items()}
    if "bias" in got and got["weight"].size > got["bias"].size:
        got["weight"] = got["weight"].reshape(got["bias"].size, -1)
    return got


def plain_sms(x, y):
    """probmetrics' SMS, without the 1/(n + 1) of the uniform distribution that it mixes into the scaled probabilities."""
    mixed = factory.get_calibrator
    factory.get_calibrator = lambda _: mixed("temp-scaling")
    cal = SMSCalibrator().fit(softmax(x, 1), y)
    factory.get_calibrator = mixed
    return cal


def torch_logits(cal, x, y):
    cal.fit_torch(CategoricalLogits(torch.tensor(x)), torch.tensor(y))
    return cal.predict_proba_torch(CategoricalLogits(torch.tensor(x))).get_logits().numpy()


def netcal(cal, x, y):
    cal.fit(softmax(x, 1), y)
    return np.log(np.clip(cal.transform(softmax(x, 1)), 1e-300, 1))


def one_set(folder, seed, shape):
    x, y = records(seed, *shape)
    k = x.shape[1]
    with open(os.path.join(folder, "x.tsv"), "w") as f:
        f.writelines(f"{a}\t" + "\t".join(map(repr, row)) + "\n" for a, row in zip(y, x.tolist()))
    with open(os.path.join(folder, "x.logits"), "wb") as f:
        subprocess.run([os.path.join(BIN, "vic-cat"), "-q", "--from", "tsv", "--kind", "logits",
                        os.path.join(folder, "x.tsv")], check=True, stdout=f)
    t, v = ours(folder, "temperature"), ours(folder, "vector", "--l2", "0")
    s, d = ours(folder, "structured-matrix"), ours(folder, "dirichlet", "--l2", "0")
    theirs = plain_sms(x, y)
    w, invtemp = np.asarray(theirs.W_, dtype=float), theirs.ts_.invtemp_
    return [
        (nll(x / t["temperature"], y), nll(torch_logits(factory.get_calibrator("temp-scaling"), x, y), y),
         nll(netcal(TemperatureScaling(), x, y), y)),
        (nll(x * v["weight"] + v["bias"], y), nll(torch_logits(VectorScalingCalibrator(), x, y), y),
         nll(netcal(LogisticCalibration(), x, y), y)),
        (pulled(log_softmax(x / s["temperature"], 1), y, s["weight"], s["bias"]),
         pulled(log_softmax(x * invtemp, 1), y, w[:, :k], w[:, k])),
        (nll(x @ d["weight"].T + d["bias"], y), nll(torch_logits(MatrixScalingCalibrator(), x, y), y)),
    ]


def main():
    names = ["`temperature`", "`vector`", "`structured-matrix`", "`dirichlet`"]
    print("| records x classes | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
    bad = 0
    for seed, shape in enumerate(SETS):
        with tempfile.TemporaryDirectory() as folder:
            cells = one_set(folder, seed, shape)
        bad += sum(not mine <= other + 1e-9 for mine, *others in cells for other in others)
        print(f"| {shape[0]} x {shape[1]} | " + " | ".join(
            f"{mine:.6f} " + " ".join(f"{other - mine:+.0e}" if abs(other - mine) > 1e-12 else "0" for other in others) for mine, *others in cells) + " |",
            flush=True)
    return bad > 0


sys.exit(main())
