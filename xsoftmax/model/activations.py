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
    """z."""
    return z


def identity_derivative(z: Array, value: Array | None = None) -> Array:
    """1."""
    return namespace(z).ones_like(z)


def relu(z: Array) -> Array:
    """max(z, 0)."""
    return namespace(z).maximum(z, 0.0)


def relu_derivative(z: Array, value: Array | None = None) -> Array:
    """1 where z > 0, else 0; at the kink the subgradient 0."""
    return namespace(z).astype(z > 0, z.dtype)


def tanh(z: Array) -> Array:
    """(exp(z) - exp(-z)) / (exp(z) + exp(-z))."""
    return namespace(z).tanh(z)


def tanh_derivative(z: Array, value: Array | None = None) -> Array:
    """1 - tanh(z)^2."""
    value = tanh(z) if value is None else value
    return 1.0 - value * value


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)), with exponentials that cannot overflow on either side."""
    xp = namespace(z)
    return xp.exp(xp.minimum(z, 0.0)) / (1.0 + xp.exp(-xp.abs(z)))


def sigmoid_derivative(z: Array, value: Array | None = None) -> Array:
    """sigmoid(z) (1 - sigmoid(z))."""
    value = sigmoid(z) if value is None else value
    return value * (1.0 - value)


_GELU_SCALE, _GELU_CUBIC = 2 * sqrt(2 / pi), 0.044715


def gelu(z: Array) -> Array:
    """z sigmoid(2 u) with u = sqrt(2/pi) (z + 0.044715 z^3).

    The tanh form of Hendrycks and Gimpel (2016, arXiv 1606.08415): z (1 + tanh(u)) / 2, written
    with the sigmoid because 1 + tanh(u) cancels for negative z.
    """
    return z * _gelu_gate(z)[0]


def gelu_derivative(z: Array, value: Array | None = None) -> Array:
    """s + z s (1 - s) 2 u' with s = sigmoid(2 u)."""
    gate, inner = _gelu_gate(z)
    slope = _GELU_SCALE * (1.0 + 3 * _GELU_CUBIC * inner * inner)
    return gate + inner * gate * (1.0 - gate) * slope


def _gelu_gate(z: Array) -> tuple[Array, Array]:
    """sigmoid(2 u), and z held to where the gate is not yet flat, so that z^3 stays finite."""
    xp = namespace(z)
    inner = xp.clip(z, -25.0, 25.0)
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
