"""What the functions of `functional` demand of logits, labels, probabilities and weights.

Shapes and dtypes are checked at once. What values must satisfy is a `Demand`, computed where they
lie, so that one transfer to the host tells of all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import prod
from operator import and_
from typing import Any, NamedTuple

from ..arrays import (
    Array,
    compute_dtype,
    device,
    index_dtype,
    is_traced,
    namespace,
    to_host,
    to_list,
)


class Demand(NamedTuple):
    """What some values must satisfy."""

    holds: Array  #: a 0-dimensional boolean, where the values lie
    message: Callable[[], str]  #: asked for only if it does not hold


def enforce(*demands: Demand) -> None:
    """Raise ValueError for the first demand that does not hold: one transfer for all of them.

    Values that JAX traces are not known yet, and pass.
    """
    known = [demand for demand in demands if not is_traced(demand.holds)]
    if not known:
        return
    if not to_list(reduce(and_, [demand.holds for demand in known])):
        failed = next(demand for demand in known if not to_list(demand.holds))
        raise ValueError(failed.message())


def floating(x: Array, caller: str, name: str) -> Array:
    """Real numbers in the dtype to compute in."""
    if namespace(x).isdtype(x.dtype, "complex floating"):
        raise TypeError(
            f"{caller}({name}=...) must hold real numbers; got dtype {x.dtype}. Take the real part "
            "first, for example with xp.real."
        )
    return namespace(x).astype(x, compute_dtype(x), copy=False)


def check_logits(logits: Array, axis: int, caller: str, name: str = "logits") -> Array:
    """Logits, or probabilities, in the dtype to compute in, with classes along `axis`."""
    logits = floating(logits, caller, name)
    shape = tuple(logits.shape)
    if not -len(shape) <= axis < len(shape):
        raise ValueError(
            f"{caller}({name}=...) must have classes along axis={axis}; got shape {shape}."
        )
    if shape[axis] == 0:
        raise ValueError(
            f"{caller}({name}=...) must have at least one class along axis={axis}; "
            f"got shape {shape}."
        )
    return logits


def sample_shape(logits: Array, axis: int, caller: str, name: str = "logits") -> tuple[int, ...]:
    """The shape without `axis`, of at least one sample."""
    shape = tuple(logits.shape)
    axis %= len(shape)
    samples = shape[:axis] + shape[axis + 1 :]
    if prod(samples) == 0:
        raise ValueError(
            f"{caller}({name}=...) must hold at least one sample to take a mean over; "
            f"got shape {shape}."
        )
    return samples


def check_targets(
    logits: Array, targets: Array, axis: int, caller: str, name: str = "logits"
) -> tuple[Array, list[Demand]]:
    """Labels in the dtype of indices, or probabilities in that of `logits` that sum to 1 exactly.

    Both are right only if what is demanded of them holds.
    """
    xp, shape = namespace(logits, targets), tuple(logits.shape)
    samples = sample_shape(logits, axis, caller, name)
    if tuple(targets.shape) == samples:
        return check_labels(targets, shape[axis], caller, "targets")
    if tuple(targets.shape) != shape:
        raise ValueError(
            f"{caller}(targets=...) must be class indices of shape {samples} or probabilities of "
            f"shape {shape}, to fit {name} of shape {shape} with axis={axis}; "
            f"got shape {tuple(targets.shape)}."
        )
    tolerance = sum_tolerance(targets, shape[axis])
    targets = xp.astype(floating(targets, caller, "targets"), logits.dtype, copy=False)
    totals = xp.sum(targets, axis=axis, keepdims=True)
    error = xp.max(xp.abs(totals - 1.0))
    message = (
        f"{caller}(targets=...) must be probabilities: non-negative and summing to 1 along "
        f"axis={axis} (within {tolerance:.1g}). Divide each row by its sum."
    )
    holds = (xp.min(targets) >= 0) & (error <= tolerance)
    return targets / xp.where(holds, totals, 1.0), [Demand(holds, lambda: message)]


def sum_tolerance(probabilities: Array, n_classes: int) -> float:
    """How far from 1 the sum over `n_classes` may be that rounding to the dtype allows."""
    xp = namespace(probabilities)
    if not xp.isdtype(probabilities.dtype, "real floating"):
        return SUM_TOLERANCE
    info = xp.finfo(probabilities.dtype)
    smallest = float(info.smallest_normal) * float(info.eps)
    return max(SUM_TOLERANCE, 2 * float(info.eps) + n_classes * smallest)


#: Probabilities may sum to so much more or less than 1, and are divided by their sum.
SUM_TOLERANCE = 1e-3


def check_labels(
    labels: Array, n_classes: int, caller: str, name: str
) -> tuple[Array, list[Demand]]:
    """Labels in the dtype of indices, and the demand that each is the index of a class."""
    labels, given = as_indices(labels, caller, name), labels
    if prod(labels.shape) == 0:
        return labels, []
    # A GPU wraps an index that is out of bounds without a word, so it must never get there.
    xp = namespace(labels)
    holds = (xp.min(labels) >= 0) & (xp.max(labels) < n_classes)

    def message() -> str:
        values = to_host(given)
        return (
            f"{caller}({name}=...) must lie in 0 .. {n_classes - 1} for {n_classes} classes; got "
            f"values from {values.min()} to {values.max()}."
        )

    return labels, [Demand(holds, message)]


def as_indices(labels: Array, caller: str, name: str) -> Array:
    """Labels of any integer dtype in that of indices, where one too large becomes negative."""
    xp = namespace(labels)
    if not xp.isdtype(labels.dtype, "integral"):
        raise TypeError(
            f"{caller}({name}=...) must be integers when they are class indices; got dtype "
            f"{labels.dtype}. Encode other labels first, for example with xp.unique_inverse."
        )
    return xp.astype(labels, index_dtype(labels), copy=False)


def mean_weights(
    logits: Array, sample_weight: Array | None, axis: int, caller: str
) -> tuple[Array, list[Demand]]:
    """Weights that sum to 1 over the samples, with `axis` kept at length 1, and what they must."""
    xp = namespace(logits)
    samples = sample_shape(logits, axis, caller)
    axis %= logits.ndim
    if sample_weight is None:
        ones: Any = xp.ones(samples, dtype=logits.dtype, device=device(logits))
        return xp.expand_dims(ones / prod(samples), axis=axis), []
    if tuple(sample_weight.shape) != samples:
        raise ValueError(
            f"{caller}(sample_weight=...) must have one weight per sample, shape {samples}; "
            f"got shape {tuple(sample_weight.shape)}."
        )
    weights = xp.astype(floating(sample_weight, caller, "sample_weight"), logits.dtype, copy=False)
    total, least = xp.sum(weights), xp.min(weights)
    holds = (least >= 0) & (total > 0) & xp.isfinite(total)
    message = Demand(
        holds,
        lambda: (
            f"{caller}(sample_weight=...) must be non-negative, finite and not all zero; "
            f"their sum is {to_list(total)} and the smallest {to_list(least)}."
        ),
    )
    return xp.expand_dims(weights / xp.where(holds, total, 1.0), axis=axis), [message]
