"""When a problem has converged: estimates of the gap to the minimum, and proofs.

L-BFGS takes the largest of three estimates. With H the inverse Hessian that it has learnt, the
quadratic model promises a decrease of 1/2 g'Hg, which is exact near a minimum once H is. The
preconditioner P promises 1/2 g'Pg, which sees directions that the last pairs did not. And if the
last iterations gained b where as many before them gained a, a geometric series goes on to gain
b^2 / (a - b) (Aitken's extrapolation), which tells of slow progress that neither model sees. Within
the tolerance what is reported is no less than the last iteration gained.

Where X has large cells no model can be trusted. A row with a large cell can make nearly all of the
curvature of a direction, and lose it once it is classified. Then a quadratic model promises next to
nothing, while other rows have much to gain. The exact Newton step d = -H^-1 g tells of them:

Let f fall by G on the way e to the minimum. f is convex, so that -g'e >= G, and H d = -g means
sum_i s_i e'H_i d >= G, with H_i the Hessian of the loss of row i in its logits. A row whose logits
change by r along e takes at least s_i e'H_i e (exp(-r) + r - 1) / r^2 from what the slope promises
(Bach, 2010, "Self-concordant analysis for logistic regression", proposition 1). Both can only hold
if d changes the logits of some row by about min(1, sqrt(G)) / 3. So where the Newton step changes
no row's logits by much, the squared decrement g'H^-1 g is twice the gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import Any, NamedTuple

from ..arrays import Array, namespace
from ..curvature.newton_step import NewtonStep
from .line_search import to_host_scalars
from .solution import Report, Status

#: Where no row's logits change by more along the Newton step, the decrement tells the gap.
SMALL_LOGIT_CHANGE = 0.5
#: By how much an estimate may be too small; four of 2,000 problems drawn at random needed 1.5.
DOUBT = 2.0
#: How many values the extrapolation looks at.
WINDOW = 9


def max_norm(gradient: Array) -> Array:
    """(n_problems,): the largest |component|, scikit-learn's measure."""
    xp = namespace(gradient)
    return xp.max(xp.abs(gradient), axis=1)


def converged_if(condition: bool, value: float) -> Status:
    """DIVERGED if `value` is not finite, else by `condition`."""
    if not isfinite(value):
        return Status.DIVERGED
    return Status.CONVERGED if condition else Status.RUNNING


class Rounding(NamedTuple):
    """What a dtype makes of numbers."""

    eps: float  #: from 1 to the next larger
    smallest: float

    @classmethod
    def of(cls, x: Array) -> Rounding:
        """That of the dtype of `x`."""
        return _rounding(namespace(x), x.dtype)

    def value_floor(self, value: float) -> float:
        """What another value must exceed to be told from 0, where `value` was first."""
        floor: float = self.eps * abs(value) + self.smallest**0.5
        return floor

    def hides(self, gain: float, value: float) -> bool:
        """Whether so small a `gain` is not to be seen in `value`."""
        return gain <= 0.01 * self.eps * abs(value)


@cache
def _rounding(xp: Any, dtype: Any) -> Rounding:
    info = xp.finfo(dtype)
    return Rounding(float(info.eps), float(info.smallest_normal))


@dataclass(frozen=True)
class GapReport(Report):
    """What the host knows of one problem whose solver estimates the gap."""

    slope: float  #: along the direction
    value_floor: float  #: what a value must exceed to be told from 0
    value_at_zero: float  #: f where all parameters are 0


class GapEstimate(NamedTuple):
    """What is left to gain."""

    amount: float
    gap: float  #: the same as a share of the value
    is_hidden: bool  #: whether rounding hides it
    value: float
    gained: float  #: since all parameters were 0

    @classmethod
    def of(
        cls,
        amount: float,
        value: float,
        value_floor: float,
        is_hidden: bool,
        value_at_zero: float,
    ) -> GapEstimate:
        """`value_floor` is what a value must exceed to be told from 0."""
        gap = amount / (abs(value) + value_floor)
        return cls(amount, gap, is_hidden, value, value_at_zero - value)

    def within(self, tol: float) -> bool:
        """`DOUBT` gap <= tol (f(0) - f) and gap / abs(f) <= sqrt(tol)."""
        is_near = DOUBT * self.amount <= tol * self.gained and self.gap <= tol**0.5
        return is_near or (self.is_hidden and self.gap <= tol)

    def status(self, is_converged: bool, has_moved: bool = True) -> Status:
        """CONVERGED, or STALLED if nothing can be seen or nothing has moved, or RUNNING."""
        status, is_stalled = converged_if(is_converged, self.value), self.is_hidden or not has_moved
        return Status.STALLED if status is Status.RUNNING and is_stalled else status


def extrapolated_gap(values: Sequence[float]) -> float:
    """What a geometric series would still gain, but no more than 16 times the last gain.

    The largest of several: over few iterations, which tell of a standstill, and over many.
    """
    most = (len(values) - 1) // 2
    if most == 0:
        return values[0] - values[-1]
    return max(_extrapolated(values, k) for k in {1, min(2, most), most})


def _extrapolated(values: Sequence[float], k: int) -> float:
    """By the gains of the last k iterations and of as many before them."""
    last = values[-1 - k] - values[-1]
    slowdown = values[-1 - 2 * k] - values[-1 - k] - last
    return last * last / slowdown if slowdown > last / 16 and slowdown > 0 else 16 * last


class Proof(NamedTuple):
    """What the Newton step tells of the gap where it begins."""

    estimate: GapEstimate
    holds: bool  #: whether the gap is within the tolerance for sure


def prove(
    step: NewtonStep, reports: Sequence[GapReport], tol: float
) -> tuple[list[float], list[Proof]]:
    """The slopes of a step on the host, and what it proves of each problem.

    `reports` are of the iterate where it begins. Half the squared decrement is the gap; all of it
    is reported, since that far from the minimum the model is not yet exact, and a bound where
    nothing is proved. Single precision proves nothing.
    """
    slopes, proofs, rounding = [], [], Rounding.of(step.slope)
    is_double = step.slope.dtype == namespace(step.slope).float64
    found = to_host_scalars(step.slope, step.logit_change, step.gap_bound)
    for report, (slope, change, bound), is_exact in zip(reports, found, step.is_exact, strict=True):
        value = report.value
        is_hidden = rounding.hides(-0.5 * slope, value) or not is_double
        known = value, rounding.value_floor(value), is_hidden, report.value_at_zero
        estimate = GapEstimate.of(-slope, *known)
        is_local = is_exact and change <= SMALL_LOGIT_CHANGE and estimate.within(tol)
        holds = is_double and (is_local or GapEstimate.of(bound, *known).within(tol))
        least = tol * (report.value_at_zero - value) if is_local else bound
        slopes.append(slope)
        proofs.append(Proof(GapEstimate.of(max(-slope, least), *known), holds))
    return slopes, proofs
