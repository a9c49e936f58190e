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
from .arrays import Array, compute_dtype, device, index_dtype, namespace, to_list
from .losses import cross_entropy_of_each, exponentials_of
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


@on_its_device
def logsumexp(logits: Array, *, axis: int = -1, keepdims: bool = False) -> Array:
    """log sum_c exp(z_c) along `axis`, which is dropped unless `keepdims`."""
    logits = _floating(logits)
    xp = namespace(logits)
    top = xp.max(logits, axis=axis, keepdims=True)
    log_total, _, _ = exponentials_of(_shifted(logits, axis), axis)
    result = xp.where(xp.isinf(top), top, top + log_total)
    return result if keepdims else xp.squeeze(result, axis=axis)


@on_its_device
def log_softmax(logits: Array, *, axis: int = -1) -> Array:
    """z_c - logsumexp(z) along `axis`; same shape as `logits`."""
    shifted = _shifted(_floating(logits), axis)
    return shifted - exponentials_of(shifted, axis)[0]


def _shifted(logits: Array, axis: int) -> Array:
    """z - max z, so that exponentials sum to a number in [1, n_classes]."""
    xp = namespace(logits)
    top = xp.max(logits, axis=axis, keepdims=True)
    return logits - xp.where(xp.isinf(top), 0.0, top)


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
    losses, gradient = cross_entropy_of_each(columns, targets, xp.reshape(weights, (1, 1, -1)))
    return xp.sum(losses), xp.moveaxis(xp.reshape(gradient, first.shape), 0, axis)


def indicators(labels: Array, n_classes: int, axis: int, dtype) -> Array:
    """`one_hot` of labels that are known to be right."""
    xp = namespace(labels)
    labels = xp.astype(labels, index_dtype(labels), copy=False)  # a byte counts to 255 only
    n_axes = labels.ndim + 1
    shape = tuple(n_classes if i == axis % n_axes else 1 for i in range(n_axes))
    classes = xp.reshape(xp.arange(n_classes, dtype=labels.dtype, device=device(labels)), shape)
    return xp.astype(xp.expand_dims(labels, axis=axis) == classes, dtype)


def _at_labels(x: Array, labels: Array, axis: int) -> Array:
    """x at each sample's label; `axis` is kept with length 1."""
    xp = namespace(x)
    axis = axis % x.ndim
    labels = xp.astype(xp.expand_dims(labels, axis=axis - x.ndim), index_dtype(x), copy=False)
    shape = tuple(1 if i == axis else size for i, size in enumerate(x.shape))
    return xp.take_along_axis(x, xp.broadcast_to(labels, shape), axis=axis)
