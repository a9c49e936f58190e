"""Steps along a line, as solvers take them that search one: where to, and one trial."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..arrays import Array, namespace
from ..objective import Objective
from ..rays import Point
from .line_search import MAX_TRIALS, Search
from .solution import Status


def downhill(g: Array, Hg: Array) -> tuple[Array, Array]:
    """The direction -H g and its slope; steepest descent where rounding has spoilt H."""
    xp = namespace(g)
    slope = -xp.vecdot(Hg, g)
    uphill = ~(slope < 0)
    direction = xp.where(uphill[:, None], -g, -Hg)
    return direction, xp.where(uphill, -xp.vecdot(g, g), slope)


def trial_step(
    objective: Objective, state: Any, first_step: Array, following: Callable[[Point, Array], Any]
) -> Any:
    """One trial step along the state's direction, and the state `following` if it is right for all.

    Nothing is asked of the device meanwhile: the status says SEARCHING where the step is not
    right, and the next call tries another along the same ray.
    """
    xp, start = namespace(state.slope), state.point
    if state.search is None:
        ray = objective.along(start, state.direction)
        search = Search.begin(start.value, state.slope, first_step)
    else:
        whole, ray, search = state.search
        search = search.narrowed()
        if whole is not objective:  # memory ran out, and there are smaller blocks now
            ray = objective.along(start, state.direction)
    length = search.trial
    value, slope, end = ray(length)
    search = search.after(value, slope)
    if search.n_trials >= MAX_TRIALS:
        length = search.best
        _, _, end = ray(length)
    there = following(end(), length)
    stalled = (there.status == 0) & (length == 0)
    status = xp.where(stalled, float(Status.STALLED), there.status)
    if search.n_trials < MAX_TRIALS:
        status = xp.where(xp.all(search.done), status, float(Status.SEARCHING))
    return there._replace(status=status, fallback=state._replace(search=(objective, ray, search)))
