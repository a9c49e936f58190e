"""Rows much further from 0 than from each other, where rounding takes most of their squares."""

import numpy as np
import pytest

from xsoftmax import SoftmaxRegression, SoftmaxRegressionCV
from xsoftmax.curvature.covariances import Curvature

from .problems import blobs, objective_on, start


def objective(model, X, y):
    """What `SoftmaxRegression(C=1)` minimises, in double precision."""
    logits = X.astype(float) @ model.coef_.T.astype(float) + model.intercept_
    logits -= logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(y)), y]
    return losses.sum() + 0.5 * np.sum(model.coef_.astype(float) ** 2)


@pytest.mark.parametrize("distance", [100.0, 1e4])
@pytest.mark.parametrize(("n_features", "n_classes"), [(2, 3), (40, 3), (200, 10)])
def test_single_precision_finds_the_minimum_as_soon(distance, n_features, n_classes):
    X, y = blobs(600, n_features, n_classes, spread=4.0)
    near = SoftmaxRegression().fit(X.astype("float32"), y)
    X = (X + distance).astype("float32")
    model = SoftmaxRegression().fit(X, y)
    best = objective(SoftmaxRegression(tol=1e-10, max_iter=10_000).fit(X.astype(float), y), X, y)
    assert objective(model, X, y) - best <= 2e-3 * (len(y) * np.log(n_classes) - best)
    assert model.n_iter_ <= 2 * near.n_iter_ + 2


def test_so_it_does_by_cross_validation():
    X, y = blobs(600, spread=4.0)
    common = {"Cs": [0.01, 1.0], "cv": 3, "scoring": "neg_log_loss", "tol": 1e-4}
    near = SoftmaxRegressionCV(**common).fit(X, y)
    far = SoftmaxRegressionCV(**common).fit((X + 3e3).astype("float32"), y)
    np.testing.assert_allclose(far.scores_, near.scores_, rtol=1e-3)
    assert far.n_iter_.max() <= near.n_iter_.max() + 2


def test_newtons_step_is_the_same_from_the_middle(xp):
    X, y = blobs(n_classes=4)
    plain = objective_on(np.asarray, X, y, Cs=(0.5, 20.0))
    point = plain.at(start(plain))
    expected = plain.contrasts.times(plain.inverse_hessian(point, True), point.gradient)
    seen = from_middle(objective_on(xp, X, y, Cs=(0.5, 20.0)))
    point = seen.at(start(seen))
    found = seen.contrasts.times(seen.inverse_hessian(point, True), point.gradient)
    np.testing.assert_allclose(xp.host(found), expected, rtol=1e-8, atol=1e-10)


def from_middle(objective):
    return type(objective)(objective.network, objective.rows.around_middle(), objective.penalty)


@pytest.mark.parametrize("pooled", [False, True])
def test_curvature_is_the_same_and_more_exact(xp, pooled):
    X, y = blobs(n_samples=200)
    # Distances that single precision holds, so that all see the same rows.
    X = np.round(X * 64) / 64
    exact = objective_on(np.asarray, X, y)
    layers = exact.network.unpack(start(exact))
    expected = Curvature(exact.network, exact.rows, None if pooled else layers)
    far = from_middle(objective_on(xp, X + 4096.0, y, dtype="float32"))
    ((W, b),) = layers
    there = [(xp(W, "float32"), xp(b - 4096.0 * W.sum(axis=2), "float32"))]
    found = Curvature(far.network, far.rows, None if pooled else there)
    assert np.max(np.abs(xp.host(found.mean) - 4096.0 - expected.mean)) < 0.01
    np.testing.assert_allclose(xp.host(found.diagonal), expected.diagonal, rtol=0.02)


def test_every_source_of_the_rows_sees_them_from_there(xp):
    X, y = blobs(n_samples=200)
    rows = from_middle(objective_on(xp, X, y, Cs=(1.0, 2.0))).rows
    # A middle value of some rows, which a few large cells do not move.
    few = X[::7]
    middle = np.sort(few, axis=0)[len(few) // 2]
    np.testing.assert_allclose(xp.host(rows.middle), middle)
    sources = [rows.every(3), rows.sample(xp(np.arange(9))), rows.take([1])]
    assert all(source.middle is rows.middle for source in sources)
    single = rows.in_single()
    assert str(single.middle.dtype).endswith("float32")
    np.testing.assert_allclose(xp.host(single.middle), middle, rtol=1e-5)
