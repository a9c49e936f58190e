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

from ..arrays import Array, namespace

SUFFICIENT_DECREASE, CURVATURE = 1e-4, 0.9
MAX_TRIALS = 30


class _End(NamedTuple):
    """One end of the interval."""

    step: Array
    value: Array
    slope: Array

    def replace_where(self, condition: Array, other: _End) -> _End:
        xp = namespace(condition)
        return _End(*(xp.where(condition, new, old) for new, old in zip(other, self, strict=True)))


class Search(NamedTuple):
    """What is known of each problem's step. All arrays have shape (n_problems,).

    Problems that are done keep their step while the others go on, so the last trial holds the
    answer of all.
    """

    start: _End  #: its slope is negative
    low: _End
    high: _End
    trial: Array  #: the step to try next, or where it was `done`
    done: Array  #: whether `trial` was tried and meets both conditions
    at: _End  #: what was last tried, at first the start
    n_trials: int = 0
    curvature: float = CURVATURE

    @classmethod
    def begin(cls, value: Array, slope: Array, first_step: Array) -> Search:
        """Nothing was tried yet."""
        xp = namespace(value)
        start = _End(xp.zeros_like(value), value, slope)
        high = _End(xp.full_like(value, xp.inf), value, slope)
        return cls(start, start, high, first_step, xp.isnan(slope), start)

    def after(self, value: Array, slope: Array) -> Search:
        """What is known once `trial` was found to have this value and slope."""
        flat = namespace(slope).abs(slope) <= -self.curvature * self.start.slope
        at = _End(self.trial, value, slope)
        done = self.done | (self._descends(at) & flat)
        return self._replace(done=done, at=at, n_trials=self.n_trials + 1)

    def narrowed(self) -> Search:
        """The same with the next step to try, where the last was not right."""
        xp, at = namespace(self.trial), self.at
        too_far = ~self.done & ~(self._descends(at) & (at.slope < 0))
        high = self.high.replace_where(too_far, at)
        low = self.low.replace_where(~self.done & ~too_far, at)
        trial = xp.where(self.done, self.trial, _next_trial(low, high))
        return self._replace(low=low, high=high, trial=trial)

    def _descends(self, at: _End) -> Array:
        """Whether the first condition holds, or stands for it what rounding does not drown."""
        xp, start = namespace(at.value), self.start
        noise = 4 * xp.finfo(at.value.dtype).eps * xp.abs(start.value)
        armijo = at.value <= start.value + SUFFICIENT_DECREASE * at.step * start.slope
        gentle = at.slope <= (2 * SUFFICIENT_DECREASE - 1) * start.slope
        return armijo | ((at.value <= start.value + noise) & gentle)

    @property
    def best(self) -> Array:
        """The step to take if no more are tried; 0 where none was lower than the start."""
        search = self.narrowed()
        return namespace(self.trial).where(self.done, self.trial, search.low.step)


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
