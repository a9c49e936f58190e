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
from functools import partial
from typing import Any, NamedTuple

from ..arrays import Array, is_out_of_memory, namespace, to_list
from ..curvature.preconditioner import Preconditioner
from ..objective.line_restriction import Point
from ..objective.objective import Objective
from .criteria import Left, Rounding, max_norm
from .gaps import WINDOW, extrapolated, feared, promised
from .line_search import Search
from .metric import Metric, MetricKeeper, Pair, pairs_under
from .minimize import minimize
from .newton import Newton, NewtonReport, NewtonState
from .proof import Proof, newton_step, prove
from .recursion import descent
from .ridge import ridge_start
from .solution import Report, Status
from .steps import search_along, told, with_slopes

#: How well, and for how long at most, the problem on a sample of rows is solved.
SAMPLE_TOL, SAMPLE_ITERATIONS = 0.01, 100
#: Iterations that a preconditioner serves for each evaluation that it cost.
SERVES = 2.0


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
    Pg: Array  #: (n_problems, n_parameters), the metric's product with the gradient
    direction: Array
    pairs: tuple[Pair, ...]  #: newest last
    metric: Metric

    @property
    def parameters(self) -> Array:
        """(n_problems, n_parameters)."""
        return self.point.parameters


@dataclass(frozen=True)
class LBFGSReport(Report):
    """What the host knows of one problem."""

    slope: float  #: along the direction
    first_step: float  #: to try along it
    plain: bool  #: whether the metric was 1
    close: bool  #: whether the gap seems to be within the tolerance
    values: list[float]  #: the latest, newest last
    least: float  #: what a value must exceed to be told from 0


