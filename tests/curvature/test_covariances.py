"""Which rows tell the curvature of a class, and what they tell."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp

from xsoftmax.arrays import block_values
from xsoftmax.curvature.covariances import ClassCovariances
from xsoftmax.objective.policy import DEFAULT
from xsoftmax.solvers.plan import curvature_pays

from ..problems import blobs, objective_on, start, zeros_of


def covariances_of(objective, iterate=None, max_kept=1 << 23):
    policy = replace(DEFAULT, max_curvature_values=max_kept)
    return ClassCovariances.of(objective.network, objective.rows, iterate, policy)


@pytest.mark.parametrize(("decay", "n_distinct"), [(0.0, 550), (1e-3, 550), (1e-2, 340)])
def test_picked_rows_estimate_the_covariance_of_all(decay, n_distinct):
    X, y = blobs(n_samples=3000, n_features=4, spread=2.0)
    weights = np.exp(-decay * np.arange(3000))[None, :]
    objective = objective_on(np.asarray, X, y, weights=weights)
    covariances = covariances_of(objective, objective.evaluate(zeros_of(objective)))
    every, some = (covariances.picked(slice(0, 1), n)[0] for n in (3000, 600))
    assert every.shape[0] == 3000
    assert some.shape[0] == 600
    whole = every.T @ every
    np.testing.assert_allclose(some.T @ some, whole, atol=0.15 * np.abs(whole).max())
    # A heavy row is not picked again and again.
    assert len(np.unique(some, axis=0)) > n_distinct


@pytest.mark.parametrize("n_picked", [500, 2000])
def test_of_many_rows_and_classes_every_fourth_row_stands_for_all(n_picked):
    n_classes = 3200  # so that all rows have too many probabilities
    X, _ = blobs(n_samples=8000, n_features=4, n_classes=3, spread=2.0)
    X *= np.linspace(0.1, 2.0, 8000)[:, None]  # the first rows are unlike the last
    covariances = covariances_of(objective_on(np.asarray, X, np.arange(8000) % n_classes))
    assert covariances.n_rows == 2000
    A, centred = covariances.picked(slice(0, 1), n_picked)[0], X - X.mean(axis=0)
    assert A.shape[0] == n_picked
    exact = centred.T @ centred / 8000 / n_classes
    np.testing.assert_allclose(A.T @ A, exact, atol=0.15 * np.abs(exact).max())


@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("soft", [False, True])
def test_known_logits_make_the_same_weights_without_the_rows(xp, stride, n_classes, soft):
    X, y = blobs(n_samples=300, n_features=4, n_classes=n_classes, spread=2.0)
    n_kept = 300 * n_classes // stride + 1
    objective = objective_on(xp, X, y, Cs=(0.1, 10.0))
    rows = objective.rows._replace(max_block_rows=70)
    if soft:
        rows = rows._replace(
            targets=xp(np.random.default_rng(1).dirichlet([1] * n_classes, 300).T[None])
        )
    objective = replace(objective, rows=rows)
    iterate = objective.evaluate(start(objective))
    layers = objective.network.unpack(iterate.parameters)
    made = covariances_of(objective, iterate._replace(logits=None), n_kept)
    known = covariances_of(objective, iterate, n_kept)
    assert made.n_rows == 300 // stride
    np.testing.assert_allclose(xp.host(known.weights), xp.host(made.weights), rtol=1e-9)
    logits, t = (
        xp.host(x) for x in (objective.network.logits(layers, xp(X)), objective.rows.targets)
    )
    p = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    r = p - (t[0] if soft else np.eye(n_classes)[:, t[0]])
    factor = n_classes / (n_classes - 1) / 300
    weights = np.mean(np.maximum(p * (1 - p), r * r), axis=0) * factor
    np.testing.assert_allclose(xp.host(made.weights), weights[:, ::stride] * stride, rtol=1e-9)


@pytest.mark.parametrize(("n_picked", "at_once"), [(60, [2, 2, 1]), (1500, [1] * 5)])
def test_matrices_of_classes_are_the_same_some_after_others(xp, n_picked, at_once):
    X, y = blobs(n_samples=2000, n_features=600, n_classes=5, spread=2.0)
    objective = objective_on(xp, X, y)
    parameters = 0.05 * start(objective)
    covariances = covariances_of(objective, objective.evaluate(parameters))
    found = list(covariances.matrices(n_picked))
    on_accelerator = block_values(covariances.mean) > block_values(np.zeros(1))
    assert [H.shape[0] for H in found] == ([5] if on_accelerator else at_once)
    found = np.concatenate([xp.host(H) for H in found])
    for k, H in enumerate(found):
        fields = {
            name: getattr(covariances, name)[k : k + 1, ...]
            for name in ("weights", "mass", "sums", "squares")
        }
        (alone,) = replace(covariances, **fields).matrices(n_picked)
        np.testing.assert_allclose(H, xp.host(alone)[0], rtol=1e-11, atol=1e-15)
        np.testing.assert_allclose(np.diag(H), xp.host(covariances.diagonal)[k], rtol=1e-9)
    if n_picked == 1500:  # of all rows, as those are not many more
        w, mean = xp.host(covariances.weights)[4], xp.host(covariances.mean)[4]
        expected = (X - mean).T @ ((X - mean) * w[:, None])
        np.testing.assert_allclose(found[4], expected, rtol=1e-9, atol=1e-12)


def test_of_few_rows_a_matrix_takes_all_but_picks_as_many_as_are_asked():
    X, y = blobs(n_samples=300, n_features=4, spread=2.0)
    covariances, centred = covariances_of(objective_on(np.asarray, X, y)), X - X.mean(axis=0)
    (H,) = covariances.matrices(60)
    np.testing.assert_allclose(H[0], centred.T @ centred / 300 / 3)
    assert covariances.picked(slice(0, 1), 60).shape == (1, 60, 4)


def test_matrices_have_the_exact_diagonal_of_features_that_no_picked_row_has(xp):
    X, y = blobs(n_samples=5000, n_features=4, spread=2.0)
    X[:, 2] = np.where(np.arange(5000) == 1, 3.0, 0.0)
    covariances = covariances_of(objective_on(xp, X, y))
    assert not np.ptp(xp.host(covariances.picked(slice(0, 1), 50))[0, :, 2])
    (H,) = covariances.matrices(50)
    expected = X.var(axis=0) / 3
    np.testing.assert_allclose(xp.host(H)[0].diagonal(), expected, rtol=1e-9)
    assert expected[2] > 0


def test_pooled_is_the_mean_class_and_each_ones_share_of_it(xp):
    X, y = blobs(n_samples=200, n_features=3, n_classes=4, spread=2.0)
    objective = objective_on(xp, X, y)
    covariances = covariances_of(objective, objective.evaluate(start(objective)))
    pooled, share = covariances.pooled()
    w = xp.host(covariances.weights)
    np.testing.assert_allclose(xp.host(share), w.sum(axis=1) / w.sum(axis=1).mean(), rtol=1e-12)
    w = w.mean(axis=0)
    mean = w @ X / w.sum()
    (H,) = pooled.matrices(200)
    np.testing.assert_allclose(xp.host(pooled.weights), w[None], rtol=1e-12)
    np.testing.assert_allclose(xp.host(pooled.mean), mean[None], rtol=1e-10)
    expected = (X - mean).T @ ((X - mean) * w[:, None])
    np.testing.assert_allclose(xp.host(H)[0], expected, rtol=1e-9)


@pytest.mark.parametrize("at_zero", [False, True])
def test_moments_of_far_rows_are_the_same_and_more_exact_from_their_center(xp, at_zero):
    X, y = blobs(n_samples=200)
    # Distances that single precision holds, so that all see the same rows.
    X = np.round(X * 64) / 64
    exact = objective_on(np.asarray, X, y)
    iterate = exact.evaluate(start(exact))
    expected = covariances_of(exact, None if at_zero else iterate)
    far = objective_on(xp, X + 4096.0, y, dtype="float32")
    far = replace(far, rows=far.rows.centered())
    ((W, b),) = exact.network.unpack(iterate.parameters)
    there = [(xp(W, "float32"), xp(b - 4096.0 * W.sum(axis=2), "float32"))]
    there = far.evaluate(far.network.pack(there))
    found = covariances_of(far, None if at_zero else there)
    assert np.max(np.abs(xp.host(found.mean) - 4096.0 - expected.mean)) < 0.01
    np.testing.assert_allclose(xp.host(found.diagonal), expected.diagonal, rtol=0.02)


@pytest.mark.parametrize(("decay", "pays"), [(1.0, False), (1e4, True)])
@pytest.mark.parametrize(("n_samples", "n_features"), [(300, 200), (4000, 300), (3000, 500)])
def test_anisotropy_of_few_rows_foretells_uneven_curvature(
    xp, rng, n_samples, n_features, decay, pays
):
    X = rng.standard_normal((n_samples, n_features)) * np.geomspace(1, decay**-0.5, n_features)
    objective = objective_on(xp, X, rng.integers(0, 4, n_samples), Cs=(100.0,))
    assert curvature_pays(objective) == pays


def test_a_strong_penalty_makes_curvature_even(rng):
    X = rng.standard_normal((300, 200)) * np.geomspace(1, 1e-2, 200)
    objective = objective_on(np.asarray, X, rng.integers(0, 4, 300), Cs=(1e-4,))
    assert not curvature_pays(objective)
