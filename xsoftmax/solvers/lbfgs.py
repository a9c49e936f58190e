"""L-BFGS over a batch of problems, preconditioned.

The direction is -H g, with H the inverse Hessian estimate that the last pairs s = change of
parameters, y = change of gradient imply: the two-loop recursion of Nocedal (1980), "Updating
quasi-Newton matrices with limited storage", from H_0 = (s'y / y'Py) P. P is the objective's
preconditioner, made anew where the solver stands every few iterations, or 1 if it has none. Where
P y points further from s than y does, 1 is the better metric, and serves until that changes: of
classes that are well apart the loss is flat, and only the penalty curves.

The gap to the minimum is taken to be the larger of two estimates. In the metric of H the quadratic
model promises a decrease of 1/2 g'Hg, which is exact near a minimum once H is. And if the last
iterations gained b where as many before them gained a, a geometric series goes on to gain b^2 /
(a - b) (Aitken's extrapolation), which tells of slow progress that the model does not see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from ..arrays import Array, namespace, to_list
from ..objective import Objective, Point
from .criteria import converged_where, max_norm
from .line_search import strong_wolfe
from .minimize import minimize
from .solution import Status

#: How many values the extrapolation looks at.
WINDOW = 9
#: How well, and for how long at most, the problem on a sample of rows is solved.
SAMPLE_TOL, SAMPLE_ITERATIONS = 0.1, 100

Precondition = Callable[[Array], Array]
Pair = tuple[
    Array, Array, Array
]  #: s, y (n_problems, n_parameters), 1/s'y (n_problems,), 0 if unused


class Metric(NamedTuple):
    """The preconditioner, and what decides when it is time for another."""

    preconditioner: Any
    age: int  #: iterations since it was made
    n_iter: int  #: iterations since the first one

    @property
    def is_newton(self) -> bool:
        """Whether it is the Hessian itself, which is renewed always and needs no pairs."""
        return self.preconditioner is not None and self.preconditioner.exact


class LBFGSState(NamedTuple):
    """Where the solver stands, and where it will go next."""

    point: Point
    gradient_norm: Array
    gap: Array
    status: Array
    direction: Array
    slope: Array
    plain: Array  #: (n_problems,), whether the metric was 1
    close: Array  #: (n_problems,), whether the gap is within the tolerance
    pairs: tuple[Pair, ...]  #: newest last
    metric: Metric
    values: tuple[Array, ...]  #: the latest, newest last
    resolution: Array  #: (n_problems,), what a value must exceed to be told from 0

    @property
    def parameters(self) -> Array:
        """(n_problems, n_parameters)."""
        return self.point.parameters

    @property
    def value(self) -> Array:
        """(n_problems,)."""
        return self.point.value


@dataclass(frozen=True)
class LBFGS:
    """Converged when the gap is at most `tol` of the value, and of what was gained since theta = 0.

    An approximate metric must say so twice in a row, since it can be too hopeful once. Stalled
    where rounding hides what is left to gain. A preconditioner serves 1.5 times as many iterations
    as it cost, and at least `refresh`; the next may cost half of all iterations so far.

    From 0, a quarter of the rows leads most of the way where that is enough of them, and a quarter
    of those before. `metric` is one to begin with, from a problem nearby, and `point` is the start,
    if it was evaluated already.
    """

    tol: float = 1e-4
    memory: int = 10
    refresh: int = 8
    metric: Metric | None = None
    point: Point | None = None

    def init(self, objective: Objective, parameters: Array) -> LBFGSState:
        """Where to start, in few passes over all rows, and a first preconditioner."""
        xp, metric, damping = namespace(parameters), self.metric, 1.0
        point = self.point
        if point is None:
            point, damping = self._start(objective, parameters)
        if metric is None or metric.is_newton:
            metric = Metric(objective.preconditioner(point, self.refresh, damping), 0, 0)
        resolution = xp.finfo(parameters.dtype).eps * xp.abs(point.value)
        never = xp.zeros_like(point.value) > 0
        return self._state(objective, point, (), (), metric, resolution, never)

    def _start(self, objective: Objective, parameters: Array) -> tuple[Point, float]:
        """`parameters`, or if they are 0 about the minimum on a sample; and the damping there."""
        xp, sample = namespace(parameters), objective.sample()
        if sample is None or to_list(xp.any(parameters != 0)):
            return objective.start(parameters), 1.0
        loose = replace(self, tol=max(self.tol, SAMPLE_TOL))
        solution = minimize(sample, parameters, loose, max_iter=SAMPLE_ITERATIONS)
        if Status.INTERRUPTED in solution.statuses:
            raise KeyboardInterrupt
        point = objective.start(solution.parameters)
        values = to_list(point.value)
        if not max(values) < objective.null_value:
            return objective.start(parameters), 1.0
        # The sample's minimum lies about as far below this one as its parameters lie above.
        gaps = [all / own - 1 for all, own in zip(values, solution.values, strict=True) if own > 0]
        return point, _damping(max(gaps, default=0.0))

    def update(self, objective: Objective, state: LBFGSState) -> LBFGSState:
        """One line search and the next direction."""
        xp, start = namespace(state.slope), state.point
        ray = objective.along(start, state.direction)
        length, point = strong_wolfe(ray, start.value, state.slope, self._first_step(state))
        metric = self._next_metric(objective, point, state)
        pairs: tuple[Pair, ...] = ()
        if not metric.is_newton:
            pair = _pair(point.parameters - start.parameters, point.gradient - start.gradient)
            pairs = (*state.pairs, pair)[-self.memory :]
        state = self._state(
            objective,
            point,
            values=state.values,
            pairs=pairs,
            metric=metric,
            resolution=state.resolution,
            was_close=state.close,
        )
        stalled = (state.status == 0) & (length == 0)
        return state._replace(status=xp.where(stalled, float(Status.STALLED), state.status))

    def _next_metric(self, objective: Objective, point: Point, state: LBFGSState) -> Metric:
        preconditioner, age, n_iter = state.metric
        age, n_iter = age + 1, n_iter + 1
        if state.metric.is_newton:
            return Metric(objective.preconditioner(point, 1, 0.0), 0, n_iter)
        if preconditioner is not None and age >= max(self.refresh, 1.5 * preconditioner.cost):
            xp, age = namespace(state.gap), 0
            if not to_list(xp.all(state.plain)):
                n_evaluations, damping = (
                    max(self.refresh, n_iter // 2),
                    _damping(to_list(xp.max(state.gap))),
                )
                preconditioner = objective.preconditioner(point, n_evaluations, damping)
        return Metric(preconditioner, age, n_iter)

    def _first_step(self, state: LBFGSState) -> Array:
        xp = namespace(state.slope)
        if state.metric.preconditioner is not None:
            return xp.ones_like(state.slope)
        short = 1.0 / xp.sum(xp.abs(state.point.gradient), axis=1)
        known = state.pairs[-1][2] > 0 if state.pairs else state.slope > 0
        return xp.where(known, 1.0, xp.clip(short, max=1.0))

    def _state(
        self,
        objective: Objective,
        point: Point,
        values: tuple[Array, ...],
        pairs: tuple[Pair, ...],
        metric: Metric,
        resolution: Array,
        was_close: Array,
    ) -> LBFGSState:
        """The direction from `point`, and what it says of the gap there."""
        xp, value = namespace(point.value), point.value
        precondition = partial(objective.precondition, metric.preconditioner)
        direction, slope, plain = _descent(point.gradient, pairs, precondition)
        promised = -0.5 * slope
        values = (*values, value)[-WINDOW:]
        hidden = promised <= 0.01 * xp.finfo(value.dtype).eps * xp.abs(value)
        # Newton's decrement, twice what the model promises, stands for exponential tails too.
        left = -slope if metric.is_newton else xp.where(hidden, promised, _extrapolated(values))
        tiny = xp.finfo(value.dtype).smallest_normal ** 0.5
        left = xp.maximum(promised, left)
        gap = left / (xp.abs(value) + resolution + tiny)
        close = (gap <= self.tol) & (hidden | (left <= self.tol * (objective.null_value - value)))
        sure = close if metric.is_newton else close & (was_close | hidden)
        status = converged_where(sure | (promised == 0), value)
        status = xp.where((status == 0) & hidden, float(Status.STALLED), status)
        norm = max_norm(point.gradient)
        return LBFGSState(
            point, norm, gap, status, direction, slope, plain, close, pairs, metric, values,
            resolution,
        )  # fmt: skip


def _damping(gap: float) -> float:
    """How much of the curvature to spread evenly over the rows, so far from the minimum."""
    return min(1.0, max(0.0, 0.1 * gap))


def _extrapolated(values: tuple[Array, ...]) -> Array:
    """What a geometric series would still gain, but no more than 16 times the last gain."""
    xp, now = namespace(values[-1]), values[-1]
    half = (len(values) - 1) // 2
    if half == 0:
        return values[0] - now
    last = values[-1 - half] - now
    slowdown = values[-1 - 2 * half] - values[-1 - half] - last
    return xp.where(
        slowdown > last / 16, last * last / xp.where(slowdown > 0, slowdown, 1.0), 16 * last
    )


def _descent(
    gradient: Array, pairs: tuple[Pair, ...], precondition: Precondition
) -> tuple[Array, Array, Array]:
    """-H g and its slope, and where P was 1; steepest descent where rounding has spoilt H."""
    xp = namespace(gradient)
    direction, plain = _apply_inverse_hessian(gradient, pairs, precondition)
    direction = -direction
    slope = xp.vecdot(direction, gradient)
    uphill = ~(slope < 0)
    direction = xp.where(uphill[:, None], -gradient, direction)
    return direction, xp.where(uphill, -xp.vecdot(gradient, gradient), slope), plain


def _apply_inverse_hessian(
    gradient: Array, pairs: tuple[Pair, ...], precondition: Precondition
) -> tuple[Array, Array]:
    """H g, and where P was 1."""
    xp = namespace(gradient)
    q, alphas = gradient, []
    for s, y, inverse_sy in reversed(pairs):
        alpha = inverse_sy * xp.vecdot(s, q)
        q = q - alpha[:, None] * y
        alphas.append(alpha)
    r, plain = precondition(q), xp.zeros_like(gradient[:, 0]) > 0
    if pairs:
        s, y, inverse_sy = pairs[-1]
        Py = precondition(y)
        plain = _alignment(s, y) > _alignment(s, Py)
        r = xp.where(plain[:, None], q, r)
        curvature = inverse_sy * xp.vecdot(y, xp.where(plain[:, None], y, Py))  # y'Py / s'y
        r = r / xp.where(curvature > 0, curvature, 1.0)[:, None]
    for (s, y, inverse_sy), alpha in zip(pairs, reversed(alphas), strict=True):
        beta = inverse_sy * xp.vecdot(y, r)
        r = r + (alpha - beta)[:, None] * s
    return r, plain


def _alignment(s: Array, x: Array) -> Array:
    """(n_problems,): the cosine between s and x, times the length of s."""
    xp = namespace(s)
    square = xp.vecdot(x, x)
    return xp.vecdot(s, x) / xp.sqrt(xp.where(square > 0, square, 1.0))


def _pair(s: Array, y: Array) -> Pair:
    """A pair without curvature counts as none."""
    xp = namespace(s)
    sy = xp.vecdot(s, y)
    usable = sy > xp.finfo(s.dtype).eps * xp.vecdot(y, y)
    return s, y, xp.where(usable, 1.0 / xp.where(usable, sy, 1.0), 0.0)
