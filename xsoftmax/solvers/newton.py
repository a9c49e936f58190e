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
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..arrays import Array, namespace
from ..objective import SAMPLE_STRIDE, Objective
from ..rays import Point, Ray
from .criteria import Left, is_hidden, max_norm
from .line_search import Search
from .solution import Report, Status
from .steps import downhill, trial_step

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
    gradient_norm: Array
    gap: Array
    status: Array
    note: Array  #: (n_problems,), what a whole step would have left, 1 if it was misled
    inverse: Array  #: (n_problems, n, n), of the Hessian
    direction: Array
    slope: Array
    made: Made
    bend: Array  #: (n_problems,), what curvature loses along a step, by the root of the decrement
    resolution: Array  #: (n_problems,), what a value must exceed to be told from 0
    search: tuple[Objective, Ray, Search] | None = None  #: a line search that goes on
    fallback: Any = None

    @property
    def parameters(self) -> Array:
        """(n_problems, n_parameters)."""
        return self.point.parameters

    @property
    def value(self) -> Array:
        """(n_problems,)."""
        return self.point.value


@dataclass(frozen=True)
class Newton:
    """Converged when the squared decrement, twice what is left to gain if f were quadratic, is at
    most `tol` of what was gained since theta = 0, and the square root of `tol` of the value.

    Stalled where rounding hides what is left to gain.
    """

    tol: float = 1e-4

    def begin(
        self, objective: Objective, point: Point, inverse: Array | None = None
    ) -> NewtonState:
        """The state at `point`, with the `inverse` Hessian of some of the rows if that is known."""
        if inverse is None:
            state = self._state(objective, point, objective.inverse_hessian(point, True), Made())
            return state._replace(bend=_bend_from_zero(objective, point, state.slope))
        state = self._state(objective, point, inverse, Made(doubt=SAMPLE_STRIDE))
        xp = namespace(inverse)
        untried = xp.where(state.status == float(Status.CONVERGED), 0.0, state.status)
        promised = -0.5 * state.slope  # more than all of f, which is positive, is wrong
        note = xp.where(promised > state.value, 1.0, xp.zeros_like(promised))
        return state._replace(status=untried, note=note)

    def update(
        self, objective: Objective, state: NewtonState, reports: Sequence[Report]
    ) -> NewtonState:
        """One trial step, with a new Hessian if the last step told that it is time."""
        left = max((report.note for report in reports), default=0.0)
        if state.search is None and left > SHRUNK + objective.hessian_error:
            state = self._renewed(objective, state, left)
        made = state.made._replace(age=state.made.age + 1)

        def following(point: Point, length: Array) -> NewtonState:
            return self._state(objective, point, state.inverse, made, state, length)

        return trial_step(objective, state, _first_step(state), following)

    def _renewed(self, objective: Objective, state: NewtonState, left: float) -> NewtonState:
        """The state with a new Hessian, and the direction by it.

        Few rows make it, until they mislead again and again.
        """
        n_misled = state.made.n_misled
        if n_misled < PATIENCE:
            misled = state.made.was_new and left >= 1.0
            n_misled = n_misled + 1 if misled else 0
        inverse = objective.inverse_hessian(state.point, n_misled < PATIENCE)
        direction, slope = _direction(objective, state.point, inverse)
        made = Made(n_misled=n_misled)
        return state._replace(inverse=inverse, direction=direction, slope=slope, made=made)

    def _state(
        self,
        objective: Objective,
        point: Point,
        inverse: Array,
        made: Made,
        before: NewtonState | None = None,
        length: Array | None = None,
    ) -> NewtonState:
        xp, value = namespace(point.value), point.value
        direction, slope = _direction(objective, point, inverse)
        if before is None or length is None:
            rest = bend = xp.zeros_like(value)
            whole, resolution = rest == 0, xp.finfo(value.dtype).eps * xp.abs(value)
        else:
            whole, resolution = (length >= 1.0) & (length <= LONGEST), before.resolution
            rest, bend = _told(before, point, slope, xp.where(whole, length, 1.0))
            rest, bend = xp.where(whole, rest, 1.0), xp.where(whole & made.was_new, bend, 0.0)
        # A whole step leaves nothing where the Hessian is right, so what it left tells how wrong.
        right = 1.0 - 2.0 * xp.sqrt(rest)
        amount = -made.doubt * slope / xp.where(right > LEAST, right, LEAST)
        hidden = is_hidden(-0.5 * slope, value)
        left = Left.of(amount, value, resolution, hidden, objective.null_value)
        status = left.status((left.within(self.tol) & (whole | hidden)) | (amount == 0))
        return NewtonState(
            point, max_norm(point.gradient), left.gap, status, rest, inverse, direction, slope,
            made, bend, resolution,
        )  # fmt: skip


def _told(before: NewtonState, point: Point, slope: Array, t: Array) -> tuple[Array, Array]:
    """The note on a step of length t >= 1, and its bend."""
    xp = namespace(t)
    along = xp.vecdot(point.gradient, before.direction) / before.slope
    rest = (slope / before.slope - 2.0 * (1.0 - t) * along + (1.0 - t) ** 2) / t**2
    fallen = 1.0 - (1.0 - along) / t
    misled = rest - fallen**2 > MISLED
    rest = xp.where(misled, 1.0, xp.minimum(xp.maximum(rest, 0.0), 0.99))
    return rest, xp.maximum(fallen, 0.0) / (t * (-before.slope) ** 0.25)


def _bend_from_zero(objective: Objective, point: Point, slope: Array) -> Array:
    """The bend of a step from 0 whose logits are normally distributed.

    There the curvature along t d is that at 0, times 1 - 3 t^2 u'u / (n_classes - 1) + O(t^4) in
    the mean. What u'u has of the intercepts, which move all rows alike, is left out. From anywhere
    near the minimum u'u is small, and so is this.
    """
    xp, n_classes, squared = namespace(slope), objective.network.n_units, -slope
    ((_, b),) = objective.network.unpack(point.gradient)
    constant = 0.0 if b is None else n_classes * xp.vecdot(b, b)
    varying = xp.maximum(squared - constant, xp.zeros_like(squared))
    return varying / ((n_classes - 1) * xp.where(squared > 0, squared, 1.0) ** 0.25)


def _first_step(state: NewtonState) -> Array:
    """Where the slope 1 - t + a t^2 would be 0, with a as along the last step."""
    xp = namespace(state.slope)
    # Far from the minimum a stays, near it the decrement falls as the step does: the mean of both.
    a = xp.minimum(state.bend * (-state.slope) ** 0.25, 0.25)
    longer = 2.0 / (1.0 + xp.sqrt(1.0 - 4.0 * a))
    return xp.minimum(longer, -2.0 * state.value / state.slope)  # no more to gain than all of f


def _direction(objective: Objective, point: Point, inverse: Array) -> tuple[Array, Array]:
    """Newton's direction and its slope."""
    return downhill(point.gradient, objective.contrasts.times(inverse, point.gradient))
