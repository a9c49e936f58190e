"""What the solvers on minibatches share: an update is one epoch.

A problem has converged when `n_iter_no_change` epochs in a row improve its best value by less than
`tol`, as in scikit-learn. A value is the mean over the epoch's minibatches, as each was met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

from ..arrays import Array, namespace
from ..objective import Objective
from .criteria import column, converged_if, max_norm
from .solution import Report, Status
from .steps import told

Moments = tuple[Array, ...]


class StochasticState(NamedTuple):
    """`moments` are what the rule remembers of past gradients, each shaped like `parameters`."""

    parameters: Array
    learning_rate: Array
    moments: Moments
    n_steps: int


@dataclass(frozen=True)
class StochasticReport(Report):
    """What the host knows of one problem."""

    best: float  #: value so far
    n_stale: int  #: epochs in a row that did not better it


@dataclass(frozen=True)
class Stochastic:
    """The loop over minibatches; a subclass says what one step is.

    `learning_rate` is one number or one per problem. `random_state` is a numpy RandomState that
    shuffles the rows, or None to take them in order.
    """

    learning_rate: float | Array
    batch_size: int = 200
    random_state: Any = None
    tol: float = 1e-4
    n_iter_no_change: int = 10

    def init(
        self, objective: Objective, parameters: Array
    ) -> tuple[StochasticState, list[StochasticReport]]:
        """Nothing is evaluated before the first epoch."""
        moments = self.init_moments(namespace(parameters).zeros_like(parameters))
        state = StochasticState(parameters, column(self.learning_rate, parameters), moments, 0)
        unknown = StochasticReport(inf, inf, inf, Status.RUNNING, best=inf, n_stale=0)
        return state, [unknown] * parameters.shape[0]

    def update(
        self, objective: Objective, state: StochasticState, reports: Sequence[StochasticReport]
    ) -> tuple[StochasticState, list[StochasticReport]]:
        """One epoch; the shuffle of one that fails is drawn again."""
        shuffles = self.random_state and self.random_state.get_state()
        try:
            state, value, norm = self._epoch(objective, state)
            found = told(value, norm)
        except BaseException:
            if self.random_state:
                self.random_state.set_state(shuffles)
            raise
        return state, [
            self._judged(before, *each) for before, each in zip(reports, found, strict=True)
        ]

    def _epoch(
        self, objective: Objective, state: StochasticState
    ) -> tuple[StochasticState, Array, Array]:
        """The state one epoch later, its mean value and the norm of its last gradient."""
        xp = namespace(state.parameters)
        parameters, learning_rate, moments, n_steps = state
        gradient = xp.zeros_like(parameters)
        total = gradient[:, 0]
        for batch in objective.minibatches(self.batch_size, self.random_state):
            value, gradient = batch.value_and_gradient(parameters)
            n_steps += 1
            move, moments = self.step(moments, gradient, learning_rate, n_steps)
            parameters = parameters + move
            total = total + value * (batch.n_samples / objective.n_samples)
        state = StochasticState(parameters, learning_rate, moments, n_steps)
        return state, total, max_norm(gradient)

    def _judged(self, before: StochasticReport, value: float, norm: float) -> StochasticReport:
        n_stale = before.n_stale + 1 if value > before.best - self.tol else 0
        status = converged_if(n_stale > self.n_iter_no_change, value)
        return StochasticReport(value, norm, inf, status, min(value, before.best), n_stale)

    def init_moments(self, zeros: Array) -> Moments:
        """The moments before the first step."""
        return (zeros,)

    def step(
        self, moments: Moments, gradient: Array, learning_rate: Array, n_steps: int
    ) -> tuple[Array, Moments]:
        """What to add to the parameters after one minibatch, and the moments after it."""
        return -learning_rate * gradient, moments
