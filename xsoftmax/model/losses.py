"""Softmax where training needs it: losses, probabilities and how curved the losses are.

Logits are (n_problems, n_logits, n_samples), with one row for each class. Of two classes one row
says all: the second's logits, where the first's are 0. Nothing is validated or reduced.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ..arrays import Array, compiled, device, index_dtype, namespace, put, scaled
from .activations import sigmoid


@compiled
def weighted_cross_entropy(logits: Array, targets: Array, weights: Array) -> tuple[Array, Array]:
    """The primitive of all training: w_i loss_i, and its gradient w_i (softmax(z)_i - t_i).

    Parameters
    ----------
    logits : (n_problems, n_classes, n_samples), or one row for two classes
    targets : labels (n_problems or 1, n_samples), in the dtype of indices, or probabilities
        (n_problems or 1, n_classes, n_samples)
    weights : (n_problems or 1, 1, n_samples)

    Returns
    -------
    losses : (n_problems, 1, n_samples)
    gradient : shaped like `logits`
    """
    losses = _two_class_losses if logits.shape[1] == 1 else cross_entropy_of_each
    return losses(logits, targets, weights)


def cross_entropy_of_each(logits: Array, targets: Array, weights: Array) -> tuple[Array, Array]:
    """The same where each class has a row of logits: one row is one class."""
    xp = namespace(logits)
    if targets.ndim == 2 and logits.shape[1] == 2:
        difference = logits[:, 1:, :] - logits[:, :1, :]
        losses, gradient = _two_class_losses(difference, targets, weights)
        return losses, xp.concat([-gradient, gradient], axis=1)
    shifted = logits - xp.max(logits, axis=1, keepdims=True)
    if targets.ndim == 2:
        losses, gradient = _label_losses(shifted, targets, weights)
    else:
        possible = xp.where(targets == 0, 0.0, shifted)  # 0 times -inf is nan
        target_logit = xp.sum(targets * possible, axis=1, keepdims=True)
        gradient = xp.exp(shifted)
        log_total, total = log_of_total(gradient, shifted, 1)
        losses = log_total - target_logit
        gradient = scaled(gradient, weights / total)
        gradient -= targets * weights
    return weights * losses, gradient


def _label_losses(shifted: Array, labels: Array, weights: Array) -> tuple[Array, Array]:
    """The losses at labels, and the weighted gradient.

    Both are made from the sum over the *other* classes, so that neither loses its digits to 1 - p
    where p, the label's probability, is nearly 1: the loss is log(1 + others / own).
    """
    xp = namespace(shifted)
    n_problems, n_classes, n_samples = shifted.shape
    integers = partial(xp.arange, dtype=labels.dtype, device=device(labels))
    at = labels * n_samples + integers(n_samples)
    if n_problems > 1:
        at = integers(n_problems)[:, None] * (n_classes * n_samples) + at
    at = xp.reshape(at, (-1,))
    flat, of_rows = xp.reshape(shifted, (-1,)), (n_problems, 1, n_samples)
    own_logit = xp.take(flat, at)
    gradient = put(xp.exp(flat), at, xp.zeros_like(own_logit))
    own_logit = xp.reshape(own_logit, of_rows)
    own = xp.exp(own_logit)
    others = xp.sum(xp.reshape(gradient, shifted.shape), axis=1, keepdims=True)
    gradient = xp.reshape(put(gradient, at, xp.reshape(-others, (-1,))), shifted.shape)
    gradient = scaled(gradient, weights / (others + own))
    # The larger of own and the others is at least 1, so that own - 1 takes no digit away.
    return xp.log1p(others + (own - 1.0)) - own_logit, gradient


def _two_class_losses(z: Array, targets: Array, weights: Array) -> tuple[Array, Array]:
    """The same where one row of logits stands for two classes: a third of the passes over rows."""
    if targets.ndim == 2:
        sign = 1.0 - 2.0 * namespace(z).astype(targets[:, None, :], z.dtype)
        return _losses_ahead(z, sign, weights)
    first, first_gradient = _losses_ahead(z, 1.0, weights * targets[:, :1, :])
    second, second_gradient = _losses_ahead(z, -1.0, weights * targets[:, 1:, :])
    return first + second, first_gradient + second_gradient


def _losses_ahead(z: Array, sign: Array | float, weights: Array) -> tuple[Array, Array]:
    """The weighted losses where the other class is m = `sign` z ahead, and their gradient.

    The loss is log(1 + e^m), and the probability of the other class e^m / (1 + e^m).
    """
    xp, m = namespace(z), sign * z
    tail = xp.exp(-xp.abs(m))
    losses = weights * (xp.maximum(m, 0.0) + xp.log1p(tail))
    return losses, xp.exp(xp.minimum(m, 0.0)) * (weights * sign) / (1.0 + tail)


def log_of_total(exponentials: Array, shifted: Array, axis: int) -> tuple[Array, Array]:
    """The logarithm of the sum of exponentials, of logits whose largest is 0, and the sum.

    By log1p where one class dominates: 1 + x forgets small x.
    """
    xp = namespace(shifted)
    total = xp.sum(exponentials, axis=axis, keepdims=True)
    others = exponentials * xp.astype(shifted != 0, shifted.dtype)  # `where` takes thrice as long
    rest = xp.sum(others, axis=axis, keepdims=True)
    log_total = xp.where(total < 1.5, xp.log1p(rest), xp.log(xp.maximum(total, 1.0)))
    return log_total, total


def probabilities(logits: Array) -> Array:
    """(n_problems, n_classes, n_samples)."""
    xp = namespace(logits)
    if logits.shape[1] == 1:
        return xp.concat([sigmoid(-logits), sigmoid(logits)], axis=1)
    p = xp.exp(logits - xp.max(logits, axis=1, keepdims=True))
    p /= xp.sum(p, axis=1, keepdims=True)
    return p


def class_curvatures(logits: Array) -> Array:
    """p_k (1 - p_k), the same for both of two classes: shaped like `logits`."""
    if logits.shape[1] == 1:
        return _sigmoid_curvature(logits)
    p = probabilities(logits)
    return p * (1.0 - p)


def curvature_product(logits: Array, change: Array) -> Array:
    """(diag(p) - p p') times a `change` of the logits, row by row: shaped like `logits`."""
    if logits.shape[1] == 1:
        return _sigmoid_curvature(logits) * change
    xp, p = namespace(logits), probabilities(logits)
    return p * (change - xp.sum(p * change, axis=1, keepdims=True))


def pair_curvatures(logits: Array, pairs: Array) -> Array:
    """p_k p_l of each of the `pairs` of classes (2, n_pairs), (n_problems, n_pairs, n_samples)."""
    if logits.shape[1] == 1:
        return _sigmoid_curvature(logits)
    xp, p = namespace(logits), probabilities(logits)
    return xp.take(p, pairs[0, :], axis=1) * xp.take(p, pairs[1, :], axis=1)


def _sigmoid_curvature(z: Array) -> Array:
    """p (1 - p) by the smaller of both, whose digits the larger one would lose."""
    tail = namespace(z).exp(-namespace(z).abs(z))
    return tail / (1.0 + tail) ** 2


def indicators(labels: Array, n_classes: int, axis: int, dtype: Any) -> Array:
    """`one_hot` of labels that are known to be right."""
    xp = namespace(labels)
    labels = xp.astype(labels, index_dtype(labels), copy=False)  # a byte counts to 255 only
    n_axes = labels.ndim + 1
    shape = tuple(n_classes if i == axis % n_axes else 1 for i in range(n_axes))
    classes = xp.reshape(xp.arange(n_classes, dtype=labels.dtype, device=device(labels)), shape)
    return xp.astype(xp.expand_dims(labels, axis=axis) == classes, dtype)
