"""Rows much further from 0 than from each other, where rounding takes most of their squares."""

import numpy as np
import pytest

from xsoftmax import SoftmaxRegression, SoftmaxRegressionCV

from ..problems import blobs


def objective(model, X, y):
    """What `SoftmaxRegression(C=1)` minimises, in double precision."""
    logits = X.astype(float) @ model.coef_.T.astype(float) + model.intercept_
    logits -= logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(y)), y]
    return losses.sum() + 0.5 * np.sum(model.coef_.astype(float) ** 2)


@pytest.mark.parametrize("distance", [100.0, 1e4])
@pytest.mark.parametrize(("n_features", "n_classes"), [(2, 3), (40, 3), (200, 10)])
def test_fit_of_far_rows_in_single_precision_finds_the_minimum_as_soon(
    distance, n_features, n_classes
):
    X, y = blobs(600, n_features, n_classes, spread=4.0)
    near = SoftmaxRegression().fit(X.astype("float32"), y)
    X = (X + distance).astype("float32")
    model = SoftmaxRegression().fit(X, y)
    best = objective(SoftmaxRegression(tol=1e-10, max_iter=10_000).fit(X.astype(float), y), X, y)
    assert objective(model, X, y) - best <= 2e-3 * (len(y) * np.log(n_classes) - best)
    assert model.n_iter_ <= 2 * near.n_iter_ + 2


def test_cross_validation_of_far_rows_finds_the_minima_as_soon():
    X, y = blobs(600, spread=4.0)
    common = {"Cs": [0.01, 1.0], "cv": 3, "scoring": "neg_log_loss", "tol": 1e-4}
    near = SoftmaxRegressionCV(**common).fit(X, y)
    far = SoftmaxRegressionCV(**common).fit((X + 3e3).astype("float32"), y)
    np.testing.assert_allclose(far.scores_, near.scores_, rtol=1e-3)
    assert far.n_iter_.max() <= near.n_iter_.max() + 2
