"""Newton's method over a batch of problems, with inverse Hessians that serve while they suffice.

With u = H^-1/2 g the square of the Newton decrement is u'u. If M is the mean curvature over a step
of length t, in the metric of H, the step leaves (1 - t M) u. What it left so tells two things.

|(1 - M) u|^2 is what a whole step would have left. While that is as little as it can be, the
Hessian serves again, though it is of an iterate nearby or of a sample of the rows.

1 - u'M u / u'u tells how much curvature fell along the step, which is nearly all that is wrong far
from the minimum of softmax regression: where probabilities become surer the loss grows straighter,
so that Newton's steps are too short. The next one is made longer, as if curvature fell along it as
along the last (in proportion to its length: Bach, 2010, "Self-concordant analysis for logistic
regression"), if H was exact where that began. A fifth fewer steps are needed so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import NamedTuple, cast

from ..arrays import Array, namespace, to_list, vecdot
from ..curvature.exact import ExactInverse, exact_inverse, sampling_error
from ..curvature.newton_step import largest_logit_change, newton_step
from ..objective.line_restriction import Iterate
from ..objective.objective import Objective
from .convergence import (
    SMALL_LOGIT_CHANGE,
    GapEstimate,
    GapReport,
    Proof,
    Rounding,
    converged_if,
    max_norm,
    prove,
)
from .line_search import LineSearch, LineSearchResult, downhill, search, to_host_scalars
from .protocols import WarmStart
from .solution import Status

#: What a step may leave of the squared decrement for the Hessian to serve again, besides what the
#: Hessian of a sample leaves anyway.
MAX_LEFT = 3e-3
#: A new Hessian misleads if a step leaves more of the squared decrement elsewhere than along
#: itself. After so many of them in a row all rows make the next.
MAX_LEFT_ELSEWHERE, MAX_MISLED = 0.3, 2
#: Lower bound on the factor that corrects the gap estimate for a stale Hessian.
MIN_CORRECTION = 0.1
#: Where the slope 1 - t + a t^2 may just be 0, for a = 1/4: no step is longer.
MAX_STEP = 2.0


class NewtonState(NamedTuple):
    """Where the solver stands, and where it will go next."""

    iterate: Iterate
    inverse: ExactInverse
    direction: Array
    age: int = 0  #: steps that the inverse has served
    n_misled: int = 0  #: Hessians in a row that misled at once

    @property
    def parameters(self) -> Array:
        """(n_problems, n_parameters)."""
        return self.iterate.parameters

    @property
    def was_exact(self) -> bool:
        """Whether the inverse was exact where the last step began."""
        return self.age == 1 and self.inverse.error_factor == 1.0

    def select(self, problems: Array) -> NewtonState:
        """That of only some of the problems, by an array of indices."""
        return self._replace(
            iterate=self.iterate.select(problems),
            inverse=self.inverse.select(problems),
            direction=namespace(problems).take(self.direction, problems, axis=0),
        )

    def warm_start(self) -> WarmStart:
        """What is left to another solve."""
        return WarmStart(self.parameters, self.iterate, self.inverse)


@dataclass(frozen=True)
class NewtonReport(GapReport):
    """What the host knows of one problem."""

    left: float  #: what a whole step would have left of the squared decrement, 1 if it was misled
    curvature_decay: float  #: what curvature loses along a step, by the root of the decrement
    within_tol: bool = False  #: whether the gap seems to be


@dataclass(frozen=True)
class Newton:
    """Converged when twice the gap is at most tol (f(0) - f) and sqrt(tol) f.

    Twice the gap is the squared decrement, if f is quadratic, as it nearly is where the next step
    changes no row's logits by much: that is asked too. Stalled where rounding hides what is left to
    gain. If the solver `certifies`, it has converged only where an exact Newton step proves it.
    """

    tol: float = 1e-4
    certifies: bool = False
    lengthens_steps: bool = True

    def init(
        self, objective: Objective, start: WarmStart
    ) -> tuple[NewtonState, list[NewtonReport]]:
        """The state before the first step, with the inverse of `start` or a new one."""
        iterate, is_new = start.iterate, start.inverse is None
        if iterate is None:
            iterate = objective.evaluate(start.parameters)
        inverse = cast(ExactInverse, start.inverse)
        if is_new:
            inverse = exact_inverse(objective, iterate, of_few_rows=True)
        rounding, reports = Rounding.of(iterate.value), []
        state, scalars = _state(objective, NewtonState(iterate, inverse, iterate.gradient))
        scalars = *scalars, _decrement_of_intercepts(objective, iterate)
        known = iterate.value, objective.values_at_zero, *scalars
        for value, value_at_zero, norm, slope, constant in to_host_scalars(*known):
            amount, value_floor = -inverse.error_factor * slope, rounding.value_floor(value)
            is_hidden = rounding.hides(-0.5 * slope, value)
            estimate = GapEstimate.of(amount, value, value_floor, is_hidden, value_at_zero)
            status = estimate.status(amount == 0 or estimate.within(self.tol))
            within_tol = status is Status.CONVERGED
            if within_tol and (self.certifies or not is_new):
                status = Status.RUNNING
            # f is positive: a decrease of more than all of it is wrong.
            left = float(not is_new and -0.5 * slope > value)
            decay = _decay_from_zero(objective, slope, constant) if is_new else 0.0
            reports.append(
                NewtonReport(
                    value,
                    norm,
                    estimate.gap,
                    status,
                    slope,
                    value_floor,
                    value_at_zero,
                    left,
                    decay,
                    within_tol,
                )
            )
        return state, self._within_reach(objective, state, reports)

    def update(
        self, objective: Objective, state: NewtonState, reports: Sequence[NewtonReport]
    ) -> tuple[NewtonState, list[NewtonReport]]:
        """One step, with a new Hessian if the last one told that it is time."""
        left, rounding = max(report.left for report in reports), Rounding.of(state.direction)
        proofs: Sequence[Proof | None] = [None] * len(reports)
        if self.certifies and any(report.within_tol for report in reports):
            state, reports, proofs = self._with_newton_step(objective, state, reports)
        elif left > MAX_LEFT + sampling_error(objective):
            state, reports = _with_new_inverse(objective, state, reports, left)
        before = state._replace(age=state.age + 1)

        def state_at(iterate: Iterate) -> tuple[NewtonState, tuple[Array, ...]]:
            return _state(objective, before._replace(iterate=iterate))

        searches = [
            LineSearch.begin(report.value, report.slope, self._first_step(report), rounding.eps)
            for report in reports
        ]
        after, ends = search(objective, state.iterate, state.direction, searches, state_at)
        reports = [
            self._report(*each, after, rounding) for each in zip(reports, ends, proofs, strict=True)
        ]
        return after, self._within_reach(objective, after, reports)

    def _first_step(self, report: NewtonReport) -> float:
        """Where the slope 1 - t + a t^2 would be 0, with a as along the last step."""
        if not (self.lengthens_steps and report.slope < 0):
            return 1.0
        # Far from the minimum a stays, near it the decrement falls as the step does: the mean.
        a = min(report.curvature_decay * (-report.slope) ** 0.25, 0.25)
        longer = min(2.0 / (1.0 + sqrt(1.0 - 4.0 * a)), MAX_STEP)
        return min(longer, -2.0 * report.value / report.slope)  # no more to gain than all of f

    def _report(
        self,
        before: NewtonReport,
        end: LineSearchResult,
        proof: Proof | None,
        state: NewtonState,
        rounding: Rounding,
    ) -> NewtonReport:
        """What a step told, and the state after it."""
        step, value, slope_at_end, (norm, slope) = end
        is_whole = 1.0 <= step <= MAX_STEP and before.slope < 0
        left, decay = 1.0, 0.0
        if is_whole:
            left, decay = _learnt(before.slope, slope_at_end, slope, step)
        # A whole step leaves nothing where the Hessian is right: what it left is its error.
        correction = max(1.0 - 2.0 * sqrt(left), MIN_CORRECTION)
        amount = -state.inverse.error_factor * slope / correction
        is_hidden = rounding.hides(-0.5 * slope, value)
        estimate = GapEstimate.of(
            amount, value, before.value_floor, is_hidden, before.value_at_zero
        )
        is_near = estimate.within(self.tol) and (is_whole or estimate.is_hidden)
        within_tol, gap = amount == 0 or is_near, estimate.gap
        if proof is not None:
            status, gap = proof.estimate.status(proof.holds, step != 0), proof.estimate.gap
        elif not self.certifies or step == 0:
            status = estimate.status(within_tol, step != 0)
        else:
            status = converged_if(False, value)
        decay = decay if state.was_exact else 0.0
        return replace(
            before,
            value=value,
            gradient_norm=norm,
            gap=gap,
            status=status,
            slope=slope,
            left=left,
            curvature_decay=decay,
            within_tol=within_tol,
        )

    def _with_newton_step(
        self, objective: Objective, state: NewtonState, reports: Sequence[NewtonReport]
    ) -> tuple[NewtonState, list[NewtonReport], list[Proof]]:
        """The state with the exact Newton step, and what that proves of the gap where it begins."""
        step = newton_step(objective, state.iterate, state.inverse, self.tol)
        slopes, proofs = prove(step, reports, self.tol)
        state = state._replace(direction=step.direction)
        reports = [replace(r, slope=slope) for r, slope in zip(reports, slopes, strict=True)]
        return state, reports, proofs

    def _within_reach(
        self, objective: Objective, state: NewtonState, reports: list[NewtonReport]
    ) -> list[NewtonReport]:
        """The reports, where none has converged whose next step changes a row's logits by much."""
        if self.certifies or not any(r.status is Status.CONVERGED for r in reports):
            return reports
        of_step = objective, state.iterate, state.direction
        changes = to_list(largest_logit_change(*of_step, of_all_rows=True))
        if max(changes) > SMALL_LOGIT_CHANGE:
            changes = to_list(largest_logit_change(*of_step))
        return [
            replace(report, status=Status.RUNNING, within_tol=False)
            if report.status is Status.CONVERGED and change > SMALL_LOGIT_CHANGE
            else report
            for report, change in zip(reports, changes, strict=True)
        ]


