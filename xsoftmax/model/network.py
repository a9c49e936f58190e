"""Dense networks with a softmax on top, many at once, samples as columns.

    A_0 = X^T        Z_l = W_l A_{l-1} + b_l        A_l = activation(Z_l)        logits = Z_L

and backward, from dZ_L:

    dW_l = dZ_l A_{l-1}^T    db_l = sum_i dZ_l    dZ_{l-1} = (W_l^T dZ_l) * activation'(Z_{l-1})

Every array carries `n_problems` first: W_l is (n_problems, n_out, n_in), b_l (n_problems, n_out),
Z_l (n_problems, n_out, n_samples). The problems share X, so their first layers are one product.
Softmax regression is the network with no hidden layer. Of two classes only the difference of their
logits counts, so that there one row of logits says all: the second's, seen from the first's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import sqrt
from typing import Any

from ..arrays import Array, compiled, device, from_host, namespace
from ..sources import rows_outer, rows_product
from .activations import ACTIVATIONS

Layer = tuple[Array, Array | None]  #: weights and intercepts of one dense layer
Backward = Callable[[Array], list[Layer]]


@dataclass(frozen=True)
class Network:
    """The shape of a network; its parameters live elsewhere, as (n_problems, n_parameters)."""

    layer_sizes: tuple[int, ...]  #: n_features, the hidden layers, n_classes
    activation: str = "identity"  #: of the hidden layers, a key of ``ACTIVATIONS``
    fit_intercept: bool = True

    @property
    def is_linear(self) -> bool:
        """Whether the logits are linear in the parameters."""
        return len(self.layer_sizes) == 2

    @property
    def n_logits(self) -> int:
        """Rows of logits that training needs of each problem."""
        return 1 if self.layer_sizes[1:] == (2,) else self.layer_sizes[-1]

    @property
    def n_units(self) -> int:
        """Values held per sample and problem while a gradient is computed."""
        return sum(self.layer_sizes[1:])

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(n_out, n_in) of each layer's weights."""
        return [(n_out, n_in) for n_in, n_out in pairwise(self.layer_sizes)]

    @property
    def n_parameters(self) -> int:
        """Length of one problem's parameter vector."""
        return sum(n_out * (n_in + self.fit_intercept) for n_out, n_in in self.shapes)

    def unpack(self, parameters: Array) -> list[Layer]:
        """Layers as views of `parameters` (n_problems, n_parameters)."""
        xp = namespace(parameters)
        n_problems, start, layers = parameters.shape[0], 0, []
        for n_out, n_in in self.shapes:
            end = start + n_out * n_in
            W = xp.reshape(parameters[:, start:end], (n_problems, n_out, n_in))
            start = end + n_out * self.fit_intercept
            layers.append((W, parameters[:, end:start] if self.fit_intercept else None))
        return layers

    def pack(self, layers: Sequence[Layer]) -> Array:
        """The parameters (n_problems, n_parameters) of `layers`; inverse of `unpack`."""
        xp = namespace(layers[0][0])
        n_problems = layers[0][0].shape[0]
        parts = [
            xp.reshape(part, (n_problems, -1)) for layer in layers for part in layer
            if part is not None
        ]  # fmt: skip
        return xp.concat(parts, axis=1)

    @compiled
    def centered(self, parameters: Array) -> Array:
        """The same probabilities with the least weights: the last layer's classes sum to zero."""
        xp = namespace(parameters)
        *hidden, last = self.unpack(parameters)
        W, b = (None if x is None else x - xp.mean(x, axis=1, keepdims=True) for x in last)
        return self.pack([*hidden, (W, b)])

    @compiled
    def weight_mask(self, like: Array) -> Array:
        """(1, n_parameters): 1 for a weight, 0 for an intercept, which no penalty touches."""
        xp = namespace(like)
        ones = xp.ones((1, self.n_parameters), dtype=like.dtype, device=device(like))
        layers = self.unpack(ones)
        return self.pack([(W, None if b is None else 0.0 * b) for W, b in layers])

    def random_parameters(self, random_state: Any, like: Array) -> Array:
        """One problem's start (1, n_parameters): W ~ gain N(0, 1) / sqrt(n_in), intercepts 0.

        The gain is sqrt(2) after a rectifier (He et al., 2015, arXiv 1502.01852), else 1 (LeCun et
        al., 1998, "Efficient BackProp"). Drawn on the host, layer by layer, so that one seed means
        the same weights on every backend. `random_state` is a numpy RandomState.
        """
        rectifier = self.activation in ("relu", "gelu")
        layers: list[Layer] = []
        for i, (n_out, n_in) in enumerate(self.shapes):
            gain = sqrt(2) if rectifier and i > 0 else 1
            W = random_state.standard_normal((1, n_out, n_in)) * gain / sqrt(n_in)
            W = from_host(W, like=like, dtype=like.dtype)
            b = W[:, :, 0] * 0.0 if self.fit_intercept else None
            layers.append((W, b))
        return self.pack(layers)

    def logits(self, layers: Sequence[Layer], X: Array) -> Array:
        """(n_problems, n_classes, n_samples) for X (n_samples, n_features).

        Those of two classes are opposite in a linear network.
        """
        Z = self.forward(layers, X)[0]
        return Z if self.n_logits > 1 else _opposite(0.5 * Z)

    def linear_gradient(self, dlogits: Array, X: Array) -> list[Layer]:
        """The gradient of the only layer of a linear network."""
        layer = _dense_gradient(dlogits, X, self.fit_intercept)
        return [layer if self.n_logits > 1 else _each(_opposite, layer)]

    def forward(self, layers: Sequence[Layer], X: Array) -> tuple[Array, Backward]:
        """The logits (n_problems, n_logits, n_samples), and their backward pass.

        That is a function from their gradient to the gradient of each layer.
        """
        if self.is_linear:
            layer = layers[0] if self.n_logits > 1 else _each(_difference, layers[0])
            return _dense(*layer, X), partial(self.linear_gradient, X=X)
        function, derivative = ACTIVATIONS[self.activation]
        inputs, pre_activations = [X], []
        for W, b in layers[:-1]:
            Z = _dense(W, b, inputs[-1])
            pre_activations.append(Z)
            inputs.append(function(Z))

        def backward(dZ: Array) -> list[Layer]:
            xp = namespace(dZ)
            gradients: list[Layer] = []
            for i in reversed(range(len(layers))):
                W, b = layers[i]
                gradients.append(_dense_gradient(dZ, inputs[i], b is not None))
                if i > 0:
                    dA = xp.matmul(xp.matrix_transpose(W), dZ)
                    dZ = dA * derivative(pre_activations[i - 1], inputs[i])
            return gradients[::-1]

        return _dense(*layers[-1], inputs[-1]), backward


