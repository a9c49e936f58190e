"""Newton's method over a batch of problems, with inverse Hessians that serve while they suffice.

With u = H^-1/2 g the square of the Newton decrement is u'u. If M is the mean curvature over a step
of length t, in the metric of H, the step leaves (1 - t M) u. What it left so tells two things.

|(1 - M) u|^2 is what a whole step would have left. While that is as little as it can be, the
Hessian serves again, though it is of a point nearby or of a sample of the rows.

1 - u'M u / u'u tells how much curvature fell along the step, which is nearly all that is wrong far
from the minimum of softmax regression: where probabilities become surer the loss grows straighter,
so that Newton's steps are too short. The next one is made longer, as if curvature fell along it as
along the last (in proportion to its length: Bach, 2010, "Self-concordant analysis for logistic
regression"), if H was exact where that began. A quarter fewer steps are needed so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import sqrt
from typing import NamedTuple

from ..arrays import Array, namespace, to_list
from ..objective.line_restriction import Point
from ..objective.objective import SAMPLE_STRIDE, Objective
from .criteria import Left, Rounding, converged_if, max_norm
from .line_search import Search
from .proof import SMALL_CHANGE, Proof, newton_step, prove
from .solution import Report, Status
from .steps import Landing, downhill, search_along, told, with_slopes

#: What a step may leave of the squared decrement for the Hessian to serve again, besides what the
#: Hessian of a sample leaves anyway.
SHRUNK = 3e-3
#: A new Hessian misleads if a step leaves more of it elsewhere than along itself. After so many in
#: a row all rows make the next.
MISLED, PATIENCE = 0.3, 2
#: No step is made longer: where the slope 1 - t + a t^2 may just be 0, for a = 1/4.
LONGEST = 2.0
#: How much of the truth the decrement tells by a Hessian that no longer serves.
LEAST = 0.1


class Made(NamedTuple):
    """How the inverse Hessian was made."""

    age: int = 0  #: steps that it has served
    doubt: float = 1.0  #: how wrong it may be
    n_misled: int = 0  #: Hessians in a row that misled at once

    @property
    def was_new(self) -> bool:
        """Whether it was exact where the last step began."""
        return self.age == 1 and self.doubt == 1.0


class NewtonState(NamedTuple):
    """Where the solver stands, and where it will go next."""

    point: Point
    inverse: Array  #: (n_problems, n, n), of the Hessian
    direction: Array
    made: Made

    @property
    def parameters(self) -> Array:
        """(n_problems, n_parameters)."""
        return self.point.parameters


@dataclass(frozen=True)
class NewtonReport(Report):
    """What the host knows of one problem."""

    slope: float  #: along the direction
    rest: float  #: what a whole step would have left of the squared decrement, 1 if it was misled
    bend: float  #: what curvature loses along a step, by the root of the decrement
    least: float  #: what a value must exceed to be told from 0
    near: bool = False  #: whether the gap seems to be within the tolerance


@dataclass(frozen=True)
class Newton:
    """Converged when the squared decrement, twice what is left to gain if f were quadratic, is at
    most `tol` of what was gained since theta = 0, and the square root of `tol` of the value.

    Stalled where rounding hides what is left to gain.
    """

    tol: float = 1e-4

    def begin(
        self, objective: Objective, point: Point, inverse: Array | None = None
    ) -> tuple[NewtonState, list[NewtonReport]]:
        """The state at `point`, with the `inverse` Hessian of some of the rows if that is known."""
        exact, rounding, reports = inverse is None, Rounding.of(point.value), []
        made = Made() if exact else Made(doubt=SAMPLE_STRIDE)
        inverse = objective.inverse_hessian(point, True) if exact else inverse
        state, scalars = _state(objective, point, inverse, made)
        constants = _of_intercepts(objective, point)
        for value, norm, slope, constant in told(point.value, *scalars, constants):
            least, bend, rest = rounding.least(value), 0.0, 0.0
            hidden = rounding.hides(-0.5 * slope, value)
            left = Left.of(_amount(made, slope, rest), value, least, hidden, objective.null_value)
            status = left.status(left.amount == 0 or left.within(self.tol))
            if exact:
                bend = _bend_from_zero(objective, slope, constant)
            else:
                rest = float(-0.5 * slope > value)  # f is positive: that is more than all of it
            near = status is Status.CONVERGED
            if near and not (exact and objective.is_plain):
                status = Status.RUNNING
            reports.append(
                NewtonReport(value, norm, left.gap, status, slope, rest, bend, least, near)
            )
        return state, _within_reach(objective, state, reports)

    def update(
        self, objective: Objective, state: NewtonState, reports: Sequence[NewtonReport]
    ) -> tuple[NewtonState, list[NewtonReport]]:
        """One step, with a new Hessian if the last one told that it is time."""
        left, rounding = max(report.rest for report in reports), Rounding.of(state.direction)
        proofs: Sequence[Proof | None] = [None] * len(reports)
        if not objective.is_plain and any(report.near for report in reports):
            state, reports, proofs = self._proved(objective, state, reports)
        elif left > SHRUNK + objective.hessian_error:
            state, reports = _renewed(objective, state, reports, left)
        made = state.made._replace(age=state.made.age + 1)

        def following(point: Point) -> tuple[NewtonState, tuple[Array, ...]]:
            return _state(objective, point, state.inverse, made)

        def reported(before: NewtonReport, end: Landing, proof: Proof | None) -> NewtonReport:
            length, value, along, (norm, slope) = end
            whole = 1.0 <= length <= LONGEST and before.slope < 0
            rest, bend = _learnt(before.slope, along, slope, length) if whole else (1.0, 0.0)
            amount, hidden = _amount(made, slope, rest), rounding.hides(-0.5 * slope, value)
            left = Left.of(amount, value, before.least, hidden, objective.null_value)
            near = left.amount == 0 or (left.within(self.tol) and (whole or left.hidden))
            if proof is not None:
                status, gap = proof.left.status(proof.holds, length != 0), proof.left.gap
            elif objective.is_plain or length == 0:
                status, gap = left.status(near, length != 0), left.gap
            else:
                status, gap = converged_if(False, value), left.gap
            bend = bend if made.was_new else 0.0
            return NewtonReport(value, norm, gap, status, slope, rest, bend, before.least, near)

        searches = [
            Search.begin(report.value, report.slope, _first_step(report), rounding.eps)
            for report in reports
        ]
        there, ends = search_along(objective, state.point, state.direction, searches, following)
        reports = [reported(*each) for each in zip(reports, ends, proofs, strict=True)]
        return there, _within_reach(objective, there, reports)

    def _proved(
        self, objective: Objective, state: NewtonState, reports: Sequence[NewtonReport]
    ) -> tuple[NewtonState, list[NewtonReport], list[Proof]]:
        """The state with the exact Newton step, and what that proves of the gap where it begins."""
        approximate = partial(objective.contrasts.times, state.inverse)
        step = newton_step(objective, self.tol, state.point, approximate)
        slopes, proofs = prove(objective, self.tol, reports, step)
        state = state._replace(direction=step.direction)
        reports = [replace(r, slope=slope) for r, slope in zip(reports, slopes, strict=True)]
        return state, reports, proofs


def _within_reach(
    objective: Objective, state: NewtonState, reports: list[NewtonReport]
) -> list[NewtonReport]:
    """The reports, where none has converged whose next step would change a row's logits by much."""
    if not objective.is_plain or not any(r.status is Status.CONVERGED for r in reports):
        return reports
    changes = to_list(objective.logit_change(state.point, state.direction, of_all_rows=True))
    if max(changes) > SMALL_CHANGE:
        changes = to_list(objective.logit_change(state.point, state.direction))
    return [
        replace(report, status=Status.RUNNING, near=False)
        if report.status is Status.CONVERGED and change > SMALL_CHANGE
        else report
        for report, change in zip(reports, changes, strict=True)
    ]


