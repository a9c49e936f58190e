"""L-BFGS over a batch of problems, preconditioned.

The direction is -H g, with H the inverse Hessian estimate that the last pairs s = change of
parameters, y = change of gradient imply: the two-loop recursion of Nocedal (1980), "Updating
quasi-Newton matrices with limited storage", from H_0 = (s'y / y'Py) P. P is the objective's
preconditioner, made anew where the solver stands every few iterations, or 1 if it has none. Where
P y points further from s than y does, 1 is the better metric, and serves until that changes: of
classes that are well apart the loss is flat, and only the penalty curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..arrays import Array, is_out_of_memory, namespace, to_list
from ..objective import Objective
from ..preconditioner import Preconditioner
from ..rays import Point, Ray
from .criteria import Left, is_hidden, max_norm
from .gaps import WINDOW, extrapolated, feared, promised
from .line_search import Search
from .metric import Metric, MetricKeeper, Pair, pairs_under
from .minimize import minimize
from .newton import Newton, NewtonState
from .recursion import descent
from .ridge import ridge_start
from .solution import Report, Status
from .steps import trial_step

#: How well, and for how long at most, the problem on a sample of rows is solved.
SAMPLE_TOL, SAMPLE_ITERATIONS = 0.01, 100
#: Iterations that a preconditioner serves for each evaluation that it cost.
SERVES = 4.0


class Start(NamedTuple):
    """Where to begin, and what is known of the Hessian there."""

    point: Point
    metric: Metric | None = None
    pairs: tuple[Pair, ...] = ()
    inverse: Array | None = None  #: of the exact Hessian
    way: tuple[Pair, ...] = ()  #: from 0, where the loss was more curved: for the first step only


class LBFGSState(NamedTuple):
    """Where the solver stands, and where it will go next."""

    point: Point
    gradient_norm: Array
    gap: Array
    status: Array
    direction: Array
    slope: Array
    note: Array  #: (n_problems,), 1 where a new metric would not help
    Pg: Array  #: (n_problems, n_parameters), the metric's product with the gradient
    close: Array  #: (n_problems,), whether the gap seems to be within the tolerance
    pairs: tuple[Pair, ...]  #: newest last
    metric: Metric
    values: tuple[Array, ...]  #: the latest, newest last
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
class LBFGS:
    """Converged when what is left to gain is at most `tol` of what was gained since theta = 0,
    and the square root of `tol` of the value.

    An approximate metric must say so twice in a row, since it can be too hopeful once, or say that
    it is a tenth of that. Stalled where rounding hides what is left to gain. A preconditioner
    serves `SERVES` times as many iterations as it cost, and at least `refresh`; the next may cost
    half of all iterations so far.

    From 0, a quarter of the rows leads most of the way where that is enough of them, and a quarter
    of those before. Where exact Hessians are cheap, `Newton` does the rest. `metric` is one to
    begin with, from a problem nearby. `point` is the start, if it was evaluated already, and
    `pairs` what is known of the Hessian there. They may have `led` to where the gap seemed to be
    within the tolerance.
    """

    tol: float = 1e-4
    memory: int = 10
    refresh: int = 8
    metric: Metric | None = None
    point: Point | None = None
    pairs: tuple[Pair, ...] = ()
    led: bool = False

    def init(self, objective: Objective, parameters: Array) -> LBFGSState | NewtonState:
        """Where to start, in few passes over all rows, and a first metric."""
        if self.point is None:
            start = self._start(objective, parameters)
        else:
            start = Start(self.point, self.metric, self.pairs)
        if objective.hessian_is_cheap:
            return Newton(self.tol).begin(objective, start.point, start.inverse)
        point, metric, pairs, _, way = start
        if metric is None:
            preconditioner = objective.preconditioner(point, self.refresh, 1.0, True)
            metric, pairs = Metric(preconditioner, 0, 0), ()
        return self._state(objective, point, metric, (*pairs, *way))._replace(pairs=pairs)

    def _start(self, objective: Objective, parameters: Array) -> Start:
        """At `parameters`, or if they are 0 where a sample or ridge regression leads."""
        if to_list(namespace(parameters).any(parameters != 0)):
            return Start(objective.start(parameters), self.metric)
        return self._on_sample(objective, parameters) or self._by_ridge(objective, parameters)

    def _on_sample(self, objective: Objective, parameters: Array) -> Start | None:
        """About the minimum on a sample of rows, if there are enough, and room for it."""
        loose = replace(self, tol=max(self.tol, SAMPLE_TOL))
        keeper = MetricKeeper(parameters.shape[0])
        try:
            sample = objective.sample() if objective.sample_is_cheap else None
            if sample is None:
                return None
            solution = minimize(
                sample, parameters, loose, max_iter=SAMPLE_ITERATIONS, callback=keeper
            )
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return None
        if Status.INTERRUPTED in solution.statuses:
            raise KeyboardInterrupt
        point = objective.start(solution.parameters)
        if not to_list(namespace(point.value).all(point.value < objective.null_value)):
            return None
        metric = keeper.metric and keeper.metric.of_more_rows()
        pairs = keeper.pairs_for(objective, objective.penalty - sample.penalty)
        inverse = keeper.inverse if sample.penalty is objective.penalty else None
        return Start(point, metric, pairs, inverse)

    def _by_ridge(self, objective: Objective, parameters: Array) -> Start:
        """Where ridge regression leads, or 0 if that is lower or squares of X overflow."""
        origin = objective.start(parameters)
        if objective.hessian_is_cheap:
            return Start(origin)
        preconditioner = objective.preconditioner(origin, self.refresh, 1.0, True)
        if not isinstance(preconditioner, Preconditioner):
            return Start(origin, Metric(preconditioner, 0, 0))
        there, scaled = ridge_start(objective, origin, preconditioner)
        point = objective.start(there)
        if not to_list(namespace(there).all(point.value < origin.value)):
            return Start(origin, Metric(preconditioner, 0, 0))
        change = point.parameters - origin.parameters, point.gradient - origin.gradient
        metric = Metric(scaled, 0, 0)
        return Start(point, metric, way=pairs_under(metric, objective, [change]))

    def update(
        self, objective: Objective, state: LBFGSState | NewtonState, reports: Sequence[Report]
    ) -> LBFGSState | NewtonState:
        """One trial step, and the next direction as if it were right for all problems."""
        if isinstance(state, NewtonState):
            return Newton(self.tol).update(objective, state, reports)
        if state.search is None:
            state = self._renewed(objective, state, reports)
        age, n_iter = state.metric.age + 1, state.metric.n_iter + 1
        metric = state.metric._replace(age=age, n_iter=n_iter)

        def following(point: Point, length: Array) -> LBFGSState:
            return self._state(objective, point, metric, state.pairs, state)

        return trial_step(objective, state, self._first_step(state), following)

    def _renewed(
        self, objective: Objective, state: LBFGSState, reports: Sequence[Report]
    ) -> LBFGSState:
        """The state with a new approximate metric, if that is due, and the direction by it."""
        preconditioner, age, n_iter = state.metric
        if preconditioner is None or age < max(self.refresh, SERVES * preconditioner.cost):
            return state
        if all(report.note for report in reports):
            return state
        n_evaluations = max(self.refresh, n_iter // 2)
        damping = _damping(max(report.gap for report in reports))
        preconditioner = objective.preconditioner(state.point, n_evaluations, damping)
        metric = Metric(preconditioner, 0, n_iter)
        pairs = pairs_under(metric, objective, [(pair.s, pair.y) for pair in state.pairs])
        Pg = objective.precondition(preconditioner, state.point.gradient)
        direction, slope, _ = descent(state.point.gradient, Pg, pairs)
        return state._replace(direction=direction, slope=slope, Pg=Pg, pairs=pairs, metric=metric)

    def _first_step(self, state: LBFGSState) -> Array:
        xp = namespace(state.slope)
        if state.metric.preconditioner is not None:
            return xp.ones_like(state.slope)
        short = 1.0 / xp.sum(xp.abs(state.point.gradient), axis=1)
        known = state.pairs[-1].inverse_sy > 0 if state.pairs else state.slope > 0
        return xp.where(known, 1.0, xp.clip(short, max=1.0))

    def _state(
        self,
        objective: Objective,
        point: Point,
        metric: Metric,
        pairs: tuple[Pair, ...],
        before: LBFGSState | None = None,
    ) -> LBFGSState:
        """The direction from `point`, and what it says of the gap there."""
        xp, value, g = namespace(point.value), point.value, point.gradient
        Pg = objective.precondition(metric.preconditioner, g)
        if before is None:
            values, was_close = (value,), xp.full_like(value, self.led) > 0
            resolution = xp.finfo(value.dtype).eps * xp.abs(value)
        else:
            values, was_close = (*before.values, value)[-WINDOW:], before.close
            resolution = before.resolution
            s = point.parameters - before.point.parameters
            pair = Pair.of(s, g - before.point.gradient, Pg - before.Pg)
            pairs = (*pairs, pair)[-self.memory :]
        direction, slope, plain = descent(g, Pg, pairs)
        gain = promised(metric, slope)
        hidden = is_hidden(gain, value)
        amount = xp.maximum(extrapolated(values), feared(metric, g, Pg, gain))
        amount = xp.where(hidden, gain, amount)
        left = Left.of(amount, value, resolution, hidden, objective.null_value)
        close = left.within(self.tol)
        sure = close & (was_close | hidden)
        sure = sure if before is None else sure | left.within(0.1 * self.tol)
        status = left.status(sure | (gain == 0))
        note = xp.where(close, 1.0, plain)  # near the end, or the metric was 1
        return LBFGSState(
            point, max_norm(g), left.gap, status, direction, slope, note, Pg, close, pairs, metric,
            values, resolution,
        )  # fmt: skip


def _damping(gap: float) -> float:
    """How much of the curvature to spread evenly over the rows, so far from the minimum."""
    return min(1.0, max(0.0, 0.1 * gap))
