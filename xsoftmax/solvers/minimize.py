"""The loop that all solvers share: iterate, let finished problems leave, report.

A solver is a pair of functions. ``init(objective, parameters)`` makes a state, and
``update(objective, state, reports)`` takes one iteration (of a stochastic solver, one epoch). Both
return the state with a report of each problem. A state is a NamedTuple whose arrays all have
`n_problems` first, so that a problem leaves by dropping its row; a report is what the host knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from ..arrays import Array, indices_from_host, is_array, namespace, with_room
from ..objective.objective import Objective
from .solution import Report, Solution, Status


class State(Protocol):
    """What the loop reads of a solver's state."""

    parameters: Array  #: (n_problems, n_parameters)


class Solver(Protocol):
    """A pair of functions: see the module."""

    def init(self, objective: Objective, parameters: Array) -> Any:
        """The state before the first iteration, and reports."""

    def update(self, objective: Objective, state: Any, reports: Sequence[Any]) -> Any:
        """The state one iteration later, and reports."""


#: (iteration, state, reports) -> whether to stop every problem
Callback = Callable[[int, Any, Sequence[Report]], bool | None]


def minimize(
    objective: Objective,
    parameters: Array,
    solver: Solver,
    *,
    max_iter: int,
    callback: Callback | None = None,
) -> Solution:
    """Minimise a batch of problems from `parameters` (n_problems, n_parameters).

    Problems that have finished leave the batch, so that a slow one does not make the others pay.
    A KeyboardInterrupt ends the loop with the last finished iteration and the status INTERRUPTED.
    An iteration that runs out of memory is made again, with fewer rows at a time.
    """
    start = partial(solver.init, parameters=parameters)
    (state, reports), objective = fitting(objective, start)
    batch, reason = _Batch(parameters.shape[0]), Status.RUNNING
    while True:
        staying = batch.retire(state.parameters, reports, reason)
        if not staying:
            return batch.solution()
        if len(staying) < len(reports):
            rows = indices_from_host(staying, like=parameters)
            state, objective = take(state, rows), objective.take(staying)
            reports = [reports[row] for row in staying]
        try:
            step = partial(solver.update, state=state, reports=reports)
            (state, reports), objective = fitting(objective, step)
            batch.record(reports)
            reason = Status.MAX_ITER if batch.iteration == max_iter else Status.RUNNING
            if callback is not None and callback(batch.iteration, state, reports):
                reason = Status.STOPPED
        except KeyboardInterrupt:
            reason = Status.INTERRUPTED


def fitting(objective: Objective, step: Callable[[Objective], Any]) -> tuple[Any, Objective]:
    """`step` of the objective, and the objective with as few rows at a time as memory allows."""

    def in_blocks(n_rows: int) -> tuple[Any, Objective]:
        smaller = objective.in_blocks(n_rows)
        return step(smaller), smaller

    return with_room(in_blocks, objective.block_size, objective.sizes)


def take(state: Any, problems: Array) -> Any:
    """The state of only some of the problems."""
    if is_array(state):
        return namespace(state).take(state, problems, axis=0)
    if isinstance(state, tuple):
        parts = [take(part, problems) for part in state]
        return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)
    return state


class _Batch:
    """Which problems still run, and what became of the others."""

    def __init__(self, n_problems: int) -> None:
        self.iteration = 0
        self.running = list(range(n_problems))
        self.curves: list[list[float]] = [[] for _ in self.running]
        self.finished: dict[int, tuple] = {}

    def record(self, reports: Sequence[Report]) -> None:
        """Count an iteration."""
        self.iteration += 1
        for problem, report in zip(self.running, reports, strict=True):
            self.curves[problem].append(report.value)

    def retire(self, parameters: Array, reports: Sequence[Report], reason: Status) -> list[int]:
        """Keep the results of problems that finished, by themselves or for a common `reason`.

        Returns the rows of those that stay.
        """
        staying = []
        for row, (problem, report) in enumerate(zip(self.running, reports, strict=True)):
            status = reason if reason is Status.INTERRUPTED else report.status or reason
            if status is Status.RUNNING:
                staying.append(row)
            else:
                theta = parameters[row : row + 1, ...]
                numbers = report.value, report.gradient_norm, report.gap
                self.finished[problem] = (theta, *numbers, self.iteration, status)
        self.running = [self.running[row] for row in staying]
        return staying

    def solution(self) -> Solution:
        """All results, in the order in which the problems came."""
        outcomes = (self.finished[problem] for problem in sorted(self.finished))
        parameters, values, norms, gaps, n_iter, statuses = map(list, zip(*outcomes, strict=True))
        xp = namespace(parameters[0])
        return Solution(xp.concat(parameters), values, norms, gaps, n_iter, statuses, self.curves)
