"""A fit of separable classes starts where ridge regression leads."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from xsoftmax import SoftmaxRegression, curvature
from xsoftmax.arrays import namespace, to_list
from xsoftmax.objective.objective import Objective
from xsoftmax.objective.policy import DEFAULT
from xsoftmax.solvers import fit
from xsoftmax.solvers.plan import start_from_zero
from xsoftmax.solvers.ridge_start import _directions, _minima, ridge_start

from ..problems import Quadratic, blobs, objective_on, zeros_of
from .fakes import APPROXIMATE

SHARES = DEFAULT.ridge_shares


def problem(xp=np.asarray, n_samples=300, spread=0.3, Cs=(1.0,), policy=APPROXIMATE):
    """Far classes, of which neither a sample nor the exact Hessian is asked."""
    X, y = blobs(n_samples=n_samples, n_features=12, n_classes=5, spread=spread)
    return objective_on(xp, X, y, Cs=Cs, policy=policy)


def origin_of(objective):
    """The iterate at 0, and the inverse Hessian there."""
    origin = objective.evaluate_at_zero(zeros_of(objective))
    return origin, curvature.approximate_inverse(objective, origin, 8, at_zero=True)


def begun(objective):
    """Where a fit from 0 starts, and the values there."""
    start = start_from_zero(objective, zeros_of(objective), uses_newton=False)
    return start, np.asarray(to_list(start.iterate.value))


def minima(objective):
    return np.asarray(fit(objective, zeros_of(objective), tol=1e-10, max_iter=200).values)


def test_a_share_scales_the_curvature_and_not_the_penalty(xp):
    objective = problem(xp)
    _, whole = origin_of(objective)
    unit = xp(np.eye(objective.network.n_parameters))

    def curved(inverse):
        """What is left of the Hessian once the penalty is taken off."""
        product = xp.host(inverse.solve(unit, objective.strength))
        penalty = np.diag(xp.host(objective.penalty)[0])
        common = product @ np.linalg.pinv(product)  # where classes sum to zero
        return np.linalg.pinv(product) - common @ penalty @ common

    np.testing.assert_allclose(
        curved(whole.scaled(xp([0.01]), 9.0)), 0.01 * curved(whole), atol=1e-9
    )


def test_a_share_leaves_the_floor_of_rounding_as_it_is(xp):
    objective = problem(xp, Cs=(1e20,))
    origin, whole = origin_of(objective)
    g = origin.gradient
    scaled = whole.scaled(xp([1e-3]), 9.0).solve(g, objective.strength)
    tried = 1e3 * whole.solve(g, 1e3 * objective.strength)
    np.testing.assert_allclose(xp.host(scaled), xp.host(tried), rtol=1e-9)


def test_a_line_search_finds_the_lowest_value_along_each_direction(xp):
    objective = problem(xp, Cs=(1.0, 100.0))
    origin, inverse = origin_of(objective)
    direction = -inverse.solve(origin.gradient, objective.strength)
    slopes = namespace(direction).vecdot(direction, origin.gradient)
    steps, values = np.transpose(_minima(objective, direction, slopes))
    line = objective.restrict(objective.evaluate(0 * direction), direction)
    grid = [xp.host(line(xp(t * steps))[0]) for t in np.geomspace(0.1, 10, 101)]
    np.testing.assert_allclose(values, np.min(grid, axis=0), rtol=0.1)


def test_trials_start_with_the_slopes_of_all_rows(xp):
    objective = problem(xp, Cs=(1.0, 100.0))
    origin, inverse = origin_of(objective)
    directions, slopes = _directions(inverse, origin.gradient, objective.strength, SHARES)
    assert directions.shape[0] == slopes.shape[0] == 2 * len(SHARES)
    for share in range(len(SHARES)):
        rows = slice(2 * share, 2 * share + 2)
        _, expected, _ = objective.restrict_from_zero(directions[rows, ...])(xp(np.zeros(2)))
        np.testing.assert_allclose(xp.host(slopes[rows]), xp.host(expected), rtol=1e-12)


class FromZero(Quadratic):
    def restrict_from_zero(self, direction):
        return self.restrict(self.evaluate(0 * direction), direction)


def test_a_step_of_no_slope_at_all_is_not_lost(xp):
    quadratic = FromZero(xp(np.ones((1, 3))), xp(np.ones((1, 3))))
    direction, slopes = xp(np.ones((1, 3))), xp([-3.0])
    ((step, value),) = _minima(quadratic, direction, slopes)  # the first trial is the minimum
    assert 0.9 <= step <= 1.0
    assert value == pytest.approx(-1.5, rel=0.02)


def test_one_pass_leads_near_the_minimum_of_separable_classes(xp):
    objective = problem(xp, Cs=(1.0, 10.0, 100.0))
    origin, inverse = origin_of(objective)
    newton = objective.evaluate(-inverse.solve(origin.gradient, objective.strength))
    (start, values), best = begun(objective), minima(objective)
    assert np.all(values < 1.6 * best)
    assert np.all(xp.host(newton.value) > 1.3 * values)
    assert np.all(xp.host(newton.value)[1:] > 2.5 * best[1:])
    assert to_list(start.inverse.scale)[0] in SHARES


def test_under_a_strong_penalty_ridge_regression_is_nearly_all(xp):
    objective = problem(xp, Cs=(1e-6, 1e-5))
    (_, values), best = begun(objective), minima(objective)
    at_zero = xp.host(objective.values_at_zero)
    assert np.all(values - best < 0.05 * (at_zero - best))


def test_the_change_from_zero_serves_the_first_step_only():
    objective = problem()
    origin, _ = origin_of(objective)
    start, _ = begun(objective)
    assert start.pairs is None
    s, y = start.parameters, start.iterate.gradient - origin.gradient
    scale = 1.0 / np.sqrt(np.sum(s * y))
    np.testing.assert_allclose(start.first_step_pairs.S[:, 0, :], scale * s, rtol=1e-12)
    np.testing.assert_allclose(start.first_step_pairs.Y[:, 0, :], scale * y, rtol=1e-12)


@pytest.mark.parametrize("share", [1.0, 0.01])
def test_the_shares_that_are_tried_are_those_of_the_policy(share):
    objective = problem(policy=replace(APPROXIMATE, ridge_shares=(share,)))
    start, _ = begun(objective)
    assert to_list(start.inverse.scale) == [share]


def test_without_shares_a_fit_starts_at_zero():
    objective = problem(policy=replace(APPROXIMATE, ridge_shares=()))
    start, _ = begun(objective)
    assert np.all(start.parameters == 0)
    assert start.inverse.scale is None
    assert not start.inverse.is_identity


@dataclass(frozen=True)
class Misled(Objective):
    """The rows on which steps are tried have other labels."""

    labels: Any = None

    def subsample(self, n_rows):
        return replace(self, rows=self.rows._replace(targets=self.labels))


def misled(objective, labels):
    known = objective.network, objective.rows, objective.penalty, None, objective.policy
    return Misled(*known, labels)


def labels_along(objective):
    """What the first step says of every row, so that it can go as far as it likes."""
    origin, inverse = origin_of(objective)
    direction = -inverse.solve(origin.gradient, objective.strength)
    return np.argmax(objective.evaluate(direction).logits, axis=1)


@pytest.mark.parametrize("why", ["no step leads lower", "steps lead too far"])
def test_a_start_that_is_not_lower_is_not_taken(why):
    right = problem(spread=5.0, Cs=(1e4,))
    assert ridge_start(right, *origin_of(right)) is not None
    wrong = (right.rows.targets + 1) % 5
    objective = misled(right, labels_along(right) if "far" in why else wrong)
    assert ridge_start(objective, *origin_of(objective)) is None
    start, _ = begun(objective)
    assert np.all(start.parameters == 0)
    assert start.inverse.scale is None
    assert start.inverse.error_factor == 1


@pytest.mark.parametrize("seen", [0, 1])
def test_rows_that_are_tried_may_all_weigh_nothing(seen):
    objective = problem(n_samples=2000)
    weights = np.zeros((1, 2000))
    weights[0, seen::2] = 1e-3
    weighted = replace(objective, rows=objective.rows._replace(weights=weights))
    half = replace(objective, rows=objective.rows.subsample(np.arange(seen, 2000, 2)))
    zeros, settings = zeros_of(objective), {"tol": 1e-9, "max_iter": 100}
    found, expected = fit(weighted, zeros, **settings), fit(half, zeros, **settings)
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-6)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_how_curved_the_way_was_says_nothing_of_where_it_ends(seed):
    """The step from 0 as a pair of L-BFGS made the next ones tiny: it took twice the iterations."""
    rng = np.random.default_rng(seed)
    y, mixing = rng.integers(0, 4, 300), rng.standard_normal((800, 800)) / 800**0.5
    X = rng.standard_normal((4, 800))[y] + 3 * rng.standard_normal((300, 800)) @ mixing
    model = SoftmaxRegression(tol=1e-3)
    model._policy = replace(DEFAULT, min_anisotropy=0.0, max_cost_at_zero=np.inf)
    model.fit(X, y)
    best = SoftmaxRegression(tol=1e-12, max_iter=500).fit(X, y).loss_curve_[-1]
    assert model.loss_curve_[-1] < 1.002 * best
    assert model.n_iter_ <= 12
