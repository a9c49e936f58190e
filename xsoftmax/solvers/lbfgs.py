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

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from ..arrays import Array, is_out_of_memory, namespace, to_list
from ..objective import Objective, Point, Ray
from .criteria import converged_where, max_norm
from .line_search import MAX_TRIALS, Search
from .minimize import minimize
from .recursion import Pair, descent, new_pair
from .solution import Report, Solution, Status

#: How many values the extrapolation looks at.
WINDOW = 9
#: How well, and for how long at most, the problem on a sample of rows is solved.
SAMPLE_TOL, SAMPLE_ITERATIONS = 0.1, 100


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
    search: tuple[Objective, Ray, Search] | None = None  #: a line search that goes on
    fallback: Any = None  #: the state that stands if the status is SEARCHING

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
            metric = Metric(objective.preconditioner(point, self.refresh, damping, True), 0, 0)
        resolution = xp.finfo(parameters.dtype).eps * xp.abs(point.value)
        never = xp.zeros_like(point.value) > 0
        return self._state(objective, point, (), (), metric, resolution, never)

    def _start(self, objective: Objective, parameters: Array) -> tuple[Point, float]:
        """`parameters`, or if they are 0 about the minimum on a sample; and the damping there."""
        sampled = None
        if not to_list(namespace(parameters).any(parameters != 0)):
            sampled = self._on_sample(objective, parameters)
        if sampled is None:
            return objective.start(parameters), 1.0
        point = objective.start(sampled.parameters)
        values = to_list(point.value)
        if not all(value < objective.null_value for value in values):
            return objective.start(parameters), 1.0
        # The sample's minimum lies about as far below this one as its parameters lie above.
        both = zip(values, sampled.values, strict=True)
        return point, _damping(max((value / own - 1 for value, own in both if own > 0), default=0))

    def _on_sample(self, objective: Objective, parameters: Array) -> Solution | None:
        """About the minimum on a sample of rows, if there are enough, and room for it."""
        loose = replace(self, tol=max(self.tol, SAMPLE_TOL))
        try:
            sample = objective.sample()
            if sample is None:
                return None
            solution = minimize(sample, parameters, loose, max_iter=SAMPLE_ITERATIONS)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return None
        if Status.INTERRUPTED in solution.statuses:
            raise KeyboardInterrupt
        return solution

    def update(
        self, objective: Objective, state: LBFGSState, reports: Sequence[Report]
    ) -> LBFGSState:
        """One trial step, and the next direction as if it were right for all problems.

        Nothing is asked of the device meanwhile: the status says SEARCHING where the step is not
        right, and the next update tries another along the same ray.
        """
        xp, start = namespace(state.slope), state.point
        if state.search is None:
            state = self._renewed(objective, state, reports)
            ray = objective.along(start, state.direction)
            search = Search.begin(start.value, state.slope, self._first_step(state))
        else:
            whole, ray, search = state.search
            search = search.narrowed()
            if whole is not objective:  # memory ran out, and there are smaller blocks now
                ray = objective.along(start, state.direction)
        length = search.trial
        value, slope, end = ray(length)
        search = search.after(value, slope)
        if search.n_trials >= MAX_TRIALS:
            length = search.best
            _, _, end = ray(length)
        following = self._following(objective, state, end(), length)
        if search.n_trials < MAX_TRIALS:
            searching = xp.where(xp.all(search.done), following.status, float(Status.SEARCHING))
            following = following._replace(status=searching)
        return following._replace(fallback=state._replace(search=(objective, ray, search)))

    def _following(
        self, objective: Objective, state: LBFGSState, point: Point, length: Array
    ) -> LBFGSState:
        """The state at `point`, `length` from that of `state`."""
        xp, start, metric = namespace(length), state.point, state.metric
        pairs: tuple[Pair, ...] = ()
        if metric.is_newton:
            preconditioner = objective.preconditioner(point, 1, 0.0)
            metric = metric._replace(preconditioner=preconditioner)
        else:
            pair = new_pair(point.parameters - start.parameters, point.gradient - start.gradient)
            pairs = (*state.pairs, pair)[-self.memory :]
        metric = metric._replace(age=metric.age + 1, n_iter=metric.n_iter + 1)
        resolution, was_close = state.resolution, state.close
        following = self._state(
            objective, point, state.values, pairs, metric, resolution, was_close
        )
        stalled = (following.status == 0) & (length == 0)
        status = xp.where(stalled, float(Status.STALLED), following.status)
        return following._replace(status=status)

    def _renewed(
        self, objective: Objective, state: LBFGSState, reports: Sequence[Report]
    ) -> LBFGSState:
        """The state with a new approximate metric, if that is due, and the direction by it."""
        preconditioner, age, n_iter = state.metric
        newton_or_none = preconditioner is None or state.metric.is_newton
        if newton_or_none or age < max(self.refresh, 1.5 * preconditioner.cost):
            return state
        if not all(report.plain for report in reports):
            n_evaluations = max(self.refresh, n_iter // 2)
            damping = _damping(max(report.gap for report in reports))
            preconditioner = objective.preconditioner(state.point, n_evaluations, damping)
        metric = Metric(preconditioner, 0, n_iter)
        precondition = partial(objective.precondition, preconditioner)
        direction, slope, plain = descent(state.point.gradient, state.pairs, precondition)
        return state._replace(direction=direction, slope=slope, plain=plain, metric=metric)

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
        direction, slope, plain = descent(point.gradient, pairs, precondition)
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
