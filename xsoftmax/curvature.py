"""How curved the objective of softmax regression is, for each class: weighted covariances of rows.

With p the probabilities, class k weighs row i by s_i p_ki (1 - p_ki) c / (c - 1); see
`preconditioner`. Far from the minimum a row that is wrong for sure has p (1 - p) near 0 but a large
gradient, so the square of its residual p - t counts where that is more; where probabilities are
right, the two agree in the mean.

Rows are sampled: a covariance needs a few rows for each feature, taken where they weigh much. It is
then scaled to the exact diagonal, which keeps features that are rarely active.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .arrays import Array, namespace
from .functional import softmax, weighted_cross_entropy
from .network import Layer, Network
from .rows import ArrayRows, Block, block_values

#: All of so few rows are used; of more, a sample.
MIN_ROWS = 1024
#: Probabilities that are kept while rows are chosen; of more, those of every few rows.
SAMPLE_VALUES = 1 << 23
#: A sample of as many rows as features loses this share of what is off the diagonal: it says too
#: little of directions that few rows have.
SHRINKAGE = 0.05
#: After so many rounds nearly all rows that are picked for sure are known.
ROUNDS = 4


class Curvature:
    """Weights of rows, and the moments of x under them, for each class."""

    def __init__(
        self,
        network: Network,
        rows: ArrayRows,
        layers: Sequence[Layer] | None,
        damping: float = 0.0,
    ) -> None:
        """At `layers`, or None at 0, where one class stands for all and nothing is damped."""
        n_features, n_classes = network.layer_sizes
        n_problems = 1 if layers is None else layers[0][0].shape[0]
        parts: list[Array] = []
        sums: Any = 0.0
        squares: Any = 0.0
        values = max(n_features // 4, n_classes * n_problems)
        size = rows.block_size(max(256, block_values(rows.weights) // values))
        stride = 1 + rows.n_samples * n_classes // SAMPLE_VALUES
        for block in rows.every(stride).blocks(size):
            xp = namespace(block.X)
            even = xp.ones_like(block.weights)
            spread = even if layers is None else _spread(network, layers, block)
            w = xp.mean(block.weights * spread, axis=0)
            parts.append(w)
            sums = sums + xp.matmul(w, block.X)
            squares = squares + xp.matmul(w, block.X * block.X)
        moments = xp.concat(parts, axis=1), sums, squares
        self.X, self.stride, self.fit_intercept = rows.X, stride, network.fit_intercept
        self.share = 1.0  #: (n_classes,) or 1: what a pooled class has of the mean mass
        if layers is None:
            self._moments(*(x / n_classes for x in moments))
        else:
            mass = xp.sum(moments[0], axis=1, keepdims=True)
            even_share = damping * mass[:-1, :] / mass[-1:, :]
            self._moments(*(x[:-1, :] + even_share * x[-1:, :] for x in moments))

    def _moments(self, weights: Array, sums: Array, squares: Array) -> None:
        xp = namespace(weights)
        self.weights, self.sums, self.squares = weights, sums, squares
        self.mass = xp.sum(weights, axis=1)
        mass = floored(self.mass)[:, None]
        self.mean = sums / mass if self.fit_intercept else xp.zeros_like(sums)
        self.diagonal = xp.maximum(squares - mass * self.mean * self.mean, xp.zeros_like(squares))

    @property
    def n_rows(self) -> int:
        """How many rows have weights: one of `stride`."""
        return self.weights.shape[1]

    def pooled(self) -> Curvature:
        """One class with the mean of all weights; `share` tells what each class had of it."""
        xp = namespace(self.weights)
        self.share = self.mass / floored(xp.mean(self.mass, keepdims=True))
        parts = (self.weights, self.sums, self.squares)
        self._moments(*(xp.mean(part, axis=0, keepdims=True) for part in parts))
        return self

    def picked(self, k: int, n_picked: int) -> Array:
        """A of `n_picked` centred rows, or all, with A'A about the covariance of class k."""
        xp, weights = namespace(self.weights), self.weights[k, :]
        if self.n_rows > n_picked:
            chosen, factor = pick(weights, n_picked)
            X = xp.take(self.X, chosen * self.stride, axis=0)
            weights = xp.take(weights, chosen) * factor
        else:
            X = self.X[:: self.stride, ...]
        A = xp.astype(X, weights.dtype) - self.mean[k, :]
        A *= xp.sqrt(weights)[:, None]
        return A

    def matrix(self, k: int, n_picked: int) -> Array:
        """The covariance of class k, with its exact diagonal."""
        xp = namespace(self.weights)
        A = self.picked(k, n_picked if are_many(self.n_rows, n_picked) else self.n_rows)
        H = xp.matmul(xp.matrix_transpose(A), A)
        diagonal, sampled = self.diagonal[k, :], xp.linalg.diagonal(H)
        seen = sampled > 0
        scale = xp.where(seen, xp.sqrt(diagonal / xp.where(seen, sampled, 1.0)), 0.0)
        if A.shape[0] < self.n_rows:
            scale = scale * (1.0 - SHRINKAGE * A.shape[1] / A.shape[0]) ** 0.5
        H *= scale
        H *= scale[:, None]
        return H + diagonal_matrix(diagonal - xp.linalg.diagonal(H))


