"""What every solver measures: norms, progress, and when a problem has finished."""

from __future__ import annotations

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
    status = xp.where(condition, float(Status.CONVERGED), xp.zeros_like(value))
    return xp.where(xp.isfinite(value), status, float(Status.DIVERGED))
