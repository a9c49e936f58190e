"""A fit of separable classes starts where ridge regression leads."""

from dataclasses import replace

import numpy as np
import pytest
from xsoftmax.solvers.gaps import DOUBT, feared, promised
from xsoftmax.solvers.ridge import SHARES, _minima

from xsoftmax import SoftmaxRegression
from xsoftmax.arrays import namespace, to_list
from xsoftmax.solvers import LBFGS, Metric, minimize
from xsoftmax.solvers import lbfgs as lbfgs_module
from xsoftmax.solvers import ridge as ridge_module

from .problem_table import Approximated
from .problems import Quadratic, blobs, objective_on


def problem(xp=np.asarray, n_samples=300, spread=0.3, Cs=(1.0,), dtype="float64"):
    """Far classes, of which neither a sample nor the exact Hessian is asked."""
    X, y = blobs(n_samples=n_samples, n_features=12, n_classes=5, spread=spread)
    objective = objective_on(xp, X, y, Cs=Cs, dtype=dtype)
    return Approximated(objective.network, objective.rows, objective.penalty)


def origin_of(objective):
    origin = objective.start(0 * objective.penalty)
    return origin, objective.preconditioner(origin, 8, 1.0, True)


def test_a_share_scales_the_curvature_and_not_the_penalty(xp):
    objective = problem(xp)
    _, whole = origin_of(objective)
    n = objective.network.n_parameters
    many = replace(objective, penalty=objective.penalty + xp(np.zeros((n, 1))))
    unit = xp(np.eye(n))

    def curvature(share):
        """What is left of the inverse once the penalty is taken off."""
        preconditioner = replace(whole, share=share)
        inverse = xp.host(many.precondition(preconditioner, unit))
        penalty = np.diag(xp.host(objective.penalty)[0])
        common = inverse @ np.linalg.pinv(inverse)  # where classes sum to zero
        return np.linalg.pinv(inverse) - common @ penalty @ common

    np.testing.assert_allclose(curvature(xp([0.01])), 0.01 * curvature(None), atol=1e-9)


def test_a_share_leaves_the_floor_of_rounding_as_it_is(xp):
    objective = problem(xp, Cs=(1e20,))
    origin, whole = origin_of(objective)
    g = origin.gradient
    scaled = objective.precondition(replace(whole, share=xp([1e-3])), g)
    tried = 1e3 * whole.apply(g, 1e3 * objective.strength)
    np.testing.assert_allclose(xp.host(scaled), xp.host(tried), rtol=1e-9)


def test_a_line_search_finds_the_lowest_value_along_each_direction(xp):
    objective = problem(xp, Cs=(1.0, 100.0))
    origin, preconditioner = origin_of(objective)
    direction = -objective.precondition(preconditioner, origin.gradient)
    slopes = namespace(direction).vecdot(direction, origin.gradient)
    steps, values = np.transpose(_minima(objective, direction, slopes))
    ray = objective.along(objective.at(0 * direction), direction)
    grid = [xp.host(ray(xp(t * steps))[0]) for t in np.geomspace(0.1, 10, 101)]
    np.testing.assert_allclose(values, np.min(grid, axis=0), rtol=0.1)


def test_trials_start_with_the_slopes_of_all_rows(monkeypatch):
    objective, calls = problem(Cs=(1.0, 100.0)), []

    def spy(few, directions, slopes):
        calls.append((directions, slopes))
        return _minima(few, directions, slopes)

    monkeypatch.setattr(ridge_module, "_minima", spy)
    ridge_module.ridge_start(objective, *origin_of(objective))
    ((directions, slopes),) = calls
    for share in range(len(SHARES)):
        rows = slice(2 * share, 2 * share + 2)
        _, expected, _ = objective.from_zero(directions[rows])(np.zeros(2))
        np.testing.assert_allclose(slopes[rows], expected, rtol=1e-12)


def test_a_step_of_no_slope_at_all_is_not_lost(xp):
    quadratic = Quadratic(xp(np.ones((1, 3))), xp(np.ones((1, 3))))
    direction, slopes = xp(np.ones((1, 3))), xp([-3.0])
    ((step, value),) = _minima(quadratic, direction, slopes)  # the first trial is the minimum
    assert 0.9 <= step <= 1.0
    assert value == pytest.approx(-1.5, rel=0.02)