def _spread(network: Network, layers: Sequence[Layer], block: Block) -> Array:
    """How curved each row is for each class, and 1: (n_problems, n_classes + 1, n_samples)."""
    xp, (_, n_classes) = namespace(block.X), network.layer_sizes
    logits = network.logits(layers, block.X)
    _, residual = weighted_cross_entropy(logits, block.targets, xp.ones_like(block.weights))
    p = softmax(logits, axis=1)
    spread = xp.maximum(p * (1.0 - p), residual * residual) * (n_classes / (n_classes - 1))
    return xp.concat([spread, xp.ones_like(spread[:, :1, :])], axis=1)


def are_many(n_rows: int, n_picked: int) -> bool:
    """Whether to pick so few of so many rows saves more than it costs."""
    return n_rows > max(1.5 * n_picked, MIN_ROWS)


def pick(weights: Array, n_picked: int) -> tuple[Array, Array]:
    """Indices of about `n_picked` rows that weigh much, and for how many rows each stands."""
    xp = namespace(weights)
    chances = inclusion(weights, n_picked)
    cumulative = xp.cumulative_sum(chances)
    share = cumulative[-1] / n_picked
    steps = xp.arange(n_picked, dtype=weights.dtype, device=weights.device) + 0.5
    chosen = xp.clip(xp.searchsorted(cumulative, steps * share), max=weights.shape[0] - 1)
    return chosen, share / xp.take(chances, chosen)


def inclusion(weights: Array, n_picked: int) -> Array:
    """The chance of each row to be picked: in proportion to its weight, but at most 1.

    A row that is picked twice tells nothing new, so what heavy rows leave goes to the lighter ones
    (sampling with probability proportional to size, without replacement).
    """
    xp = namespace(weights)
    light, n_sure, scale = weights, 0.0, 0.0
    for _ in range(ROUNDS):
        total = xp.sum(light)
        left = (n_picked - n_sure) / xp.where(total > 0, total, 1.0)
        scale = xp.where(total > 0, left, scale)
        chances = weights * scale
        sure = chances >= 1.0
        light, n_sure = xp.where(sure, 0.0, weights), xp.sum(xp.astype(sure, weights.dtype))
    return xp.clip(chances, min=xp.finfo(weights.dtype).smallest_normal, max=1.0)


def diagonal_matrix(values: Array) -> Array:
    """Square matrices with `values` (..., n) on their diagonals."""
    xp = namespace(values)
    return values[..., None] * xp.eye(values.shape[-1], dtype=values.dtype, device=values.device)


def floored(mass: Array) -> Array:
    """`mass`, but not so near 0 that dividing by it overflows."""
    xp = namespace(mass)
    tiny = xp.asarray(
        xp.finfo(mass.dtype).smallest_normal ** 0.5, dtype=mass.dtype, device=mass.device
    )
    return xp.maximum(mass, tiny)