#: What `LBFGS` keeps, and where it leaves the rest to Newton's method.
Kept = tuple[LBFGSState, list[LBFGSReport]] | tuple[NewtonState, list[NewtonReport]]


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

    def init(self, objective: Objective, parameters: Array) -> Kept:
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
        state, scalars = _state(objective, point, metric, (*pairs, *way))
        rounding = Rounding.of(point.value)
        reports = [
            self._judged(objective, metric, rounding, value, numbers)
            for value, *numbers in told(point.value, *scalars)
        ]
        return state._replace(pairs=pairs), reports

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
        origin = objective.origin(parameters)
        if objective.hessian_is_cheap:
            return Start(origin)
        if not objective.curvature_pays:
            return Start(origin, Metric(None, 0, 0))
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

    def update(self, objective: Objective, state: Any, reports: Sequence[Any]) -> Kept:
        """One step."""
        if isinstance(state, NewtonState):
            return Newton(self.tol).update(objective, state, reports)
        proofs: Sequence[Proof | None] = [None] * len(reports)
        if not objective.is_plain and any(report.close for report in reports):
            state, reports, proofs = self._proved(objective, state, reports)
        else:
            state, reports = self._renewed(objective, state, reports)
        age, n_iter = state.metric.age + 1, state.metric.n_iter + 1
        metric, rounding = state.metric._replace(age=age, n_iter=n_iter), Rounding.of(state.Pg)

        def following(point: Point) -> tuple[LBFGSState, tuple[Array, ...]]:
            s, y = point.parameters - state.parameters, point.gradient - state.point.gradient
            Pg = objective.precondition(metric.preconditioner, point.gradient)
            pairs = (*state.pairs, Pair.of(s, y, Pg - state.Pg))[-self.memory :]
            return _state(objective, point, metric, pairs, Pg)

        searches = [Search.begin(r.value, r.slope, r.first_step, rounding.eps) for r in reports]
        there, ends = search_along(objective, state.point, state.direction, searches, following)
        return there, [
            self._judged(
                objective, metric, rounding, end.value, end.scalars, before, end.length, proof
            )
            for before, end, proof in zip(reports, ends, proofs, strict=True)
        ]

    def _proved(
        self, objective: Objective, state: LBFGSState, reports: Sequence[LBFGSReport]
    ) -> tuple[LBFGSState, list[LBFGSReport], list[Proof]]:
        """The state with the exact Newton step, and what that proves of the gap."""
        approximate = partial(objective.precondition, state.metric.preconditioner)
        step = newton_step(objective, self.tol, state.point, approximate)
        slopes, proofs = prove(objective, self.tol, reports, step)
        known = zip(reports, slopes, strict=True)
        reports = [replace(report, slope=slope, first_step=1.0) for report, slope in known]
        return state._replace(direction=step.direction), reports, proofs

    def _renewed(
        self, objective: Objective, state: LBFGSState, reports: Sequence[LBFGSReport]
    ) -> tuple[LBFGSState, Sequence[LBFGSReport]]:
        """With a new approximate metric, if that is due, and the direction by it."""
        preconditioner, age, n_iter = state.metric
        is_first = preconditioner is None
        if age < max(self.refresh, 0.0 if is_first else SERVES * preconditioner.cost):
            return state, reports
        if all(report.close or report.plain for report in reports):
            return state, reports  # a new metric would not help
        n_evaluations = max(self.refresh, n_iter // 2)
        damping = _damping(max(report.gap for report in reports))
        preconditioner = objective.preconditioner(state.point, n_evaluations, damping, is_first)
        metric = Metric(preconditioner, 0, n_iter)
        if preconditioner is None:
            return state._replace(metric=metric), reports
        pairs = pairs_under(metric, objective, [(pair.s, pair.y) for pair in state.pairs])
        state, (_, slope, *_) = _state(objective, state.point, metric, pairs)
        return state, with_slopes(reports, slope)

    def _judged(
        self,
        objective: Objective,
        metric: Metric,
        rounding: Rounding,
        value: float,
        scalars: Sequence[float],
        before: LBFGSReport | None = None,
        length: float = 1.0,
        proof: Proof | None = None,
    ) -> LBFGSReport:
        """What `scalars` of `_state` say of the gap."""
        norm, slope, first_step, plain, alone = scalars
        values, least, was_close = [value], rounding.least(value), self.led
        if before is not None:
            values = [*before.values[1 - WINDOW :], value]
            least, was_close = before.least, before.close
        gain = promised(metric, slope)
        hidden = rounding.hides(gain, value)
        amount = gain if hidden else max(feared(metric, alone, gain), extrapolated(values))
        left = Left.of(amount, value, least, hidden, objective.null_value)
        close = left.within(self.tol)
        sure = close and (was_close or hidden)
        sure = sure or (before is not None and left.within(0.1 * self.tol))
        gap, status = left.gap, left.status(sure or gain == 0, length != 0)
        if proof is not None:
            gap, status = proof.left.gap, proof.left.status(proof.holds, length != 0)
        elif not objective.is_plain and status in (Status.CONVERGED, Status.STALLED):
            close, status = True, Status.RUNNING
        return LBFGSReport(
            value, norm, gap, status, slope, first_step, plain > 0, close, values, least
        )


def _state(
    objective: Objective,
    point: Point,
    metric: Metric,
    pairs: tuple[Pair, ...],
    Pg: Array | None = None,
) -> tuple[LBFGSState, tuple[Array, ...]]:
    """The direction from `point`, and of each problem: the norm of the gradient, the slope, the
    first step to try, 1 where the metric was 1, and the slope if it knew no pairs.
    """
    xp, g = namespace(point.value), point.gradient
    Pg = objective.precondition(metric.preconditioner, g) if Pg is None else Pg
    direction, slope, plain = descent(g, Pg, pairs)
    step = _first_step(g, pairs) if metric.preconditioner is None else xp.ones_like(slope)
    scalars = max_norm(g), slope, step, plain, -xp.vecdot(g, Pg)
    return LBFGSState(point, Pg, direction, pairs, metric), scalars


def _first_step(g: Array, pairs: tuple[Pair, ...]) -> Array:
    """As far as pairs say; without any, no further than 1 in all."""
    xp = namespace(g)
    short = 1.0 / xp.clip(xp.sum(xp.abs(g), axis=1), min=1.0)
    return xp.where(pairs[-1].inverse_sy > 0, 1.0, short) if pairs else short


def _damping(gap: float) -> float:
    """How much of the curvature to spread evenly over the rows, so far from the minimum."""
    return min(1.0, max(0.0, 0.1 * gap))
