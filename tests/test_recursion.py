"""From pairs of changes to a direction, and which pairs are forgotten."""

import numpy as np
import pytest

from xsoftmax import SoftmaxRegression
from xsoftmax.solvers import recursion
from xsoftmax.solvers.metric import Pair
from xsoftmax.solvers.recursion import N_FRESH, STALE, descent, forget


def pairs_of(xp, H, S):
    """Pairs of the quadratic with Hessian H (n, n), for steps S (n_pairs, n_problems, n)."""
    return tuple(Pair.of(xp(s), xp(s @ H), xp(s @ H)) for s in S)


def test_pairs_along_all_axes_are_newtons_direction(xp):
    H, g = np.diag([1.0, 10.0, 100.0]), np.asarray([[3.0, 2.0, 1.0]])
    found = descent(xp(g), xp(g), pairs_of(xp, H, np.eye(3)[:, None, :]))
    np.testing.assert_allclose(xp.host(found.direction), -g / [1, 10, 100], rtol=1e-12)
    np.testing.assert_allclose(xp.host(found.slope), [-(9 + 0.4 + 0.01)], rtol=1e-12)
    assert not xp.host(found.stale).any()


def test_without_pairs_the_metric_decides(xp):
    g, Pg = np.asarray([[1.0, 2.0], [3.0, 4.0]]), np.asarray([[2.0, 1.0], [-3.0, -4.0]])
    found = descent(xp(g), xp(Pg), ())
    np.testing.assert_allclose(xp.host(found.direction), [[-2.0, -1.0], [-3.0, -4.0]])  # uphill
    assert not xp.host(found.stale).any()


def test_pairs_that_take_nearly_all_are_stale(xp):
    """Those of the first problem say that its gradient lies where the loss is very curved."""
    steep = np.diag([10 * STALE, 1.0, 1.0])
    g = np.asarray([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
    steps = np.eye(3)[[2, 2, 0, 1], None, :].repeat(2, axis=1)
    found = descent(xp(g), xp(g), pairs_of(xp, steep, steps))
    assert xp.host(found.stale).tolist() == [True, False]


def test_only_old_pairs_of_some_problems_are_forgotten(xp):
    rng = np.random.default_rng(0)
    pairs = pairs_of(xp, np.eye(2), rng.standard_normal((N_FRESH + 2, 2, 2)))
    left = forget(pairs, xp(np.asarray([1.0, 0.0])) > 0)
    assert left[2:] == pairs[2:]
    for old, pair in zip(left[:2], pairs[:2], strict=True):
        for x, before in zip(old, pair, strict=True):
            assert not xp.host(x)[0].any()
            np.testing.assert_array_equal(xp.host(x)[1], xp.host(before)[1])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_curvature_that_is_no_longer_there_is_forgotten(seed, monkeypatch):
    """Rows are told apart ever more surely, and so curve the loss ever less."""
    rng = np.random.default_rng(seed)
    y, mixing = rng.integers(0, 4, 300), rng.standard_normal((800, 800)) / 800**0.5
    X = rng.standard_normal((4, 800))[y] + 3 * rng.standard_normal((300, 800)) @ mixing
    model = SoftmaxRegression(tol=1e-3).fit(X, y)
    best = SoftmaxRegression(tol=1e-12, max_iter=500).fit(X, y).loss_curve_[-1]
    assert model.n_iter_ <= 9
    assert model.loss_curve_[-1] < 1.002 * best
    monkeypatch.setattr(recursion, "STALE", np.inf)
    assert SoftmaxRegression(tol=1e-3).fit(X, y).n_iter_ >= 13
