"""One penalty after another, each from where the last one ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from ..arrays import Array, from_host, namespace, to_list
from ..objective import Objective, Point
from .lbfgs import LBFGS, Metric
from .minimize import fitting, minimize
from .solution import Solution


def follow_path(
    objectives: Iterable[Objective],
    parameters: Array,
    solver: LBFGS,
    *,
    max_iter: int,
) -> Iterator[Solution]:
    """Minimise a sequence of objectives that differ little, such as along a grid of C.

    Each starts from the better of two points: the last minimum, and as far beyond it as it lay
    from the minimum before (the minimum is nearly a linear function of log C). The preconditioner
    goes along, so that it is renewed no more often than pays over the whole path.

    Parameters
    ----------
    objectives : of the same problems, best ordered from the strongest penalty to the weakest
    parameters : (n_problems, n_parameters) where the first starts
    """
    before, keeper, point = parameters, _MetricKeeper(), None
    solution: Solution | None = None
    last: Objective | None = None
    for objective in objectives:
        start = parameters
        if solution is not None and last is not None:
            beyond = partial(_beyond, last=last, solution=solution, before=before)
            point, objective = fitting(objective, beyond)
            before, start = parameters, point.parameters
        warm = replace(solver, metric=keeper.metric, point=point)
        solution = minimize(objective, start, warm, max_iter=max_iter, callback=keeper)
        parameters, last = solution.parameters, objective
        yield solution


class _MetricKeeper:
    """A callback that remembers the solver's last metric."""

    metric: Metric | None = None

    def __call__(self, iteration: int, state: Any, values: list[float]) -> None:
        self.metric = state.metric


def _beyond(objective: Objective, last: Objective, solution: Solution, before: Array) -> Point:
    """Problem by problem, the better of the last minimum and as far beyond it."""
    xp, known = namespace(before), solution.parameters
    guess = objective.at(known + (known - before))
    # Of the last minimum nothing but the penalty has changed, so that its value needs no pass.
    change = 0.5 * xp.sum((objective.penalty - last.penalty) * known * known, axis=1)
    values = from_host(solution.values, like=known, dtype=known.dtype) + change
    lower = guess.value < values
    if to_list(xp.all(lower)):
        return guess
    return objective.at(xp.where(lower[:, None], guess.parameters, known))
