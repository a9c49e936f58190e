"""The loop that all solvers share: iterate, let finished problems leave, report.

A solver is a pair of functions. ``init(objective, start)`` makes a state, and
``update(objective, state, reports)`` takes one iteration (of a stochastic solver, one epoch). Both
return the state with a report of each problem, which is what the host knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

from ..arrays import Array, from_host, indices_from_host, namespace
from ..sources import current_checkpoint, not_checkpointing
from .protocols import O, R, S, Solver, WarmStart
from .solution import Report, Solution, Status

#: (iteration, parameters, reports) -> whether to stop every problem
Callback = Callable[[int, Array, Sequence[Report]], bool | None]


def minimize(
    objective: O,
    start: WarmStart,
    solver: Solver[O, S, R],
    *,
    max_iter: int,
    callback: Callback | None = None,
) -> Solution:
    """Minimise a batch of problems.

    Problems that have finished leave the batch, so that a slow one does not make the others pay.
    A KeyboardInterrupt ends the loop with the last finished iteration and the status INTERRUPTED.
    An iteration that runs out of memory is made again, with fewer rows at a time.
    """
    (state, reports), objective = objective.retry_on_out_of_memory(
        partial(solver.init, start=start)
    )
    batch, reason = _Batch(state.warm_start()), Status.RUNNING
    checkpoint = current_checkpoint() if hasattr(solver, "saved") else None
    if checkpoint is not None and (known := checkpoint.snapshot()) is not None:
        state, reports = _restored(checkpoint, known, solver, batch, callback, state, reports)
    while True:
        staying = batch.retire(state.parameters, reports, reason)
        if not staying:
            return batch.solution()
        if len(staying) < len(reports):
            state = state.select(indices_from_host(staying, like=state.parameters))
            objective = objective.select(staying)
            reports = [reports[row] for row in staying]
        try:
            with not_checkpointing() if checkpoint else nullcontext():
                (state, reports), objective = objective.retry_on_out_of_memory(
                    partial(solver.update, state=state, reports=reports)
                )
            batch.record(state.warm_start(), reports)
            reason = Status.MAX_ITER if batch.iteration == max_iter else Status.RUNNING
            if callback is not None and callback(batch.iteration, state.parameters, reports):
                reason = Status.STOPPED
            elif checkpoint is not None:
                checkpoint.keep_state(partial(_saved, solver, state, reports, batch, callback))
        except KeyboardInterrupt:
            reason = Status.INTERRUPTED


def _saved(
    solver: Any, state: Any, reports: Any, batch: _Batch, callback: Any
) -> tuple[Any, list[Array]]:
    """Numbers and arrays from which a solve of one problem goes on."""
    numbers, arrays = solver.saved(state, reports)
    heard, more = callback.saved() if hasattr(callback, "saved") else (None, [])
    known = {"iteration": batch.iteration, "curves": batch.curves, "solver": numbers}
    return {**known, "callback": heard, "n_arrays": len(arrays)}, [*arrays, *more]


def _restored(
    checkpoint: Any,
    known: Any,
    solver: Any,
    batch: _Batch,
    callback: Any,
    state: Any,
    reports: Sequence[Any],
) -> tuple[Any, list[Any]]:
    """The state and the reports that were saved, with arrays of the shapes of those at the start.

    Raises
    ------
    ValueError
        If the file holds something else.
    """
    try:
        numbers, n_arrays = known.numbers, known.numbers["n_arrays"]
        arrays = [from_host(x, like=state.parameters) for x in known.arrays]
        shapes = [tuple(x.shape) for x in arrays[:n_arrays]]
        if shapes != [tuple(x.shape) for x in solver.saved(state, reports)[1]]:
            raise ValueError(f"arrays of shapes {shapes}")
        batch.iteration, batch.curves = _counted(numbers, len(reports))
        if hasattr(callback, "restore"):
            callback.restore(numbers["callback"], arrays[n_arrays:])
        restored: tuple[Any, list[Any]] = solver.restored(numbers["solver"], arrays[:n_arrays])
        if len(restored[1]) != len(reports):
            raise ValueError(f"{len(restored[1])} reports")
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        raise checkpoint.no_state(error) from error
    return restored


def _counted(numbers: Any, n_problems: int) -> tuple[int, list[list[float]]]:
    """The iterations of a state that was saved, and a value of each problem at each of them."""
    iteration, curves = numbers["iteration"], numbers["curves"]
    if type(iteration) is not int or [len(curve) for curve in curves] != [iteration] * n_problems:
        raise ValueError("curves that are not as long as there were iterations")
    return iteration, [[float(value) for value in curve] for curve in curves]


class _Batch:
    """Which problems still run, and what became of the others."""

    def __init__(self, warm_start: WarmStart) -> None:
        self.iteration = 0
        self.warm_start = warm_start
        self.running = list(range(warm_start.parameters.shape[0]))
        self.curves: list[list[float]] = [[] for _ in self.running]
        self.finished: dict[int, tuple[Array, float, float, float, int, Status]] = {}

    def record(self, warm_start: WarmStart, reports: Sequence[Report]) -> None:
        """Count an iteration."""
        self.iteration += 1
        is_whole = not self.finished
        self.warm_start = warm_start if is_whole else self.warm_start.with_inverse_of(warm_start)
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
        outcomes = [self.finished[problem] for problem in sorted(self.finished)]
        xp = namespace(outcomes[0][0])
        parameters = xp.concat([outcome[0] for outcome in outcomes])
        _, values, norms, gaps, n_iter, statuses = map(list, zip(*outcomes, strict=True))
        warm_start = self.warm_start._replace(parameters=parameters, iterate=None)
        return Solution(parameters, values, norms, gaps, n_iter, statuses, self.curves, warm_start)
