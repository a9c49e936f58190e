"""Steps along a line, as solvers take them that search one: where to, and how far."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, NamedTuple

from ..arrays import Array, compiled, from_host, namespace, to_list
from ..objective.line_restriction import Point
from ..objective.objective import Objective
from .line_search import MAX_TRIALS, Search


def told(*scalars: Array) -> list[tuple[float, ...]]:
    """What arrays (n_problems,) say of each problem: one transfer to the host."""
    numbers, n_problems = to_list(namespace(*scalars).concat(scalars)), scalars[0].shape[0]
    return [tuple(numbers[problem::n_problems]) for problem in range(n_problems)]


def with_slopes(reports: Sequence[Any], slope: Array) -> list[Any]:
    """The reports with the slopes of another direction: one transfer to the host."""
    slopes = zip(reports, to_list(slope), strict=True)
    return [replace(report, slope=slope) for report, slope in slopes]


@compiled
def downhill(g: Array, Hg: Array) -> tuple[Array, Array]:
    """The direction -H g and its slope; steepest descent where rounding has spoilt H."""
    xp = namespace(g)
    slope = -xp.vecdot(Hg, g)
    uphill = ~(slope < 0)
    direction = xp.where(uphill[:, None], -g, -Hg)
    return direction, xp.where(uphill, -xp.vecdot(g, g), slope)


class Landing(NamedTuple):
    """Where the search of one problem ended."""

    length: float
    value: float
    slope: float  #: along the line
    scalars: tuple[float, ...]  #: what else is told of it


def search_along(
    objective: Objective,
    point: Point,
    direction: Array,
    searches: Sequence[Search],
    following: Callable[[Point], tuple[Any, tuple[Array, ...]]],
) -> tuple[Any, list[Landing]]:
    """The state where a step leads that the search of each problem accepts.

    `following` makes the state at a point, and scalars (n_problems,) that the host is to be told
    of it. It is asked at every trial, as if that were right for all problems: mostly the first one
    is, and a trial is one transfer so.
    """
    ray = objective.along(point, direction)
    for n_trials in count(1):
        lengths = [search.trial for search in searches]
        value, slope, end = ray(from_host(lengths, like=direction, dtype=direction.dtype))
        state, scalars = following(end())
        found = told(value, slope, *scalars)
        searches = [search.after(*f[:2]) for search, f in zip(searches, found, strict=True)]
        if all(search.done for search in searches):
            break
        if n_trials == MAX_TRIALS:
            searches = [search.settled() for search in searches]
    ends = zip(lengths, found, strict=True)
    return state, [Landing(length, f[0], f[1], f[2:]) for length, f in ends]
