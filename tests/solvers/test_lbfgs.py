"""When a metric is made, applied and dropped, and which pairs of changes count."""

from types import SimpleNamespace

import numpy as np
import pytest

import xsoftmax.solvers.lbfgs as lbfgs_module
from xsoftmax.arrays import to_list
from xsoftmax.objective.objective import Objective
from xsoftmax.solvers import LBFGS, minimize
from xsoftmax.solvers.metric import Pair

from .problem_table import Approximated
from .problems import Quadratic, blobs, objective_on, zeros_of


def overlapping(kind):
    """Classes that overlap, as a `kind` of objective."""
    X, y = blobs(n_samples=90, n_features=5, spread=2.0)
    objective = objective_on(np.asarray, X, y, Cs=(10.0,))
    return kind(objective.network, objective.rows, objective.penalty)


class Misled(Quadratic):
    """A quadratic whose metric scales the wrong way round."""

    def preconditioner(self, point, n_evaluations, damping, first=False):
        return SimpleNamespace(exact=False, cost=1.0, share=None)

    def precondition(self, preconditioner, gradient):
        return gradient * self.d


def test_a_metric_that_misleads_is_dropped():
    d = np.geomspace(1.0, 1e3, 40)[None, :]
    misled, found = Misled(d, np.ones_like(d)), []
    solution = minimize(
        misled, np.zeros_like(d), LBFGS(tol=1e-8), max_iter=500,
        callback=lambda iteration, state, reports: found.extend(reports),
    )  # fmt: skip
    dropped = [report.plain for report in found[:20]]
    assert np.mean(dropped) > 0.8
    plain = minimize(Quadratic(d, misled.b), np.zeros_like(d), LBFGS(tol=1e-8), max_iter=500)
    assert solution.n_iter[0] <= 1.5 * plain.n_iter[0]


@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e4])
def test_a_change_has_curvature_in_any_unit(xp, unit):
    s, y = (
        xp([[1.0 / unit, 0.0]] * 2, np.float32),
        xp([[0.1 * unit, unit], [-unit, 0.0]], np.float32),
    )
    inverse_sy = xp.host(Pair.of(s, y, y).inverse_sy)
    np.testing.assert_allclose(inverse_sy, [10.0, 0.0], rtol=1e-6)


def test_no_metric_is_made_just_before_the_end(monkeypatch):
    monkeypatch.setattr(lbfgs_module, "SERVES", 0.0)  # so that one is due every time
    monkeypatch.setattr(Objective, "curvature_pays", True)
    made, found = [], []

    def helpless(report):
        return report.close or report.plain

    class Counting(Approximated):
        def preconditioner(self, *args):
            made.append(args)
            return super().preconditioner(*args)

    objective = overlapping(Counting)
    minimize(
        objective, zeros_of(objective), LBFGS(tol=3e-4, refresh=1), max_iter=100,
        callback=lambda _, state, reports: found.append((helpless(reports[0]), len(made))),
    )  # fmt: skip
    renewed = np.diff([n for _, n in found])
    in_vain = [vain for vain, _ in found[:-1]]
    assert any(in_vain)
    assert not all(in_vain)
    np.testing.assert_array_equal(renewed, np.logical_not(in_vain))


def test_the_metric_is_applied_once_an_iteration_and_again_when_it_is_renewed():
    products, states = [], []

    class Counting(Approximated):
        def precondition(self, preconditioner, gradient):
            products.append(gradient)
            return super().precondition(preconditioner, gradient)

    objective = overlapping(Counting)
    minimize(
        objective, zeros_of(objective), LBFGS(tol=0, refresh=10**6), max_iter=6,
        callback=lambda iteration, state, reports: states.append((state, len(products))),
    )  # fmt: skip
    updates = np.diff([n for _, n in states])
    assert np.all((updates >= 1) & (updates <= 2))  # 2 where the first trial step is refused
    assert np.median(updates) == 1
    minimize(
        objective, zeros_of(objective), LBFGS(tol=0, refresh=3), max_iter=12,
        callback=lambda iteration, state, reports: states.append((state, len(products))),
    )  # fmt: skip
    renewed = [state for state, _ in states if state.metric.n_iter > state.metric.age]
    assert renewed
    for state in renewed:
        for pair in state.pairs:
            expected = objective.precondition(state.metric.preconditioner, pair.y)
            np.testing.assert_allclose(pair.Py, expected, atol=1e-9 * np.abs(expected).max())


def test_the_first_step_without_a_metric_is_no_longer_than_1_in_all(xp):
    g = xp([[3.0, -1.0], [0.1, 0.1]])
    assert to_list(lbfgs_module._first_step(g, ())) == [0.25, 1.0]
    curved, straight = (Pair.of(xp(np.ones((2, 2))), y * xp(np.ones((2, 2))), g) for y in (1, -1))
    assert to_list(lbfgs_module._first_step(g, (curved,))) == [1.0, 1.0]
    assert to_list(lbfgs_module._first_step(g, (straight,))) == [0.25, 1.0]