def test_one_pass_leads_near_the_minimum_of_separable_classes(xp):
    objective = problem(xp, Cs=(1.0, 10.0, 100.0))
    origin, preconditioner = origin_of(objective)
    newton = objective.at(-objective.precondition(preconditioner, origin.gradient))
    state, reports = LBFGS().init(objective, 0 * objective.penalty)
    values = np.asarray([report.value for report in reports])
    best = minimize(objective, 0 * objective.penalty, LBFGS(tol=1e-10), max_iter=200).values
    assert np.all(values < 1.6 * np.asarray(best))
    assert np.all(xp.host(newton.value) > 1.3 * values)
    assert np.all(xp.host(newton.value)[1:] > 2.5 * np.asarray(best)[1:])
    assert to_list(state.metric.preconditioner.share)[0] in SHARES


def test_under_a_strong_penalty_ridge_regression_is_nearly_all(xp):
    objective = problem(xp, Cs=(1e-6, 1e-5))
    _, reports = LBFGS().init(objective, 0 * objective.penalty)
    values = np.asarray([report.value for report in reports])
    best = minimize(objective, 0 * objective.penalty, LBFGS(tol=1e-10), max_iter=200).values
    left, gain = values - best, objective.null_value - np.asarray(best)
    assert np.all(left < 0.05 * gain)


def test_a_start_that_is_not_lower_is_not_taken(monkeypatch):
    objective = problem()
    monkeypatch.setattr(
        lbfgs_module,
        "ridge_start",
        lambda objective, origin, preconditioner: (1e3 + 0 * objective.penalty, preconditioner),
    )
    monkeypatch.setattr(Approximated, "start", lambda self, theta: self.at(theta))
    state, _ = LBFGS().init(objective, 0 * objective.penalty)
    assert np.all(state.parameters == 0)
    assert state.metric.preconditioner.share is None


@pytest.mark.parametrize("seen", [0, 1])
def test_rows_that_are_tried_may_all_weigh_nothing(seen):
    objective = problem(n_samples=2000)
    weights = np.zeros((1, 2000))
    weights[0, seen::2] = 1e-3
    weighted = replace(objective, rows=objective.rows._replace(weights=weights))
    half = replace(objective, rows=objective.rows.sample(np.arange(seen, 2000, 2)))
    start, solver = 0 * objective.penalty, LBFGS(tol=1e-9)
    found = minimize(weighted, start, solver, max_iter=100)
    np.testing.assert_allclose(
        found.values, minimize(half, start, solver, max_iter=100).values, rtol=1e-6
    )


def test_what_the_last_pairs_do_not_see_is_feared(xp):
    _, whole = origin_of(problem(xp))
    known, tried = (Metric(replace(whole, share=share), 0, 0) for share in (None, xp([0.1])))
    assert feared(known, -12.0, 0.5) == 6.0
    assert feared(tried, -12.0, 0.5) == 6.0 * DOUBT
    assert feared(known, 0.0, 0.5) == 0.5
    assert feared(Metric(None, 0, 0), -12.0, 0.5) == 0.5
    assert promised(known, -1.0) == 0.5
    assert promised(tried, -1.0) == 0.5 * DOUBT


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_how_curved_the_way_was_says_nothing_of_where_it_ends(seed):
    """The step from 0 as a pair of L-BFGS made the next ones tiny: it took twice the iterations."""
    rng = np.random.default_rng(seed)
    y, mixing = rng.integers(0, 4, 300), rng.standard_normal((800, 800)) / 800**0.5
    X = rng.standard_normal((4, 800))[y] + 3 * rng.standard_normal((300, 800)) @ mixing
    model = SoftmaxRegression(tol=1e-3).fit(X, y)
    best = SoftmaxRegression(tol=1e-12, max_iter=500).fit(X, y).loss_curve_[-1]
    assert model.loss_curve_[-1] < 1.002 * best
    assert model.n_iter_ <= 12
