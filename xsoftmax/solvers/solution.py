"""What a solver returns."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from ..arrays import Array


class Status(IntEnum):
    """Why a problem left the solver, or that it has not."""

    SEARCHING = -1
    RUNNING = 0
    CONVERGED = 1
    STALLED = 2
    DIVERGED = 3
    MAX_ITER = 4
    STOPPED = 5
    INTERRUPTED = 6

    @property
    def message(self) -> str:
        """The status as a clause that follows "the solver"."""
        return _MESSAGES[self]


_MESSAGES = {
    Status.SEARCHING: "has not found its next step",
    Status.RUNNING: "has not finished",
    Status.CONVERGED: "reached the tolerance",
    Status.STALLED: "found no lower value in this precision",
    Status.DIVERGED: "produced values that are not finite",
    Status.MAX_ITER: "reached max_iter",
    Status.STOPPED: "was stopped by its callback",
    Status.INTERRUPTED: "was interrupted",
}


class Report(NamedTuple):
    """What the host learns of one problem after each iteration, in one transfer."""

    value: float
    gradient_norm: float
    gap: float
    status: float
    note: float  #: what the solver asks to be told at the next update


class Solution(NamedTuple):
    """The outcome for each problem of a batch; all but `parameters` are on the host."""

    parameters: Array  #: (n_problems, n_parameters)
    values: list[float]  #: the last value that the solver saw
    gradient_norms: list[float]  #: the largest |component| of the gradient that went with it
    gaps: list[float]  #: estimates of (value - minimum) / minimum; inf from solvers that have none
    n_iter: list[int]
    statuses: list[Status]
    curves: list[list[float]]  #: the value at every iteration
