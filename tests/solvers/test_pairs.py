"""Pairs of changes, their products with an inverse Hessian, and the one that they imply."""

from itertools import pairwise

import numpy as np
import pytest

from xsoftmax import curvature
from xsoftmax.arrays import block_values
from xsoftmax.solvers.pairs import Pairs

from ..problems import blobs, objective_on, start


def changes_of_two_problems(n_changes, n=6, seed=0):
    """Changes s of parameters, and those of the gradient, (n_changes, 2, n) each."""
    rng = np.random.default_rng(seed)
    H = rng.standard_normal((2, n, n))
    H = H @ H.transpose(0, 2, 1) + np.eye(n)
    s = rng.standard_normal((n_changes, 2, n))
    return s, np.einsum("cpi,pij->cpj", s, H)


def updated_one_by_one(P, s, y):
    """The inverse Hessian by the textbook's update, from P scaled to the newest change."""
    H = P * (s[-1] @ y[-1]) / (y[-1] @ P @ y[-1])
    for a, b in zip(s, y, strict=True):
        V = np.eye(a.size) - np.outer(b, a) / (a @ b)
        H = V.T @ H @ V + np.outer(a, a) / (a @ b)
    return H


def with_changes(xp, s, y, P, memory):
    pairs = Pairs.none(xp(s[0]), memory)
    for a, b in zip(s, y, strict=True):
        pairs = pairs.with_pair(xp(a), xp(b), xp(b @ P))
    return pairs


@pytest.mark.parametrize("n_changes", [1, 2, 4, 7])
def test_the_implied_inverse_hessian_is_that_of_the_last_pairs_one_by_one(xp, n_changes):
    s, y = changes_of_two_problems(n_changes)
    P, g = np.diag(np.linspace(0.5, 2.0, 6)), np.ones((2, 6))
    pairs = with_changes(xp, s, y, P, memory=4)
    found = xp.host(pairs.inverse_hessian_product(xp(g), xp(g @ P)))
    for k in range(2):
        expected = updated_one_by_one(P, s[-4:, k], y[-4:, k]) @ g[k]
        np.testing.assert_allclose(found[k], expected, rtol=1e-9)


def test_without_pairs_the_inverse_hessian_is_the_one_that_was_given(xp):
    g = xp(np.ones((2, 3)))
    found = Pairs.none(g, 4).inverse_hessian_product(g, 3.0 * g)
    np.testing.assert_array_equal(xp.host(found), 3.0)


def test_a_pair_without_curvature_counts_as_none(xp):
    s, y = changes_of_two_problems(3)
    y[1, 0] *= -1.0  # only of one of the problems
    P, g = np.eye(6), np.ones((2, 6))
    pairs = with_changes(xp, s, y, P, memory=4)
    found = xp.host(pairs.inverse_hessian_product(xp(g), xp(g)))
    for k, kept in enumerate(([0, 2], [0, 1, 2])):
        np.testing.assert_allclose(found[k], updated_one_by_one(P, s[kept, k], y[kept, k]) @ g[k])


@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e4])
def test_a_change_has_curvature_in_any_unit(xp, unit):
    s, y = (
        xp([[1.0 / unit, 0.0]] * 2, np.float32),
        xp([[0.1 * unit, unit], [-unit, 0.0]], np.float32),
    )
    curvature_of_pair = xp.host(Pairs.none(s, 1).with_pair(s, y, y).curvature)
    np.testing.assert_allclose(curvature_of_pair, [10.1 * unit**2, 0.0], rtol=1e-6)


def test_where_the_penalty_grows_the_changes_of_the_gradient_do(xp):
    s, y = changes_of_two_problems(5)
    more = np.stack([np.full(6, 0.5), np.full(6, 2.0)])
    pairs = with_changes(xp, s, y, np.eye(6), memory=5).with_more_penalty(xp(more))
    expected = with_changes(xp, s, y + more * s, np.eye(6), memory=5)
    g = xp(np.ones((2, 6)))
    one, other = (xp.host(each.inverse_hessian_product(g, g)) for each in (pairs, expected))
    np.testing.assert_allclose(one, other, rtol=1e-9)


