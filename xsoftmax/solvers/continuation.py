"""One problem after another, each from where the last one ended.

A fit begins with cheaper problems that lead near its own: on samples of the rows, and in single
precision. A path over values of C solves one problem after another. All of these are stages, and
all leave the same to the next: the minimum, the inverse Hessian, and the pairs of L-BFGS, in
whose change of gradient nothing but the penalty is different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple, TypeVar

from ..arrays import (
    from_host,
    is_array,
    is_out_of_memory,
    map_leaves,
    namespace,
    to_list,
)
from ..curvature.inverse_hessian import Identity
from ..objective.line_restriction import Iterate
from ..objective.objective import Objective
from .minimize import Callback, minimize
from .protocols import Solver, WarmStart
from .solution import Solution, Status

T = TypeVar("T")


class Stage(NamedTuple):
    """A problem that was asked for, or one on the way to it."""

    objective: Objective  #: of a linear model
    tol: float  #: to which it is solved
    max_iter: int
    is_asked: bool = True
    is_sample: bool = False  #: whether it has fewer rows than the next, and its iterations are free


def continuation(
    stages: Iterable[Stage],
    start: Callable[[Objective], WarmStart],
    solver_to: Callable[[float], Solver[Objective, Any, Any]],
    callback: Callback | None = None,
) -> Iterator[tuple[Stage, Solution]]:
    """Solve one stage after another, each with the solver that `solver_to` makes of its tolerance.

    The first stage begins at `start` of its objective, and so does one where the minimum of the
    last is no lower than 0. `callback` is called after every iteration that is not on a sample,
    with how many there were since a problem that was asked for. A sample for which there is no
    memory is left out.

    Yields
    ------
    Each stage with its solution.
    """
    ended: list[tuple[Stage, Solution]] = []  #: the last two, newest first
    n_iter = 0
    for stage in stages:
        try:
            warm_start, objective = stage.objective.retry_on_out_of_memory(
                partial(_begun, stage, ended, start)
            )
            solution = minimize(
                objective,
                warm_start,
                solver_to(stage.tol),
                max_iter=stage.max_iter - n_iter,
                callback=None if stage.is_sample else _counting_from(n_iter, callback),
            )
        except Exception as error:
            if not (stage.is_sample and is_out_of_memory(error)):
                raise
            continue
        if stage.is_sample and Status.INTERRUPTED in solution.statuses:
            raise KeyboardInterrupt
        yield stage, solution
        ended = [(stage, solution), *ended][:2]
        if not stage.is_sample:
            n_iter = 0 if stage.is_asked else max(solution.n_iter)


def _begun(
    stage: Stage,
    ended: list[tuple[Stage, Solution]],
    start: Callable[[Objective], WarmStart],
    objective: Objective,
) -> WarmStart:
    """Where a stage begins, with as many rows at a time as `objective` has."""
    carried = _carried(stage._replace(objective=objective), ended) if ended else None
    return carried or start(objective)


def _counting_from(n_iter: int, callback: Callback | None) -> Callback | None:
    if callback is None or n_iter == 0:
        return callback
    return lambda i, parameters, reports: callback(n_iter + i, parameters, reports)


def _carried(stage: Stage, ended: list[tuple[Stage, Solution]]) -> WarmStart | None:
    """What the last stage leaves to this one, if that is lower than 0."""
    (last, solution), *_ = ended
    objective, dtype = stage.objective, stage.objective.penalty.dtype
    xp = namespace(objective.penalty)
    known = solution.warm_start
    if known.parameters.dtype != dtype:
        known = _cast(known, dtype)
    if all(each.is_asked for each, _ in ended) and len(ended) == 2:
        iterate = _better_start(objective, *ended)
    else:
        iterate = objective.evaluate(objective.network.centered(known.parameters))
    if not to_list(xp.all(iterate.value < objective.values_at_zero)):
        return None
    inverse, has_same_penalty = known.inverse, last.objective.penalty is objective.penalty
    if inverse is None or not (inverse.serves_all_problems or has_same_penalty):
        inverse = None  # it was made with another penalty
    known = known._replace(parameters=iterate.parameters, iterate=iterate, inverse=inverse)
    if last.is_sample and inverse is not None:
        factor = objective.n_samples / last.objective.n_samples
        known = known._replace(inverse=inverse.of_more_rows(factor), age=0, n_iter=0)
    pairs = known.pairs
    if pairs and (last.is_asked or inverse is not solution.warm_start.inverse):
        pairs = pairs.with_more_penalty(objective.penalty - _cast(last.objective.penalty, dtype))
        pairs = pairs.under(inverse or Identity(), objective.strength)
    elif pairs is solution.warm_start.pairs:  # a solve writes to the memory of its pairs
        pairs = pairs and pairs.copy()
    is_same = not (last.is_sample or last.is_asked) and last.tol <= stage.tol
    return known._replace(
        pairs=pairs,
        previously_converged=is_same and set(solution.statuses) == {Status.CONVERGED},
    )


def _cast(x: T, dtype: object) -> T:
    """x with all its arrays of floating numbers in `dtype`."""

    def cast(leaf: Any) -> Any:
        if not is_array(leaf) or not namespace(leaf).isdtype(leaf.dtype, "real floating"):
            return leaf
        return namespace(leaf).astype(leaf, dtype, copy=False)

    changed: T = map_leaves(cast, x)
    return changed


def _better_start(
    objective: Objective, last: tuple[Stage, Solution], before: tuple[Stage, Solution]
) -> Iterate:
    """Problem by problem, the better of the last minimum and a linear extrapolation.

    The line goes through the last two minima, as if values of C were at even distances: the minimum
    is a smooth function of log C.
    """
    (stage, solution), (_, older) = last, before
    known, guess = solution.parameters, 2.0 * solution.parameters - older.parameters
    xp, iterate = namespace(guess), objective.evaluate(guess)
    # Of the last minimum nothing but the penalty has changed, so that its value needs no pass.
    more = objective.penalty - stage.objective.penalty
    values = from_host(solution.values, like=known, dtype=known.dtype)
    is_lower = iterate.value < values + 0.5 * xp.sum(more * known * known, axis=1)
    if to_list(xp.all(is_lower)):
        return iterate
    return objective.evaluate(xp.where(is_lower[:, None], guess, known))
