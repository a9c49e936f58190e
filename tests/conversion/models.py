"""Fitted models of every kind that is converted, by name, and rows to try them on."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, StandardScaler

from xsoftmax import BatchedGridSearchCV, MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV

from ..problems import blobs

ACTIVATIONS = ["relu", "tanh", "logistic", "sigmoid", "identity", "gelu"]
LABELS = {
    "strings": np.asarray(["plum", "äpple", "fig", "kiwi"]),
    "objects": np.asarray(["plum", "apple", "fig", "kiwi"], dtype=object),
    "integers": np.asarray([7, -3, 12, 5]),
    "small integers": np.asarray([7, 3, 12, 5], dtype=np.uint8),
    "floats": np.asarray([0.0, 1.0, -2.0, 8.0]),
}


def samples(n_classes=4, labels="strings", dtype="float64"):
    """Overlapping classes, (160, 6)."""
    X, y = blobs(160, 6, n_classes, spread=1.5)
    return X.astype(dtype), LABELS[labels][y]


def network(n_classes=4, activation="relu", hidden=(7, 5), dtype="float64"):
    X, y = samples(n_classes, dtype=dtype)
    settings = {"max_iter": 5, "tol": 0, "random_state": 0}
    return MLPClassifier(hidden, activation, **settings).fit(X, y), X


def regression(n_classes=4, labels="strings", dtype="float64", **settings):
    X, y = samples(n_classes, labels, dtype)
    return SoftmaxRegression(**settings).fit(X, y), X


NETWORK = MLPClassifier((5,), max_iter=4, tol=0, random_state=0)
SCALERS = {
    "standard": StandardScaler(),
    "without mean": StandardScaler(with_mean=False),
    "without deviation": StandardScaler(with_std=False),
    "range": MinMaxScaler((-2, 3)),
    "clipped range": MinMaxScaler(clip=True),
    "largest": MaxAbsScaler(),
    "norm l1": Normalizer("l1"),
    "norm l2": Normalizer("l2"),
    "norm max": Normalizer("max"),
}
#: Models of every kind that is converted, not yet fitted.
MODELS = {
    "regression": SoftmaxRegression(C=0.3),
    "no intercept": SoftmaxRegression(fit_intercept=False),
    "search": SoftmaxRegressionCV([0.1, 1.0], cv=3),
    "calibrated": SoftmaxRegressionCV([0.1, 1.0], cv=3, calibration="temperature"),
    "means of folds": SoftmaxRegressionCV([0.1, 1.0], cv=3, refit=False),
    "network": NETWORK,
    "grid search": BatchedGridSearchCV(NETWORK, {"learning_rate_init": [0.01, 0.1]}, cv=2),
    **{name: make_pipeline(scaler, SoftmaxRegression()) for name, scaler in SCALERS.items()},
}


def fitted(kind):
    """One of the models, and the rows that it was fitted on."""
    X, y = samples()
    return clone(MODELS[kind]).fit(X, y), X
