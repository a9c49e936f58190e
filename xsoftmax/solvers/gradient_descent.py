"""Gradient descent on all rows: theta <- theta - rate * gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

from ..arrays import Array, namespace
from .convergence import converged_if, max_norm
from .line_search import to_host_scalars
from .protocols import Objective, WarmStart
from .solution import Report, Status
from .stochastic import column


class GradientDescentState(NamedTuple):
    """A report belongs to the iterate before the last step."""

    parameters: Array
    learning_rate: Array  #: (n_problems, 1)

    def select(self, problems: Array) -> GradientDescentState:
        """That of only some of the problems, by an array of indices."""
        return GradientDescentState(*(namespace(x).take(x, problems, axis=0) for x in self))

    def warm_start(self) -> WarmStart:
        """What is left to another solve."""
        return WarmStart(self.parameters)


@dataclass(frozen=True)
class GradientDescent:
    """A fixed rate, one number or one per problem; converged when max |gradient| <= `tol`."""

    learning_rate: float | Array
    tol: float = 1e-4

    def init(
        self, objective: Objective, start: WarmStart
    ) -> tuple[GradientDescentState, list[Report]]:
        """Nothing is evaluated before the first step."""
        rate = column(self.learning_rate, start.parameters)
        n_problems = start.parameters.shape[0]
        unknown = Report(inf, inf, inf, Status.RUNNING)
        return GradientDescentState(start.parameters, rate), [unknown] * n_problems

    def saved(
        self, state: GradientDescentState, reports: Sequence[Report]
    ) -> tuple[Any, list[Array]]:
        """Numbers and arrays from which `restored` makes the state and the reports."""
        return [list(vars(report).values()) for report in reports], list(state)

    def restored(
        self, numbers: Any, arrays: list[Array]
    ) -> tuple[GradientDescentState, list[Report]]:
        """The state and the reports that were saved."""
        reports = [Report(value, norm, gap, Status(status)) for value, norm, gap, status in numbers]
        return GradientDescentState(*arrays), reports

    def update(
        self, objective: Objective, state: GradientDescentState, reports: Sequence[Report]
    ) -> tuple[GradientDescentState, list[Report]]:
        """One step."""
        _, value, gradient, _ = objective.evaluate(state.parameters)
        state = state._replace(parameters=state.parameters - state.learning_rate * gradient)
        return state, [
            Report(value, norm, inf, converged_if(norm <= self.tol, value))
            for value, norm in to_host_scalars(value, max_norm(gradient))
        ]
