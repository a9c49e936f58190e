"""What is left to gain, and steps that go down whatever a metric says."""

import numpy as np
import pytest

from xsoftmax.solvers import Status
from xsoftmax.solvers.criteria import Left, Rounding
from xsoftmax.solvers.steps import downhill


def left(amount, hidden=False, value=1.0, null=2.0):
    return Left.of(amount, value, 0.0, hidden, null)


@pytest.mark.parametrize(("amount", "value", "tol", "within"), [
    (1e-5, 1.0, 1e-3, True), (1e-3, 1.0, 1e-3, False),  # 0.1 was gained
    (1e-5, 1e-3, 1e-2, True), (1e-3, 1e-3, 1e-2, False),  # of the value 0.1 at most
])  # fmt: skip
def test_within_a_share_of_what_was_gained_and_its_root_of_the_value(amount, value, tol, within):
    assert left(amount, value=value, null=1.1).within(tol) == within


@pytest.mark.parametrize("hidden", [True, False])
def test_where_rounding_hides_what_is_left_a_share_of_the_value_will_do(hidden):
    assert left(1e-17, hidden, null=1.0).within(1e-4) == hidden  # nothing was gained


def test_not_to_see_what_is_left_is_to_stall_unless_it_is_enough():
    assert left(1e-3).status(sure=False) is Status.RUNNING
    assert left(1e-3).status(sure=False, moved=False) is Status.STALLED
    assert left(1e-17, hidden=True).status(sure=False) is Status.STALLED
    assert left(1e-17, hidden=True).status(sure=True) is Status.CONVERGED
    assert left(1e-17, value=np.nan).status(sure=True) is Status.DIVERGED


def test_rounding_hides_less_than_a_hundredth_of_the_last_place(xp):
    rounding, eps = Rounding.of(xp([1.0])), np.finfo("float64").eps
    assert rounding.hides(5e-3 * eps, 1.0)
    assert not rounding.hides(5e-2 * eps, 1.0)
    assert rounding.least(2.0) == pytest.approx(2.0 * eps)
    assert rounding.least(0.0) > 0.0


def test_a_metric_that_leads_uphill_gives_way_to_the_gradient(xp):
    g = xp([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]])
    Hg = xp([[1.0, 0.0], [-1.0, 0.0], [np.nan, 0.0]])
    direction, slope = downhill(g, Hg)
    np.testing.assert_array_equal(xp.host(direction), [[-1, 0], [-1, -2], [-1, -2]])
    np.testing.assert_array_equal(xp.host(slope), [-1, -5, -5])