def _state(
    objective: Objective, point: Point, inverse: Array, made: Made
) -> tuple[NewtonState, tuple[Array, Array]]:
    """The state at `point`, and of each problem the gradient's norm and the direction's slope."""
    direction, slope = _direction(objective, point, inverse)
    return NewtonState(point, inverse, direction, made), (max_norm(point.gradient), slope)


def _renewed(
    objective: Objective, state: NewtonState, reports: Sequence[NewtonReport], left: float
) -> tuple[NewtonState, list[NewtonReport]]:
    """The state with a new Hessian, and the direction by it.

    Few rows make it, until they mislead again and again.
    """
    n_misled = state.made.n_misled
    if n_misled < PATIENCE:
        misled = state.made.was_new and left >= 1.0
        n_misled = n_misled + 1 if misled else 0
    inverse = objective.inverse_hessian(state.point, n_misled < PATIENCE)
    direction, slope = _direction(objective, state.point, inverse)
    state = NewtonState(state.point, inverse, direction, Made(n_misled=n_misled))
    return state, with_slopes(reports, slope)


def _amount(made: Made, slope: float, rest: float) -> float:
    """What is left to gain.

    A whole step leaves nothing where the Hessian is right, so the `rest` that it left tells how
    wrong that is.
    """
    return -made.doubt * slope / max(1.0 - 2.0 * sqrt(rest), LEAST)


