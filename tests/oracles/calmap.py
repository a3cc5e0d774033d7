#!/usr/bin/env python3
"""Golden numbers for eval/calmap.c, roc.c and compare.c: tests/oracles/calmap.py > tests/oracles/calmap.json

Needs numpy, scipy, scikit-learn, betacal. The file holds the inputs too, so the tests need none of these."""
import json
import sys

import numpy as np
import scipy
import scipy.optimize
import scipy.special
import scipy.stats
import sklearn
from sklearn.calibration import _sigmoid_calibration
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import average_precision_score, roc_auc_score

rng = np.random.default_rng(20260801)


def logits(n, k, t):
    z = np.round(rng.normal(size=(n, k)) * 2, 3)
    p = scipy.special.softmax(z, 1)
    y = np.array([rng.choice(k, p=row) for row in p])
    return np.round(z * t + rng.normal(size=k), 3), y


def nll(z, y):
    return -scipy.special.log_softmax(z, 1)[np.arange(len(y)), y].mean()


def polish(f, x):
    """BFGS, then Newton on a numerical Hessian of the analytic gradient: far below 1e-9."""
    x = scipy.optimize.minimize(lambda v: f(v)[0], x, jac=lambda v: f(v)[1], method="BFGS", options={"gtol": 1e-10, "maxiter": 10000}).x
    for _ in range(8):
        g = f(x)[1]
        h = np.array([(f(x + e)[1] - f(x - e)[1]) / 2e-5 for e in np.eye(len(x)) * 1e-5])
        x = x - np.linalg.lstsq((h + h.T) / 2, g, rcond=1e-9)[0]
    assert np.abs(f(x)[1]).max() < 1e-11, np.abs(f(x)[1]).max()
    return x


def vector_loss(z, y, l2):
    n, k = z.shape
    onehot = np.eye(k)[y]

    def f(v):
        w, b = v[:k], v[k:]
        out = z * w + b
        p = scipy.special.softmax(out, 1)
        g = (p - onehot) / n
        return (nll(out, y) + l2 * (((w - 1) ** 2).mean() + (b ** 2).mean()),
                np.r_[(g * z).sum(0) + 2 * l2 * (w - 1) / k, g.sum(0) + 2 * l2 * b / k])
    return f


def matrix_loss(z, y, l2, l2_bias):
    n, k = z.shape
    onehot = np.eye(k)[y]
    off = 1 - np.eye(k)

    def f(v):
        w, b = v[:k * k].reshape(k, k), v[k * k:]
        out = z @ w.T + b
        p = scipy.special.softmax(out, 1)
        g = (p - onehot) / n
        return (nll(out, y) + l2 * (w * off * w).sum() / (k * (k - 1)) + l2_bias * (b ** 2).mean(),
                np.r_[(g.T @ z + 2 * l2 * w * off / (k * (k - 1))).ravel(), g.sum(0) + 2 * l2_bias * b / k])
    return f


def isotonic(p, y, at):
    return IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(p, y).predict(at)


out = {"made with": {"numpy": np.__version__, "scipy": scipy.__version__, "sklearn": sklearn.__version__}}
z, y = logits(240, 4, 2.5)
k = 4
s = polish(lambda v: (nll(z * v[0], y), np.array([((scipy.special.softmax(z * v[0], 1) * z).sum(1) - z[np.arange(len(y)), y]).mean()])),
           np.array([0.5]))
v0 = polish(vector_loss(z, y, 0.01), np.r_[np.ones(k), np.zeros(k)])
m0 = polish(matrix_loss(z, y, 0.3, 0.2), np.r_[np.eye(k).ravel(), np.zeros(k)])
iso = np.column_stack([isotonic(scipy.special.softmax(z, 1)[:, c], y == c, scipy.special.softmax(z, 1)[:, c]) for c in range(k)])
out["many"] = {"z": z.ravel().tolist(), "y": y.tolist(), "k": k, "temperature": 1 / s[0],
               "vector": {"l2": 0.01, "x": v0.tolist()}, "matrix": {"l2": 0.3, "l2_bias": 0.2, "x": m0.tolist()},
               "isotonic": (iso / iso.sum(1, keepdims=True)).ravel().tolist()}

z, y = logits(300, 2, 2.0)
s = z[:, 1] - z[:, 0]
a, b = _sigmoid_calibration(s, y)  # sklearn's sign: 1 / (1 + exp(a s + b))
# Platt once more to full precision: sklearn stops at 1e-3 or so
n1, n0 = (y == 1).sum(), (y == 0).sum()
t = np.where(y == 1, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))


def logistic(x, t):
    def f(w):
        u = x @ w
        return np.mean(np.logaddexp(0, u) - t * u), x.T @ (scipy.special.expit(u) - t) / len(t)
    return f


platt = polish(logistic(np.c_[s, np.ones(len(s))], t), np.array([-a, -b]))
assert np.allclose(platt, [-a, -b], atol=2e-3), (platt, a, b)
beta = polish(logistic(np.c_[-np.logaddexp(0, -s), np.logaddexp(0, s), np.ones(len(s))], (y == 1) * 1.0), np.array([1.0, 1, 0]))
assert beta[0] > 0 and beta[1] > 0
from betacal import BetaCalibration  # noqa: E402

theirs = BetaCalibration("abm").fit(scipy.special.expit(s).reshape(-1, 1), y)
at = np.array([0.05, 0.3, 0.5, 0.9])
ours = scipy.special.expit(beta[0] * np.log(at) - beta[1] * np.log1p(-at) + beta[2])
assert np.allclose(theirs.predict(at.reshape(-1, 1)), ours, atol=1e-3)
p1 = scipy.special.softmax(z, 1)[:, 1]
out["two"] = {"z": z.ravel().tolist(), "y": y.tolist(), "platt": platt.tolist(), "beta": beta.tolist(),
              "isotonic": isotonic(p1, y == 1, p1).tolist()}

# A fit whose first slope comes out negative: a is dropped, as betacal does.
y2 = (rng.random(300) < scipy.special.expit(0.5 * np.logaddexp(0, -s) + np.logaddexp(0, s) - 1.5)).astype(int)
f3 = polish(logistic(np.c_[-np.logaddexp(0, -s), np.logaddexp(0, s), np.ones(len(s))], y2 * 1.0), np.array([1.0, 1, 0]))
if f3[0] < 0:
    f2 = polish(logistic(np.c_[np.logaddexp(0, s), np.ones(len(s))], y2 * 1.0), np.array([1.0, 0]))
    out["falling"] = {"y": y2.tolist(), "beta": [0.0, f2[0], f2[1]]}
else:
    sys.exit(f"no falling case: {f3}")

score = np.round(rng.normal(size=80), 1)
pos = rng.random(80) < 0.4
score[pos] += 0.7
score = np.round(score, 1)
out["ranking"] = {"score": score.tolist(), "positive": pos.astype(int).tolist(), "auroc": roc_auc_score(pos, score),
                  "aupr_pos": average_precision_score(pos, score), "aupr_neg": average_precision_score(~pos, -score)}
out["mcnemar"] = [[int(b), int(c), scipy.stats.binomtest(int(b), int(b + c)).pvalue] for b, c in
                  [(0, 1), (1, 5), (10, 3), (40, 40), (25, 60), (500, 400), (3000, 3300), (0, 30), (100000, 99000)]]
json.dump(out, sys.stdout, separators=(",", ":"))
print()
