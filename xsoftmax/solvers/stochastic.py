"""What the solvers on minibatches share: an update is one epoch.

A problem has converged when `n_iter_no_change` epochs in a row improve its best value by less than
`tol`, as in scikit-learn. A value is the mean over the epoch's minibatches, as each was met.

The learning rate follows one of scikit-learn's schedules, where t counts the rows seen:

    constant      rate
    invscaling    rate / (t + 1)^power_t, renewed after every epoch
    adaptive      instead of converging, a fifth of it, until it is at most 1e-6
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any, NamedTuple

from ..arrays import Array, from_host, is_array, namespace, to_list
from .convergence import converged_if, max_norm
from .line_search import to_host_scalars
from .protocols import Objective, WarmStart
from .solution import Report, Status

Moments = tuple[Array, ...]

#: What "adaptive" divides the learning rate by, and the rate at which it stops.
RATE_DIVISOR, SMALLEST_RATE = 5.0, 1e-6


class StochasticState(NamedTuple):
    """`moments` are what the rule remembers of past gradients, each shaped like `parameters`."""

    parameters: Array
    learning_rate: Array
    moments: Moments
    n_steps: int
    n_seen: int = 0  #: rows, each as often as it was met

    def select(self, problems: Array) -> StochasticState:
        """That of only some of the problems, by an array of indices."""
        xp = namespace(problems)
        return self._replace(
            parameters=xp.take(self.parameters, problems, axis=0),
            learning_rate=xp.take(self.learning_rate, problems, axis=0),
            moments=tuple(xp.take(moment, problems, axis=0) for moment in self.moments),
        )

    def warm_start(self) -> WarmStart:
        """What is left to another solve."""
        return WarmStart(self.parameters)


@dataclass(frozen=True)
class StochasticReport(Report):
    """What the host knows of one problem."""

    best: float  #: value so far
    n_stale: int  #: epochs in a row that did not better it
    rate: float  #: of the next epoch, before "invscaling"


@dataclass(frozen=True)
class Stochastic:
    """The loop over minibatches; a subclass says what one step is.

    `learning_rate` is one number or one per problem. `random_state` is a numpy RandomState that
    shuffles the rows, or None to take them in order. `lowers_rate` says, before an epoch, whether
    others (such as held-out rows) have found it time for "adaptive" to lower the rate.
    """

    learning_rate: float | Array
    batch_size: int = 200
    random_state: Any = None
    tol: float = 1e-4
    n_iter_no_change: float = 10
    schedule: str = "constant"
    power_t: float = 0.5
    lowers_rate: Callable[[], bool] | None = None

    def init(
        self, objective: Objective, start: WarmStart
    ) -> tuple[StochasticState, list[StochasticReport]]:
        """Nothing is evaluated before the first epoch."""
        parameters = start.parameters
        moments = self.init_moments(namespace(parameters).zeros_like(parameters))
        state = StochasticState(parameters, column(self.learning_rate, parameters), moments, 0)
        rates = self.learning_rate
        rates = to_list(rates) if is_array(rates) else [rates] * parameters.shape[0]
        unknown = StochasticReport(inf, inf, inf, Status.RUNNING, best=inf, n_stale=0, rate=inf)
        return state, [replace(unknown, rate=rate) for rate in rates]

    def update(
        self, objective: Objective, state: StochasticState, reports: Sequence[StochasticReport]
    ) -> tuple[StochasticState, list[StochasticReport]]:
        """One epoch; the shuffle of one that fails is drawn again."""
        if self.lowers_rate is not None and self.lowers_rate():
            reports, before = [self._lowered(report) for report in reports], reports
            state = _with_rates(state, before, reports)
        shuffles = self.random_state and self.random_state.get_state()
        try:
            state, value, norm = self._epoch(objective, state)
            found = to_host_scalars(value, norm)
        except BaseException:
            if self.random_state:
                self.random_state.set_state(shuffles)
            raise
        after = [self._report(before, *each) for before, each in zip(reports, found, strict=True)]
        return _with_rates(state, reports, after), after

    def saved(
        self, state: StochasticState, reports: Sequence[StochasticReport]
    ) -> tuple[Any, list[Array]]:
        """Numbers and arrays from which `restored` makes the state, the reports and the shuffle."""
        shuffles = self.random_state and self.random_state.get_state(legacy=False)
        numbers = {
            "reports": [list(vars(report).values()) for report in reports],
            "n": [state.n_steps, state.n_seen],
            "shuffles": shuffles and _listed(shuffles),
        }
        return numbers, [state.parameters, state.learning_rate, *state.moments]

    def restored(
        self, numbers: Any, arrays: list[Array]
    ) -> tuple[StochasticState, list[StochasticReport]]:
        """The state and the reports that were saved; the shuffle goes on from there."""
        if self.random_state:
            self.random_state.set_state(numbers["shuffles"])
        parameters, rate, *moments = arrays
        state = StochasticState(parameters, rate, tuple(moments), *numbers["n"])
        return state, [_report(*values) for values in numbers["reports"]]

    def _epoch(
        self, objective: Objective, state: StochasticState
    ) -> tuple[StochasticState, Array, Array]:
        """The state one epoch later, its mean value and the norm of its last gradient."""
        xp = namespace(state.parameters)
        parameters, learning_rate, moments, n_steps, n_seen = state
        if self.schedule == "invscaling":
            learning_rate = learning_rate / (n_seen + 1) ** self.power_t
        gradient = xp.zeros_like(parameters)
        total = gradient[:, 0]
        for batch in objective.minibatches(self.batch_size, self.random_state):
            _, value, gradient, _ = batch.evaluate(parameters)
            n_steps += 1
            move, moments = self.step(moments, gradient, learning_rate, n_steps)
            parameters = parameters + move
            total = total + value * (batch.n_samples / objective.n_samples)
        n_seen += objective.n_samples
        state = StochasticState(parameters, state.learning_rate, moments, n_steps, n_seen)
        return state, total, max_norm(gradient)

    def _report(self, before: StochasticReport, value: float, norm: float) -> StochasticReport:
        n_stale = before.n_stale + 1 if value > before.best - self.tol else 0
        stale = n_stale > self.n_iter_no_change
        lowers = stale and self.can_lower(before)
        status = converged_if(stale and not lowers, value)
        after = StochasticReport(
            value, norm, inf, status, min(value, before.best), n_stale, before.rate
        )
        return replace(self._lowered(after), n_stale=0) if lowers else after

    def can_lower(self, report: StochasticReport) -> bool:
        """Whether the schedule would lower the rate of a problem rather than end it."""
        return self.schedule == "adaptive" and report.rate > SMALLEST_RATE

    def _lowered(self, report: StochasticReport) -> StochasticReport:
        return replace(report, rate=report.rate / RATE_DIVISOR)

    def init_moments(self, zeros: Array) -> Moments:
        """The moments before the first step."""
        return (zeros,)

    def step(
        self, moments: Moments, gradient: Array, learning_rate: Array, n_steps: int
    ) -> tuple[Array, Moments]:
        """What to add to the parameters after one minibatch, and the moments after it."""
        return -learning_rate * gradient, moments


def _listed(shuffles: Any) -> Any:
    """The state of a RandomState with a list in place of its array."""
    inner = {**shuffles["state"], "key": shuffles["state"]["key"].tolist()}
    return {**shuffles, "state": inner}


def _report(value: float, norm: float, gap: float, status: int, *others: Any) -> StochasticReport:
    return StochasticReport(value, norm, gap, Status(status), *others)


def column(rate: float | Array, parameters: Array) -> Array:
    """(n_problems, 1) from one number for all problems or an array with one for each."""
    xp = namespace(parameters)
    return xp.reshape(rate + 0.0 * parameters[:, 0], (-1, 1))


def _with_rates(
    state: StochasticState,
    before: Sequence[StochasticReport],
    after: Sequence[StochasticReport],
) -> StochasticState:
    """The state with the rates of the reports `after`, if they are others than `before`."""
    rates = [report.rate for report in after]
    if rates == [report.rate for report in before]:
        return state
    like = state.learning_rate
    return state._replace(
        learning_rate=from_host([[r] for r in rates], like=like, dtype=like.dtype)
    )
