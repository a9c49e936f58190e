"""What is left to gain, and steps that go down whatever a metric says."""

import numpy as np

from xsoftmax.solvers import Status
from xsoftmax.solvers.criteria import Left, is_hidden
from xsoftmax.solvers.steps import downhill


def left(xp, amounts, hidden, value=1.0, null=2.0):
    value = xp(np.full(len(amounts), value))
    return Left.of(xp(amounts), value, 0.0 * value, xp(hidden), null)


def test_within_a_share_of_what_was_gained_and_its_root_of_the_value(xp):
    plain = left(xp, [1e-5, 1e-3], [False, False], value=1.0, null=1.1)
    assert xp.host(plain.within(1e-3)).tolist() == [True, False]  # 1e-4 were gained in 1e-3
    tiny = left(xp, [1e-5, 1e-3], [False, False], value=1e-3, null=1.1)
    assert xp.host(tiny.within(1e-2)).tolist() == [True, False]  # of the value 1e-1 at most


def test_where_rounding_hides_what_is_left_a_share_of_the_value_will_do(xp):
    nothing_gained = left(xp, [1e-17, 1e-17], [True, False], null=1.0)
    assert xp.host(nothing_gained.within(1e-4)).tolist() == [True, False]


def test_not_to_see_what_is_left_is_to_stall_unless_it_is_enough(xp):
    seen = left(xp, [1e-3, 1e-17, 1e-17], [False, True, True])
    status = xp.host(seen.status(xp([False, False, True]))).tolist()
    assert status == [Status.RUNNING, Status.STALLED, Status.CONVERGED]


def test_rounding_hides_less_than_a_hundredth_of_the_last_place(xp):
    eps = np.finfo("float64").eps
    assert xp.host(is_hidden(xp([5e-3 * eps, 5e-2 * eps]), xp([1.0, 1.0]))).tolist() == [
        True,
        False,
    ]


def test_a_metric_that_leads_uphill_gives_way_to_the_gradient(xp):
    g = xp([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]])
    Hg = xp([[1.0, 0.0], [-1.0, 0.0], [np.nan, 0.0]])
    direction, slope = downhill(g, Hg)
    np.testing.assert_array_equal(xp.host(direction), [[-1, 0], [-1, -2], [-1, -2]])
    np.testing.assert_array_equal(xp.host(slope), [-1, -5, -5])
