"""Activations of hidden layers, each with its derivative below it.

A derivative takes the activation's value too, when it is at hand, and then needs no transcendental
function that was already computed. Shapes and dtypes are those of `z`, which must be floating:
training casts its rows once, and `functional` casts what users pass.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import NamedTuple

from ..arrays import Array, namespace


def identity(z: Array) -> Array:
    """Return z itself.

    Parameters
    ----------
    z : array
        Pre-activations, of any shape.

    Returns
    -------
    value : array
        `z`.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.functional import identity
    >>> identity(np.asarray([-1.0, 0.0, 2.0]))
    array([-1.,  0.,  2.])
    """
    return z


def identity_derivative(z: Array, value: Array | None = None) -> Array:
    """Compute the derivative of `identity`: 1.

    Parameters
    ----------
    z : array
        Pre-activations, of any shape.
    value : array, default=None
        Not used; here so that all derivatives are called alike.

    Returns
    -------
    derivative : array
        Same shape as `z`.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.functional import identity_derivative
    >>> identity_derivative(np.asarray([-1.0, 0.0, 2.0]))
    array([1., 1., 1.])
    """
    return namespace(z).ones_like(z)


def relu(z: Array) -> Array:
    """Compute the rectifier max(z, 0).

    Parameters
    ----------
    z : array
        Pre-activations, of any shape.

    Returns
    -------
    value : array
        Same shape as `z`.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.functional import relu
    >>> relu(np.asarray([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return namespace(z).maximum(z, 0.0)


def relu_derivative(z: Array, value: Array | None = None) -> Array:
    """Compute the derivative of `relu`: 1 where z > 0, else 0.

    At the kink, z = 0, this is the subgradient 0.

    Parameters
    ----------
    z : array
        Pre-activations, of any shape.
    value : array, default=None
        Not used; here so that all derivatives are called alike.

    Returns
    -------
    derivative : array
        Same shape as `z`.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.functional import relu_derivative
    >>> relu_derivative(np.asarray([-1.0, 0.0, 2.0]))
    array([0., 0., 1.])
    """
    return namespace(z).astype(z > 0, z.dtype)


def tanh(z: Array) -> Array:
    """Compute (exp(z) - exp(-z)) / (exp(z) + exp(-z)).

    Parameters
    ----------
    z : array
        Pre-activations, of any shape.

    Returns
    -------
    value : array
        Same shape as `z`.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.functional import tanh
    >>> tanh(np.asarray([-1.0, 0.0, 2.0])).round(3)
    array([-0.762,  0.   ,  0.964])
    """
    return namespace(z).tanh(z)


def tanh_derivative(z: Array, value: Array | None = None) -> Array:
    """Compute the derivative of `tanh`: 1 - tanh(z)^2.

    Parameters
    ----------
    z : array
        Pre-activations, of any shape.
    value : array, default=None
        ``tanh(z)``, if it is already known: no exponential is then computed.

    Returns
    -------
    derivative : array
        Same shape as `z`.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.functional import tanh_derivative
    >>> tanh_derivative(np.asarray([-1.0, 0.0, 2.0])).round(3)
    array([0.42 , 1.   , 0.071])
    """
    value = tanh(z) if value is None else value
    return 1.0 - value * value


def sigmoid(z: Array) -> Array:
    """Compute 1 / (1 + exp(-z)), with exponentials that cannot overflow on either side.

    Parameters
    ----------
    z : array
        Pre-activations, of any shape.

    Returns
    -------
    value : array
        Same shape as `z`, in [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.functional import sigmoid
    >>> sigmoid(np.asarray([-1000.0, 0.0, 1.0])).round(3)
    array([0.   , 0.5  , 0.731])
    """
    xp = namespace(z)
    return xp.exp(xp.minimum(z, 0.0)) / (1.0 + xp.exp(-xp.abs(z)))


def sigmoid_derivative(z: Array, value: Array | None = None) -> Array:
    """Compute the derivative of `sigmoid`: sigmoid(z) (1 - sigmoid(z)).

    Parameters
    ----------
    z : array
        Pre-activations, of any shape.
    value : array, default=None
        ``sigmoid(z)``, if it is already known: no exponential is then computed.

    Returns
    -------
    derivative : array
        Same shape as `z`.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.functional import sigmoid_derivative
    >>> sigmoid_derivative(np.asarray([-1000.0, 0.0, 1.0])).round(3)
    array([0.   , 0.25 , 0.197])
    """
    value = sigmoid(z) if value is None else value
    return value * (1.0 - value)


_GELU_SCALE, _GELU_CUBIC = 2 * sqrt(2 / pi), 0.044715


def gelu(z: Array) -> Array:
    """Compute z sigmoid(2 u) with u = sqrt(2/pi) (z + 0.044715 z^3).

    Parameters
    ----------
    z : array
        Pre-activations, of any shape.

    Returns
    -------
    value : array
        Same shape as `z`.

    Notes
    -----
    This is the tanh form of the Gaussian error linear unit [1]_, z (1 + tanh(u)) / 2. It is
    written with the sigmoid because 1 + tanh(u) cancels for negative z.

    References
    ----------
    .. [1] Hendrycks, D. and Gimpel, K. (2016), "Gaussian error linear units (GELUs)".
       arXiv:1606.08415

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.functional import gelu
    >>> gelu(np.asarray([-1.0, 0.0, 2.0])).round(3)
    array([-0.159,  0.   ,  1.955])
    """
    return z * _gelu_gate(z)[0]


def gelu_derivative(z: Array, value: Array | None = None) -> Array:
    """Compute the derivative of `gelu`: s + z s (1 - s) 2 u' with s = sigmoid(2 u).

    Parameters
    ----------
    z : array
        Pre-activations, of any shape.
    value : array, default=None
        Not used; here so that all derivatives are called alike.

    Returns
    -------
    derivative : array
        Same shape as `z`.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.functional import gelu_derivative
    >>> gelu_derivative(np.asarray([-1.0, 0.0, 2.0])).round(3)
    array([-0.083,  0.5  ,  1.086])
    """
    gate, inner = _gelu_gate(z)
    slope = _GELU_SCALE * (1.0 + 3 * _GELU_CUBIC * inner * inner)
    return gate + inner * gate * (1.0 - gate) * slope


def _gelu_gate(z: Array) -> tuple[Array, Array]:
    """sigmoid(2 u), and z held to where the gate is not yet flat, so that z^3 stays finite."""
    xp = namespace(z)
    inner = xp.minimum(xp.maximum(z, -25.0), 25.0)
    return sigmoid(_GELU_SCALE * inner * (1.0 + _GELU_CUBIC * inner * inner)), inner


class Activation(NamedTuple):
    """A function of the pre-activation and its derivative, ``derivative(z, value)``."""

    function: Callable[[Array], Array]
    derivative: Callable[[Array, Array | None], Array]


ACTIVATIONS = {
    "identity": Activation(identity, identity_derivative),
    "logistic": Activation(sigmoid, sigmoid_derivative),
    "sigmoid": Activation(sigmoid, sigmoid_derivative),
    "tanh": Activation(tanh, tanh_derivative),
    "relu": Activation(relu, relu_derivative),
    "gelu": Activation(gelu, gelu_derivative),
}
