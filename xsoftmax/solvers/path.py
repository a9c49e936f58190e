"""One penalty after another, each from where the last one ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from ..arrays import Array, namespace
from ..objective import Objective
from .lbfgs import LBFGS, Metric
from .minimize import minimize
from .solution import Solution

#: (index of the objective, iteration, values) -> whether to stop
PathCallback = Callable[[int, int, list[float]], bool | None]


def follow_path(
    objectives: Iterable[Objective],
    parameters: Array,
    solver: LBFGS,
    *,
    max_iter: int,
    callback: PathCallback | None = None,
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
    before, metric = parameters, None
    for i, objective in enumerate(objectives):
        start = _better(objective, parameters, parameters + (parameters - before))
        latest: list[Metric | None] = [metric]

        def watch(iteration: int, state: Any, values: list[float], i: int = i) -> bool:
            latest[0] = state.metric  # noqa: B023
            return bool(callback is not None and callback(i, iteration, values))

        solution = minimize(
            objective, start, replace(solver, metric=metric), max_iter=max_iter, callback=watch
        )
        before, parameters, metric = parameters, solution.parameters, latest[0]
        yield solution


def _better(objective: Objective, known: Array, guess: Array) -> Array:
    """Problem by problem, the one with the lower value."""
    if known is guess:
        return known
    xp = namespace(known)
    lower = objective.at(guess).value < objective.at(known).value
    return xp.where(lower[:, None], guess, known)
