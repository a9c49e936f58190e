"""Where samples come from, block by block.

A source of rows knows how many there are, yields them in blocks that are already in the dtype to
compute in, and can gather a minibatch. Everything above is a sum over blocks, so whatever offers
`blocks` and `sample` (arrays in memory here) can be trained on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..arrays import Array, indices_from_host, namespace, row_slices
from .features import center


class Block(NamedTuple):
    """Some rows, and what each should become."""

    span: slice  #: where they are among all
    X: Array  #: (n_samples, n_features), or None once they are not needed
    targets: Array  #: labels (n_samples,), or probabilities (n_classes, n_samples)
    weights: Array  #: (1 or those problems that see the rows, 1, n_samples)
    blind: int | None = None  #: the problem that does not see them, if there is one

    def of_seeing(self, x: Array) -> Array:
        """x (n_problems, ...) of the problems that see these rows."""
        if self.blind is None:
            return x
        return namespace(x).concat([x[: self.blind, ...], x[self.blind + 1 :, ...]])

    def of_all(self, x: Array) -> Array:
        """x of the problems that see these rows, and 0 for the one that does not."""
        if self.blind is None:
            return x
        xp, k = namespace(x), self.blind
        return xp.concat([x[:k, ...], xp.zeros_like(x[:1, ...]), x[k:, ...]])


class Part(NamedTuple):
    """Consecutive rows."""

    n_rows: int
    blind: int | None  #: the problem in which they weigh nothing, if there is one


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
    most: int | None = None  #: rows that a block may have, where memory is short
    parts: tuple[Part, ...] = ()  #: that make up all rows; none if they are in any order
    #: (n_features,), about where the rows lie, if that may be seen as 0: intercepts make up for it
    middle: Array | None = None
    is_plain: bool = True  #: whether no cell is large: see `Features`
    fits_single: bool = True  #: whether single precision tells the rows apart

    @property
    def n_samples(self) -> int:
        """How many rows there are."""
        return self.X.shape[0]

    def block_size(self, size: int) -> int:
        """`size` rows, or as many as a block may have."""
        return size if self.most is None else min(size, self.most)

    def blocks(self, size: int) -> Iterator[Block]:
        """All rows in order, at most `size` at a time."""
        for rows in row_slices(self.n_samples, size):
            yield self._block(rows)

    def seen_blocks(self, size: int) -> Iterator[Block]:
        """The same, each with the weights of the problems that see it."""
        start = 0
        for n_rows, blind in self.parts or (Part(self.n_samples, None),):
            for rows in row_slices(start + n_rows, size, start):
                block = self._block(rows, blind)
                yield block._replace(weights=block.of_seeing(block.weights))
            start += n_rows

    def _block(self, rows: slice, blind: int | None = None) -> Block:
        X = namespace(self.X).astype(self.X[rows, ...], self.dtype, copy=False)
        return Block(rows, X, self.targets[..., rows], self.weights[:, None, rows], blind)

    def in_parts(self, order: Array, parts: tuple[Part, ...]) -> ArrayRows:
        """The rows in another order, so that those that a problem does not see lie together."""
        return self.sample(order)._replace(parts=parts)

    def sample(self, indices: Array) -> ArrayRows:
        """The rows at `indices` as a source of their own.

        Weights grow by n_samples / n_indices, so that a sum over a random sample is an unbiased
        estimate of the sum over all rows, however uneven the weights are.
        """
        return self.weighted(indices, self.n_samples / indices.shape[0])

    def weighted(self, indices: Array, factor: float | Array) -> ArrayRows:
        """The rows at `indices`, weighing `factor` times as much, as a source of their own."""
        xp = namespace(self.X)
        weights = xp.take(self.weights, indices, axis=1) * factor
        targets = xp.take(self.targets, indices, axis=self.targets.ndim - 1)
        X = xp.take(self.X, indices, axis=0)
        if X.dtype == xp.float64:  # never to more bytes than it came with
            X = xp.astype(X, self.dtype, copy=False)
        return self._replace(X=X, targets=targets, weights=weights, parts=())

    def every(self, stride: int) -> ArrayRows:
        """Every stride-th row as a source of its own, weighing `stride` times as much."""
        if stride == 1:
            return self
        X, targets = self.X[::stride, ...], self.targets[..., ::stride]
        weights = self.weights[:, ::stride] * stride
        return self._replace(X=X, targets=targets, weights=weights, parts=())

    def around_middle(self) -> ArrayRows:
        """The same rows, seen from the median of a few of them."""
        return self._replace(middle=center(self.X, self.dtype))

    def from_middle(self, X: Array) -> Array:
        """X (n_samples, n_features), some of the rows, without what rounding would take from it."""
        return X if self.middle is None else X - self.middle

    def in_single(self) -> ArrayRows | None:
        """The same rows read in single precision, unless that blurs what tells them apart."""
        xp, targets, middle = namespace(self.X), self.targets, self.middle
        if not self.fits_single:
            return None
        if targets.ndim > 1:
            targets = xp.astype(targets, xp.float32)
        if middle is not None:
            middle = xp.astype(middle, xp.float32)
        weights = xp.astype(self.weights, xp.float32)
        return self._replace(targets=targets, weights=weights, dtype=xp.float32, middle=middle)

    def take(self, problems: Sequence[int]) -> ArrayRows:
        """The same rows for only some of the problems."""
        if self.weights.shape[0] == 1:
            return self
        indices = indices_from_host(problems, like=self.weights)
        weights = namespace(self.weights).take(self.weights, indices, axis=0)
        if len(problems) == 1:  # which would see nothing of its own part
            return self._replace(weights=weights, parts=())
        now: dict[int | None, int] = {k: row for row, k in enumerate(problems)}
        parts = tuple(part._replace(blind=now.get(part.blind)) for part in self.parts)
        return self._replace(weights=weights, parts=parts)
