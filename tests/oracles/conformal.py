#!/usr/bin/env python3
"""Golden numbers for eval/conformal: tests/oracles/conformal.py > tests/oracles/conformal.json

Needs numpy and mapie (1.6.0). The file holds the inputs too, so the test needs neither. MAPIE's aps and raps always
subtract a random share of the label's probability; it is given that share here: 0 for the deterministic form, else the
numbers in "u", which are 1 less what MAPIE drew. raps is MAPIE's own scores with a lambda and k_reg that are given,
where MAPIE would choose them on records held back. Sets of raps are not compared: MAPIE 1.6.0 decides on the last class
by the formula of Angelopoulos et al. (2021), section 2, whose denominator has lambda in it."""
import json
import sys

import numpy as np
from mapie.classification import SplitConformalClassifier
from mapie.conformity_scores import APSConformityScore, RAPSConformityScore
from mapie.utils import _compute_classification_quantile
from sklearn.base import BaseEstimator, ClassifierMixin

K, N, M = 6, 150, 40
ALPHAS = [0.01, 0.05, 0.1, 0.2, 0.33, 0.5]
LAMBDA, K_REG = 0.05, 2
rng = np.random.default_rng(20261129)


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


z = np.round(rng.normal(size=(N + M, K)) * 2, 3)
y = np.array([rng.choice(K, p=row) for row in softmax(z)])
z = np.round(1.5 * z + 0.7 * rng.normal(size=z.shape), 3)
p = softmax(z)


class Given(ClassifierMixin, BaseEstimator):
    """A model whose records are their own numbers and whose probabilities are p."""
    classes_ = np.arange(K)
    is_fitted_ = True

    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return p[X[:, 0].astype(int)]

    def predict(self, X):
        return self.predict_proba(X).argmax(1)


class Draws(np.random.RandomState):
    def __init__(self, u):
        super().__init__(0)
        self.next = list(u)

    def uniform(self, low=0.0, high=1.0, size=None):
        return np.asarray(self.next.pop(0)).reshape(size)


X = np.arange(N + M).reshape(-1, 1)
fit, new = slice(0, N), slice(N, N + M)
u = np.round(rng.random(N + M), 6)
zero = np.zeros(N + M)


def thresholds(scores):
    return [float(_compute_classification_quantile(scores, np.array([a]))[0]) for a in ALPHAS]


def split(score, random_state=None, **kw):
    c = SplitConformalClassifier(Given(), confidence_level=[1 - a for a in ALPHAS], prefit=True, conformity_score=score,
                                 random_state=random_state)
    c.conformalize(X[fit], y[fit])
    sets = c.predict_set(X[new], **({"conformity_score_params": kw} if kw else {}))[1]
    q = c._mapie_classifier.conformity_score_function_.quantiles_
    return [float(v) for v in q], [["".join(map(str, np.flatnonzero(s))) for s in sets[:, :, a]] for a in range(len(ALPHAS))]


def scores_of(u_mapie):
    s = APSConformityScore()
    s.set_external_attributes(classes=np.arange(K), random_state=Draws([u_mapie]))
    return s, s.get_conformity_scores(y[fit], p[fit].copy(), y_enc=y[fit])


def raps(u_mapie):
    s, v = scores_of(u_mapie)
    return thresholds(RAPSConformityScore._regularize_conformity_score(np.array([K_REG]), LAMBDA, v, s.cutoff)[:, :, 0])


out = {"k": K, "fit": N, "z": z.tolist(), "y": y.tolist(), "u": (1 - u).tolist(), "alpha": ALPHAS, "lambda": LAMBDA,
       "k_reg": K_REG}
out["lac"], out["lac_sets"] = split("lac")
out["aps"] = thresholds(scores_of(zero[fit])[1])
out["aps_randomised"], out["aps_randomised_sets"] = split("aps", Draws([u[fit], u[new]]), include_last_label="randomized")
out["raps"] = raps(zero[fit])
out["raps_randomised"] = raps(u[fit])
json.dump(out, sys.stdout, separators=(",", ":"))
print()
