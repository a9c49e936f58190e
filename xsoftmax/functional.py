"""Softmax and its losses, and (from `activations`) what hidden layers apply.

Every function takes logits (scores before the softmax) with the classes along `axis` and any other
dimensions around it, keeps float32 and float64, and is stable: the maximum is subtracted row by
row, so that a row far below the rest is as exact as any other, and finite logits of any size never
give nan. A logit of -inf is a class of probability 0.
"""

from __future__ import annotations

from .activations import (
    gelu,
    gelu_derivative,
    identity,
    identity_derivative,
    relu,
    relu_derivative,
    sigmoid,
    sigmoid_derivative,
    tanh,
    tanh_derivative,
)
from .arrays import Array, compute_dtype, index_dtype, namespace, to_list

__all__ = [
    "cross_entropy",
    "gelu",
    "gelu_derivative",
    "identity",
    "identity_derivative",
    "log_softmax",
    "logsumexp",
    "one_hot",
    "relu",
    "relu_derivative",
    "sigmoid",
    "sigmoid_derivative",
    "softmax",
    "softmax_cross_entropy",
    "tanh",
    "tanh_derivative",
]


def softmax(logits: Array, *, axis: int = -1) -> Array:
    """exp(z_c) / sum_k exp(z_k) along `axis`; same shape as `logits`."""
    exponentials = namespace(logits).exp(_shifted(_floating(logits), axis))
    return exponentials / namespace(logits).sum(exponentials, axis=axis, keepdims=True)


def logsumexp(logits: Array, *, axis: int = -1, keepdims: bool = False) -> Array:
    """log sum_c exp(z_c) along `axis`, which is dropped unless `keepdims`."""
    logits = _floating(logits)
    xp = namespace(logits)
    top = xp.max(logits, axis=axis, keepdims=True)
    log_total = _log_total(_shifted(logits, axis), axis)
    result = xp.where(xp.isinf(top), top, top + log_total)
    return result if keepdims else xp.squeeze(result, axis=axis)


def log_softmax(logits: Array, *, axis: int = -1) -> Array:
    """z_c - logsumexp(z) along `axis`; same shape as `logits`."""
    shifted = _shifted(_floating(logits), axis)
    return shifted - _log_total(shifted, axis)


def _shifted(logits: Array, axis: int) -> Array:
    """z - max z, so that exponentials sum to a number in [1, n_classes]."""
    xp = namespace(logits)
    top = xp.max(logits, axis=axis, keepdims=True)
    return logits - xp.where(xp.isinf(top), 0.0, top)


def _log_total(shifted: Array, axis: int) -> Array:
    """log of the sum of exponentials; by log1p where one class dominates: 1 + x forgets small x."""
    xp = namespace(shifted)
    exponentials = xp.exp(shifted)
    total = xp.sum(exponentials, axis=axis, keepdims=True)
    rest = xp.sum(xp.where(shifted == 0, 0.0, exponentials), axis=axis, keepdims=True)
    return xp.where(total < 1.5, xp.log1p(rest), xp.log(xp.maximum(total, 1.0)))


def _floating(x: Array) -> Array:
    return namespace(x).astype(x, compute_dtype(x), copy=False)


def one_hot(labels: Array, n_classes: int | None = None, *, axis: int = -1, dtype=None) -> Array:
    """Rows of the identity: 1 at each label, 0 elsewhere.

    Parameters
    ----------
    labels : integer array of any shape
    n_classes : length of the new `axis`; by default the largest label plus one
    dtype : dtype of the result; by default the library's own floating dtype

    Raises
    ------
    TypeError
        If the labels are not integers.
    ValueError
        If a label is negative or not below `n_classes`.
    """
    if n_classes is None:
        n_classes = to_list(namespace(labels).max(labels)) + 1
    _check_labels(labels, n_classes, "one_hot", "labels")
    return _one_hot(labels, n_classes, axis, dtype or compute_dtype(labels))


def cross_entropy(
    probabilities: Array, targets: Array, *, sample_weight: Array | None = None, axis: int = -1
) -> Array:
    """Weighted mean over the samples of -sum_c t_c log p_c; a 0-dimensional array.

    Nothing is added inside the logarithm: a target class of probability 0 costs inf. When logits
    are at hand, `softmax_cross_entropy` is the stable way.

    Parameters
    ----------
    probabilities : array with classes along `axis`
    targets : class indices (shape of `probabilities` without `axis`) or probabilities (same shape)
    sample_weight : non-negative weights (shape of `probabilities` without `axis`)
    """
    probabilities = _floating(probabilities)
    xp = namespace(probabilities)
    targets = _check_targets(probabilities, targets, axis, "cross_entropy")
    if targets.ndim < probabilities.ndim:
        losses = -xp.log(_at_labels(probabilities, targets, axis))
    else:
        logarithms = xp.log(xp.where(targets > 0, probabilities, 1.0))
        losses = -xp.sum(targets * logarithms, axis=axis, keepdims=True)
    weights = _mean_weights(probabilities, sample_weight, axis, "cross_entropy")
    return xp.sum(weights * xp.where(weights > 0, losses, 0.0))


