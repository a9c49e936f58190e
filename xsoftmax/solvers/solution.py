"""What a solver returns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from ..arrays import Array

if TYPE_CHECKING:
    from .protocols import WarmStart


class Status(IntEnum):
    """Why a problem left the solver, or that it has not."""

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
    Status.RUNNING: "has not finished",
    Status.CONVERGED: "reached the tolerance",
    Status.STALLED: "found no lower value in this precision",
    Status.DIVERGED: "produced values that are not finite",
    Status.MAX_ITER: "reached max_iter",
    Status.STOPPED: "was stopped by its callback",
    Status.INTERRUPTED: "was interrupted",
}


@dataclass(frozen=True)
class Report:
    """What the host knows of one problem after an iteration; a solver may want to know more."""

    value: float
    gradient_norm: float  #: the largest |component|
    gap: float  #: an estimate of (value - minimum) / minimum; inf from solvers that have none
    status: Status


class Solution(NamedTuple):
    """The outcome for each problem of a batch; lists are on the host."""

    parameters: Array  #: (n_problems, n_parameters)
    values: list[float]  #: the last value that the solver saw
    gradient_norms: list[float]  #: the largest |component| of the gradient that went with it
    gaps: list[float]  #: estimates of (value - minimum) / minimum; inf from solvers that have none
    n_iter: list[int]
    statuses: list[Status]
    curves: list[list[float]]  #: the value at every iteration
    warm_start: WarmStart  #: for another solve of all these problems
