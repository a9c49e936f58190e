"""A step along a descent direction that satisfies the strong Wolfe conditions.

    f(t) <= f(0) + c1 t f'(0)        |f'(t)| <= c2 |f'(0)|

Each problem keeps an interval [low, high]: `low` descends enough but is still too steep, `high` is
too far (it does not descend enough, or climbs). Such an interval contains steps that satisfy both
conditions (Nocedal and Wright, 2006, section 3.5), so halving it finds one; cubic interpolation
finds it sooner. Close to a minimum rounding drowns the first condition, and Hager and Zhang's
(2005) test on slopes, which it does not drown, stands in for it.
"""

from __future__ import annotations

from typing import NamedTuple

from ..arrays import Array, namespace, to_list
from ..objective import Point, Ray

SUFFICIENT_DECREASE, CURVATURE = 1e-4, 0.9


class Step(NamedTuple):
    """Where the search ended; problems that found no lower point have `length` 0."""

    length: Array  #: (n_problems,)
    point: Point


class _End(NamedTuple):
    """One end of the interval."""

    step: Array
    value: Array
    slope: Array

    def replace_where(self, condition: Array, other: _End) -> _End:
        xp = namespace(condition)
        return _End(*(xp.where(condition, new, old) for new, old in zip(other, self, strict=True)))


def strong_wolfe(
    ray: Ray, value: Array, slope: Array, first_step: Array, *, max_trials: int = 30
) -> Step:
    """Search along `ray` from its start, whose value and (negative) slope are given.

    All arguments but `ray` have shape (n_problems,). Problems that are done keep their step while
    the others go on, so the last trial holds the answer of all.
    """
    xp = namespace(value)
    noise = 4 * xp.finfo(value.dtype).eps * xp.abs(value)
    low = _End(xp.zeros_like(value), value, slope)
    high = _End(xp.full_like(value, xp.inf), value, slope)
    trial, done = first_step, xp.isnan(slope)
    for _ in range(max_trials):
        *at_values, point = ray(trial)
        at = _End(trial, *at_values)
        armijo = at.value <= value + SUFFICIENT_DECREASE * trial * slope
        flat = (at.value <= value + noise) & (at.slope <= (2 * SUFFICIENT_DECREASE - 1) * slope)
        enough = armijo | flat
        done = done | (enough & (xp.abs(at.slope) <= -CURVATURE * slope))
        if to_list(xp.all(done)):
            return Step(trial, point())
        too_far = ~done & ~(enough & (at.slope < 0))
        high = high.replace_where(too_far, at)
        low = low.replace_where(~done & ~too_far, at)
        trial = xp.where(done, trial, _next_trial(low, high))
    length = xp.where(done, trial, low.step)
    _, _, point = ray(length)
    return Step(length, point())


def _next_trial(low: _End, high: _End) -> Array:
    """Four times as far while there is no upper end, else a safeguarded cubic's minimum."""
    xp = namespace(low.step)
    width = xp.where(xp.isinf(high.step), 1.0, high.step - low.step)
    # The minimum of the cubic through both values and slopes, Nocedal and Wright (3.59).
    # Slopes are divided by the largest, so that no square overflows.
    d1 = low.slope + high.slope - 3 * (high.value - low.value) / width
    scale = xp.maximum(xp.maximum(xp.abs(d1), xp.abs(low.slope)), xp.abs(high.slope))
    scale = xp.where(xp.isfinite(scale) & (scale > 0), scale, 1.0)
    d1, slope, high_slope = d1 / scale, low.slope / scale, high.slope / scale
    radicand = xp.where(xp.isfinite(d1), d1 * d1 - slope * high_slope, -1.0)
    d2 = xp.sqrt(xp.where(radicand > 0, radicand, 0.0))
    denominator = high_slope - slope + 2 * d2
    ratio = (high_slope + d2 - d1) / xp.where(denominator == 0, 1.0, denominator)
    usable = xp.isfinite(ratio) & (radicand >= 0) & (denominator != 0)
    ratio = xp.where(usable, xp.clip(ratio, 0.1, 0.9), 0.5)
    inside = high.step - width * ratio
    outside = xp.where(low.step > 0, 4 * low.step, 1.0)
    return xp.where(xp.isinf(high.step), outside, inside)
