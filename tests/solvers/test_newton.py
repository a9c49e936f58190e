"""Newton's method, and how long a Hessian serves."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from xsoftmax.objective.objective import Objective
from xsoftmax.solvers import LBFGS, Status, minimize, newton
from xsoftmax.solvers.newton import Made, Newton, NewtonReport

from .problems import blobs, objective_on, zeros_of


@pytest.fixture
def hessians(monkeypatch):
    """How many rows each Hessian was asked of."""
    asked, made = [], Objective.inverse_hessian

    def counted(objective, point, few):
        asked.append(objective.n_samples)
        return made(objective, point, few)

    monkeypatch.setattr(Objective, "inverse_hessian", counted)
    return asked


def trace(objective, tol, **start):
    found = []
    solution = minimize(
        objective, zeros_of(objective), LBFGS(tol=tol, **start), max_iter=50,
        callback=lambda iteration, state, reports: found.append(reports[0]),
    )  # fmt: skip
    assert all(isinstance(report, NewtonReport) for report in found)
    return solution, found


def test_the_last_hessian_serves_near_the_minimum(hessians):
    X, y = blobs(n_samples=90, n_features=5, spread=2.0)
    solution, found = trace(objective_on(np.asarray, X, y), 1e-12)
    assert solution.statuses == [Status.CONVERGED]
    assert 2 < len(hessians) < len(found) <= 10


def test_the_hessian_of_a_sample_serves_all_rows(hessians):
    X, y = blobs(n_samples=40_000, n_features=5, spread=2.0)
    objective = objective_on(np.asarray, X, y)
    solution, _ = trace(objective, 1e-7)
    _, gradient = objective.value_and_gradient(solution.parameters)
    assert np.abs(gradient).max() < 1e-4
    assert hessians.count(40_000) <= 1 < len(hessians)


def test_a_hessian_that_misleads_is_replaced(hessians):
    X, y = blobs(n_samples=90, n_features=5, spread=2.0)
    objective = objective_on(np.asarray, X, y)
    right, _ = trace(objective, 1e-12)
    point = objective.start(1.3 * right.parameters)
    flat = 1e-9 * objective.inverse_hessian(point, True)  # as if next to nothing were left to gain
    _, (report,) = Newton(1e-4).begin(objective, point, flat)
    assert report.gap < 1e-4
    assert report.status is Status.RUNNING
    del hessians[:]
    solution = minimize(objective, zeros_of(objective), _From(1e-4, (point, flat)), max_iter=50)
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
    solution, _ = trace(objective_on(np.asarray, X, logits.argmax(axis=1), Cs=(C,)), 1e-6)
    assert solution.statuses == [Status.CONVERGED]
    assert solution.n_iter[0] <= 25


def test_a_hessian_that_promises_more_than_all_of_f_is_replaced_at_once(hessians):
    X, y = blobs(n_samples=90, n_features=5, spread=2.0)
    objective = objective_on(np.asarray, X, y)
    point = objective.start(zeros_of(objective))
    inverse = objective.inverse_hessian(point, False)
    del hessians[:]
    minimize(objective, zeros_of(objective), _From(1e-4, (point, inverse)), max_iter=1)
    assert hessians == []
    minimize(objective, zeros_of(objective), _From(1e-4, (point, 100 * inverse)), max_iter=1)
    assert hessians == [90]


def test_a_step_that_is_not_whole_says_nothing_good_of_the_hessian():
    X, y = blobs(n_samples=90, n_features=5, spread=2.0)
    objective, found = objective_on(np.asarray, X, y), []
    point = objective.start(zeros_of(objective))
    short = 0.05 * objective.inverse_hessian(point, False)
    minimize(
        objective, zeros_of(objective), _From(1e-4, (point, short)), max_iter=1,
        callback=lambda iteration, state, reports: found.extend(reports),
    )  # fmt: skip
    assert found[0].rest == 1.0


@pytest.mark.parametrize("t", [1.0, 1.4, 2.0])
def test_a_step_of_any_length_tells_what_a_whole_one_would_have_left(t):
    """On a quadratic whose curvature M is not the 1 that it was taken for."""
    M, g = np.diag([0.7, 1.1, 0.9]), np.array([1.0, -2.0, 0.5])
    left, slope = g - t * M @ g, -g @ g
    rest, bend = newton._learnt(slope, -left @ g, -left @ left, t)
    np.testing.assert_allclose(rest, np.sum((g - M @ g) ** 2) / -slope)
    fallen = 1 - g @ M @ g / -slope
    assert fallen < 0  # curvature rose
    assert bend == 0


@pytest.mark.parametrize(("curvatures", "misled"), [([0.3, 0.3], False), ([1.9, 0.1], True)])
def test_a_hessian_misleads_where_more_is_wrong_than_along_the_step(curvatures, misled):
    left = 1.0 - np.asarray(curvatures)  # of a gradient (1, 1)
    rest, bend = newton._learnt(-2.0, -left.sum(), -left @ left, 1.0)
    assert (rest == 1.0) == misled
    assert (bend > 0) == (not misled)


def test_where_curvature_falls_steps_are_made_longer(monkeypatch):
    X, y = load_breast_cancer(return_X_y=True)
    objective = objective_on(np.asarray, (X - X.mean(axis=0)) / X.std(axis=0), y)
    longer, found = trace(objective, 1e-6)
    monkeypatch.setattr(newton, "_first_step", lambda report: 1.0)
    whole, _ = trace(objective, 1e-6)
    assert longer.n_iter[0] <= whole.n_iter[0] - 2
    assert found[-1].bend * (-found[-1].slope) ** 0.25 < 0.05  # near the end they are whole


@pytest.mark.parametrize(("n_classes", "spread"), [(2, 1.0), (3, 0.7), (4, 0.5), (6, 0.5)])
def test_the_first_step_allows_for_normally_distributed_logits(rng, n_classes, spread):
    """By less the more classes there are: what a step loses is shared among them."""
    X, W = rng.standard_normal((4000, 5)), spread * rng.standard_normal((5, n_classes))
    y = (X @ W + rng.gumbel(size=(4000, n_classes))).argmax(axis=1)
    objective = objective_on(np.asarray, X, y, Cs=(1e6,))
    state, (report,) = Newton().begin(objective, objective.start(zeros_of(objective)))
    ray, longer = objective.along(state.point, state.direction), newton._first_step(report)
    left, there = (abs(ray(np.asarray([t]))[1][0] / report.slope) for t in (1.0, longer))
    assert longer > 1.05
    assert there < 0.1
    assert there < left + 0.02


def test_intercepts_make_the_first_step_no_longer(rng):
    X, y = rng.standard_normal((4000, 3)), (rng.random(4000) > 0.9).astype(int)
    objective = objective_on(np.asarray, X, y)
    _, (report,) = Newton().begin(objective, objective.start(zeros_of(objective)))
    assert report.slope < -0.5  # of 1, all of which is the rare class
    assert 1.0 <= newton._first_step(report) < 1.01


@pytest.mark.parametrize(("made", "told"), [
    (Made(age=0), True), (Made(age=1), False), (Made(age=0, doubt=4.0), False),
])  # fmt: skip
def test_only_a_hessian_of_where_a_step_began_tells_how_curvature_fell(made, told):
    X, y = blobs(n_samples=90, n_features=5)
    objective = objective_on(np.asarray, X, y)
    state, (report,) = Newton().begin(objective, objective.start(zeros_of(objective)))
    serves = [replace(report, rest=0.0)]
    _, (after,) = Newton().update(objective, state._replace(made=made), serves)
    assert (after.bend > 0) == told


def test_no_first_step_promises_more_than_all_of_f():
    far, near = (SimpleNamespace(slope=slope, value=1.0, bend=0.0) for slope in (-4.0, -0.1))
    assert (newton._first_step(far), newton._first_step(near)) == (0.5, 1.0)


def test_noise_of_few_rows_is_no_reason_for_another_hessian(hessians):
    X, y = blobs(n_samples=4000, n_features=20, n_classes=4, spread=3.0)
    objective = objective_on(np.asarray, X, y)
    assert 0.05 < objective.hessian_error < 0.07  # 63 parameters, 1024 rows
    _, found = trace(objective, 1e-10)
    assert any(3e-3 < report.rest < objective.hessian_error for report in found)
    assert len(hessians) < len(found)
    assert objective_on(np.asarray, X[:1500], y[:1500]).hessian_error == 0


def test_the_inverse_of_a_sample_with_another_penalty_is_not_taken(hessians):
    X, y = blobs(n_samples=2000, n_features=18, n_classes=3, spread=2.0)
    objective = objective_on(np.asarray, X, y)
    assert objective.sample().penalty is not objective.penalty
    LBFGS().init(objective, zeros_of(objective))
    assert hessians[-1] == 2000


@dataclass(frozen=True)
class _From(Newton):
    """Newton's method from a point and an inverse Hessian of one's own."""

    start: tuple = ()

    def init(self, objective, parameters):
        return self.begin(objective, *self.start)


@pytest.mark.parametrize("C", [1.0, 1e6])
@pytest.mark.parametrize("spread", [0.3, 2.0])
def test_what_is_left_is_not_more_than_said(C, spread):
    X, y = blobs(n_samples=120, n_features=4, spread=spread)
    objective = objective_on(np.asarray, X, y, Cs=(C,))
    _, found = trace(objective, 1e-6)
    best, _ = trace(objective, 1e-14)
    near = [report for report in found if report.gap < 0.05]
    assert near
    for report in near:
        true = report.value - best.values[0]
        assert true <= 1.5 * report.gap * report.value + 1e-13


def test_problems_that_end_early_leave_the_others_their_hessians():
    X, y = blobs(n_samples=4000, n_features=5, spread=2.0)
    objective = objective_on(np.asarray, X, y, Cs=(1e-7, 1.0, 1e3))
    solution, _ = trace(objective, 1e-10)
    assert len(set(solution.n_iter)) > 1
    _, gradient = objective.value_and_gradient(solution.parameters)
    assert np.abs(gradient).max() < 1e-5