def _each(function: Callable[[Array], Array], layer: Layer) -> Layer:
    """`function` of weights and intercepts."""
    W, b = layer
    return function(W), None if b is None else function(b)


def _difference(x: Array) -> Array:
    """x (n_problems, 2, ...) of the second class, seen from the first."""
    return x[:, 1:, ...] - x[:, :1, ...]


def _opposite(x: Array) -> Array:
    """-x and x (n_problems, 1, ...), of the first class and the second."""
    return namespace(x).concat([-x, x], axis=1)


def _dense_gradient(dZ: Array, A: Array, with_intercept: bool) -> Layer:
    """What `_dense` passes back to its weights and intercepts."""
    return _outer(dZ, A), namespace(dZ).sum(dZ, axis=2) if with_intercept else None


def _dense(W: Array, b: Array | None, A: Array) -> Array:
    """W A + b; A is one per problem, or the rows (n_samples, n_in) that all problems share."""
    xp = namespace(W)
    if A.ndim == 2:
        n_problems, n_out, n_in = W.shape
        Z = xp.reshape(rows_product(xp.reshape(W, (-1, n_in)), A), (n_problems, n_out, -1))
    else:
        Z = xp.matmul(W, A)
    if b is not None:
        Z += xp.expand_dims(b, axis=2)
    return Z


def _outer(dZ: Array, A: Array) -> Array:
    """dZ A^T, summed over the samples: the gradient of the weights."""
    xp = namespace(dZ)
    if A.ndim == 2:
        n_problems, n_out, n_samples = dZ.shape
        dZ = xp.reshape(dZ, (-1, n_samples))
        return xp.reshape(rows_outer(dZ, A), (n_problems, n_out, -1))
    return xp.matmul(dZ, xp.matrix_transpose(A))
