"""Steps that satisfy the strong Wolfe conditions."""

from math import inf, nan

import numpy as np
import pytest

from xsoftmax.solvers.line_search import LineSearch, downhill, search, to_host_scalars

from ..problems import Quadratic, blobs, objective_on, start

EPS = 2.0**-52


def after(line_search, *trials):
    for value, slope in trials:
        line_search = line_search.after(value, slope)
    return line_search


@pytest.mark.parametrize("first_step", [1e-6, 0.3, 1.0, 1e6])
def test_line_search_meets_the_strong_wolfe_conditions(xp, first_step):
    X, y = blobs(spread=2.0)
    objective = objective_on(xp, X, y, Cs=(0.01, 1.0, 100.0))
    origin = objective.evaluate(start(objective))
    g = origin.gradient
    known = to_host_scalars(origin.value, -xp.xp.sum(g * g, axis=1))
    searches = [LineSearch.begin(value, slope, first_step, EPS) for value, slope in known]
    iterate, ends = search(objective, origin, -g, searches, lambda iterate: (iterate, ()))
    slopes = np.sum(xp.host(iterate.gradient) * -xp.host(g), axis=1)
    for (value, slope), end, at, along in zip(
        known, ends, xp.host(iterate.value), slopes, strict=True
    ):
        assert end.step > 0
        assert (end.value, end.slope) == pytest.approx((at, along), rel=1e-9)
        assert at <= value + 1e-4 * end.step * slope
        assert abs(along) <= 0.9 * abs(slope)


class Counting(Quadratic):
    """Notes how many problems each evaluation was of."""

    def __init__(self, d, b, counts=None):
        super().__init__(d, b)
        self.counts = [] if counts is None else counts

    def evaluate(self, x):
        self.counts.append(x.shape[0])
        return super().evaluate(x)

    def select(self, problems):
        some = super().select(problems)
        return Counting(some.d, some.b, self.counts)


@pytest.mark.parametrize(
    ("first_steps", "counts"),
    [
        ([1.0, 1.0, 1.0, 1.0], [4]),
        ([1.0, 1e-3, 1.0, 1.0], [4, 1, 1, 1, 1]),
        ([1.0, 1e-3, 1.0, 4.0], [4, 2, 1, 1, 1]),
        ([1e-3, 4.0, 1e-3, 1.0], [4, 4, 2, 2, 2]),
    ],
)
def test_few_problems_that_are_left_are_tried_without_the_others(xp, first_steps, counts):
    d = np.asarray([[1.0, 1.1], [1.2, 1.0], [0.9, 1.0], [1.0, 0.8]])
    objective = Counting(xp(d), xp(np.ones((4, 2))))
    origin = Quadratic.evaluate(objective, 0.0 * objective.d)
    g = origin.gradient
    known = to_host_scalars(origin.value, -xp.xp.sum(g * g, axis=1))
    searches = [
        LineSearch.begin(*at, step, EPS) for at, step in zip(known, first_steps, strict=True)
    ]
    doubled = lambda at: (at, (2.0 * at.value,))  # noqa: E731
    iterate, ends = search(objective, origin, -g, searches, doubled)
    assert objective.counts == ([4] * len(counts) if xp.name == "jax" else counts)
    steps = xp([end.step for end in ends])
    expected = Quadratic.evaluate(objective, -steps[:, None] * g)
    for found, right in zip(iterate[:3], expected[:3], strict=True):
        np.testing.assert_allclose(xp.host(found), xp.host(right), rtol=1e-14)
    assert [end.value for end in ends] == pytest.approx(xp.host(expected.value).tolist())
    assert [end.scalars[0] for end in ends] == [2 * end.value for end in ends]
    slopes = np.sum(xp.host(expected.gradient) * -xp.host(g), axis=1)
    assert [end.slope for end in ends] == pytest.approx(slopes.tolist())


def test_line_search_reports_that_nothing_lower_was_found(xp):
    class Climbing:
        """Its slopes say otherwise."""

        def restrict(self, iterate, direction):
            return lambda t: (1.0 + t, 0.0 * t + 1.0, lambda: t)

    begun = LineSearch.begin(1.0, -1.0, 1.0, EPS)
    _, (end,) = search(Climbing(), None, xp([[1.0]]), [begun], lambda t: (t, (2 * t,)))
    assert end == (0.0, 1.0, 1.0, (0.0,))


def test_a_step_that_was_right_is_kept_while_others_are_tried():
    found = after(LineSearch.begin(1.0, -1.0, 1.0, EPS), (0.5, 0.1))
    assert found.done
    assert after(found, (9.0, 9.0)) == found


def test_values_that_are_not_finite_halve_the_step():
    begun = LineSearch.begin(1.0, -1.0, 8.0, EPS)
    assert [after(begun, *[bad] * 3).trial for bad in [(inf, inf), (nan, nan), (1.5, nan)]] == [
        1.0, 1.0, 1.0,
    ]  # fmt: skip


def test_a_problem_without_a_slope_is_not_searched():
    assert LineSearch.begin(1.0, nan, 1.0, EPS).done


def test_an_interval_of_no_width_keeps_its_end():
    low = LineSearch.begin(1.0, -1.0, 1.0, EPS).low
    begun = LineSearch(low, low, low._replace(value=2.0), 0.0, 0.0, done=False)
    assert after(begun, (2.0, 1.0)).trial == 0.0


@pytest.mark.parametrize(("noise", "done"), [(2, True), (8, False)])
def test_where_rounding_drowns_values_slopes_decide(noise, done):
    begun = LineSearch.begin(1.0, -1e-9, 1.0, EPS)
    assert after(begun, (1.0 + noise * EPS, 1e-10)).done == done


def test_a_product_that_leads_uphill_gives_way_to_the_gradient(xp):
    g = xp([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]])
    Hg = xp([[1.0, 0.0], [-1.0, 0.0], [np.nan, 0.0]])
    direction, slope = downhill(g, Hg)
    np.testing.assert_array_equal(xp.host(direction), [[-1, 0], [-1, -2], [-1, -2]])
    np.testing.assert_array_equal(xp.host(slope), [-1, -5, -5])
