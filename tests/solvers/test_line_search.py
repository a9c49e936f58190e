"""Steps that satisfy the strong Wolfe conditions."""

from math import inf, nan

import numpy as np
import pytest

from xsoftmax.solvers.line_search import Search
from xsoftmax.solvers.steps import search_along, told

from .problems import blobs, objective_on, start

EPS = 2.0**-52


def after(search, *trials):
    for value, slope in trials:
        search = search.after(value, slope)
    return search


@pytest.mark.parametrize("first_step", [1e-6, 0.3, 1.0, 1e6])
def test_line_search_meets_the_strong_wolfe_conditions(xp, first_step):
    X, y = blobs(spread=2.0)
    objective = objective_on(xp, X, y, Cs=(0.01, 1.0, 100.0))
    origin = objective.at(start(objective))
    g = origin.gradient
    known = told(origin.value, -xp.xp.sum(g * g, axis=1))
    searches = [Search.begin(value, slope, first_step, EPS) for value, slope in known]
    point, ends = search_along(objective, origin, -g, searches, lambda point: (point, ()))
    slopes = np.sum(xp.host(point.gradient) * -xp.host(g), axis=1)
    for (value, slope), end, at, along in zip(
        known, ends, xp.host(point.value), slopes, strict=True
    ):
        assert end.length > 0
        assert (end.value, end.slope) == pytest.approx((at, along), rel=1e-9)
        assert at <= value + 1e-4 * end.length * slope
        assert abs(along) <= 0.9 * abs(slope)


def test_line_search_reports_that_nothing_lower_was_found(xp):
    class Climbing:
        """Its slopes say otherwise."""

        def along(self, point, direction):
            return lambda t: (1.0 + t, 0.0 * t + 1.0, lambda: t)

    search = Search.begin(1.0, -1.0, 1.0, EPS)
    _, (end,) = search_along(Climbing(), None, xp([[1.0]]), [search], lambda t: (t, (2 * t,)))
    assert end == (0.0, 1.0, 1.0, (0.0,))


def test_a_step_that_was_right_is_kept_while_others_are_tried():
    search = after(Search.begin(1.0, -1.0, 1.0, EPS), (0.5, 0.1))
    assert search.done
    assert after(search, (9.0, 9.0)) == search


def test_values_that_are_not_finite_halve_the_step():
    search = Search.begin(1.0, -1.0, 8.0, EPS)
    assert [after(search, *[bad] * 3).trial for bad in [(inf, inf), (nan, nan), (1.5, nan)]] == [
        1.0, 1.0, 1.0,
    ]  # fmt: skip


def test_a_problem_without_a_slope_is_not_searched():
    assert Search.begin(1.0, nan, 1.0, EPS).done


def test_an_interval_of_no_width_keeps_its_end():
    low = Search.begin(1.0, -1.0, 1.0, EPS).low
    search = Search(low, low, low._replace(value=2.0), 0.0, 0.0, done=False)
    assert after(search, (2.0, 1.0)).trial == 0.0


@pytest.mark.parametrize(("noise", "done"), [(2, True), (8, False)])
def test_where_rounding_drowns_values_slopes_decide(noise, done):
    search = Search.begin(1.0, -1e-9, 1.0, EPS)
    assert after(search, (1.0 + noise * EPS, 1e-10)).done == done
