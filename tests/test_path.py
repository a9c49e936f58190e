"""Where a path over penalties starts each of its fits."""

from functools import partial

import numpy as np

from xsoftmax.solvers import LBFGS, Solution, follow_path, minimize
from xsoftmax.solvers.metric import Metric, MetricKeeper, Pair, pairs_under
from xsoftmax.solvers.path import _changes, _foretold, _further

from .problem_table import Approximated
from .problems import blobs, objective_on, start


def zeros_of(objective):
    return np.zeros_like(objective.penalty)


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


def test_the_next_problem_sees_the_same_changes_but_for_the_penalty(xp):
    X, y = blobs(n_samples=60, spread=2.0)
    strong, weak = (objective_on(xp, X, y, Cs=(C, 2 * C)) for C in (1e-2, 1e-1))
    solution = minimize(strong, 0 * strong.penalty, LBFGS(tol=1e-13), max_iter=100)
    a, b = start(strong), start(strong, seed=1)
    y = strong.at(b).gradient - strong.at(a).gradient
    point = weak.at(1.5 * solution.parameters)
    changes = _changes(weak, strong, solution, point, (Pair.of(b - a, y, y),))
    ends = [(solution.parameters, point.parameters), (a, b)]  # the oldest first
    metric = Metric(_approximated(weak).preconditioner(point, 8, 0.0, True), 0, 0)
    pairs = pairs_under(metric, weak, changes)
    for (one, other), (s, y), pair in zip(ends, changes, pairs, strict=True):
        there = weak.at(other).gradient - weak.at(one).gradient
        Py = weak.precondition(metric.preconditioner, there)
        for found, right in ((s, other - one), (y, there), (pair.s, s), (pair.y, y), (pair.Py, Py)):
            np.testing.assert_allclose(xp.host(found), xp.host(right), atol=1e-7)
        sy = np.sum(xp.host(s) * xp.host(y), axis=1)
        np.testing.assert_allclose(xp.host(pair.inverse_sy), 1 / sy, rtol=1e-9)


def _approximated(objective):
    return Approximated(objective.network, objective.rows, objective.penalty)


def test_newtons_method_takes_no_pairs():
    X, y = blobs(n_samples=60, spread=2.0)
    objective, keeper = objective_on(np.asarray, X, y), MetricKeeper()
    minimize(objective, zeros_of(objective), LBFGS(), max_iter=9, callback=keeper)
    assert keeper.metric.is_newton
    assert keeper.pairs == ()
    assert pairs_under(keeper.metric, objective, [(objective.penalty, objective.penalty)]) == ()
    assert pairs_under(None, objective, [(objective.penalty, objective.penalty)]) == ()


def test_pairs_are_kept_from_before_a_problem_left():
    X, y = blobs(n_samples=300, n_features=8, spread=2.0)
    objective = objective_on(np.asarray, X, y, Cs=(1e-6, 10.0))
    objective, keeper = _approximated(objective), MetricKeeper()
    solution = minimize(
        objective, zeros_of(objective), LBFGS(tol=1e-9), max_iter=99, callback=keeper
    )
    assert solution.n_iter[0] < solution.n_iter[1]
    assert {pair.s.shape[0] for pair in keeper.pairs} == {2}