def softmax_cross_entropy(
    logits: Array, targets: Array, *, sample_weight: Array | None = None, axis: int = -1
) -> tuple[Array, Array]:
    """Weighted mean of logsumexp(z) - sum_c t_c z_c, and its gradient with respect to `logits`.

    Parameters
    ----------
    logits : array with classes along `axis`
    targets : class indices (shape of `logits` without `axis`), or probabilities that sum to 1
        along `axis` (same shape as `logits`): soft labels, label smoothing
    sample_weight : non-negative weights (shape of `logits` without `axis`)

    Returns
    -------
    value : 0-dimensional array
    gradient : array shaped like `logits`, w_i / sum(w) (softmax(z)_ci - t_ci)

    Raises
    ------
    TypeError
        If class indices are not integers.
    ValueError
        If a shape does not fit, a label is out of range, or weights or probabilities are negative.
    """
    logits = _floating(logits)
    xp = namespace(logits)
    targets = _check_targets(logits, targets, axis, "softmax_cross_entropy")
    weights = _mean_weights(logits, sample_weight, axis, "softmax_cross_entropy")
    first = xp.moveaxis(logits, axis, 0)
    columns = xp.reshape(first, (1, first.shape[0], -1))
    soft = targets.ndim == logits.ndim
    targets = xp.moveaxis(targets, axis, 0) if soft else targets
    targets = xp.reshape(targets, columns.shape[1:] if soft else (-1,))
    losses, gradient = weighted_cross_entropy(columns, targets, xp.reshape(weights, (1, 1, -1)))
    return xp.sum(losses), xp.moveaxis(xp.reshape(gradient, first.shape), 0, axis)


def weighted_cross_entropy(logits: Array, targets: Array, weights: Array) -> tuple[Array, Array]:
    """The primitive of all training: w_i loss_i, and its gradient w_i (softmax(z)_i - t_i).

    Nothing is validated or reduced.

    Parameters
    ----------
    logits : (n_problems, n_classes, n_samples)
    targets : labels (n_samples,) or probabilities (n_classes, n_samples)
    weights : (n_problems or 1, 1, n_samples)

    Returns
    -------
    losses : (n_problems, 1, n_samples)
    gradient : shaped like `logits`
    """
    xp = namespace(logits)
    shifted = _shifted(logits, 1)
    if targets.ndim == 1:
        losses, gradient = _label_losses(shifted, targets, weights)
    else:
        possible = xp.where(targets == 0, 0.0, shifted)  # 0 times -inf is nan
        target_logit = xp.sum(targets * possible, axis=1, keepdims=True)
        losses = _log_total(shifted, 1) - target_logit
        gradient = xp.exp(shifted)
        gradient *= weights / xp.sum(gradient, axis=1, keepdims=True)
        gradient -= targets * weights
    return weights * xp.where(weights > 0, losses, 0.0), gradient  # 0 times inf is nan


def _label_losses(shifted: Array, labels: Array, weights: Array) -> tuple[Array, Array]:
    """The losses at labels, and the weighted gradient.

    Both are made from the sum over the *other* classes, so that neither loses its digits to 1 - p
    where p, the label's probability, is nearly 1: the loss is log(1 + others / own).
    """
    xp = namespace(shifted)
    n_problems, n_classes, n_samples = shifted.shape
    labels = xp.astype(labels, index_dtype(shifted), copy=False)
    label = _one_hot(labels, n_classes, 0, shifted.dtype)
    flat = labels * n_samples + xp.arange(n_samples, dtype=labels.dtype, device=labels.device)
    own_logit = xp.take(xp.reshape(shifted, (n_problems, -1)), flat, axis=1)[:, None, :]
    own = xp.exp(own_logit)
    gradient = xp.exp(shifted)
    gradient *= 1.0 - label
    others = xp.sum(gradient, axis=1, keepdims=True)
    scale = weights / (others + own)
    gradient *= scale
    gradient -= label * (others * scale)
    # The larger of own and the others is at least 1, so that own - 1 takes no digit away.
    return xp.log1p(others + (own - 1.0)) - own_logit, gradient


def _one_hot(labels: Array, n_classes: int, axis: int, dtype) -> Array:
    xp = namespace(labels)
    n_axes = labels.ndim + 1
    shape = tuple(n_classes if i == axis % n_axes else 1 for i in range(n_axes))
    classes = xp.reshape(xp.arange(n_classes, dtype=labels.dtype, device=labels.device), shape)
    return xp.astype(xp.expand_dims(labels, axis=axis) == classes, dtype)


def _at_labels(x: Array, labels: Array, axis: int) -> Array:
    """x at each sample's label; `axis` is kept with length 1."""
    xp = namespace(x)
    axis = axis % x.ndim
    labels = xp.astype(xp.expand_dims(labels, axis=axis - x.ndim), index_dtype(x), copy=False)
    shape = tuple(1 if i == axis else size for i, size in enumerate(x.shape))
    return xp.take_along_axis(x, xp.broadcast_to(labels, shape), axis=axis)


def _check_targets(logits: Array, targets: Array, axis: int, caller: str) -> Array:
    xp = namespace(logits, targets)
    shape = tuple(logits.shape)
    samples = shape[: axis % len(shape)] + shape[axis % len(shape) + 1 :]
    if tuple(targets.shape) == samples:
        _check_labels(targets, shape[axis], caller, "targets")
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


def _check_labels(labels: Array, n_classes: int, caller: str, name: str) -> None:
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


def _mean_weights(logits: Array, sample_weight: Array | None, axis: int, caller: str) -> Array:
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
