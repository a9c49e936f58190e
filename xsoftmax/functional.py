"""Softmax and its losses, and (from `activations`) what hidden layers apply.

Every function takes logits (scores before the softmax) with the classes along `axis` and any other
dimensions around it, keeps float32 and float64, and is stable: the maximum is subtracted row by
row, so that a row far below the rest is as exact as any other, and finite logits of any size never
give nan. A logit of -inf is a class of probability 0.
"""

from __future__ import annotations

from functools import partial

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
from .arrays import Array, compute_dtype, index_dtype, namespace, put, to_list
from .places import on_its_device
from .targets import check_labels, check_targets, mean_weights

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


@on_its_device
def softmax(logits: Array, *, axis: int = -1) -> Array:
    """exp(z_c) / sum_k exp(z_k) along `axis`; same shape as `logits`."""
    exponentials = namespace(logits).exp(_shifted(_floating(logits), axis))
    return exponentials / namespace(logits).sum(exponentials, axis=axis, keepdims=True)


def probabilities(logits: Array) -> Array:
    """`softmax` of finite logits (n_problems, n_classes, n_samples), where training needs it."""
    xp = namespace(logits)
    p = xp.exp(logits - xp.max(logits, axis=1, keepdims=True))
    p /= xp.sum(p, axis=1, keepdims=True)
    return p


@on_its_device
def logsumexp(logits: Array, *, axis: int = -1, keepdims: bool = False) -> Array:
    """log sum_c exp(z_c) along `axis`, which is dropped unless `keepdims`."""
    logits = _floating(logits)
    xp = namespace(logits)
    top = xp.max(logits, axis=axis, keepdims=True)
    log_total, _, _ = _exponentials(_shifted(logits, axis), axis)
    result = xp.where(xp.isinf(top), top, top + log_total)
    return result if keepdims else xp.squeeze(result, axis=axis)


@on_its_device
def log_softmax(logits: Array, *, axis: int = -1) -> Array:
    """z_c - logsumexp(z) along `axis`; same shape as `logits`."""
    shifted = _shifted(_floating(logits), axis)
    return shifted - _exponentials(shifted, axis)[0]


def _shifted(logits: Array, axis: int) -> Array:
    """z - max z, so that exponentials sum to a number in [1, n_classes]."""
    xp = namespace(logits)
    top = xp.max(logits, axis=axis, keepdims=True)
    return logits - xp.where(xp.isinf(top), 0.0, top)


def _exponentials(shifted: Array, axis: int) -> tuple[Array, Array, Array]:
    """The logarithm of the sum of exponentials, those, and the sum.

    By log1p where one class dominates: 1 + x forgets small x.
    """
    xp = namespace(shifted)
    exponentials = xp.exp(shifted)
    total = xp.sum(exponentials, axis=axis, keepdims=True)
    others = exponentials * xp.astype(shifted != 0, shifted.dtype)  # `where` takes thrice as long
    rest = xp.sum(others, axis=axis, keepdims=True)
    log_total = xp.where(total < 1.5, xp.log1p(rest), xp.log(xp.maximum(total, 1.0)))
    return log_total, exponentials, total


def _floating(x: Array) -> Array:
    return namespace(x).astype(x, compute_dtype(x), copy=False)


@on_its_device
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
    check_labels(labels, n_classes, "one_hot", "labels")
    return indicators(labels, n_classes, axis, dtype or compute_dtype(labels))


@on_its_device
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
    targets = check_targets(probabilities, targets, axis, "cross_entropy")
    if targets.ndim < probabilities.ndim:
        losses = -xp.log(_at_labels(probabilities, targets, axis))
    else:
        logarithms = xp.log(xp.where(targets > 0, probabilities, 1.0))
        losses = -xp.sum(targets * logarithms, axis=axis, keepdims=True)
    weights = mean_weights(probabilities, sample_weight, axis, "cross_entropy")
    return xp.sum(weights * xp.where(weights > 0, losses, 0.0))