def test_products_with_many_gradients_at_once_are_those_with_each(xp):
    X, y = blobs(n_samples=60, spread=2.0)
    objective = objective_on(xp, X, y, Cs=(1.0, 30.0))
    found = [objective.evaluate(start(objective, seed)) for seed in range(4)]
    inverse = curvature.approximate_inverse(objective, found[0], 8)
    pairs = expected = Pairs.none(found[0].gradient, 3)
    for a, b in pairwise(found):
        s, y = b.parameters - a.parameters, b.gradient - a.gradient
        pairs = pairs.with_pair(s, y, y)
        expected = expected.with_pair(s, y, inverse.solve(y, objective.strength))
    pairs = pairs.under(inverse, objective.strength)
    for one, other in zip(pairs[:5], expected[:5], strict=True):
        one, other = xp.host(one), xp.host(other)
        np.testing.assert_allclose(one, other, atol=1e-12 * np.abs(other).max())


def test_no_more_gradients_are_taken_at_once_than_fit_in_the_cache():
    n = 2 * block_values(np.zeros(1)) // 3 // 2  # three problems of two parameters fill two thirds
    sizes = []

    class Noting:
        def solve(self, gradient, strength):
            sizes.append(gradient.shape[0])
            return 2.0 * gradient

    change = np.ones((n, 2))
    pairs = Pairs.none(change, 3)
    for i in range(1, 4):
        pairs = pairs.with_pair(change, i * change, i * change)
    np.testing.assert_array_equal(pairs.under(Noting(), np.ones(n)).PY, 2.0 * pairs.Y)
    assert sum(sizes) == 4 * n
    assert len(sizes) > 1
    assert max(sizes) * 2 <= block_values(change)


def test_only_some_of_the_problems_are_kept(xp):
    s, y = changes_of_two_problems(3)
    pairs = with_changes(xp, s, y, np.eye(6), memory=4)
    kept = pairs.select(xp([1], np.int64))
    assert kept.n_made == pairs.n_made
    for some, all_of_them in zip(kept[:5], pairs[:5], strict=True):
        np.testing.assert_array_equal(xp.host(some), xp.host(all_of_them)[1:])


def test_without_pairs_the_product_is_that_of_the_preconditioner(xp, rng):
    g, Pg = rng.standard_normal((2, 3, 6))
    product = Pairs.none(xp(g), 4).inverse_hessian_product(xp(g), xp(Pg))
    np.testing.assert_allclose(xp.host(product), Pg, rtol=1e-14)


def test_pairs_stay_what_they_are_while_another_is_made_of_them(xp):
    s, y = changes_of_two_problems(9)
    g, seen = xp(np.ones((2, 6))), []
    pairs = Pairs.none(xp(s[0]), 3)
    for a, b in zip(s, y, strict=True):
        before = xp.host(pairs.inverse_hessian_product(g, g))
        for _ in range(2):  # as where memory ran out, and the step is made again
            after = pairs.with_pair(xp(a), xp(b), xp(b))
            np.testing.assert_array_equal(xp.host(pairs.inverse_hessian_product(g, g)), before)
        pairs = after
        seen.append(len(pairs.places))
    assert seen == [1, 2, 3, 3, 3, 3, 3, 3, 3]


def test_a_copy_has_memory_of_its_own(xp):
    s, y = changes_of_two_problems(6)
    pairs, g = with_changes(xp, s, y, np.eye(6), memory=3), xp(np.ones((2, 6)))
    before, copy = xp.host(pairs.inverse_hessian_product(g, g)), pairs.copy()
    for a, b in zip(s, y, strict=True):
        copy = copy.with_pair(xp(b), xp(a), xp(a))
    np.testing.assert_array_equal(xp.host(pairs.inverse_hessian_product(g, g)), before)
