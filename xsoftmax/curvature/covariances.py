"""How curved the objective of softmax regression is, for each class: weighted covariances of rows.

With p the probabilities, class k weighs row i by s_i p_ki (1 - p_ki) c / (c - 1); see
`preconditioner`. Far from the minimum a row that is wrong for sure has p (1 - p) near 0 but a large
gradient, so the square of its residual p - t counts where that is more; where probabilities are
right, the two agree in the mean.

Rows are sampled: a covariance needs a few rows for each feature, taken where they weigh much. It is
then scaled to the exact diagonal, which keeps features that are rarely active.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..arrays import Array, block_values, compiled, device, namespace, row_slices, without_compiling
from ..model.losses import indicators, probabilities
from ..model.network import Layer, Network
from ..objective.rows import ArrayRows

#: All of so few rows are used; of more, a sample.
MIN_ROWS = 1024
#: Probabilities that are kept while rows are chosen; of more, those of every few rows.
SAMPLE_VALUES = 1 << 23
#: A sample of as many rows as features loses this share of what is off the diagonal: it says too
#: little of directions that few rows have.
SHRINKAGE = 0.05
#: Products that tell a largest eigenvalue well enough.
N_POWERS = 6
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
        logits: Array | None = None,
    ) -> None:
        """At `layers`, or None at 0, where one class stands for all and nothing is damped.

        Where the `logits` (n_problems, n_logits, n_samples) are known they are not made again.
        """
        n_features, n_classes = network.layer_sizes
        n_problems = 1 if layers is None else layers[0][0].shape[0]
        parts: list[Array] = []
        moments: list[Array] = []
        values = max(n_features // 4, n_classes * n_problems)
        size = rows.block_size(max(256, block_values(rows.weights) // values))
        stride = 1 + rows.n_samples * n_classes // SAMPLE_VALUES
        for block in rows.every(stride).blocks(size):
            known = None if logits is None else logits[:, :, ::stride][:, :, block.span]
            w, *more = _moments_of_rows(
                network, block.X, rows.middle, block.targets, block.weights, layers, known
            )
            parts.append(w)
            moments = [x + y for x, y in zip(moments, more, strict=True)] if moments else more
        weights = parts[0] if len(parts) == 1 else namespace(*parts).concat(parts, axis=1)
        self.X, self.stride, self.fit_intercept = rows.X, stride, network.fit_intercept
        self.middle = rows.middle
        self.share: Any = 1.0  #: (n_classes,) or 1: what a pooled class has of the mean mass
        if layers is None:
            self._keep(*_divided(n_classes, weights, *moments))
        else:
            self._keep(*_damped(damping, weights, *moments))

    def _keep(self, weights: Array, mass: Array, sums: Array, squares: Array) -> None:
        self.weights, self.mass, self.sums, self.squares = weights, mass, sums, squares
        self.diagonal, self.mean = _centered(mass, sums, squares, self.fit_intercept, self.middle)

    @property
    def n_rows(self) -> int:
        """How many rows have weights: one of `stride`."""
        return self.weights.shape[1]

    def pooled(self) -> Curvature:
        """One class with the mean of all weights; `share` tells what each class had of it."""
        self.share, *moments = _pooled(self.weights, self.mass, self.sums, self.squares)
        self._keep(*moments)
        return self

    def picked(self, classes: slice, n_picked: int) -> Array:
        """A of `n_picked` centred rows, or all, for each class, with A'A about its covariance."""
        weights, mean = self.weights[classes, :], self.mean[classes, :]
        if self.n_rows <= n_picked:
            return _weighted(self.X[None, :: self.stride, ...], weights, mean)
        return _rows_at(self.X, *pick(weights, n_picked), weights, mean, self.stride)

    def matrices(self, n_picked: int) -> Iterator[Array]:
        """Covariances (some classes, n_features, n_features) with exact diagonals, of all classes.

        As many at once as temporaries may have values.
        """
        n_rows = n_picked if are_many(self.n_rows, n_picked) else self.n_rows
        n_classes, n_features = self.mean.shape
        values = max(self.n_rows, max(n_rows, n_features) * n_features)
        for classes in row_slices(n_classes, max(1, block_values(self.mean) // values)):
            yield self._matrices(classes, n_rows)

    def _matrices(self, classes: slice, n_rows: int) -> Array:
        A, n_features = self.picked(classes, n_rows), self.mean.shape[1]
        shrunk = (1.0 - SHRINKAGE * n_features / n_rows) ** 0.5 if n_rows < self.n_rows else 1.0
        return _covariances(A, self.diagonal[classes, :], shrunk)


@compiled
def _moments_of_rows(
    network: Network,
    X: Array,
    middle: Array | None,
    targets: Array,
    weights: Array,
    layers: Sequence[Layer] | None,
    logits: Array | None,
) -> tuple[Array, Array, Array, Array]:
    """What rows X weigh for each class and for all, and the sums of 1, x and x^2 under that."""
    xp = namespace(X)
    if layers is None:
        spread = xp.ones_like(weights)
    else:
        logits = network.forward(layers, X)[0] if logits is None else logits
        spread = _spread(targets, logits)
    w = xp.mean(weights * spread, axis=0)
    X = X if middle is None else X - middle
    return w, xp.sum(w, axis=1), xp.matmul(w, X), xp.matmul(w, X * X)


@compiled
def _divided(n_classes: int, *moments: Array) -> tuple[Array, ...]:
    """The same shares of all moments."""
    return tuple(x / n_classes for x in moments)


@compiled
def _damped(damping: float, weights: Array, mass: Array, *sums: Array) -> tuple[Array, ...]:
    """Moments of the classes, of which the share `damping` is spread evenly over all rows."""
    even_share = (damping * mass[:-1] / mass[-1:])[:, None]
    rest = (x[:-1, :] + even_share * x[-1:, :] for x in (weights, *sums))
    return next(rest), mass[:-1] + even_share[:, 0] * mass[-1:], *rest


@compiled
def _pooled(weights: Array, mass: Array, *sums: Array) -> tuple[Array, ...]:
    """Shares of the mean mass, and mean moments."""
    xp = namespace(mass)
    share = mass / floored(xp.mean(mass, keepdims=True))
    return share, *(xp.mean(x, axis=0, keepdims=True) for x in (weights, mass, *sums))


@compiled
def _centered(
    mass: Array, sums: Array, squares: Array, fit_intercept: bool, middle: Array | None
) -> tuple[Array, Array]:
    """The squares around the mean, and the mean (k, n_features)."""
    xp, mass = namespace(mass), floored(mass)[:, None]
    mean = sums / mass if fit_intercept else xp.zeros_like(sums)
    diagonal = xp.maximum(squares - mass * mean * mean, xp.zeros_like(squares))
    return diagonal, mean if middle is None else mean + middle


@compiled
def _rows_at(
    X: Array, chosen: Array, factor: Array, weights: Array, mean: Array, stride: int
) -> Array:
    """`_weighted` of rows that `pick` has chosen from every stride-th."""
    xp = namespace(X)
    rows = xp.take(X, xp.reshape(chosen, (-1,)) * stride, axis=0)
    rows = xp.reshape(rows, (*chosen.shape, X.shape[1]))
    return _weighted(rows, xp.take_along_axis(weights, chosen, axis=1) * factor, mean)


@compiled
def _weighted(X: Array, weights: Array, mean: Array) -> Array:
    """Rows X (k or 1, n_samples, n_features) from the mean, times the square root of a weight."""
    A = namespace(X).astype(X, weights.dtype, copy=False) - mean[:, None, :]
    A *= namespace(X).sqrt(weights)[:, :, None]
    return A


@compiled
def _covariances(A: Array, diagonal: Array, shrunk: float) -> Array:
    """A'A (k, n_features, n_features), scaled to this diagonal, the rest as much again `shrunk`."""
    xp = namespace(A)
    H = xp.matmul(xp.matrix_transpose(A), A)
    sampled = xp.linalg.diagonal(H)
    seen = sampled > 0
    scale = xp.where(seen, xp.sqrt(diagonal / xp.where(seen, sampled, 1.0)), 0.0) * shrunk
    H *= scale[:, None, :]
    H *= scale[:, :, None]
    return H + diagonal_matrix(diagonal - xp.linalg.diagonal(H))


def _spread(targets: Array, logits: Array) -> Array:
    """How curved each row is for each class, and 1: (n_problems, n_classes + 1, n_samples)."""
    xp, t, p = namespace(logits), targets, probabilities(logits)
    n_classes = p.shape[1]
    if t.ndim == 1:
        t = indicators(t, n_classes, 0, p.dtype)
    residual = p - t
    spread = xp.maximum(p * (1.0 - p), residual * residual) * (n_classes / (n_classes - 1))
    return xp.concat([spread, xp.ones_like(spread[:, :1, :])], axis=1)


def are_many(n_rows: int, n_picked: int) -> bool:
    """Whether to pick so few of so many rows saves more than it costs."""
    return n_rows > max(1.5 * n_picked, MIN_ROWS)


@without_compiling
def pick(weights: Array, n_picked: int) -> tuple[Array, Array]:
    """Indices (k, n_picked) of rows that weigh much in `weights` (k, n_rows), and for how many rows
    each stands.
    """
    xp = namespace(weights)
    chances, share, cumulative, steps = _steps(weights, n_picked)
    of_classes = zip(xp.unstack(cumulative), xp.unstack(steps), strict=True)
    found = [xp.searchsorted(*of_class) for of_class in of_classes]
    return _found(found, chances, share)


@compiled
def _steps(weights: Array, n_picked: int) -> tuple[Array, Array, Array, Array]:
    """Chances, what each step of `pick` stands for, the sums of the chances, and the steps."""
    xp = namespace(weights)
    chances = inclusion(weights, n_picked)
    cumulative = xp.cumulative_sum(chances, axis=1)
    share = cumulative[:, -1:] / n_picked
    steps = share * (xp.arange(n_picked, dtype=weights.dtype, device=device(weights)) + 0.5)
    return chances, share, cumulative, steps


@compiled
def _found(found: list[Array], chances: Array, share: Array) -> tuple[Array, Array]:
    """What `pick` returns, from the places of its steps."""
    xp = namespace(chances)
    chosen = xp.minimum(xp.stack(found), chances.shape[1] - 1)
    return chosen, share / xp.take_along_axis(chances, chosen, axis=1)


def inclusion(weights: Array, n_picked: int) -> Array:
    """The chance of each row to be picked by `weights` (k, n_rows): in proportion, but at most 1.

    A row that is picked twice tells nothing new, so what heavy rows leave goes to the lighter ones
    (sampling with probability proportional to size, without replacement).
    """
    xp = namespace(weights)
    light, n_sure, scale = weights, 0.0, 0.0
    for _ in range(ROUNDS):
        total = xp.sum(light, axis=1, keepdims=True)
        left = (n_picked - n_sure) / xp.where(total > 0, total, 1.0)
        scale = xp.where(total > 0, left, scale)
        chances = weights * scale
        sure = chances >= 1.0
        light = xp.where(sure, 0.0, weights)
        n_sure = xp.sum(xp.astype(sure, weights.dtype), axis=1, keepdims=True)
    return xp.minimum(xp.maximum(chances, float(xp.finfo(weights.dtype).smallest_normal)), 1.0)


def diagonal_matrix(values: Array) -> Array:
    """Square matrices with `values` (..., n) on their diagonals."""
    xp = namespace(values)
    return values[..., None] * xp.eye(values.shape[-1], dtype=values.dtype, device=device(values))


def floored(mass: Array) -> Array:
    """`mass`, but not so near 0 that dividing by it overflows."""
    xp = namespace(mass)
    return xp.maximum(mass, float(xp.finfo(mass.dtype).smallest_normal) ** 0.5)


@compiled
def anisotropy(network: Network, X: Array, strength: Array, n_samples: int) -> Array:
    """How many times the largest curvature at 0 is the mean one, about, by few rows X of
    `n_samples`, where the penalties of weights are `strength` (n_problems,).

    Features far from 0 count as uneven, as they are for L-BFGS without a metric. The largest
    eigenvalue is that of the power iteration. Few rows in many dimensions make curvatures uneven
    that are not, by (1 + sqrt(n_features / n_rows))^2 (Marchenko and Pastur, 1967).
    """
    xp, (n_rows, n_features) = namespace(X), X.shape
    v = X[0, :] + 1.0
    for _ in range(N_POWERS):
        v = xp.matmul(xp.matmul(X, v / floored(xp.linalg.vector_norm(v))), X)
    spread = (1.0 + (n_features / n_rows) ** 0.5) / (1.0 + (n_features / n_samples) ** 0.5)
    # At 0 a class weighs 1 / n_classes of each row.
    penalty = n_rows * network.n_units * xp.min(strength)
    mean = xp.sum(X * X) / n_features + penalty
    return xp.linalg.vector_norm(v) / (spread**2 * floored(mean))
