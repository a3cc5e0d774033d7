#!/usr/bin/env python3
"""Runs other calibration tools on small cases and writes tests/golden/eval_peers.txt, which tests/unit/eval/test_compat.c reads.

    python3 tests/oracles/eval_peers.py > tests/golden/eval_peers.txt

Needs torch, torchmetrics, netcal, scikit-learn, relplot. TensorFlow Probability is run where it can be imported (set
TFP_PYTHON to an interpreter that has it), else its rule is re-typed from its source. gpleiss/temperature_scaling is no
package: its ECE is re-typed from its source.

Format: `case NAME`, then a line `CONF RIGHT` a record (CONF with 17 digits), then `want TOOL f32|f64 BINS METRIC VALUE`.
"""
import os
import subprocess
import sys
import warnings

import numpy as np
import torch

warnings.filterwarnings("ignore")
import relplot
from netcal.metrics import ACE, ECE, MCE
from sklearn.calibration import calibration_curve
from torchmetrics.functional.classification import multiclass_calibration_error

CLASSES = 24  # the rest of 1 - conf spread over 23 others stays below the smallest confidence used


def rows(conf, right):
    """Probabilities and labels with these confidences; the winning class goes round, so labels are many."""
    n = len(conf)
    p = np.repeat(((1 - conf) / (CLASSES - 1))[:, None], CLASSES, axis=1)
    top = np.arange(n) % CLASSES
    p[np.arange(n), top] = conf
    y = np.where(right, top, (top + 1) % CLASSES)
    return p, y


def guo(conf, right, bins):
    confidences = torch.tensor(conf, dtype=torch.float32)
    accuracies = torch.tensor(right).bool()
    edges = torch.linspace(0, 1, bins + 1)
    ece = torch.zeros(1)
    for lower, upper in zip(edges[:-1], edges[1:]):
        inside = confidences.gt(lower.item()) * confidences.le(upper.item())
        share = inside.float().mean()
        if share.item() > 0:
            ece += torch.abs(confidences[inside].mean() - accuracies[inside].float().mean()) * share
    return {"ece": ece.item()}


def torchmetrics(conf, right, bins):
    p, y = rows(conf, right)
    p, y = torch.tensor(p, dtype=torch.float32), torch.tensor(y)
    def f(norm):
        return float(multiclass_calibration_error(p, y, CLASSES, n_bins=bins, norm=norm))
    return {"ece": f("l1"), "mce": f("max"), "rmsce": f("l2")}


def netcal(conf, right, bins, dtype):
    p, y = rows(conf, right)
    p = p.astype(dtype)
    if len(np.unique(y)) <= 2:  # netcal would take the task for binary
        p, y = p.max(1), right.astype(int)
    return {"ece": ECE(bins).measure(p, y), "mce": MCE(bins).measure(p, y), "ace": ACE(bins).measure(p, y)}


TFP_CODE = """
import sys, json, numpy as np, tensorflow.compat.v2 as tf, tensorflow_probability as tfp
from tensorflow_probability.python.stats import calibration
for line in sys.stdin:
    conf, right, bins = json.loads(line)
    conf = np.array(conf, np.float32); right = np.array(right)
    # the probabilities enter as they are: softmax is replaced, for log and exp would move them off their edges
    k = %d
    n = len(conf); p = np.repeat(((1 - conf) / (k - 1))[:, None], k, axis=1).astype(np.float32)
    top = np.arange(n) %% k; p[np.arange(n), top] = conf
    y = np.where(right, top, (top + 1) %% k).astype(np.int32)
    keep = calibration.tf.nn.softmax; calibration.tf.nn.softmax = lambda z, axis=None: z
    print(float(tfp.stats.expected_calibration_error(bins, logits=tf.constant(p), labels_true=tf.constant(y))), flush=True)
    calibration.tf.nn.softmax = keep
""" % CLASSES


