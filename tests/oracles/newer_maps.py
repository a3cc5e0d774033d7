#!/usr/bin/env python3
"""Golden numbers for structured matrix scaling, Dirichlet calibration, ensemble temperature and centred isotonic
regression: tests/oracles/newer_maps.py > tests/oracles/newer_maps.json

Needs numpy, scipy, scikit-learn, torch, probmetrics, cir-model. The file holds the inputs too, so the tests need none.

Each optimum is found here to 1e-11 from the papers' formulas. probmetrics, which works on float32 probabilities, must
agree as far as those go, and its numbers are kept beside. dirichletcal does not install any more, so the objective of
Kull et al. 2019 (ODIR) is written out. cir-model is asked at each score; the pooling of Oron and Flournoy 2017, one pair
at a time as the R package cir does it, is written out too, and must agree."""
import json
import sys
import warnings

import numpy as np
import scipy
import scipy.optimize
import sklearn
from scipy.special import log_softmax, softmax

warnings.filterwarnings("ignore")
import cir_model  # noqa: E402
import probmetrics  # noqa: E402
from cir_model import CenteredIsotonicRegression  # noqa: E402
from probmetrics.calibrators import factory  # noqa: E402
from probmetrics.calibrators.logistic import SMSCalibrator  # noqa: E402
from probmetrics.calibrators.temperature_scaling import ETSCalibrator  # noqa: E402

rng = np.random.default_rng(20251117)


def records(n, k, t, noise, flip, digits=3):
    """Labels that follow softmax(z) but for a share of noise; logits t times too large, moved, turned a little."""
    z = rng.normal(size=(n, k)) * 2
    y = np.array([rng.choice(k, p=row) for row in softmax(z, 1)])
    y = np.where(rng.random(n) < noise, rng.integers(0, k, n), y)
    turn = np.eye(k) + flip * rng.normal(size=(k, k))
    return np.round((z * t + flip * rng.normal(size=k)) @ turn, digits), y


def nll(z, y):
    return -log_softmax(z, 1)[np.arange(len(y)), y].mean()


def temperature(z, y):
    f = lambda b: ((softmax(z * b, 1) * z).sum(1) - z[np.arange(len(y)), y]).mean()
    return 1 / scipy.optimize.brentq(f, 1e-6, 1e3, xtol=1e-16, rtol=1e-15)


def affine_loss(x, y, diagonal, off, bias, target):
    """Value and gradient of NLL of x W' + b, + diagonal sum (W_kk - target)^2 + off sum W_ij^2 + bias sum b_k^2."""
    n, k = x.shape
    onehot = np.eye(k)[y]
    eye = np.eye(k)
    pull = diagonal * eye + off * (1 - eye)

    def f(v):
        w, b = v[:k * k].reshape(k, k), v[k * k:]
        out = x @ w.T + b
        g = (softmax(out, 1) - onehot) / n
        away = w - target * eye
        return (nll(out, y) + (pull * away ** 2).sum() + bias * (b ** 2).sum(),
                np.r_[(g.T @ x + 2 * pull * away).ravel(), g.sum(0) + 2 * bias * b])
    return f


def polish(f, x):
    """BFGS, then Newton on a numerical Hessian of the analytic gradient."""
    x = scipy.optimize.minimize(f, x, jac=True, method="BFGS", options={"gtol": 1e-10, "maxiter": 20000}).x
    for _ in range(8):
        g = f(x)[1]
        h = np.array([(f(x + e)[1] - f(x - e)[1]) / 2e-5 for e in np.eye(len(x)) * 1e-5])
        x = x - np.linalg.lstsq((h + h.T) / 2, g, rcond=1e-12)[0]
    assert np.abs(f(x)[1]).max() < 1e-11, np.abs(f(x)[1]).max()
    return x


def structured(z, y, l2=1.0, l2_bias=1.0):
    n, k = z.shape
    t = temperature(z, y)
    x = log_softmax(z / t, 1)
    best = polish(affine_loss(x, y, l2 * k / n, l2 * k * (k - 1) / n, l2_bias * k / n, 1),
                  np.r_[np.eye(k).ravel(), np.zeros(k)])
    theirs = SMSCalibrator(lambda_intercept=l2_bias, lambda_diagonal=l2, lambda_off_diagonal=l2)
    mixed = factory.get_calibrator
    factory.get_calibrator = lambda _: mixed("temp-scaling")  # without its 1/(n + 1) of the uniform distribution
    theirs.fit(softmax(z, 1), y)
    factory.get_calibrator = mixed
    assert abs(theirs.ts_.invtemp_ * t - 1) < 1e-4, (theirs.ts_.invtemp_, t)
    w = np.asarray(theirs.W_)
    assert np.abs(np.r_[w[:, :k].ravel(), w[:, k]] - best).max() < 2e-3, (w, best)
    return {"l2": l2, "l2_bias": l2_bias, "temperature": t, "x": best.tolist(),
            "probmetrics": np.r_[w[:, :k].ravel(), w[:, k]].tolist()}


