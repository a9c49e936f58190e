"""What is left to gain, and when that is enough."""

import numpy as np
import pytest

from xsoftmax.curvature.newton_step import NewtonStep
from xsoftmax.objective.policy import DEFAULT
from xsoftmax.solvers import Status, fit
from xsoftmax.solvers.convergence import GapEstimate, GapReport, Rounding, extrapolated_gap, prove

from ..problems import blobs, objective_on, zeros_of
from .fakes import APPROXIMATE


def estimate(amount, is_hidden=False, value=1.0, value_at_zero=2.0):
    return GapEstimate.of(amount, value, 0.0, is_hidden, value_at_zero)


@pytest.mark.parametrize(("amount", "value", "tol", "within"), [
    (1e-5, 1.0, 1e-3, True), (1e-3, 1.0, 1e-3, False),  # 0.1 was gained
    (1e-5, 1e-3, 1e-2, True), (1e-3, 1e-3, 1e-2, False),  # of the value 0.1 at most
])  # fmt: skip
def test_within_a_share_of_what_was_gained_and_its_root_of_the_value(amount, value, tol, within):
    assert estimate(amount, value=value, value_at_zero=1.1).within(tol) == within


@pytest.mark.parametrize("is_hidden", [True, False])
def test_where_rounding_hides_what_is_left_a_share_of_the_value_will_do(is_hidden):
    nothing_gained = estimate(1e-17, is_hidden, value_at_zero=1.0)
    assert nothing_gained.within(1e-4) == is_hidden


def test_not_to_see_what_is_left_is_to_stall_unless_it_is_enough():
    assert estimate(1e-3).status(is_converged=False) is Status.RUNNING
    assert estimate(1e-3).status(is_converged=False, has_moved=False) is Status.STALLED
    assert estimate(1e-17, is_hidden=True).status(is_converged=False) is Status.STALLED
    assert estimate(1e-17, is_hidden=True).status(is_converged=True) is Status.CONVERGED
    assert estimate(1e-17, value=np.nan).status(is_converged=True) is Status.DIVERGED


def test_rounding_hides_less_than_a_hundredth_of_the_last_place(xp):
    rounding, eps = Rounding.of(xp([1.0])), np.finfo("float64").eps
    assert rounding.hides(5e-3 * eps, 1.0)
    assert not rounding.hides(5e-2 * eps, 1.0)
    assert rounding.value_floor(2.0) == pytest.approx(2.0 * eps)
    assert rounding.value_floor(0.0) > 0.0


@pytest.mark.parametrize("ratio", [0.2, 0.5, 0.9])
def test_a_geometric_series_of_gains_tells_its_end(ratio):
    values = [3.0 + ratio**k for k in range(9)]
    assert extrapolated_gap(values) == pytest.approx(ratio**8, rel=1e-6)


def test_gains_that_do_not_shrink_are_taken_to_go_on_sixteen_times():
    assert extrapolated_gap([9.0, 8.0, 7.0, 6.0, 5.0]) == 16 * 2.0
    assert extrapolated_gap([5.0]) == 0.0
    assert extrapolated_gap([5.0, 4.0]) == 1.0


def test_float32_stops_where_its_precision_ends():
    X, y = blobs(spread=2.0)
    objective = objective_on(np.asarray, X, y, dtype="float32")
    solution = fit(objective, zeros_of(objective), tol=1e-30, max_iter=1000)
    assert solution.statuses == [Status.STALLED]
    assert solution.gradient_norms[0] < 1e-5


@pytest.mark.parametrize("policy", [DEFAULT, APPROXIMATE], ids=["exact", "approximate"])
def test_where_classes_are_well_apart_the_value_itself_is_near_the_minimum(policy):
    X, y = blobs(n_samples=90, spread=0.1)
    objective = objective_on(np.asarray, X, y, Cs=(1e6,), policy=policy)
    rough, tight = (
        fit(objective, zeros_of(objective), tol=tol, max_iter=500).values[0]
        for tol in (1e-4, 1e-14)
    )
    # A share of 1e-4 of what was gained would be many times the minimum.
    assert tight < 1e-5 * float(objective.values_at_zero[0])
    assert rough <= tight * (1 + 5 * 1e-4**0.5)


def proved(slope, logit_change, bound, *, is_exact=True, dtype="float64"):
    """What a Newton step at a value of 0.5, of 1 at 0, proves for a tolerance of 0.01."""
    arrays = (np.asarray([x], dtype) for x in (slope, logit_change, bound))
    step = NewtonStep(np.zeros((1, 1), dtype), *arrays, [is_exact])
    report = GapReport(0.5, 0.0, 0.0, Status.RUNNING, 0.0, 0.0, 1.0)
    slopes, (proof,) = prove(step, [report], 0.01)
    assert slopes == pytest.approx([slope])
    return proof


def test_a_small_decrement_proves_a_gap_where_no_logit_changes_by_much():
    assert proved(-1e-3, 0.4, np.inf).holds
    assert not proved(-1e-3, 0.6, np.inf).holds
    assert not proved(-1e-3, 0.4, np.inf, is_exact=False).holds
    assert not proved(-0.1, 0.4, np.inf).holds


def test_strong_convexity_proves_a_gap_however_far_the_step_goes():
    proof = proved(-1e-9, 40.0, 1e-3, is_exact=False)
    assert proof.holds
    assert proof.estimate.amount == pytest.approx(1e-3)  # all that is proved


def test_where_no_logit_changes_by_much_no_more_than_the_tolerance_is_promised():
    """The step is exact enough for that, and may hide less."""
    assert proved(-1e-9, 0.1, np.inf).estimate.amount == pytest.approx(0.01 * 0.5)


def test_single_precision_proves_nothing():
    assert not proved(-1e-9, 0.1, 1e-9, dtype="float32").holds


def test_an_estimate_may_be_too_small_by_half():
    """f(0) - f is 2 here, so that 1e-4 of it is 2e-4."""
    known = {"value": 1.0, "value_floor": 1e-16, "is_hidden": False, "value_at_zero": 3.0}
    assert GapEstimate.of(0.99e-4, **known).within(1e-4)
    assert not GapEstimate.of(1.01e-4, **known).within(1e-4)


def test_a_standstill_is_no_convergence():
    """Over many iterations the gains fell geometrically, and over the last few not at all."""
    values = [1.0, 1e-1, 1e-2, 1e-3, 5e-6, 4e-6, 3.9e-6, 3.9e-6, 3e-6]
    assert extrapolated_gap(values) == pytest.approx(16 * 0.9e-6)
