"""The loop that all solvers share: iterate, let finished problems leave, report.

A solver is a pair of functions. ``init(objective, parameters)`` makes a state and
``update(objective, state)`` takes one iteration (of a stochastic solver, one epoch). A state is a
NamedTuple whose arrays all have `n_problems` first, so that a problem leaves by dropping its row,
with at least the fields of `State`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ..arrays import Array, from_host, index_dtype, is_array, namespace, to_list
from ..objective import Objective
from .solution import Solution, Status


class State(Protocol):
    """What the loop reads of a solver's state."""

    parameters: Array  #: (n_problems, n_parameters)
    value: Array  #: (n_problems,)
    gradient_norm: Array  #: (n_problems,), the largest |component|
    status: Array  #: (n_problems,), a Status in the dtype of `value`


class Solver(Protocol):
    """A pair of functions: see the module."""

    def init(self, objective: Objective, parameters: Array) -> Any:
        """The state before the first iteration."""

    def update(self, objective: Objective, state: Any) -> Any:
        """The state one iteration later."""


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

    One transfer to the host per iteration tells which problems have finished; those leave the
    batch, so that a slow problem does not make the others pay. A KeyboardInterrupt ends the loop
    with the last finished iteration and the status INTERRUPTED.
    """
    state = solver.init(objective, parameters)
    values, norms, statuses = _report(state)
    problems = list(range(parameters.shape[0]))
    curves: list[list[float]] = [[] for _ in problems]
    finished: dict[int, tuple] = {}
    iteration, reason = 0, Status.RUNNING
    while True:
        staying = []
        for row, problem in enumerate(problems):
            status = Status(int(statuses[row])) or reason
            if status is Status.RUNNING:
                staying.append(row)
                continue
            theta = state.parameters[row : row + 1, ...]
            finished[problem] = (theta, values[row], norms[row], iteration, status)
        if not staying:
            return _collect(finished, curves)
        if len(staying) < len(problems):
            rows = from_host(staying, like=parameters, dtype=index_dtype(parameters))
            state, objective = take(state, rows), objective.take(rows)
            problems, values = [problems[row] for row in staying], [values[row] for row in staying]
            norms, statuses = [norms[row] for row in staying], [statuses[row] for row in staying]
        try:
            next_state = solver.update(objective, state)
            report = _report(next_state)
            state, (values, norms, statuses), iteration = next_state, report, iteration + 1
            for problem, value in zip(problems, values, strict=True):
                curves[problem].append(value)
            if iteration == max_iter:
                reason = Status.MAX_ITER
            if callback is not None and callback(iteration, state, values):
                reason = Status.STOPPED
        except KeyboardInterrupt:
            reason = Status.INTERRUPTED


def _report(state: Any) -> tuple[list[float], list[float], list[float]]:
    """Values, gradient norms and statuses on the host: one transfer."""
    xp = namespace(state.value)
    return tuple(to_list(xp.stack([state.value, state.gradient_norm, state.status])))


def take(state: Any, problems: Array) -> Any:
    """The state of only some of the problems."""
    if is_array(state):
        return namespace(state).take(state, problems, axis=0)
    if isinstance(state, tuple):
        parts = [take(part, problems) for part in state]
        return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)
    return state


def _collect(finished: dict[int, tuple], curves: list[list[float]]) -> Solution:
    parts = zip(*(finished[problem] for problem in sorted(finished)), strict=True)
    parameters, values, norms, n_iter, statuses = map(list, parts)
    xp = namespace(parameters[0])
    return Solution(xp.concat(parameters), values, norms, n_iter, statuses, curves)