def dirichlet(z, y, lam, mu):
    n, k = z.shape
    best = polish(affine_loss(log_softmax(z, 1), y, 0, lam / (k * (k - 1)), mu / k, 0),
                  np.r_[np.eye(k).ravel(), np.zeros(k)])
    return {"l2": lam, "l2_bias": mu, "x": best.tolist()}


def ensemble(z, y):
    t = temperature(z, y)
    rows = np.arange(len(y))
    parts = np.c_[softmax(z / t, 1)[rows, y], softmax(z, 1)[rows, y], np.full(len(y), 1 / z.shape[1])]
    w = np.full(3, 1 / 3)
    for _ in range(300000):  # expectation maximisation, slow and sure
        w = w * (parts / (parts @ w)[:, None]).mean(0)
    theirs = ETSCalibrator(loss="ce")
    theirs.fit(softmax(z, 1), y)
    assert abs(theirs.t_ / t - 1) < 1e-4, (theirs.t_, t)
    worse = np.log(parts @ w).mean() - np.log(parts @ theirs.w_).mean()
    assert -1e-9 < worse < 1e-5, worse
    return {"temperature": t, "w": w.tolist(), "probmetrics": theirs.w_.tolist(), "nll": -np.log(parts @ w).mean()}


def pooled(p, right):
    """One pair after the other, from the left; equal neighbours too, unless both are 0 or both are 1."""
    x, start = np.unique(p, return_inverse=True)
    w = np.bincount(start).astype(float)
    dose = [[a, b, c] for a, b, c in zip(x, np.bincount(start, weights=right) / w, w)]
    i = 0
    while i + 1 < len(dose):
        a, b = dose[i], dose[i + 1]
        same = abs(a[1] - b[1]) < 1e-12
        if a[1] > b[1] + 1e-12 or (same and 1e-12 < a[1] < 1 - 1e-12):
            m = a[2] + b[2]
            dose[i:i + 2] = [[(a[0] * a[2] + b[0] * b[2]) / m, (a[1] * a[2] + b[1] * b[2]) / m, m]]
            i = max(0, i - 1)
        else:
            i += 1
    knots = np.array(dose)
    return lambda at: np.interp(at, knots[:, 0], knots[:, 1])


def centred(p, right):
    ours = pooled(p, right)(p)
    theirs = CenteredIsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(p, right).transform(p)
    assert np.abs(ours - theirs).max() < 1e-9, np.abs(ours - theirs).max()
    return theirs


out = {"made with": {"numpy": np.__version__, "scipy": scipy.__version__, "sklearn": sklearn.__version__,
                     "probmetrics": getattr(probmetrics, "__version__", "1.3.0"), "cir-model": cir_model.__version__}}
z, y = records(240, 4, 2.5, 0, 0.15)
p = softmax(z, 1)
iso = np.column_stack([centred(p[:, c], (y == c) * 1.0) for c in range(4)])
out["many"] = {"z": z.ravel().tolist(), "y": y.tolist(), "k": 4, "structured": [structured(z, y), structured(z, y, 0.2, 5)],
               "dirichlet": dirichlet(z, y, 0.3, 0.2), "centred": (iso / iso.sum(1, keepdims=True)).ravel().tolist()}
z, y = records(300, 2, 2, 0, 0, 6)
assert len(np.unique(np.round(z[:, 1] - z[:, 0], 6))) == 300  # no ties that rounding could part
p = softmax(z, 1)[:, 1]
out["two"] = {"z": z.ravel().tolist(), "y": y.tolist(), "k": 2, "centred": centred(p, (y == 1) * 1.0).tolist()}
z, y = records(250, 3, 2.5, 0.25, 0)
out["mixed"] = {"z": z.ravel().tolist(), "y": y.tolist(), "k": 3, "ensemble": ensemble(z, y)}
z, y = records(250, 3, 0.5, 0.3, 0)
out["timid"] = {"z": z.ravel().tolist(), "y": y.tolist(), "k": 3, "ensemble": ensemble(z, y)}
json.dump(out, sys.stdout, separators=(",", ":"))
print()
