"""Gradient descent on all rows: theta <- theta - rate * gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..arrays import Array, namespace
from ..objective import Objective
from .criteria import column, converged_where, max_norm, unknown
from .solution import Report


class GradientDescentState(NamedTuple):
    """`value` and `gradient_norm` belong to the point before the last step."""

    parameters: Array
    value: Array
    gradient_norm: Array
    gap: Array
    status: Array
    note: Array  #: nothing
    learning_rate: Array
    fallback: None = None


@dataclass(frozen=True)
class GradientDescent:
    """A fixed rate, one number or one per problem; converged when max |gradient| <= `tol`."""

    learning_rate: float | Array
    tol: float = 1e-4

    def init(self, objective: Objective, parameters: Array) -> GradientDescentState:
        """Nothing is evaluated before the first step."""
        value = unknown(parameters)
        running = namespace(value).zeros_like(value)
        rate = column(self.learning_rate, parameters)
        return GradientDescentState(parameters, value, value, value, running, running, rate)

    def update(
        self, objective: Objective, state: GradientDescentState, reports: Sequence[Report] = ()
    ) -> GradientDescentState:
        """One step."""
        value, gradient = objective.value_and_gradient(state.parameters)
        norm = max_norm(gradient)
        return GradientDescentState(
            parameters=state.parameters - state.learning_rate * gradient,
            value=value,
            gradient_norm=norm,
            gap=state.gap,
            status=converged_where(norm <= self.tol, value),
            note=state.note,
            learning_rate=state.learning_rate,
        )
