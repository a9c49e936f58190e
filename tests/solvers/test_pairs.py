"""Pairs of changes, and their products with an inverse Hessian."""

from itertools import pairwise

import numpy as np
import pytest

from xsoftmax import curvature
from xsoftmax.arrays import block_values
from xsoftmax.solvers.pairs import Pair, pairs_under

from ..problems import blobs, objective_on, start


@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e4])
def test_a_change_has_curvature_in_any_unit(xp, unit):
    s, y = (
        xp([[1.0 / unit, 0.0]] * 2, np.float32),
        xp([[0.1 * unit, unit], [-unit, 0.0]], np.float32),
    )
    inverse_sy = xp.host(Pair.of(s, y, y).inverse_sy)
    np.testing.assert_allclose(inverse_sy, [10.0, 0.0], rtol=1e-6)


def test_products_with_many_gradients_at_once_are_those_with_each(xp):
    X, y = blobs(n_samples=60, spread=2.0)
    objective = objective_on(xp, X, y, Cs=(1.0, 30.0))
    found = [objective.evaluate(start(objective, seed)) for seed in range(4)]
    inverse = curvature.approximate_inverse(objective, found[0], 8)
    changes = [(b.parameters - a.parameters, b.gradient - a.gradient) for a, b in pairwise(found)]
    pairs = pairs_under(inverse, objective.strength, changes)
    assert len(pairs) == 3
    for (s, y), pair in zip(changes, pairs, strict=True):
        for one, other in ((pair.s, s), (pair.y, y)):
            np.testing.assert_array_equal(xp.host(one), xp.host(other))
        Py = xp.host(inverse.solve(y, objective.strength))
        np.testing.assert_allclose(xp.host(pair.Py), Py, atol=1e-12 * np.abs(Py).max())
        sy = np.sum(xp.host(s) * xp.host(y), axis=1)
        np.testing.assert_allclose(xp.host(pair.inverse_sy), 1 / sy, rtol=1e-9)


def test_no_more_gradients_are_taken_at_once_than_fit_in_the_cache():
    n = 2 * block_values(np.zeros(1)) // 3 // 2  # three problems of two parameters fill two thirds
    sizes = []

    class Noting:
        def solve(self, gradient, strength):
            sizes.append(gradient.shape[0])
            return gradient

    change = np.ones((n, 2))
    pairs = pairs_under(Noting(), np.ones(n), [(change, i * change) for i in range(1, 4)])
    assert sum(sizes) == 3 * n
    assert len(sizes) > 1
    assert max(sizes) * 2 <= block_values(change)
    for i, pair in enumerate(pairs, 1):
        np.testing.assert_array_equal(pair.Py, i * change)


def test_where_nothing_changed_there_are_no_pairs():
    assert pairs_under(curvature.Identity(), np.ones(1), []) == ()