def _learnt(slope: float, along: float, slope_after: float, t: float) -> tuple[float, float]:
    """What a step of length t >= 1 along a `slope` left, where it is `along`, and its bend."""
    remaining = along / slope
    rest = (slope_after / slope - 2.0 * (1.0 - t) * remaining + (1.0 - t) ** 2) / t**2
    fallen = 1.0 - (1.0 - remaining) / t
    misled = rest - fallen**2 > MISLED
    rest = 1.0 if misled else min(max(rest, 0.0), 0.99)
    return rest, max(fallen, 0.0) / (t * (-slope) ** 0.25)


def _of_intercepts(objective: Objective, point: Point) -> Array:
    """(n_problems,): what the squared decrement has of the intercepts where all parameters are 0,
    which move all rows alike.
    """
    xp = namespace(point.gradient)
    ((_, b),) = objective.network.unpack(point.gradient)
    return xp.zeros_like(point.value) if b is None else objective.network.n_units * xp.vecdot(b, b)


def _bend_from_zero(objective: Objective, slope: float, constant: float) -> float:
    """The bend of a step from 0 whose logits are normally distributed.

    There the curvature along t d is that at 0, times 1 - 3 t^2 u'u / (n_classes - 1) + O(t^4) in
    the mean. What u'u has of the intercepts, `constant`, is left out. From anywhere near the
    minimum u'u is small, and so is this.
    """
    squared = -slope
    if not squared > 0:
        return 0.0
    return max(squared - constant, 0.0) / ((objective.network.n_units - 1) * squared**0.25)


def _first_step(report: NewtonReport) -> float:
    """Where the slope 1 - t + a t^2 would be 0, with a as along the last step."""
    if not report.slope < 0:
        return 1.0
    # Far from the minimum a stays, near it the decrement falls as the step does: the mean of both.
    a = min(report.bend * (-report.slope) ** 0.25, 0.25)
    longer = 2.0 / (1.0 + sqrt(1.0 - 4.0 * a))
    return min(longer, -2.0 * report.value / report.slope)  # no more to gain than all of f


def _direction(objective: Objective, point: Point, inverse: Array) -> tuple[Array, Array]:
    """Newton's direction and its slope."""
    return downhill(point.gradient, objective.contrasts.times(inverse, point.gradient))
