"""A step along a descent direction that satisfies the strong Wolfe conditions.

    f(t) <= f(0) + c1 t f'(0)        |f'(t)| <= c2 |f'(0)|

An interval [low, high] is kept: `low` descends enough but is still too steep, `high` is too far (it
does not descend enough, or climbs). Such an interval contains steps that satisfy both conditions
(Nocedal and Wright, 2006, section 3.5), so halving it finds one; cubic interpolation finds it
sooner. Close to a minimum rounding drowns the first condition, and Hager and Zhang's (2005) test on
slopes, which it does not drown, stands in for it.

The host decides, from a value and a slope of each problem at each trial.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from math import inf, isfinite, isnan, nan, sqrt
from typing import NamedTuple, TypeVar

from ..arrays import (
    Array,
    compiled,
    compiles_every_shape,
    from_host,
    indices_from_host,
    namespace,
    to_list,
    vecdot,
)
from ..objective.line_restriction import Iterate
from .protocols import Objective

SUFFICIENT_DECREASE, CURVATURE = 1e-4, 0.9
MAX_TRIALS = 30

S = TypeVar("S")


class _End(NamedTuple):
    """One end of the interval."""

    step: float
    value: float
    slope: float


class LineSearch(NamedTuple):
    """What is known of one problem's step."""

    start: _End  #: its slope is negative
    low: _End
    high: _End
    trial: float  #: the step to try next, or where it was `done`
    noise: float  #: what rounding makes of a value
    done: bool  #: whether `trial` was tried and meets both conditions
    curvature: float = CURVATURE

    @classmethod
    def begin(cls, value: float, slope: float, first_step: float, eps: float) -> LineSearch:
        """Nothing was tried yet; `eps` is that of the dtype of values."""
        start = _End(0.0, value, slope)
        noise = 4 * eps * abs(value)
        return cls(start, start, start._replace(step=inf), first_step, noise, isnan(slope))

    def after(self, value: float, slope: float) -> LineSearch:
        """What is known, and is to be tried next, now that `trial` has this value and slope."""
        if self.done:  # it keeps its step while other problems go on
            return self
        at = _End(self.trial, value, slope)
        descends = self._descends(at)
        if descends and abs(slope) <= -self.curvature * self.start.slope:
            return self._replace(low=at, done=True)
        low, high = (at, self.high) if descends and slope < 0 else (self.low, at)
        return self._replace(low=low, high=high, trial=_next_trial(low, high))

    def settled(self) -> LineSearch:
        """The same where no more steps are tried: 0 is best if none was lower than the start."""
        return self._replace(trial=self.low.step, done=True)

    def _descends(self, at: _End) -> bool:
        """Whether the first condition holds, or stands for it what rounding does not drown."""
        start = self.start
        if at.value <= start.value + SUFFICIENT_DECREASE * at.step * start.slope:
            return True
        is_gentle = at.slope <= (2 * SUFFICIENT_DECREASE - 1) * start.slope
        return is_gentle and at.value <= start.value + self.noise


def _next_trial(low: _End, high: _End) -> float:
    """Four times as far while there is no upper end, else a safeguarded cubic's minimum."""
    if high.step == inf:
        return 4 * low.step if low.step > 0 else 1.0
    width = high.step - low.step
    # The minimum of the cubic through both values and slopes, Nocedal and Wright (3.59).
    # Slopes are divided by the largest, so that no square overflows.
    d1 = low.slope + high.slope - 3 * (high.value - low.value) / width if width else nan
    scale, ratio = max(abs(d1), abs(low.slope), abs(high.slope)), 0.5
    if isfinite(scale) and scale > 0:
        d1, slope, high_slope = d1 / scale, low.slope / scale, high.slope / scale
        radicand = d1 * d1 - slope * high_slope
        d2 = sqrt(max(radicand, 0.0))
        denominator = high_slope - slope + 2 * d2
        if radicand >= 0 and denominator != 0:
            ratio = min(max((high_slope + d2 - d1) / denominator, 0.1), 0.9)
    return high.step - width * ratio


class LineSearchResult(NamedTuple):
    """Where the search of one problem ended."""

    step: float
    value: float
    slope: float  #: along the line
    scalars: tuple[float, ...]  #: what else the host was told of it


def search(
    objective: Objective,
    iterate: Iterate,
    direction: Array,
    searches: Sequence[LineSearch],
    state_at: Callable[[Iterate], tuple[S, tuple[Array, ...]]],
) -> tuple[S, list[LineSearchResult]]:
    """The state where a step leads that the search of each problem accepts.

    `state_at` makes the state at an iterate, and scalars (n_problems,) that the host is to be told
    of it. It is asked at every trial, as if that were right for all problems: mostly the first one
    is, and a trial is one transfer so. Where few problems are left, they go on by themselves, and
    one more transfer tells of all.
    """
    line = objective.restrict(iterate, direction)
    few: list[LineSearchResult] = []
    for n_trials in count(1):
        steps = [each.trial for each in searches]
        value, slope, end = line(from_host(steps, like=direction, dtype=direction.dtype))
        at = end()
        state, scalars = state_at(at)
        found = to_host_scalars(value, slope, *scalars)
        searches = [each.after(*f[:2]) for each, f in zip(searches, found, strict=True)]
        left = [problem for problem, each in enumerate(searches) if not each.done]
        if not left:
            break
        if n_trials == MAX_TRIALS:
            searches = [each.settled() for each in searches]
        if 2 * len(left) <= len(searches) and not compiles_every_shape(direction):
            rows = indices_from_host(left, like=direction)
            some = iterate.select(rows), namespace(direction).take(direction, rows, axis=0)
            of_left = [searches[problem] for problem in left]
            after, few = search(objective.select(left), *some, of_left, lambda x: (x, ()))
            merged = at.merged(after, left)
            state, scalars = state_at(merged)
            if scalars:
                known = to_host_scalars(*scalars)
                found = [f[:2] + k for f, k in zip(found, known, strict=True)]
            break
    ends = [LineSearchResult(t, f[0], f[1], f[2:]) for t, f in zip(steps, found, strict=True)]
    for problem, end_of_few in zip(left, few, strict=True):
        ends[problem] = end_of_few._replace(scalars=ends[problem].scalars)
    return state, ends


def to_host_scalars(*scalars: Array) -> list[tuple[float, ...]]:
    """Of each problem its numbers in arrays (n_problems,): one transfer to the host."""
    numbers, n_problems = to_list(namespace(*scalars).concat(scalars)), scalars[0].shape[0]
    return [tuple(numbers[problem::n_problems]) for problem in range(n_problems)]


@compiled
def downhill(g: Array, Hg: Array) -> tuple[Array, Array]:
    """The direction -H g and its slope; steepest descent where rounding has spoilt H."""
    xp = namespace(g)
    slope = -vecdot(Hg, g)
    is_uphill = ~(slope < 0)
    direction = xp.where(is_uphill[:, None], -g, -Hg)
    return direction, xp.where(is_uphill, -vecdot(g, g), slope)
