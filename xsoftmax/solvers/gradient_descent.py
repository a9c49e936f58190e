"""Gradient descent on all rows: theta <- theta - rate * gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from ..arrays import Array
from ..objective.objective import Objective
from .criteria import column, converged_if, max_norm
from .solution import Report, Status
from .steps import told


class GradientDescentState(NamedTuple):
    """A report belongs to the point before the last step."""

    parameters: Array
    learning_rate: Array


@dataclass(frozen=True)
class GradientDescent:
    """A fixed rate, one number or one per problem; converged when max |gradient| <= `tol`."""

    learning_rate: float | Array
    tol: float = 1e-4

    def init(
        self, objective: Objective, parameters: Array
    ) -> tuple[GradientDescentState, list[Report]]:
        """Nothing is evaluated before the first step."""
        state = GradientDescentState(parameters, column(self.learning_rate, parameters))
        return state, [Report(inf, inf, inf, Status.RUNNING)] * parameters.shape[0]

    def update(
        self, objective: Objective, state: GradientDescentState, reports: Sequence[Report]
    ) -> tuple[GradientDescentState, list[Report]]:
        """One step."""
        value, gradient = objective.value_and_gradient(state.parameters)
        state = state._replace(parameters=state.parameters - state.learning_rate * gradient)
        return state, [
            Report(value, norm, inf, converged_if(norm <= self.tol, value))
            for value, norm in told(value, max_norm(gradient))
        ]
