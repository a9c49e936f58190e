"""Objective and coefficients against scikit-learn's newton-cholesky at tol=1e-10."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.linear_model import LogisticRegression

from xsoftmax import SoftmaxRegression
from xsoftmax.datasets import mnist

LOADERS = {
    "iris": load_iris,
    "wine": load_wine,
    "breast-cancer": load_breast_cancer,
    "digits": load_digits,
}

#: dtype: the largest relative gap of the objective, of the coefficients
PRECISIONS = {"float64": (1e-8, 2e-4), "float32": (1e-5, 2e-2)}


def objective(model, X, y, weight, C):
    """scikit-learn's objective, in float64, divided by the sum of the weights."""
    W, b = (np.asarray(part, dtype=np.float64) for part in (model.coef_, model.intercept_))
    Z = X @ W.T + b
    if len(W) == 1:
        Z = np.hstack([np.zeros_like(Z), Z])
    Z = Z - Z.max(axis=1, keepdims=True)
    losses = np.log(np.exp(Z).sum(axis=1)) - Z[np.arange(len(y)), y]
    return weight @ losses / weight.sum() + np.sum(W * W) / (2 * C * weight.sum())


def check(X, y, C, dtype, *, class_weight=None, sample_weight=None, fit_intercept=True, near=False):
    """Whether newton-cholesky, from 0 or (where that takes long) `near` ours, finds no better."""
    gap, difference = PRECISIONS[dtype]
    common = {"C": C, "class_weight": class_weight, "fit_intercept": fit_intercept}
    ours = SoftmaxRegression(tol=0, max_iter=5000, **common)
    ours.fit(X.astype(dtype), y, sample_weight=sample_weight)
    theirs = LogisticRegression(
        solver="newton-cholesky", tol=1e-10, max_iter=1000, warm_start=near, **common
    )
    if near:
        theirs.classes_ = ours.classes_
        theirs.coef_, theirs.intercept_ = (
            np.asarray(part, dtype=np.float64) for part in (ours.coef_, ours.intercept_)
        )
    theirs.fit(X, y, sample_weight=sample_weight)
    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    weight = weight * np.asarray([(class_weight or {}).get(k, 1.0) for k in y])
    X = X.astype(dtype).astype(np.float64)
    best = objective(theirs, X, y, weight, C)
    assert (objective(ours, X, y, weight, C) - best) / best <= gap
    scale = np.abs(theirs.coef_).max()
    np.testing.assert_allclose(ours.coef_ / scale, theirs.coef_ / scale, atol=difference)


VARIANTS = ("plain", "no-intercept", "sample-weight", "class-weight")


def options(variant, n_samples):
    """What `check` is told of a variant."""
    return {
        "plain": {},
        "no-intercept": {"fit_intercept": False},
        "sample-weight": {"sample_weight": 0.5 + np.arange(n_samples) % 4},
        "class-weight": {"class_weight": {0: 3.0, 1: 0.5}},
    }[variant]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("C", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("name", LOADERS)
def test_bundled_data(name, C, variant, dtype):
    X, y = LOADERS[name](return_X_y=True)
    X = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1)
    check(X, y, C, dtype, **options(variant, len(y)))


@pytest.mark.parametrize("name", LOADERS)
def test_features_as_they_come(name):
    X, y = LOADERS[name](return_X_y=True)
    check(X, y, 1.0, "float64")


@pytest.mark.parametrize("tol", [1e-6, 1e-8, 1e-9])
def test_flat_directions_do_not_go_unseen(tol):
    """Of far classes only the penalty curves the weights, and hardly anything the intercepts."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, size=200)
    mixing = rng.standard_normal((1000, 1000)) / 1000**0.5
    X = rng.standard_normal((4, 1000))[y] + rng.standard_normal((200, 1000)) @ mixing
    values = []
    for stop in (tol, 1e-13):
        model = SoftmaxRegression(tol=stop, max_iter=3000).fit(X, y)
        values.append(objective(model, X, y, np.ones(200), 1.0))
    value, best = values
    assert value - best <= 2 * tol * (np.log(4) - best)


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("C", [1e-4, 1.0, 1e4])
def test_mnist(C, variant, mnist_dir):
    data = mnist(mnist_dir)
    X, y = data.X_train[:10_000].astype(np.float64), np.asarray(data.y_train[:10_000])
    for dtype in PRECISIONS:
        check(X, y.astype(int), C, dtype, near=True, **options(variant, len(y)))
