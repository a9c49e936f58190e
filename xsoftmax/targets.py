"""What the functions of `functional` demand of labels, probabilities and weights."""

from __future__ import annotations

from .arrays import Array, namespace, to_list


def check_targets(logits: Array, targets: Array, axis: int, caller: str) -> Array:
    """Labels as they are, or probabilities in the dtype of `logits` that sum to 1 exactly."""
    xp = namespace(logits, targets)
    shape = tuple(logits.shape)
    samples = shape[: axis % len(shape)] + shape[axis % len(shape) + 1 :]
    if tuple(targets.shape) == samples:
        check_labels(targets, shape[axis], caller, "targets")
        return targets
    if tuple(targets.shape) != shape:
        raise ValueError(
            f"{caller}(targets=...) must be class indices of shape {samples} or probabilities of "
            f"shape {shape}, to fit logits of shape {shape} with axis={axis}; "
            f"got shape {tuple(targets.shape)}."
        )
    targets = xp.astype(targets, logits.dtype)
    totals = xp.sum(targets, axis=axis, keepdims=True)
    error = xp.max(xp.abs(totals - 1.0))
    if not (to_list(xp.min(targets)) >= 0 and to_list(error) <= 1e-3):
        raise ValueError(
            f"{caller}(targets=...) must be probabilities: non-negative and summing to 1 along "
            f"axis={axis} (within 1e-3). Divide each row by its sum."
        )
    return targets / totals


def check_labels(labels: Array, n_classes: int, caller: str, name: str) -> None:
    """Refuse what is not an index of a class."""
    xp = namespace(labels)
    if not xp.isdtype(labels.dtype, "integral"):
        raise TypeError(
            f"{caller}({name}=...) must be integers when they are class indices; got dtype "
            f"{labels.dtype}. Encode other labels first, for example with xp.unique_inverse."
        )
    # A GPU wraps an index that is out of bounds without a word, so it must never get there.
    if not 0 <= to_list(xp.min(labels)) <= to_list(xp.max(labels)) < n_classes:
        raise ValueError(
            f"{caller}({name}=...) must lie in 0 .. {n_classes - 1} for {n_classes} classes; got "
            f"values from {to_list(xp.min(labels))} to {to_list(xp.max(labels))}."
        )


def mean_weights(logits: Array, sample_weight: Array | None, axis: int, caller: str) -> Array:
    """Weights that sum to 1 over the samples, with `axis` kept at length 1."""
    xp = namespace(logits)
    axis = axis % logits.ndim
    samples = tuple(size for i, size in enumerate(logits.shape) if i != axis)
    if sample_weight is None:
        sample_weight = xp.ones(samples, dtype=logits.dtype, device=logits.device)
    if tuple(sample_weight.shape) != samples:
        raise ValueError(
            f"{caller}(sample_weight=...) must have one weight per sample, shape {samples}; "
            f"got shape {tuple(sample_weight.shape)}."
        )
    weights = xp.astype(sample_weight, logits.dtype)
    total = to_list(xp.sum(weights))
    if not (to_list(xp.min(weights)) >= 0 and 0 < total < float("inf")):
        raise ValueError(
            f"{caller}(sample_weight=...) must be non-negative, finite and not all zero; "
            f"their sum is {total} and the smallest {to_list(xp.min(weights))}."
        )
    return xp.expand_dims(weights / total, axis=axis)
