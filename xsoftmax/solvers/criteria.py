"""What every solver measures: norms, progress, and when a problem has finished."""

from __future__ import annotations

from typing import NamedTuple

from ..arrays import Array, namespace
from .solution import Status


def unknown(parameters: Array) -> Array:
    """(n_problems,) of inf: a value that nobody has evaluated yet."""
    xp = namespace(parameters)
    n_problems = parameters.shape[0]
    return xp.full((n_problems,), xp.inf, dtype=parameters.dtype, device=parameters.device)


def column(rate: float | Array, parameters: Array) -> Array:
    """(n_problems, 1) from one number for all problems or an array with one for each."""
    xp = namespace(parameters)
    return xp.reshape(rate + 0.0 * parameters[:, 0], (-1, 1))


def max_norm(gradient: Array) -> Array:
    """(n_problems,): the largest |component|, scikit-learn's measure."""
    xp = namespace(gradient)
    return xp.max(xp.abs(gradient), axis=1)


def converged_where(condition: Array, value: Array) -> Array:
    """(n_problems,) of statuses: DIVERGED where `value` is not finite, else by `condition`."""
    xp = namespace(value)
    status = float(Status.CONVERGED) * xp.astype(condition, value.dtype)
    return xp.where(xp.isfinite(value), status, float(Status.DIVERGED))


class Left(NamedTuple):
    """What is left to gain. All arrays have shape (n_problems,)."""

    amount: Array
    gap: Array  #: the same as a share of the value
    hidden: Array  #: whether rounding hides it
    value: Array
    gained: Array  #: since all parameters were 0

    @classmethod
    def of(cls, amount: Array, value: Array, resolution: Array, hidden: Array, null: float) -> Left:
        """`resolution` is what a value must exceed to be told from 0, `null` the value at 0."""
        xp = namespace(value)
        least = resolution + xp.finfo(value.dtype).smallest_normal ** 0.5
        return cls(amount, amount / (xp.abs(value) + least), hidden, value, null - value)

    def within(self, tol: float) -> Array:
        """Whether it is at most `tol` of what was gained, and the square root of that of f."""
        near = (self.amount <= tol * self.gained) & (self.gap <= tol**0.5)
        return near | (self.hidden & (self.gap <= tol))

    def status(self, sure: Array) -> Array:
        """CONVERGED where that is `sure`, else STALLED where nothing is to be seen."""
        status = converged_where(sure, self.value)
        stalled = (status == 0) & self.hidden
        return namespace(status).where(stalled, float(Status.STALLED), status)


def is_hidden(gain: Array, value: Array) -> Array:
    """Whether rounding hides so small a `gain`."""
    xp = namespace(value)
    return gain <= 0.01 * xp.finfo(value.dtype).eps * xp.abs(value)
