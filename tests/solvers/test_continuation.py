"""Where a path over penalties starts each of its fits."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from xsoftmax.solvers import LBFGS, Solution, follow_path, minimize
from xsoftmax.solvers import metric as metric_module
from xsoftmax.solvers import path as path_module
from xsoftmax.solvers.metric import Metric, MetricKeeper, Pair, pairs_under
from xsoftmax.solvers.path import N_PAIRS, _foretold, _further

from .problem_table import Approximated
from .problems import blobs, objective_on, start, zeros_of


def test_a_path_starts_from_the_lower_of_two_points():
    X, y = blobs(n_samples=60, spread=2.0)
    strong, weak = (objective_on(np.asarray, X, y, Cs=(C, C)) for C in (1e-2, 1e-1))
    solution = minimize(strong, zeros_of(strong), LBFGS(tol=1e-10), max_iter=100)
    known = solution.parameters
    values = weak.at(known).value
    # One problem gains by going on; the other goes just so far that it loses, but would still be
    # lower than at the penalty from which it comes.
    further = (weak.at((1 + t) * known) for t in np.geomspace(1, 100, 200))
    too_far = next(point for point in further if point.value[1] > values[1])
    assert too_far.value[1] < solution.values[1]
    guess = np.stack([1.5 * known[0], too_far.parameters[1]])
    point = _further(weak, strong, solution, guess)
    np.testing.assert_allclose(point.parameters, [1.5 * known[0], known[1]])
    assert point.value[0] < values[0]


def minima_at(functions, times, gaps=(0.0, 0.0)):
    """What `_foretold` says after minima at `times`, a function of time for each problem."""
    newest_first = tuple(np.stack([[p(t), 1.0] for p in functions]) for t in reversed(times))
    solution = Solution(newest_first[0], [], [], list(gaps), [], [], [])
    return _foretold(newest_first, solution, tol=1e-4)[:, 0]


def test_a_path_is_extrapolated_by_as_high_an_order_as_its_differences_say():
    smooth, jumpy = np.poly1d([0.01, 0.1, 1.0, 0.0]), partial(pow, -2.0)
    times = [0.0, 1.0, 2.0, 3.0, 4.0]
    found = minima_at([smooth, jumpy], times)
    np.testing.assert_allclose(found[0], smooth(5.0))
    assert found[1] == 2 * jumpy(4.0) - jumpy(3.0)
    # With one minimum besides the start there is but a line to follow.
    np.testing.assert_allclose(minima_at([smooth, smooth], [0.0, 1.0]), 2 * smooth(1.0))


def test_a_minimum_that_is_not_exact_is_not_extrapolated_by_high_orders():
    smooth = np.poly1d([0.01, 0.1, 1.0, 0.0])
    times = [0.0, 1.0, 2.0, 3.0, 4.0]
    exact, rough = minima_at([smooth, smooth], times, gaps=(9e-5, 2e-4))
    np.testing.assert_allclose(exact, smooth(5.0))
    assert rough == 2 * smooth(4.0) - smooth(3.0)


def test_a_path_takes_fewer_iterations_than_fits_of_their_own():
    X, y = blobs(n_samples=300, n_features=8, spread=2.0)
    Cs = np.geomspace(1e-3, 1.0, 12)
    objectives = [objective_on(np.asarray, X, y, Cs=(C,)) for C in Cs]
    solver, start = LBFGS(tol=1e-6), zeros_of(objectives[0])
    path = list(follow_path(objectives, start, solver, max_iter=100))
    alone = [minimize(objective, start, solver, max_iter=100) for objective in objectives]
    for (one, _), other in zip(path, alone, strict=True):
        np.testing.assert_allclose(one.values, other.values, rtol=1e-6)
    assert sum(s.n_iter[0] for s, _ in path) < 0.7 * sum(s.n_iter[0] for s in alone)


@pytest.mark.parametrize("at_once", [1, 10**6])
def test_the_next_problem_sees_the_same_changes_but_for_the_penalty(xp, monkeypatch, at_once):
    monkeypatch.setattr(metric_module, "block_values", lambda like: at_once)
    X, y = blobs(n_samples=60, spread=2.0)
    strong, weak = (objective_on(xp, X, y, Cs=(C, 2 * C)) for C in (1e-2, 1e-1))
    points = [start(strong, seed) for seed in range(4)]
    keeper = MetricKeeper(2)
    keeper.metric = Metric(_approximated(weak).preconditioner(weak.at(points[0]), 8, 0.0), 0, 0)
    changes = [(b - a, strong.at(b).gradient - strong.at(a).gradient) for a, b in pairwise(points)]
    keeper.pairs = tuple(Pair.of(s, y, y) for s, y in changes)
    pairs = keeper.pairs_for(weak, weak.penalty - strong.penalty)
    for (a, b), pair in zip(pairwise(points), pairs, strict=True):
        y = weak.at(b).gradient - weak.at(a).gradient
        Py = weak.precondition(keeper.metric.preconditioner, y)
        for found, right in ((pair.s, b - a), (pair.y, y), (pair.Py, Py)):
            np.testing.assert_allclose(xp.host(found), xp.host(right), atol=1e-12)
        sy = np.sum(xp.host(b - a) * xp.host(y), axis=1)
        np.testing.assert_allclose(xp.host(pair.inverse_sy), 1 / sy, rtol=1e-9)


def _approximated(objective):
    return Approximated(objective.network, objective.rows, objective.penalty)


def test_newtons_method_takes_no_pairs():
    X, y = blobs(n_samples=60, spread=2.0)
    objective, keeper = objective_on(np.asarray, X, y), MetricKeeper(1)
    minimize(objective, zeros_of(objective), LBFGS(), max_iter=9, callback=keeper)
    assert keeper.metric is None
    assert keeper.pairs == ()
    assert pairs_under(None, objective, [(objective.penalty, objective.penalty)]) == ()


def test_pairs_are_kept_from_before_a_problem_left():
    X, y = blobs(n_samples=300, n_features=8, spread=2.0)
    objective = objective_on(np.asarray, X, y, Cs=(1e-6, 10.0))
    objective, keeper = _approximated(objective), MetricKeeper(2)
    solution = minimize(
        objective, zeros_of(objective), LBFGS(tol=1e-9), max_iter=99, callback=keeper
    )
    assert solution.n_iter[0] < solution.n_iter[1]
    assert {pair.s.shape[0] for pair in keeper.pairs} == {2}


@pytest.mark.parametrize("n_samples", [90, 2400])
def test_a_problem_may_be_solved_before_the_first_iteration(n_samples):
    """With classes of one size and weights that must be 0 there is nothing to do."""
    y = np.arange(n_samples) % 3
    X = np.random.default_rng(0).standard_normal((n_samples, 4)) + np.eye(3, 4)[y]
    Cs = (1.0, 2.0, 4.0)
    path = [_approximated(objective_on(np.asarray, X, y, Cs=(1e-18, C))) for C in Cs]
    solver = LBFGS(tol=1e-9)
    for objective, (solution, _) in zip(
        path, follow_path(path, zeros_of(path[0]), solver, max_iter=99), strict=True
    ):
        alone = objective.take([1])
        expected = minimize(alone, zeros_of(alone), solver, max_iter=99)
        np.testing.assert_allclose(solution.values, [np.log(3), *expected.values], rtol=1e-6)
    assert solution.n_iter[0] == 0 < solution.n_iter[1]


def test_a_c_that_takes_no_iteration_hands_the_pairs_on(monkeypatch):
    X, y = blobs(n_samples=60, spread=2.0)
    path = [_approximated(objective_on(np.asarray, X, y, Cs=(C,))) for C in (0.1, 0.2, 0.4)]
    began_with, ended_with, original = [], [], minimize

    def passing_over_the_second(objective, parameters, solver, *, max_iter, callback):
        began_with.append(solver.pairs)
        if len(began_with) == 2:
            max_iter, callback = 1, lambda *_: True
        solution = original(objective, parameters, solver, max_iter=max_iter, callback=callback)
        ended_with.append(callback.pairs if len(began_with) == 1 else ())
        return solution

    monkeypatch.setattr(path_module, "minimize", passing_over_the_second)
    list(follow_path(path, zeros_of(path[0]), LBFGS(tol=1e-9), max_iter=99))
    _, second, third = began_with
    assert len(ended_with[0]) > len(third) == len(second) == N_PAIRS
    for newest, taken in zip(ended_with[0][-N_PAIRS:], second, strict=True):
        np.testing.assert_array_equal(taken.s, newest.s)
    more = path[2].penalty - path[1].penalty
    for before, after in zip(second, third, strict=True):
        np.testing.assert_allclose(after.y, before.y + more * before.s, atol=1e-15)
