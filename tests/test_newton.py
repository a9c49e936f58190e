"""Newton's method, and how long a Hessian serves."""

from dataclasses import dataclass

import numpy as np
import pytest

from xsoftmax.objective import Objective
from xsoftmax.solvers import LBFGS, Status, minimize
from xsoftmax.solvers.newton import Newton, NewtonState

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
    states = []
    solution = minimize(
        objective, zeros_of(objective), LBFGS(tol=tol, **start), max_iter=50,
        callback=lambda iteration, state, values: states.append(state),
    )  # fmt: skip
    assert all(isinstance(state, NewtonState) for state in states)
    return solution, states


def test_the_last_hessian_serves_near_the_minimum(hessians):
    X, y = blobs(n_samples=90, n_features=5, spread=2.0)
    solution, states = trace(objective_on(np.asarray, X, y), 1e-12)
    assert solution.statuses == [Status.CONVERGED]
    assert 2 < len(hessians) < len(states) <= 10


def test_the_hessian_of_a_sample_serves_all_rows(hessians):
    X, y = blobs(n_samples=40_000, n_features=5, spread=2.0)
    objective = objective_on(np.asarray, X, y)
    solution, _ = trace(objective, 1e-8)
    _, gradient = objective.value_and_gradient(solution.parameters)
    assert np.abs(gradient).max() < 1e-4
    assert hessians.count(40_000) <= 1 < len(hessians)


def test_a_hessian_that_misleads_is_replaced(hessians):
    X, y = blobs(n_samples=90, n_features=5, spread=2.0)
    objective = objective_on(np.asarray, X, y)
    right, _ = trace(objective, 1e-12)
    point = objective.start(1.3 * right.parameters)
    flat = 1e-9 * objective.inverse_hessian(point, True)  # as if next to nothing were left to gain
    state = Newton(1e-4).begin(objective, point, flat)
    assert state.gap[0] < 1e-4
    assert state.status[0] == Status.RUNNING
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
    objective, states = objective_on(np.asarray, X, y), []
    point = objective.start(zeros_of(objective))
    short = 0.05 * objective.inverse_hessian(point, False)
    minimize(
        objective, zeros_of(objective), _From(1e-4, (point, short)), max_iter=1,
        callback=lambda iteration, state, values: states.append(state),
    )  # fmt: skip
    assert states[0].note[0] == 1.0


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
    _, states = trace(objective, 1e-6)
    best, _ = trace(objective, 1e-14)
    near = [state for state in states if state.gap[0] < 0.05]
    assert near
    for state in near:
        true = state.value[0] - best.values[0]
        assert true <= 1.5 * state.gap[0] * state.value[0] + 1e-13


def test_problems_that_end_early_leave_the_others_their_hessians():
    X, y = blobs(n_samples=4000, n_features=5, spread=2.0)
    objective = objective_on(np.asarray, X, y, Cs=(1e-7, 1.0, 1e3))
    solution, _ = trace(objective, 1e-10)
    assert len(set(solution.n_iter)) > 1
    _, gradient = objective.value_and_gradient(solution.parameters)
    assert np.abs(gradient).max() < 1e-5
