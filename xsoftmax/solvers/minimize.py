"""The loop that all solvers share: iterate, let finished problems leave, report.

A solver is a pair of functions. ``init(objective, parameters)`` makes a state and
``update(objective, state, reports)`` takes one iteration (of a stochastic solver, one epoch), given
what the host knows of the state. A state is a NamedTuple whose arrays all have `n_problems` first,
so that a problem leaves by dropping its row, with at least the fields of `State`. Where its status
is SEARCHING it was no step yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from ..arrays import Array, indices_from_host, is_array, namespace, to_list
from ..objective import Objective
from ..rows import with_room
from .solution import Report, Solution, Status


class State(Protocol):
    """What the loop reads of a solver's state."""

    parameters: Array  #: (n_problems, n_parameters)
    value: Array  #: (n_problems,)
    gradient_norm: Array  #: (n_problems,), the largest |component|
    gap: Array  #: (n_problems,), the estimate in `Solution.gaps`
    status: Array  #: (n_problems,), a Status in the dtype of `value`
    note: Array  #: (n_problems,), what the solver asks to be told at the next update
    fallback: Any  #: the state to update next if the status is SEARCHING


class Solver(Protocol):
    """A pair of functions: see the module."""

    def init(self, objective: Objective, parameters: Array) -> Any:
        """The state before the first iteration."""

    def update(self, objective: Objective, state: Any, reports: Sequence[Report]) -> Any:
        """The state one iteration later; `reports` is what the host knows of `state`."""


#: (iteration, state, values) -> whether to stop every problem
Callback = Callable[[int, Any, list[float]], bool | None]


def minimize(
    objective: Objective,
    parameters: Array,
    solver: Solver,
    *,
    max_iter: int,
    callback: Callback | None = None,
) -> Solution:
    """Minimise a batch of problems from `parameters` (n_problems, n_parameters).

    One transfer to the host per update tells which problems have finished; those leave the
    batch, so that a slow problem does not make the others pay. A KeyboardInterrupt ends the loop
    with the last finished iteration and the status INTERRUPTED. An iteration that runs out of
    memory is made again, with fewer rows at a time.
    """
    state, objective = fitting(objective, partial(solver.init, parameters=parameters))
    batch, reports, reason = _Batch(parameters.shape[0]), _reports(state), Status.RUNNING
    while True:
        staying = batch.retire(state.parameters, reports, reason)
        if not staying:
            return batch.solution()
        if len(staying) < len(reports):
            rows = indices_from_host(staying, like=parameters)
            state, objective = take(state, rows), objective.take(staying)
            reports = [reports[row] for row in staying]
        try:
            state, reports, objective = _step(solver, objective, state, reports)
            values = batch.record(reports)
            reason = Status.MAX_ITER if batch.iteration == max_iter else Status.RUNNING
            if callback is not None and callback(batch.iteration, state, values):
                reason = Status.STOPPED
        except KeyboardInterrupt:
            reason = Status.INTERRUPTED


def fitting(objective: Objective, step: Callable[[Objective], Any]) -> tuple[Any, Objective]:
    """`step` of the objective, and the objective with as few rows at a time as memory allows."""

    def in_blocks(n_rows: int) -> tuple[Any, Objective]:
        smaller = objective.in_blocks(n_rows)
        return step(smaller), smaller

    return with_room(in_blocks, objective.block_size, objective.sizes)


def _step(
    solver: Solver, objective: Objective, state: Any, reports: list[Report]
) -> tuple[Any, list[Report], Objective]:
    """The next state, what the host knows of it, and the objective in blocks that memory allows.

    An update that leaves a search unfinished is followed by another; one transfer tells.
    """
    while True:

        def update(parts: Objective, state: Any = state) -> tuple[Any, list[Report]]:
            following = solver.update(parts, state, reports)
            return following, _reports(following)

        (following, found), objective = fitting(objective, update)
        if found[0].status != Status.SEARCHING:
            return following._replace(fallback=None), found, objective
        state = following.fallback


def take(state: Any, problems: Array) -> Any:
    """The state of only some of the problems."""
    if is_array(state):
        return namespace(state).take(state, problems, axis=0)
    if isinstance(state, tuple):
        parts = [take(part, problems) for part in state]
        return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)
    return state


def _reports(state: State) -> list[Report]:
    """A report for each problem: one transfer."""
    fields = [state.value, state.gradient_norm, state.gap, state.status, state.note]
    numbers = to_list(namespace(state.value).concat(fields))
    n_problems = len(numbers) // len(fields)
    return [Report(*numbers[problem::n_problems]) for problem in range(n_problems)]


class _Batch:
    """Which problems still run, and what became of the others."""

    def __init__(self, n_problems: int) -> None:
        self.iteration = 0
        self.running = list(range(n_problems))
        self.curves: list[list[float]] = [[] for _ in self.running]
        self.finished: dict[int, tuple] = {}

    def record(self, reports: list[Report]) -> list[float]:
        """Count an iteration; the values of the running problems."""
        self.iteration += 1
        for problem, report in zip(self.running, reports, strict=True):
            self.curves[problem].append(report.value)
        return [report.value for report in reports]

    def retire(self, parameters: Array, reports: list[Report], reason: Status) -> list[int]:
        """Keep the results of problems that finished, by themselves or for a common `reason`.

        Returns the rows of those that stay.
        """
        staying = []
        for row, (problem, report) in enumerate(zip(self.running, reports, strict=True)):
            status = Status(int(report.status)) or reason
            if reason is Status.INTERRUPTED:
                status = reason
            if status is Status.RUNNING:
                staying.append(row)
            else:
                theta = parameters[row : row + 1, ...]
                outcome = (theta, *report[:3], self.iteration, status)
                self.finished[problem] = outcome
        self.running = [self.running[row] for row in staying]
        return staying

    def solution(self) -> Solution:
        """All results, in the order in which the problems came."""
        outcomes = (self.finished[problem] for problem in sorted(self.finished))
        parameters, values, norms, gaps, n_iter, statuses = map(list, zip(*outcomes, strict=True))
        xp = namespace(parameters[0])
        return Solution(xp.concat(parameters), values, norms, gaps, n_iter, statuses, self.curves)
