"""Softmax, its losses and activations as functions, for users; no state.

Every function takes logits (scores before the softmax) with the classes along `axis` and any other
dimensions around it, keeps float32 and float64, and is stable: the maximum is subtracted row by
row, so that a row far below the rest is as exact as any other, and finite logits of any size never
give nan. A logit of -inf is a class of probability 0, and where the largest is infinite, those that
are as large share all. Integers and booleans are computed in the
library's own floating dtype, and half precision in float32.

torch's and JAX's automatic differentiation leads through every function. `jax.jit` takes them too:
what values must satisfy is not checked then, because they are not known yet.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from numbers import Integral
from typing import Any

from .arrays import (
    Array,
    compute_dtype,
    is_traced,
    namespace,
    on_its_device,
    to_list,
)
from .model import activations
from .model.losses import cross_entropy_of_each, indicators, log_of_total
from .model.targets import (
    as_indices,
    check_labels,
    check_logits,
    check_targets,
    enforce,
    floating,
    mean_weights,
)

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
    """Compute the softmax exp(z_c) / sum_k exp(z_k) along an axis.

    Parameters
    ----------
    logits : array
        Scores before the softmax, with the classes along `axis`. A logit of -inf is a class of
        probability 0.
    axis : int, default=-1
        The axis of the classes.

    Returns
    -------
    probabilities : array
        Same shape as `logits`; they sum to 1 along `axis`.

    Raises
    ------
    TypeError
        If `logits` is complex.
    ValueError
        If `logits` has no such axis, or no class along it.

    See Also
    --------
    log_softmax : The logarithm, exact where a probability underflows.
    softmax_cross_entropy : The loss and its gradient from logits.

    Notes
    -----
    The largest logit of a row is subtracted before the exponentials are taken, so that none
    overflows [1]_.

    References
    ----------
    .. [1] Blanchard, P., Higham, D. J. and Higham, N. J. (2021), "Accurately computing the
       log-sum-exp and softmax functions", IMA Journal of Numerical Analysis 41(4).
       doi:10.1093/imanum/draa038

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.functional import softmax
    >>> softmax(np.asarray([[0.0, 1.0, 2.0], [1000.0, 1000.0, -np.inf]])).round(3)
    array([[0.09 , 0.245, 0.665],
           [0.5  , 0.5  , 0.   ]])
    """
    _, exponentials = _exponentials(check_logits(logits, axis, "softmax"), axis)
    return exponentials / namespace(logits).sum(exponentials, axis=axis, keepdims=True)


@on_its_device
def logsumexp(logits: Array, *, axis: int = -1, keepdims: bool = False) -> Array:
    """Compute log sum_c exp(z_c) along an axis.

    Parameters
    ----------
    logits : array
        Scores before the softmax, with the classes along `axis`.
    axis : int, default=-1
        The axis of the classes.
    keepdims : bool, default=False
        Whether the result keeps `axis`, with length 1.

    Returns
    -------
    total : array
        Shape of `logits` without `axis`, unless `keepdims`.

    Raises
    ------
    TypeError
        If `logits` is complex.
    ValueError
        If `logits` has no such axis, or no class along it.

    See Also
    --------
    log_softmax : The logits minus this.

    Notes
    -----
    The largest logit of a row is subtracted before the exponentials are taken, and added to the
    result [1]_.

    References
    ----------
    .. [1] Blanchard, P., Higham, D. J. and Higham, N. J. (2021), "Accurately computing the
       log-sum-exp and softmax functions", IMA Journal of Numerical Analysis 41(4).
       doi:10.1093/imanum/draa038

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.functional import logsumexp
    >>> print(logsumexp(np.asarray([1000.0, 1000.0])).round(3))
    1000.693
    """
    logits = check_logits(logits, axis, "logsumexp")
    xp = namespace(logits)
    top = xp.max(logits, axis=axis, keepdims=True)
    shifted, exponentials = _exponentials(logits, axis)
    log_total, _ = log_of_total(exponentials, shifted, axis)
    result = xp.where(xp.isinf(top), top, top + log_total)
    return result if keepdims else xp.squeeze(result, axis=axis)


@on_its_device
def log_softmax(logits: Array, *, axis: int = -1) -> Array:
    """Compute the log-probabilities z_c - logsumexp(z) along an axis.

    Parameters
    ----------
    logits : array
        Scores before the softmax, with the classes along `axis`.
    axis : int, default=-1
        The axis of the classes.

    Returns
    -------
    log_probabilities : array
        Same shape as `logits`.

    Raises
    ------
    TypeError
        If `logits` is complex.
    ValueError
        If `logits` has no such axis, or no class along it.

    See Also
    --------
    softmax : The probabilities.
    logsumexp : What is subtracted.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.functional import log_softmax
    >>> log_softmax(np.asarray([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    shifted, exponentials = _exponentials(check_logits(logits, axis, "log_softmax"), axis)
    return shifted - log_of_total(exponentials, shifted, axis)[0]


def _exponentials(logits: Array, axis: int) -> tuple[Array, Array]:
    """z - max z, and its exponentials, which sum to a number in [1, n_classes].

    What the subtraction rounds away is found by Knuth's algorithm TwoSum and given back to the
    exponentials: of logits of 1e4 it would cost them three digits.
    """
    xp, shifted = namespace(logits), _shifted(logits, axis)
    back = logits - shifted
    lost = (logits - (shifted + back)) + (back - xp.max(logits, axis=axis, keepdims=True))
    return shifted, xp.exp(shifted) * (1.0 + xp.where(xp.isfinite(lost), lost, 0.0))


def _shifted(logits: Array, axis: int) -> Array:
    """z - max z, and 0 at the largest even if it is infinite."""
    xp = namespace(logits)
    top = xp.max(logits, axis=axis, keepdims=True)
    return xp.where(logits == top, 0.0, logits - top)


@on_its_device
def one_hot(
    labels: Array, n_classes: int | None = None, *, axis: int = -1, dtype: Any = None
) -> Array:
    """Encode labels as rows of the identity: 1 at each label, 0 elsewhere.

    Parameters
    ----------
    labels : array of int
        Class indices, of any shape.
    n_classes : int, default=None
        Length of the new axis. By default the largest label plus one.
    axis : int, default=-1
        Where the result has its new axis, that of the classes.
    dtype : dtype, default=None
        The dtype of the result. By default the library's own floating dtype.

    Returns
    -------
    indicators : array
        Shape of `labels` with an axis of length `n_classes` inserted at `axis`.

    Raises
    ------
    TypeError
        If the labels or `n_classes` are not integers.
    ValueError
        If a label is negative or not below `n_classes`. Also if `n_classes` is None and cannot be
        found: there are no labels, or JAX traces them.

    See Also
    --------
    softmax_cross_entropy : Takes labels as they are, or probabilities such as these.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.functional import one_hot
    >>> one_hot(np.asarray([0, 2]))
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    if n_classes is None:
        n_classes = _largest(labels) + 1
    elif not isinstance(n_classes, Integral):
        raise TypeError(f"one_hot(n_classes=...) must be an integer; got {n_classes!r}.")
    indices, demands = check_labels(labels, n_classes, "one_hot", "labels")
    enforce(*demands)
    return indicators(indices, n_classes, axis, dtype or compute_dtype(labels))


def _largest(labels: Array) -> int:
    """The largest of labels that are known."""
    indices = as_indices(labels, "one_hot", "labels")
    if is_traced(labels) or 0 in labels.shape:
        reason = "JAX traces the labels" if is_traced(labels) else "there are no labels"
        raise ValueError(f"one_hot(n_classes=...) must be given, because {reason}.")
    return to_list(namespace(labels).max(indices))


@on_its_device
def cross_entropy(
    probabilities: Array, targets: Array, *, sample_weight: Array | None = None, axis: int = -1
) -> Array:
    """Compute the weighted mean over the samples of -sum_c t_c log p_c.

    Nothing is added inside the logarithm: a target class of probability 0 costs inf. Where logits
    are known, `softmax_cross_entropy` is the stable way.

    Parameters
    ----------
    probabilities : array
        Probabilities with the classes along `axis`.
    targets : array
        Class indices, integers with the shape of `probabilities` without `axis`; or probabilities
        that sum to 1 along `axis`, with the shape of `probabilities`.
    sample_weight : array, default=None
        Non-negative weights, with the shape of `probabilities` without `axis`. By default every
        sample weighs the same.
    axis : int, default=-1
        The axis of the classes.

    Returns
    -------
    value : array
        0-dimensional: sum_i w_i loss_i / sum_i w_i.

    Raises
    ------
    TypeError
        If class indices are not integers, or anything is complex.
    ValueError
        If a shape does not fit, there is no sample, a label is out of range, or weights or target
        probabilities are negative.

    See Also
    --------
    softmax_cross_entropy : The same from logits, with the gradient.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.functional import cross_entropy
    >>> probabilities = np.asarray([[0.5, 0.5], [0.25, 0.75]])
    >>> print(cross_entropy(probabilities, np.asarray([0, 1])).round(4))
    0.4904
    """
    probabilities = check_logits(probabilities, axis, "cross_entropy", "probabilities")
    xp = namespace(probabilities)
    targets, of_targets = check_targets(
        probabilities, targets, axis, "cross_entropy", "probabilities"
    )
    weights, of_weights = mean_weights(probabilities, sample_weight, axis, "cross_entropy")
    enforce(*of_targets, *of_weights)
    if targets.ndim < probabilities.ndim:
        losses = -xp.log(_at_labels(probabilities, targets, axis))
    else:
        logarithms = xp.log(xp.where(targets > 0, probabilities, 1.0))
        losses = -xp.sum(targets * logarithms, axis=axis, keepdims=True)
    return xp.sum(weights * xp.where(weights > 0, losses, 0.0))


@on_its_device
def softmax_cross_entropy(
    logits: Array, targets: Array, *, sample_weight: Array | None = None, axis: int = -1
) -> tuple[Array, Array]:
    """Compute the mean cross-entropy of softmax(logits), and its gradient.

    The value is the weighted mean over the samples of logsumexp(z) - sum_c t_c z_c.

    Parameters
    ----------
    logits : array
        Scores before the softmax, with the classes along `axis`.
    targets : array
        Class indices, integers with the shape of `logits` without `axis`; or probabilities that
        sum to 1 along `axis`, with the shape of `logits` (soft labels, label smoothing).
    sample_weight : array, default=None
        Non-negative weights, with the shape of `logits` without `axis`. By default every sample
        weighs the same.
    axis : int, default=-1
        The axis of the classes.

    Returns
    -------
    value : array
        0-dimensional: sum_i w_i loss_i / sum_i w_i.
    gradient : array
        Same shape as `logits`: w_i / sum(w) (softmax(z)_ci - t_ci), the derivative of `value`
        with respect to z_ci.

    Raises
    ------
    TypeError
        If class indices are not integers, or anything is complex.
    ValueError
        If a shape does not fit, there is no sample, a label is out of range, or weights or
        probabilities are negative.

    See Also
    --------
    softmax : The probabilities.
    cross_entropy : The value from probabilities.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.functional import softmax_cross_entropy
    >>> logits = np.asarray([[0.0, 0.0], [1000.0, 1000.0]])
    >>> value, gradient = softmax_cross_entropy(logits, np.asarray([0, 1]))
    >>> print(value.round(4))
    0.6931
    >>> gradient
    array([[-0.25,  0.25],
           [ 0.25, -0.25]])
    """
    logits = check_logits(logits, axis, "softmax_cross_entropy")
    xp = namespace(logits)
    targets, of_targets = check_targets(logits, targets, axis, "softmax_cross_entropy")
    weights, of_weights = mean_weights(logits, sample_weight, axis, "softmax_cross_entropy")
    enforce(*of_targets, *of_weights)
    shifted = xp.where(weights > 0, _shifted(logits, axis), 0.0)  # 0 times inf is nan
    first = xp.moveaxis(shifted, axis, 0)
    columns = xp.reshape(first, (1, first.shape[0], -1))
    soft = targets.ndim == logits.ndim
    if soft:
        targets = xp.reshape(xp.moveaxis(targets, axis, 0), columns.shape)
    else:
        targets = xp.reshape(targets, (1, -1))
    losses, gradient = cross_entropy_of_each(columns, targets, xp.reshape(weights, (1, 1, -1)))
    return xp.sum(losses), xp.moveaxis(xp.reshape(gradient, first.shape), 0, axis)


def _at_labels(x: Array, labels: Array, axis: int) -> Array:
    """x at each sample's label; `axis` is kept with length 1."""
    xp = namespace(x)
    axis = axis % x.ndim
    labels = xp.expand_dims(labels, axis=axis - x.ndim)
    shape = tuple(1 if i == axis else size for i, size in enumerate(x.shape))
    return xp.take_along_axis(x, xp.broadcast_to(labels, shape), axis=axis)


def _of_reals(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """An activation of real numbers of any dtype, cast as `softmax` casts."""

    @on_its_device
    @wraps(function)
    def cast(z: Array) -> Array:
        return function(floating(z, function.__name__, "z"))

    return cast


def _slope_of_reals(derivative: Callable) -> Callable:
    """The same for the derivative of an activation."""

    @on_its_device
    @wraps(derivative)
    def cast(z: Array, value: Array | None = None) -> Array:
        name = derivative.__name__
        if value is not None:
            value = floating(value, name, "value")
        return derivative(floating(z, name, "z"), value)

    return cast


identity: Callable[[Array], Array] = _of_reals(activations.identity)
identity_derivative: Callable[..., Array] = _slope_of_reals(activations.identity_derivative)
relu: Callable[[Array], Array] = _of_reals(activations.relu)
relu_derivative: Callable[..., Array] = _slope_of_reals(activations.relu_derivative)
tanh: Callable[[Array], Array] = _of_reals(activations.tanh)
tanh_derivative: Callable[..., Array] = _slope_of_reals(activations.tanh_derivative)
sigmoid: Callable[[Array], Array] = _of_reals(activations.sigmoid)
sigmoid_derivative: Callable[..., Array] = _slope_of_reals(activations.sigmoid_derivative)
gelu: Callable[[Array], Array] = _of_reals(activations.gelu)
gelu_derivative: Callable[..., Array] = _slope_of_reals(activations.gelu_derivative)
