"""Where a path over penalties starts each of its fits."""

from functools import partial

import numpy as np

from xsoftmax.solvers import LBFGS, Solution, follow_path, minimize
from xsoftmax.solvers.path import _foretold, _further

from .problems import blobs, objective_on


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
