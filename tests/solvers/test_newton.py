"""Newton's method, and how long a Hessian serves."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from xsoftmax.curvature import exact_inverse
from xsoftmax.curvature.exact import sampling_error
from xsoftmax.solvers import Status, WarmStart, minimize
from xsoftmax.solvers.newton import Newton, NewtonReport, _learnt

from ..problems import blobs, objective_on, zeros_of
from .fakes import Recorded, recorded_fit


def overlapping():
    X, y = blobs(n_samples=90, n_features=5, spread=2.0)
    return objective_on(np.asarray, X, y)


def at_zero(objective):
    """The start at 0."""
    zeros = zeros_of(objective)
    return WarmStart(zeros, objective.evaluate_at_zero(zeros))


def trace(objective, tol, begin=None, max_iter=50, solver=None):
    """The solution, the reports of the first problem, and the rows of each Hessian asked for."""
    found, solver = [], Recorded(solver or Newton(tol))
    solution = minimize(
        objective, begin or at_zero(objective), solver, max_iter=max_iter,
        callback=lambda iteration, parameters, reports: found.append(reports[0]),
    )  # fmt: skip
    assert all(isinstance(report, NewtonReport) for report in found)
    return solution, found, solver.made


def scaled(inverse, factor):
    """`factor` times an inverse Hessian."""
    return replace(inverse, inverse=factor * inverse.inverse)


def test_the_last_hessian_serves_near_the_minimum():
    solution, found, hessians = trace(overlapping(), 1e-12)
    assert solution.statuses == [Status.CONVERGED]
    assert 2 < len(hessians) < len(found) <= 10


def test_a_hessian_that_misleads_is_replaced():
    objective = overlapping()
    right, _, _ = trace(objective, 1e-12)
    iterate = objective.evaluate(1.3 * right.parameters)
    # As if next to nothing were left to gain.
    flat = scaled(exact_inverse(objective, iterate, True), 1e-9)
    begin = WarmStart(iterate.parameters, iterate, flat)
    _, (report,) = Newton(1e-4).init(objective, begin)
    assert report.gap < 1e-4
    assert report.status is Status.RUNNING
    solution, _, hessians = trace(objective, 1e-4, begin)
    assert hessians
    assert solution.values[0] - right.values[0] < 1e-4 * right.values[0]


@pytest.mark.parametrize("C", [1e3, np.inf])
def test_rows_that_say_nothing_of_rare_features_do_not_mislead_for_long(C):
    """Few of the rows have any of the rare categories, which the others cannot tell of."""
    rng, n_rare = np.random.default_rng(0), 30
    chances = 1.0 / np.arange(1, n_rare + 1) ** 2.5
    category = rng.choice(n_rare, size=20_000, p=chances / chances.sum())
    X = np.hstack([rng.standard_normal((20_000, 5)), np.eye(n_rare)[category]])
    logits = X @ rng.standard_normal((n_rare + 5, 3)) * 2 + rng.gumbel(size=(20_000, 3))
    objective = objective_on(np.asarray, X, logits.argmax(axis=1), Cs=(C,))
    stages = recorded_fit(objective, tol=1e-6)
    assert all(isinstance(solver.solver, Newton) for _, _, solver in stages)
    solution = stages[-1][1]
    assert solution.statuses == [Status.CONVERGED]
    assert solution.n_iter[0] <= 25


def test_a_hessian_that_promises_more_than_all_of_f_is_replaced_at_once():
    objective = overlapping()
    begin = at_zero(objective)
    inverse = exact_inverse(objective, begin.iterate, False)
    for factor, expected in ((1, []), (100, [90])):
        start = begin._replace(inverse=scaled(inverse, factor))
        _, _, hessians = trace(objective, 1e-4, start, max_iter=1)
        assert hessians == expected


def test_a_step_that_is_not_whole_says_nothing_good_of_the_hessian():
    objective = overlapping()
    begin = at_zero(objective)
    short = scaled(exact_inverse(objective, begin.iterate, False), 0.05)
    _, found, _ = trace(objective, 1e-4, begin._replace(inverse=short), max_iter=1)
    assert found[0].left == 1.0


@pytest.mark.parametrize("t", [1.0, 1.4, 2.0])
def test_a_step_of_any_length_tells_what_a_whole_one_would_have_left(t):
    """On a quadratic whose curvature M is not the 1 that it was taken for."""
    M, g = np.diag([0.7, 1.1, 0.9]), np.array([1.0, -2.0, 0.5])
    remaining, slope = g - t * M @ g, -g @ g
    left, decay = _learnt(slope, -remaining @ g, -remaining @ remaining, t)
    np.testing.assert_allclose(left, np.sum((g - M @ g) ** 2) / -slope)
    fallen = 1 - g @ M @ g / -slope
    assert fallen < 0  # curvature rose
    assert decay == 0


@pytest.mark.parametrize(("curvatures", "misled"), [([0.3, 0.3], False), ([1.9, 0.1], True)])
def test_a_hessian_misleads_where_more_is_wrong_than_along_the_step(curvatures, misled):
    remaining = 1.0 - np.asarray(curvatures)  # of a gradient (1, 1)
    left, decay = _learnt(-2.0, -remaining.sum(), -remaining @ remaining, 1.0)
    assert (left == 1.0) == misled
    assert (decay > 0) == (not misled)


def test_where_curvature_falls_steps_are_made_longer():
    X, y = load_breast_cancer(return_X_y=True)
    objective = objective_on(np.asarray, (X - X.mean(axis=0)) / X.std(axis=0), y)
    longer, found, _ = trace(objective, 1e-6)
    whole, _, _ = trace(objective, 1e-6, solver=Newton(1e-6, lengthens_steps=False))
    assert longer.n_iter[0] <= whole.n_iter[0] - 2
    last = found[-1]
    assert last.curvature_decay * (-last.slope) ** 0.25 < 0.05  # near the end they are whole


@pytest.mark.parametrize(("n_classes", "spread"), [(2, 1.0), (3, 0.7), (4, 0.5), (6, 0.5)])
def test_the_first_step_allows_for_normally_distributed_logits(rng, n_classes, spread):
    """By less the more classes there are: what a step loses is shared among them."""
    X, W = rng.standard_normal((4000, 5)), spread * rng.standard_normal((5, n_classes))
    y = (X @ W + rng.gumbel(size=(4000, n_classes))).argmax(axis=1)
    objective = objective_on(np.asarray, X, y, Cs=(1e6,))
    state, (report,) = Newton().init(objective, at_zero(objective))
    line, longer = objective.restrict(state.iterate, state.direction), Newton()._first_step(report)
    assert longer > 1.05
    assert abs(line(np.asarray([longer]))[1][0] / report.slope) < 0.25  # of the slope is left


def test_intercepts_make_the_first_step_no_longer(rng):
    X, y = rng.standard_normal((4000, 3)), (rng.random(4000) > 0.9).astype(int)
    objective = objective_on(np.asarray, X, y)
    _, (report,) = Newton().init(objective, at_zero(objective))
    assert report.slope < -0.5  # of 1, all of which is the rare class
    assert 1.0 <= Newton()._first_step(report) < 1.01


@pytest.mark.parametrize(("age", "error_factor", "told"), [
    (0, 1.0, True), (1, 1.0, False), (0, 4.0, False),
])  # fmt: skip
def test_only_a_hessian_of_where_a_step_began_tells_how_curvature_fell(age, error_factor, told):
    X, y = blobs(n_samples=90, n_features=5)
    objective = objective_on(np.asarray, X, y)
    state, (report,) = Newton().init(objective, at_zero(objective))
    state = state._replace(age=age, inverse=replace(state.inverse, error_factor=error_factor))
    serves = [replace(report, left=0.0)]
    _, (after,) = Newton().update(objective, state, serves)
    assert (after.curvature_decay > 0) == told


@pytest.mark.parametrize(("slope", "value", "decay", "first"), [
    (-4.0, 1.0, 0.0, 0.5),  # no more to gain than all of f
    (-0.1, 1.0, 0.0, 1.0),
    (-1e-4, 1.0, 2.0, 2 / (1 + 0.2**0.5)),  # a = 2 * 0.1
    (-1e-4, 1.0, 9.0, 2.0),
    (0.0, 1.0, 0.0, 1.0),
])  # fmt: skip
def test_the_first_step_is_where_the_slope_would_be_0(slope, value, decay, first):
    report = SimpleNamespace(slope=slope, value=value, curvature_decay=decay)
    assert Newton()._first_step(report) == pytest.approx(first, rel=1e-12)


def test_noise_of_few_rows_is_no_reason_for_another_hessian():
    X, y = blobs(n_samples=4000, n_features=20, n_classes=4, spread=3.0)
    objective = objective_on(np.asarray, X, y)
    assert 0.05 < sampling_error(objective) < 0.07  # 63 parameters, 1024 rows
    _, found, hessians = trace(objective, 1e-10)
    assert any(3e-3 < report.left < sampling_error(objective) for report in found)
    assert len(hessians) < len(found)
    assert sampling_error(objective_on(np.asarray, X[:1500], y[:1500])) == 0


def test_the_hessian_of_a_sample_serves_all_rows():
    X, y = blobs(n_samples=40_000, n_features=5, spread=2.0)
    objective = objective_on(np.asarray, X, y)
    stages = recorded_fit(objective, tol=1e-7)
    _, gradient = objective.value_and_gradient(stages[-1][1].parameters)
    assert np.abs(gradient).max() < 1e-4
    assert len(stages) > 1
    assert len(stages[-1][2].made) <= 1 < sum(len(solver.made) for _, _, solver in stages)


def test_the_inverse_of_a_sample_with_the_same_penalty_is_taken_with_its_error():
    X, y = blobs(n_samples=40_000, n_features=5, spread=2.0)
    objective = objective_on(np.asarray, X, y)
    stages = recorded_fit(objective, tol=1e-4)
    (before, _, _), (_, _, solver) = stages[-2:]
    assert before.objective.penalty is objective.penalty
    (begin,) = solver.starts
    assert begin.inverse.error_factor == 40_000 / before.objective.n_samples


@pytest.mark.parametrize("C", [1.0, 1e6])
@pytest.mark.parametrize("spread", [0.3, 2.0])
def test_what_is_left_is_not_more_than_said(C, spread):
    X, y = blobs(n_samples=120, n_features=4, spread=spread)
    objective = objective_on(np.asarray, X, y, Cs=(C,))
    _, found, _ = trace(objective, 1e-6)
    best, _, _ = trace(objective, 1e-14)
    near = [report for report in found if report.gap < 0.05]
    assert near
    for report in near:
        true = report.value - best.values[0]
        assert true <= 1.5 * report.gap * report.value + 1e-13


def test_problems_that_end_early_leave_the_others_their_hessians():
    X, y = blobs(n_samples=4000, n_features=5, spread=2.0)
    objective = objective_on(np.asarray, X, y, Cs=(1e-7, 1.0, 1e3))
    solution, _, _ = trace(objective, 1e-10)
    assert len(set(solution.n_iter)) > 1
    _, gradient = objective.value_and_gradient(solution.parameters)
    assert np.abs(gradient).max() < 1e-5
