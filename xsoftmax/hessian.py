"""The exact Hessian of softmax regression, for problems where it is small.

With p_i the probabilities of row i and x~_i the row with a 1 for the intercept,

    H = sum_i s_i (diag(p_i) - p_i p_i') (x) x~_i x~_i' + penalty.

It is singular where all classes move together, so it is taken in an orthonormal basis Q of the
vectors that sum to zero over the classes: W = Q V, and Q'Q = 1 leaves the penalty as it is. For two
classes that is one block. Newton's step with it is the metric that L-BFGS would have to learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from math import isqrt
from typing import Any

from .arrays import Array, namespace
from .curvature import diagonal_matrix, floored
from .functional import softmax
from .network import Layer, Network
from .rows import ArrayRows, block_values

#: Products run best from a processor's nearest cache: temporaries are so many times smaller here.
NEARER = 32


@dataclass(frozen=True)
class ExactHessian:
    """H, factored anew for every gradient: it serves one point."""

    network: Network
    basis: Array  #: Q (n_classes, n_classes - 1)
    H: Array  #: (n_problems, n, n) with n = (n_classes - 1)(n_features + 1)
    exact = True

    def apply(self, gradient: Array, penalty: Array) -> Array:
        """H^-1 times gradients (n_problems, n_parameters); `penalty` is already in H."""
        xp, ((W, b),) = namespace(gradient), self.network.unpack(gradient)
        if b is not None:
            W = xp.concat([W, b[:, :, None]], axis=2)
        contrasts = xp.matmul(self.basis.T, W)
        right = xp.reshape(contrasts, (contrasts.shape[0], -1, 1))
        # Unit diagonal: what rounding may take from an eigenvalue is known, and given back.
        diagonal = xp.linalg.diagonal(self.H)
        largest = xp.max(diagonal, axis=1, keepdims=True)
        rounding = diagonal.shape[1] * xp.finfo(gradient.dtype).eps
        scale = 1.0 / xp.sqrt(xp.maximum(diagonal, floored(rounding * largest)))
        H = self.H * scale[:, :, None] * scale[:, None, :]
        H += diagonal_matrix(xp.full_like(diagonal, rounding))
        step = xp.linalg.solve(H, scale[:, :, None] * right) * scale[:, :, None]
        V = xp.matmul(self.basis, xp.reshape(step, contrasts.shape))
        n_features = self.network.layer_sizes[0]
        parts = (V[:, :, :n_features], None if b is None else V[:, :, n_features])
        return self.network.pack([parts])


def exact_hessian_cost(network: Network, n_samples: int, n_problems: int) -> float:
    """Multiplications that the Hessians of all problems and one solution with each cost."""
    n_features, n_classes = network.layer_sizes
    order = n_classes - 1
    blocks = order * (order + 1) // 2 * n_samples * n_features * (2 * n_features + 10)
    return n_problems * (blocks + (order * (n_features + 1)) ** 3)


def exact_hessian(
    network: Network, rows: ArrayRows, penalty: Array, layers: list[Layer], logits: Array | None
) -> ExactHessian:
    """The Hessians at `layers` (and their `logits`, where those are known), in one pass."""
    xp, n_classes = namespace(penalty), network.layer_sizes[-1]
    basis = _contrasts(penalty, n_classes)
    products = _pairs(basis.T[None, ...])[0, ...]
    n_problems, n_pairs, n_features = penalty.shape[0], products.shape[0], network.layer_sizes[0]
    n_columns = n_problems * n_pairs
    size = max(64, block_values(penalty) // (NEARER * n_columns * n_features))
    size = rows.block_size(size)
    sums: Any = 0.0, 0.0, 0.0
    for block in rows.blocks(size):
        Z = network.logits(layers, block.X) if logits is None else logits[:, :, block.span]
        p = softmax(Z, axis=1)
        u = xp.matmul(basis.T, p)
        M = (xp.matmul(products, p) - _pairs(u)) * block.weights  # Q'(diag(p) - p p')Q, by row
        MX = xp.reshape(M[:, :, None, :] * block.X.T, (n_columns * n_features, -1))
        M = xp.reshape(M, (n_columns, -1))
        moments = xp.matmul(MX, block.X), xp.matmul(M, block.X), xp.sum(M, axis=1)
        sums = [total + moment for total, moment in zip(sums, moments, strict=True)]
    xx, x1, mass = sums
    xx = xp.reshape(xx, (n_columns, n_features, n_features))
    if network.fit_intercept:
        x1 = x1[:, :, None]
        last = xp.concat([xp.matrix_transpose(x1), mass[:, None, None]], axis=2)
        xx = xp.concat([xp.concat([xx, x1], axis=2), last], axis=1)
    blocks = xp.reshape(xx, (n_problems, n_pairs, *xx.shape[1:]))
    return ExactHessian(network, basis, _assembled(blocks) + _penalties(network, penalty))


def _pairs(x: Array) -> Array:
    """Each row of x (n_problems, n, n_samples) times itself and each that follows."""
    rows = range(x.shape[1])
    return namespace(x).concat([x[:, i : i + 1, :] * x[:, i:, :] for i in rows], axis=1)


def _assembled(blocks: Array) -> Array:
    """(n_problems, order n, order n) from the blocks (n_problems, pairs, n, n) of `_pairs`."""
    xp, order = namespace(blocks), isqrt(2 * blocks.shape[1])
    if order == 1:
        return blocks[:, 0, ...]
    pairs = combinations_with_replacement(range(order), 2)
    at = {pair: k for k, pair in enumerate(pairs)}
    rows = [
        xp.concat([blocks[:, at[min(i, j), max(i, j)], ...] for j in range(order)], axis=2)
        for i in range(order)
    ]
    return xp.concat(rows, axis=1)


def _penalties(network: Network, penalty: Array) -> Array:
    """The penalties as diagonal matrices; they are the same for all classes."""
    xp, ((W, b),) = namespace(penalty), network.unpack(penalty)
    strength = W if b is None else xp.concat([W, b[:, :, None]], axis=2)
    return diagonal_matrix(xp.reshape(strength[:, 1:, :], (penalty.shape[0], -1)))


def _contrasts(like: Array, n_classes: int) -> Array:
    """Helmert's orthonormal basis of the vectors that sum to zero, in columns."""
    xp = namespace(like)
    k = xp.arange(n_classes, dtype=like.dtype, device=like.device)[:, None]
    j = k[1:, :].T
    basis = xp.where(k < j, 1.0, xp.where(k == j, -j, 0.0 * j))
    return basis / xp.sqrt(j * (j + 1.0))