def _with_new_inverse(
    objective: Objective, state: NewtonState, reports: Sequence[NewtonReport], left: float
) -> tuple[NewtonState, list[NewtonReport]]:
    """The state with a new inverse Hessian, and the direction by it.

    Few rows make it, until they mislead again and again.
    """
    n_misled = state.n_misled
    if n_misled < MAX_MISLED:
        n_misled = n_misled + 1 if state.was_exact and left >= 1.0 else 0
    of_few_rows = n_misled < MAX_MISLED
    inverse = exact_inverse(objective, state.iterate, of_few_rows, state.inverse)
    state = state._replace(inverse=inverse, age=0, n_misled=n_misled)
    state, (_, slope) = _state(objective, state)
    known = zip(reports, to_list(slope), strict=True)
    return state, [replace(report, slope=slope) for report, slope in known]


def _state(objective: Objective, state: NewtonState) -> tuple[NewtonState, tuple[Array, ...]]:
    """With Newton's direction, and of each problem the norm of the gradient and the slope."""
    g = state.iterate.gradient
    direction, slope = downhill(g, state.inverse.solve(g, objective.strength))
    return state._replace(direction=direction), (max_norm(g), slope)


def _decrement_of_intercepts(objective: Objective, iterate: Iterate) -> Array:
    """(n_problems,): what the squared decrement at 0 has of intercepts, which move rows alike."""
    xp, network = namespace(iterate.gradient), objective.network
    ((_, b),) = network.unpack(iterate.gradient)
    if b is None:
        return xp.zeros_like(iterate.value)
    return network.layer_sizes[-1] * vecdot(b, b)


