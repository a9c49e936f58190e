"""What the solvers on minibatches share: an update is one epoch.

A problem has converged when `n_iter_no_change` epochs in a row improve its best value by less than
`tol`, as in scikit-learn. A value is the mean over the epoch's minibatches, as each was met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..arrays import Array, namespace
from ..objective import Objective
from .criteria import column, converged_where, max_norm, unknown
from .solution import Report

Moments = tuple[Array, ...]


class StochasticState(NamedTuple):
    """`moments` are what the rule remembers of past gradients, each shaped like `parameters`."""

    parameters: Array
    value: Array
    gradient_norm: Array
    gap: Array
    status: Array
    note: Array  #: nothing
    learning_rate: Array
    best: Array
    n_stale: Array
    moments: Moments
    n_steps: int
    fallback: None = None


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

    def init(self, objective: Objective, parameters: Array) -> StochasticState:
        """Nothing is evaluated before the first epoch."""
        value = unknown(parameters)
        zeros = namespace(value).zeros_like(value)
        return StochasticState(
            parameters=parameters,
            value=value,
            gradient_norm=value,
            gap=value,
            status=zeros,
            note=zeros,
            learning_rate=column(self.learning_rate, parameters),
            best=value,
            n_stale=zeros,
            moments=self.init_moments(namespace(parameters).zeros_like(parameters)),
            n_steps=0,
        )

    def update(
        self, objective: Objective, state: StochasticState, reports: Sequence[Report] = ()
    ) -> StochasticState:
        """One epoch; the shuffle of one that fails is drawn again."""
        shuffles = self.random_state and self.random_state.get_state()
        try:
            return self._epoch(objective, state)
        except BaseException:
            if self.random_state:
                self.random_state.set_state(shuffles)
            raise

    def _epoch(self, objective: Objective, state: StochasticState) -> StochasticState:
        xp = namespace(state.parameters)
        parameters, moments, n_steps = state.parameters, state.moments, state.n_steps
        total, gradient = xp.zeros_like(state.value), xp.zeros_like(parameters)
        for batch in objective.minibatches(self.batch_size, self.random_state):
            value, gradient = batch.value_and_gradient(parameters)
            n_steps += 1
            move, moments = self.step(moments, gradient, state.learning_rate, n_steps)
            parameters = parameters + move
            total = total + value * (batch.n_samples / objective.n_samples)
        n_stale = xp.where(total > state.best - self.tol, state.n_stale + 1.0, 0.0)
        return StochasticState(
            parameters=parameters,
            value=total,
            gradient_norm=max_norm(gradient),
            gap=state.gap,
            status=converged_where(n_stale > self.n_iter_no_change, total),
            note=state.note,
            learning_rate=state.learning_rate,
            best=xp.minimum(total, state.best),
            n_stale=n_stale,
            moments=moments,
            n_steps=n_steps,
        )

    def init_moments(self, zeros: Array) -> Moments:
        """The moments before the first step."""
        return (zeros,)

    def step(
        self, moments: Moments, gradient: Array, learning_rate: Array, n_steps: int
    ) -> tuple[Array, Moments]:
        """What to add to the parameters after one minibatch, and the moments after it."""
        return -learning_rate * gradient, moments
