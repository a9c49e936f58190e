"""Weighted covariances of the rows: how curved the loss of softmax regression is for each class.

With p the probabilities, class k weighs row i by s_i p_ki (1 - p_ki) c / (c - 1); see
`approximate`. Far from the minimum a row that is wrong for sure has p (1 - p) near 0 but a large
gradient, so the square of its residual p - t counts where that is more; where probabilities are
right, the two agree in the mean.

Rows are sampled: a covariance needs a few rows for each feature, taken where they weigh much. It is
then scaled to the exact diagonal, which keeps features that are rarely active.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..arrays import Array, block_values, compiled, computed_once, namespace, row_slices
from ..model.losses import indicators, probabilities
from ..model.network import Network
from ..objective.line_restriction import Iterate, logits_at
from ..objective.policy import DEFAULT, Policy
from ..objective.rows import Rows
from ..sources import rows_outer, squares_outer
from .costs import are_many
from .linear_algebra import diagonal_matrix, floored
from .sampling import pick

#: Products of the power iteration, which tell a largest eigenvalue to some percent.
N_POWERS = 6


@dataclass(frozen=True)
class ClassCovariances:
    """For each class, or pooled: weights of rows, and the moments of x under them."""

    rows: Rows  #: those that have weights
    fit_intercept: bool
    weights: Array  #: (k, n_rows)
    mass: Array  #: (k,), the sum of the weights
    sums: Array  #: (k, n_features), of x
    squares: Array  #: (k, n_features), of x^2
    policy: Policy

    @classmethod
    def of(
        cls,
        network: Network,
        rows: Rows,
        iterate: Iterate | None,
        policy: Policy = DEFAULT,
    ) -> ClassCovariances:
        """At an iterate, or None at 0, where one class stands for all.

        Where there would be more weights than the `policy` allows, every few rows have some.
        """
        n_features, n_classes = network.layer_sizes
        n_problems = 1 if iterate is None else iterate.parameters.shape[0]
        parts: list[Array] = []
        moments: list[Array] = []
        values = max(n_features // 4, n_classes * n_problems)
        size = rows.block_size(max(256, block_values(rows.weights) // values))
        stride = 1 + rows.n_samples * n_classes // policy.max_curvature_values
        if iterate is not None and iterate.logits is not None:
            iterate = iterate._replace(logits=iterate.logits[:, :, ::stride])
        rows = rows.strided(stride)
        for block in rows.blocks(size):
            logits = None if iterate is None else logits_at(network, iterate, block)
            w, *more = _moments_of_rows(
                network, block.X, rows.center, block.targets, block.weights, logits
            )
            parts.append(w)
            moments = [x + y for x, y in zip(moments, more, strict=True)] if moments else more
        weights = parts[0] if len(parts) == 1 else namespace(*parts).concat(parts, axis=1)
        mass, sums, squares = moments
        return cls(rows, network.fit_intercept, weights, mass, sums, squares, policy)

    @computed_once
    def diagonal_and_mean(self) -> tuple[Array, Array]:
        """(k, n_features), both: the squares around the mean, and the mean."""
        return _diagonal_and_mean(
            self.mass, self.sums, self.squares, self.fit_intercept, self.rows.center
        )

    @property
    def diagonal(self) -> Array:
        """(k, n_features): of the covariances."""
        return self.diagonal_and_mean[0]

    @property
    def mean(self) -> Array:
        """(k, n_features): of x, or 0 where there are no intercepts."""
        return self.diagonal_and_mean[1]

    @property
    def n_rows(self) -> int:
        """How many rows have weights: one of `stride`."""
        n_rows: int = self.weights.shape[1]
        return n_rows

    def pooled(self) -> tuple[ClassCovariances, Array]:
        """One class with the mean of all weights, and what each class (k,) had of the mean mass."""
        share, weights, mass, sums, squares = _pooled(
            self.weights, self.mass, self.sums, self.squares
        )
        return replace(self, weights=weights, mass=mass, sums=sums, squares=squares), share

    def picked(self, classes: slice, n_picked: int) -> Array:
        """A of `n_picked` centered rows, or all, for each class, with A'A about its covariance."""
        weights, mean = self.weights[classes, :], self.mean[classes, :]
        if self.n_rows <= n_picked:
            return _weighted(self.rows.X[None, ...], weights, mean)
        chosen, factor = pick(weights, n_picked)
        xp = namespace(chosen)
        X = xp.reshape(self.rows.take(xp.reshape(chosen, (-1,))), (*chosen.shape, mean.shape[1]))
        return _weighted(X, xp.take_along_axis(weights, chosen, axis=1) * factor, mean)

    def matrices(self, n_picked: int) -> Iterator[Array]:
        """Covariances (some classes, n_features, n_features) with exact diagonals, of all classes.

        As many at once as temporaries may have values.
        """
        n_rows = n_picked if are_many(self.n_rows, n_picked, self.policy) else self.n_rows
        n_classes, n_features = self.mean.shape
        values = max(self.n_rows, max(n_rows, n_features) * n_features)
        for classes in row_slices(n_classes, max(1, block_values(self.mean) // values)):
            yield _covariances(self.picked(classes, n_rows), self.diagonal[classes, :])


@compiled
def _moments_of_rows(
    network: Network,
    X: Array,
    center: Array | None,
    targets: Array,
    weights: Array,
    logits: Array | None,
) -> tuple[Array, Array, Array, Array]:
    """What rows X weigh for each class, and the sums of 1, x and x^2 under that."""
    xp = namespace(X)
    if logits is None:  # at 0, where p (1 - p) c / (c - 1) = 1 / c
        curvature = xp.ones_like(weights) / network.layer_sizes[-1]
    else:
        curvature = _curvatures(targets, logits)
    w = xp.mean(weights * curvature, axis=0)
    X = X if center is None else X - center
    return w, xp.sum(w, axis=1), rows_outer(w, X), squares_outer(w, X)


def _curvatures(targets: Array, logits: Array) -> Array:
    """How curved each row is for each class: (n_problems, n_classes, n_samples)."""
    xp, t, p = namespace(logits), targets, probabilities(logits)
    n_classes = p.shape[1]
    if t.ndim == 2:
        t = indicators(t, n_classes, 1, p.dtype)
    residual = p - t
    return xp.maximum(p * (1.0 - p), residual * residual) * (n_classes / (n_classes - 1))


@compiled
def _pooled(weights: Array, mass: Array, *sums: Array) -> tuple[Array, ...]:
    """Shares of the mean mass, and mean moments."""
    xp = namespace(mass)
    share = mass / floored(xp.mean(mass, keepdims=True))
    return share, *(xp.mean(x, axis=0, keepdims=True) for x in (weights, mass, *sums))


@compiled
def _diagonal_and_mean(
    mass: Array, sums: Array, squares: Array, fit_intercept: bool, center: Array | None
) -> tuple[Array, Array]:
    """The squares around the mean, and the mean (k, n_features)."""
    xp, mass = namespace(mass), floored(mass)[:, None]
    mean = sums / mass if fit_intercept else xp.zeros_like(sums)
    diagonal = xp.maximum(squares - mass * mean * mean, xp.zeros_like(squares))
    return diagonal, mean if center is None else mean + center


@compiled
def _weighted(X: Array, weights: Array, mean: Array) -> Array:
    """Rows X (k or 1, n_samples, n_features) from the mean, times the square root of a weight."""
    A = namespace(X).astype(X, weights.dtype, copy=False) - mean[:, None, :]
    A *= namespace(X).sqrt(weights)[:, :, None]
    return A


@compiled
def _covariances(A: Array, diagonal: Array) -> Array:
    """A'A (k, n_features, n_features), scaled to this diagonal."""
    xp = namespace(A)
    H = xp.matmul(xp.matrix_transpose(A), A)
    sampled = xp.linalg.diagonal(H)
    is_seen = sampled > 0
    scale = xp.where(is_seen, xp.sqrt(diagonal / xp.where(is_seen, sampled, 1.0)), 0.0)
    H *= scale[:, None, :]
    H *= scale[:, :, None]
    return H + diagonal_matrix(diagonal - xp.linalg.diagonal(H))


@compiled
def anisotropy(network: Network, X: Array, strength: Array, n_samples: int) -> Array:
    """How many times the largest curvature at 0 is the mean one, about.

    It is estimated from few rows X of `n_samples`, where the penalties of weights are `strength`
    (n_problems,).
    Features far from 0 count as uneven, as they are for L-BFGS without a preconditioner. The
    largest eigenvalue is that of the power iteration. Few rows in many dimensions make curvatures
    uneven that are not, by (1 + sqrt(n_features / n_rows))^2 (Marchenko and Pastur, 1967).
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
