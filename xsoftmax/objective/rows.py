"""Where samples come from, block by block.

A source of rows knows how many there are, yields them in blocks that are already in the dtype to
compute in, and can gather some of them. Values and gradients are sums over blocks of all rows;
curvature, starts and scales are made from the few rows that `subsample` gathers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..arrays import Array, indices_from_host, namespace, row_slices
from .features import median_of_some_rows


class Block(NamedTuple):
    """Some rows, and what each should become."""

    span: slice  #: where they are among all
    X: Array  #: (n_samples, n_features), or None once they are not needed
    targets: Array  #: labels (n_samples,), or probabilities (n_classes, n_samples)
    weights: Array  #: (n_problems or 1, 1, n_samples)


class ArrayRows(NamedTuple):
    """Rows in memory, shared by all problems.

    X may be stored in any real dtype; `dtype` is what its blocks are expanded to. The weights may
    be one row for all problems or one row per problem, which is how folds are made: a sample that
    a problem must not see weighs nothing there.
    """

    X: Array  #: (n_samples, n_features)
    targets: Array  #: labels (n_samples,), or probabilities (n_classes, n_samples)
    weights: Array  #: (n_problems or 1, n_samples), summing to 1 over the samples
    dtype: Any
    max_block_rows: int | None = None  #: rows that a block may have, where memory is short
    #: (n_features,), about where the rows lie, if intercepts make up for seeing them from there
    center: Array | None = None
    has_large_cells: bool = False  #: see `Features`
    fits_float32: bool = True  #: whether single precision tells the rows apart

    @property
    def n_samples(self) -> int:
        """How many rows there are."""
        n_rows: int = self.X.shape[0]
        return n_rows

    def block_size(self, size: int) -> int:
        """`size` rows, or as many as a block may have."""
        return size if self.max_block_rows is None else min(size, self.max_block_rows)

    def blocks(self, size: int) -> Iterator[Block]:
        """All rows in order, at most `size` at a time."""
        for rows in row_slices(self.n_samples, size):
            X = namespace(self.X).astype(self.X[rows, ...], self.dtype, copy=False)
            yield Block(rows, X, self.targets[..., rows], self.weights[:, None, rows])

    def subsample(self, indices: Array) -> ArrayRows:
        """The rows at `indices` as a source of their own.

        Weights grow by n_samples / n_indices, so that a sum over a random sample is an unbiased
        estimate of the sum over all rows, however uneven the weights are.
        """
        return self.subsample_weighted(indices, self.n_samples / indices.shape[0])

    def subsample_weighted(self, indices: Array, factor: float | Array) -> ArrayRows:
        """The rows at `indices`, weighing `factor` times as much, as a source of their own."""
        xp = namespace(self.X)
        weights = xp.take(self.weights, indices, axis=1) * factor
        targets = xp.take(self.targets, indices, axis=self.targets.ndim - 1)
        X = xp.take(self.X, indices, axis=0)
        if X.dtype == xp.float64:  # never to more bytes than it came with
            X = xp.astype(X, self.dtype, copy=False)
        return self._replace(X=X, targets=targets, weights=weights)

    def strided(self, stride: int) -> ArrayRows:
        """Every stride-th row as a source of its own, weighing `stride` times as much."""
        if stride == 1:
            return self
        X, targets = self.X[::stride, ...], self.targets[..., ::stride]
        weights = self.weights[:, ::stride] * stride
        return self._replace(X=X, targets=targets, weights=weights)

    def centered(self) -> ArrayRows:
        """The same rows, whose center is the median of a few of them."""
        return self._replace(center=median_of_some_rows(self.X, self.dtype))

    def subtract_center(self, X: Array) -> Array:
        """X (n_samples, n_features), some of the rows, seen from the center."""
        return X if self.center is None else X - self.center

    def to_float32(self) -> ArrayRows | None:
        """The same rows read in single precision, unless that blurs what tells them apart."""
        xp, targets, center = namespace(self.X), self.targets, self.center
        if not self.fits_float32:
            return None
        if targets.ndim > 1:
            targets = xp.astype(targets, xp.float32)
        if center is not None:
            center = xp.astype(center, xp.float32)
        weights = xp.astype(self.weights, xp.float32)
        return self._replace(targets=targets, weights=weights, dtype=xp.float32, center=center)

    def select(self, problems: Sequence[int]) -> ArrayRows:
        """The same rows for only some of the problems."""
        if self.weights.shape[0] == 1:
            return self
        indices = indices_from_host(problems, like=self.weights)
        weights = namespace(self.weights).take(self.weights, indices, axis=0)
        return self._replace(weights=weights)