def tfp(conf, right, bins):
    python = os.environ.get("TFP_PYTHON")
    if python:
        import json
        line = json.dumps([conf.tolist(), right.tolist(), bins])
        out = subprocess.run([python, "-c", TFP_CODE], input=line, capture_output=True, text=True, check=True,
                             env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}).stdout
        return {"ece": float(out.strip().splitlines()[-1])}
    c = conf.astype(np.float32)
    at = np.clip(np.floor(np.float32(bins) * c), 0, bins - 1).astype(int)
    ece = np.float32(0)
    for b in np.unique(at):
        m = at == b
        s = np.float32(0)
        for v in c[m]:
            s += v
        ece += np.float32(m.sum()) / np.float32(len(c)) * abs(np.float32(right[m].sum()) / np.float32(m.sum())
                                                                - s / np.float32(m.sum()))
    return {"ece": float(ece)}


def sklearn(conf, right, bins):
    true, pred = calibration_curve(right.astype(int), conf, n_bins=bins)
    edges = np.linspace(0.0, 1.0, bins + 1)
    count = np.bincount(np.searchsorted(edges[1:-1], conf), minlength=bins)
    return {"ece": float(np.sum(count[count > 0] / len(conf) * np.abs(true - pred)))}


def show(name, conf, right, bins, only=None):
    conf, right = np.asarray(conf, float), np.asarray(right, bool)
    print("case", name)
    for c, r in zip(conf, right):
        print(f"{c:.17g} {int(r)}")
    single = conf.astype(np.float32).astype(float)  # what a tool sees of a float32 stream
    results = [("guo", "f32", guo(single, right, bins)), ("torchmetrics", "f32", torchmetrics(single, right, bins)),
               ("netcal", "f64", netcal(conf, right, bins, np.float64)),
               ("netcal", "f32", netcal(single, right, bins, np.float32)), ("tfp", "f32", tfp(single, right, bins))]
    results.append(("relplot", "f64", {"smece": relplot.smECE(conf, right.astype(float))}))
    if len(set(right)) == 2:
        results += [("sklearn", "f64", sklearn(conf, right, bins)), ("sklearn", "f32", sklearn(single, right, bins))]
    for tool, dtype, values in results:
        if only and tool not in only:
            continue
        for metric, value in values.items():
            print("want", tool, dtype, bins, metric, f"{value:.9g}")


def hashes(n):
    """The data of test_compat.c's large case: float32 confidences in [1/2, 1), right with that probability."""
    i = np.arange(n, dtype=np.uint64)
    u = ((i * np.uint64(2654435761)) & np.uint64(0xFFFFFF)) / 2**24
    v = ((i * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)) / 2**24
    conf = (0.5 + 0.5 * u).astype(np.float32)
    return conf, v < conf


def main():
    rng = np.random.default_rng(1)
    show("two-at-an-edge", [0.6, 0.5], [1, 0], 5)
    show("one-is-certain", [0.95, 1.0], [1, 0], 10)
    show("tenths", np.arange(1, 11) / 10, [k % 2 == 0 for k in range(1, 11)], 10)
    show("fifteenths", np.arange(1, 16) / 15, [k % 2 == 0 for k in range(1, 16)], 15)
    conf = rng.beta(5, 1, 600) * 0.9 + 0.1
    show("continuous", conf, rng.random(600) < conf**1.5, 15)
    conf = rng.integers(2, 21, 300) / 20
    show("twentieths", conf, rng.random(300) < conf, 10)
    conf = rng.choice([0.25, 0.5, 0.75, 1.0], 200)
    show("quarters", conf, rng.random(200) < conf * 0.9, 4)
    conf, right = hashes(10_000_000)
    from torchmetrics.functional.classification.calibration_error import _ce_compute
    value = _ce_compute(torch.tensor(conf), torch.tensor(right).float(), 15)
    exact, at = 0.0, np.clip(np.ceil(conf.astype(float) * 15) - 1, 0, 14).astype(int)
    for b in range(15):
        m = at == b
        if m.any():
            exact += abs(conf[m].astype(float).sum() - right[m].sum()) / len(conf)
    print("large", 10_000_000, 15, f"{float(value):.9g}", f"{exact:.9g}")


if __name__ == "__main__":
    sys.exit(main())
