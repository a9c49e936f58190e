"""One penalty after another, each from where the last one ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise

from ..arrays import Array, from_host, namespace, to_list
from ..objective.line_restriction import Point
from ..objective.objective import Objective
from .lbfgs import LBFGS
from .metric import Metric, MetricKeeper
from .minimize import fitting, minimize
from .solution import Solution

#: How many minima the next is foretold from.
N_MINIMA = 5
#: So many pairs go along: the metric's products with more cost what the iterations they save do.
N_PAIRS = 5


def follow_path(
    objectives: Iterable[Objective],
    parameters: Array,
    solver: LBFGS,
    *,
    max_iter: int,
) -> Iterator[tuple[Solution, Metric | None]]:
    """Minimise a sequence of objectives that differ little, such as along a grid of C.

    Each starts from the better of two points: the last minimum, and where the polynomial through
    the last minima goes on to, as if the grid were even (the minimum is a smooth function of
    log C). The preconditioner goes along, so that it is renewed no more often than pays over the
    whole path, and so do the newest pairs of L-BFGS.

    Parameters
    ----------
    objectives : of the same problems, best ordered from the strongest penalty to the weakest
    parameters : (n_problems, n_parameters) where the first starts

    Yields
    ------
    The solution at each, and the metric that led there.
    """
    minima, keeper = (parameters,), MetricKeeper(parameters.shape[0])
    point: Point | None = None
    solution: Solution | None = None
    last: Objective | None = None
    for objective in objectives:
        if solution is not None and last is not None:
            guess = _foretold(minima, solution, solver.tol)
            further = partial(_further, last=last, solution=solution, guess=guess)
            point, objective = fitting(objective, further)
            keeper.pairs = keeper.pairs[-N_PAIRS:]
            keeper.pairs = keeper.pairs_for(objective, objective.penalty - last.penalty)
        start = parameters if point is None else point.parameters
        warm = replace(solver, metric=keeper.metric, point=point, pairs=keeper.pairs)
        solution = minimize(objective, start, warm, max_iter=max_iter, callback=keeper)
        minima, last = (solution.parameters, *minima)[:N_MINIMA], objective
        yield solution, keeper.metric


def _foretold(minima: tuple[Array, ...], solution: Solution, tol: float) -> Array:
    """Newton's extrapolation from backward differences of `minima`, newest first.

    The next difference is what the sum so far would have missed the newest minimum by, so a
    difference is added where the next is smaller, problem by problem. High differences of what is
    only roughly a minimum are noise, so there the first is all.
    """
    xp, row, leading = namespace(minima[0]), minima, [minima[0]]
    while len(row) > 1:
        row = tuple(newer - older for newer, older in pairwise(row))
        leading.append(row[0])
    gaps = from_host(solution.gaps, like=minima[0], dtype=minima[0].dtype)
    guess, helps = leading[0] + leading[1], (gaps <= tol)[:, None]
    size = partial(xp.linalg.vector_norm, axis=1, keepdims=True)
    for difference, following in pairwise(leading[2:]):
        helps = helps & (size(following) < size(difference))
        guess = guess + xp.where(helps, difference, 0.0)
    return guess


def _further(objective: Objective, last: Objective, solution: Solution, guess: Array) -> Point:
    """Problem by problem, the better of the last minimum and `guess`."""
    xp, known = namespace(guess), solution.parameters
    point = objective.at(guess)
    # Of the last minimum nothing but the penalty has changed, so that its value needs no pass.
    change = 0.5 * xp.sum((objective.penalty - last.penalty) * known * known, axis=1)
    values = from_host(solution.values, like=known, dtype=known.dtype) + change
    lower = point.value < values
    if to_list(xp.all(lower)):
        return point
    return objective.at(xp.where(lower[:, None], guess, known))
