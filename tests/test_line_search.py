"""Steps that satisfy the strong Wolfe conditions."""

import numpy as np
import pytest

from xsoftmax.arrays import namespace, to_list
from xsoftmax.solvers.line_search import MAX_TRIALS, Search

from .problems import blobs, objective_on, start


def searched(ray, value, slope, first_step):
    """The steps of a whole search, and the point there."""
    search = Search.begin(value, slope, first_step)
    while search.n_trials < MAX_TRIALS and not to_list(namespace(value).all(search.done)):
        search = search.after(*ray(search.trial)[:2]).narrowed()
    return search.best, ray(search.best)[2]()


@pytest.mark.parametrize("first_step", [1e-6, 0.3, 1.0, 1e6])
def test_line_search_meets_the_strong_wolfe_conditions(xp, first_step):
    X, y = blobs(spread=2.0)
    objective = objective_on(xp, X, y, Cs=(0.01, 1.0, 100.0))
    parameters = start(objective)
    value, gradient = objective.value_and_gradient(parameters)
    slope = -xp.xp.sum(gradient * gradient, axis=1)
    ray = objective.along(objective.at(parameters), -gradient)
    length, point = searched(ray, value, slope, xp([first_step] * 3))
    length, value, slope = xp.host(length), xp.host(value), xp.host(slope)
    assert np.all(length > 0)
    assert np.all(xp.host(point.value) <= value + 1e-4 * length * slope)
    end = np.sum(xp.host(point.gradient) * -xp.host(gradient), axis=1)
    assert np.all(np.abs(end) <= 0.9 * np.abs(slope))


def test_line_search_reports_that_nothing_lower_was_found():
    length, _ = searched(
        lambda t: (1.0 + t, np.ones(1), lambda: None),
        np.ones(1), -np.ones(1), np.ones(1),
    )  # fmt: skip
    assert length[0] == 0
