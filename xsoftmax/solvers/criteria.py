"""What every solver measures: norms, progress, and when a problem has finished."""

from __future__ import annotations

from functools import cache
from math import isfinite
from typing import Any, NamedTuple

from ..arrays import Array, namespace
from .solution import Status


def column(rate: float | Array, parameters: Array) -> Array:
    """(n_problems, 1) from one number for all problems or an array with one for each."""
    xp = namespace(parameters)
    return xp.reshape(rate + 0.0 * parameters[:, 0], (-1, 1))


def max_norm(gradient: Array) -> Array:
    """(n_problems,): the largest |component|, scikit-learn's measure."""
    xp = namespace(gradient)
    return xp.max(xp.abs(gradient), axis=1)


def converged_if(condition: bool, value: float) -> Status:
    """DIVERGED if `value` is not finite, else by `condition`."""
    if not isfinite(value):
        return Status.DIVERGED
    return Status.CONVERGED if condition else Status.RUNNING


class Rounding(NamedTuple):
    """What a dtype makes of numbers."""

    eps: float  #: from 1 to the next larger
    smallest: float

    @classmethod
    def of(cls, x: Array) -> Rounding:
        """That of the dtype of `x`."""
        return _rounding(namespace(x), x.dtype)

    def least(self, value: float) -> float:
        """What another value must exceed to be told from 0, where `value` was first."""
        return self.eps * abs(value) + self.smallest**0.5

    def hides(self, gain: float, value: float) -> bool:
        """Whether so small a `gain` is not to be seen in `value`."""
        return gain <= 0.01 * self.eps * abs(value)


@cache
def _rounding(xp: Any, dtype: Any) -> Rounding:
    info = xp.finfo(dtype)
    return Rounding(float(info.eps), float(info.smallest_normal))


class Left(NamedTuple):
    """What is left to gain."""

    amount: float
    gap: float  #: the same as a share of the value
    hidden: bool  #: whether rounding hides it
    value: float
    gained: float  #: since all parameters were 0

    @classmethod
    def of(cls, amount: float, value: float, least: float, hidden: bool, null: float) -> Left:
        """`least` is what a value must exceed to be told from 0, `null` the value at 0."""
        return cls(amount, amount / (abs(value) + least), hidden, value, null - value)

    def within(self, tol: float) -> bool:
        """Whether it is at most `tol` of what was gained, and the square root of that of f."""
        near = self.amount <= tol * self.gained and self.gap <= tol**0.5
        return near or (self.hidden and self.gap <= tol)

    def status(self, sure: bool, moved: bool = True) -> Status:
        """CONVERGED if that is `sure`, else STALLED if nothing can be seen, or nothing `moved`."""
        status, stalled = converged_if(sure, self.value), self.hidden or not moved
        return Status.STALLED if status is Status.RUNNING and stalled else status