def _decay_from_zero(objective: Objective, slope: float, constant: float) -> float:
    """What curvature loses along a step from 0 whose logits are normally distributed.

    There the curvature along t d is that at 0, times 1 - 3 t^2 u'u / (n_classes - 1) + O(t^4) in
    the mean. What u'u has of the intercepts, `constant`, is left out. From anywhere near the
    minimum u'u is small, and so is this.
    """
    squared, n_classes = -slope, objective.network.layer_sizes[-1]
    if not squared > 0:
        return 0.0
    return max(squared - constant, 0.0) / ((n_classes - 1) * sqrt(sqrt(squared)))


def _learnt(
    slope: float, slope_at_end: float, slope_after: float, step: float
) -> tuple[float, float]:
    """What a step of length >= 1 along a `slope` left of it, and the decay of the curvature."""
    remaining = slope_at_end / slope
    left = slope_after / slope - 2.0 * (1.0 - step) * remaining + (1.0 - step) ** 2
    left /= step**2
    fallen = 1.0 - (1.0 - remaining) / step
    is_misled = left - fallen**2 > MAX_LEFT_ELSEWHERE
    left = 1.0 if is_misled else min(max(left, 0.0), 0.99)
    return left, max(fallen, 0.0) / (step * (-slope) ** 0.25)