@on_its_device
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
    targets = check_targets(logits, targets, axis, "softmax_cross_entropy")
    weights = mean_weights(logits, sample_weight, axis, "softmax_cross_entropy")
    first = xp.moveaxis(xp.where(weights > 0, logits, 0.0), axis, 0)  # 0 times inf is nan
    columns = xp.reshape(first, (1, first.shape[0], -1))
    soft = targets.ndim == logits.ndim
    if soft:
        targets = xp.reshape(xp.moveaxis(targets, axis, 0), columns.shape[1:])
    else:
        targets = xp.reshape(xp.astype(targets, index_dtype(logits), copy=False), (-1,))
    losses, gradient = weighted_cross_entropy(columns, targets, xp.reshape(weights, (1, 1, -1)))
    return xp.sum(losses), xp.moveaxis(xp.reshape(gradient, first.shape), 0, axis)


def weighted_cross_entropy(logits: Array, targets: Array, weights: Array) -> tuple[Array, Array]:
    """The primitive of all training: w_i loss_i, and its gradient w_i (softmax(z)_i - t_i).

    Nothing is validated or reduced.

    Parameters
    ----------
    logits : (n_problems, n_classes, n_samples)
    targets : labels (n_samples,), in the dtype of indices, or probabilities (n_classes, n_samples)
    weights : (n_problems or 1, 1, n_samples)

    Returns
    -------
    losses : (n_problems, 1, n_samples)
    gradient : shaped like `logits`
    """
    xp = namespace(logits)
    if targets.ndim == 1 and logits.shape[1] == 2:
        return _two_class_losses(logits, targets, weights)
    shifted = logits - xp.max(logits, axis=1, keepdims=True)
    if targets.ndim == 1:
        losses, gradient = _label_losses(shifted, targets, weights)
    else:
        possible = xp.where(targets == 0, 0.0, shifted)  # 0 times -inf is nan
        target_logit = xp.sum(targets * possible, axis=1, keepdims=True)
        log_total, gradient, total = _exponentials(shifted, 1)
        losses = log_total - target_logit
        gradient *= weights / total
        gradient -= targets * weights
    return weights * losses, gradient


def _label_losses(shifted: Array, labels: Array, weights: Array) -> tuple[Array, Array]:
    """The losses at labels, and the weighted gradient.

    Both are made from the sum over the *other* classes, so that neither loses its digits to 1 - p
    where p, the label's probability, is nearly 1: the loss is log(1 + others / own).
    """
    xp = namespace(shifted)
    n_problems, n_classes, n_samples = shifted.shape
    integers = partial(xp.arange, dtype=labels.dtype, device=labels.device)
    at = labels * n_samples + integers(n_samples)
    if n_problems > 1:
        at = xp.reshape(integers(n_problems)[:, None] * (n_classes * n_samples) + at, (-1,))
    flat, of_rows = xp.reshape(shifted, (-1,)), (n_problems, 1, n_samples)
    own_logit = xp.take(flat, at)
    gradient = put(xp.exp(flat), at, xp.zeros_like(own_logit))
    own_logit = xp.reshape(own_logit, of_rows)
    own = xp.exp(own_logit)
    others = xp.sum(xp.reshape(gradient, shifted.shape), axis=1, keepdims=True)
    gradient = xp.reshape(put(gradient, at, xp.reshape(-others, (-1,))), shifted.shape)
    gradient *= weights / (others + own)
    # The larger of own and the others is at least 1, so that own - 1 takes no digit away.
    return xp.log1p(others + (own - 1.0)) - own_logit, gradient


def _two_class_losses(logits: Array, labels: Array, weights: Array) -> tuple[Array, Array]:
    """The weighted losses at labels 0 and 1, and the gradient: a third of the passes over rows.

    With m the other logit minus the own, the loss is log(1 + e^m), and 1 - p = e^m / (1 + e^m).
    """
    xp = namespace(logits)
    sign = 1.0 - 2.0 * xp.astype(labels, logits.dtype)
    m = (logits[:, 1:, :] - logits[:, :1, :]) * sign
    tail = xp.exp(-xp.abs(m))
    losses = weights * (xp.maximum(m, 0.0) + xp.log1p(tail))
    change = xp.exp(xp.minimum(m, 0.0)) * (weights * sign) / (1.0 + tail)
    return losses, xp.concat([-change, change], axis=1)


def indicators(labels: Array, n_classes: int, axis: int, dtype) -> Array:
    """`one_hot` of labels that are known to be right."""
    xp = namespace(labels)
    labels = xp.astype(labels, index_dtype(labels), copy=False)  # a byte counts to 255 only
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
