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
    weights: Array  #: (1 or n_problems without the excluded one, 1, n_samples)
    excluded_problem: int | None = None  #: in which these rows weigh nothing, if there is one

    def drop_excluded(self, x: Array) -> Array:
        """x (n_problems, ...) without the problem in which these rows weigh nothing."""
        if self.excluded_problem is None:
            return x
        k = self.excluded_problem
        return namespace(x).concat([x[:k, ...], x[k + 1 :, ...]])

    def restore_excluded(self, x: Array) -> Array:
        """The inverse of `drop_excluded`, with 0 for the problem that was dropped."""
        if self.excluded_problem is None:
            return x
        xp, k = namespace(x), self.excluded_problem
        return xp.concat([x[:k, ...], xp.zeros_like(x[:1, ...]), x[k:, ...]])


class Segment(NamedTuple):
    """Consecutive rows."""

    n_rows: int
    excluded_problem: int | None  #: in which they weigh nothing, if there is one


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
    segments: tuple[Segment, ...] = ()  #: that make up all rows; none if they are in any order
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
            yield self._block(rows)

    def segmented_blocks(self, size: int) -> Iterator[Block]:
        """The same, each without the weights of the problem that its rows are excluded from."""
        start = 0
        for n_rows, excluded_problem in self.segments or (Segment(self.n_samples, None),):
            for rows in row_slices(start + n_rows, size, start):
                block = self._block(rows, excluded_problem)
                yield block._replace(weights=block.drop_excluded(block.weights))
            start += n_rows

    def _block(self, rows: slice, excluded_problem: int | None = None) -> Block:
        X = namespace(self.X).astype(self.X[rows, ...], self.dtype, copy=False)
        weights = self.weights[:, None, rows]
        return Block(rows, X, self.targets[..., rows], weights, excluded_problem)

    def sort_by_segment(self, order: Array, segments: tuple[Segment, ...]) -> ArrayRows:
        """The rows in another order, so that those that a problem does not see lie together."""
        return self.subsample(order)._replace(segments=segments)

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
        return self._replace(X=X, targets=targets, weights=weights, segments=())

    def strided(self, stride: int) -> ArrayRows:
        """Every stride-th row as a source of its own, weighing `stride` times as much."""
        if stride == 1:
            return self
        X, targets = self.X[::stride, ...], self.targets[..., ::stride]
        weights = self.weights[:, ::stride] * stride
        return self._replace(X=X, targets=targets, weights=weights, segments=())

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
        if len(problems) == 1:  # no problem would be left in its own segment
            return self._replace(weights=weights, segments=())
        now: dict[int | None, int] = {k: row for row, k in enumerate(problems)}
        segments = tuple(
            segment._replace(excluded_problem=now.get(segment.excluded_problem))
            for segment in self.segments
        )
        return self._replace(weights=weights, segments=segments)
