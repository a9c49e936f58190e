"""Where samples come from, block by block.

A source of rows knows how many there are, yields them in blocks that are already in the dtype to
compute in, and can gather some of them. Values and gradients are sums over blocks of all rows;
curvature, starts and scales are made from the few rows that `subsample` gathers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from ..arrays import Array, indices_from_host, namespace, row_slices
from .features import median_of_some_rows


class Block(NamedTuple):
    """Some rows, and what each should become. See `ArrayRows`."""

    span: slice  #: where they are among all
    X: Array  #: (n_samples, n_features), or None once they are not needed
    targets: Array  #: labels (n_problems or 1, n_samples), or probabilities of each class
    weights: Array  #: (n_problems or 1, 1, n_samples)
    offset: Array | None  #: (n_problems or 1, n_logits, n_samples)


class Stacked(NamedTuple):
    """Rows that lie in several arrays, one after the other, as if they were one."""

    parts: tuple[Array, ...]  #: (n_samples, n_features) each

    @property
    def shape(self) -> tuple[int, int]:
        """Of all rows."""
        return sum(part.shape[0] for part in self.parts), self.parts[0].shape[1]

    @property
    def starts(self) -> list[int]:
        """Where each part begins."""
        return [0, *accumulate(part.shape[0] for part in self.parts[:-1])]


class ArrayRows(NamedTuple):
    """Rows in memory, shared by all problems.

    X may be stored in any real dtype; `dtype` is what its blocks are expanded to. Targets, weights
    and offsets may be one for all problems or one for each. So folds are made: a sample that a
    problem must not see weighs nothing there. An offset is added to the logits.
    """

    X: Array | Stacked  #: (n_samples, n_features)
    #: (n_problems or 1, n_samples) labels, or (n_problems or 1, n_classes, n_samples) probabilities
    targets: Array
    weights: Array  #: (n_problems or 1, n_samples), summing to 1 over the samples
    dtype: Any
    offset: Array | None = None  #: (n_problems or 1, n_logits, n_samples)
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

    @property
    def parts(self) -> tuple[Array, ...]:
        """The arrays that X is made of."""
        return self.X.parts if isinstance(self.X, Stacked) else (self.X,)

    def _slices(self, size: int) -> Iterator[tuple[slice, Array]]:
        """At most `size` rows of X after others, and where they are among all."""
        start = 0
        for part in self.parts:
            for rows in row_slices(part.shape[0], size):
                yield slice(start + rows.start, start + rows.stop), part[rows, ...]
            start += part.shape[0]

    def take(self, indices: Array) -> Array:
        """Rows of X; in one dtype if they lie in several arrays."""
        if not isinstance(self.X, Stacked):
            return namespace(self.X).take(self.X, indices, axis=0)
        xp, chosen = namespace(indices), 0.0
        for start, part in zip(self.X.starts, self.X.parts, strict=True):
            local = indices - start
            is_here = (local >= 0) & (local < part.shape[0])
            some = xp.take(part, xp.where(is_here, local, 0), axis=0)
            chosen = chosen + xp.where(is_here[:, None], xp.astype(some, self.dtype), 0.0)
        return chosen

    def block_size(self, size: int) -> int:
        """`size` rows, or as many as a block may have."""
        return size if self.max_block_rows is None else min(size, self.max_block_rows)

    def blocks(self, size: int) -> Iterator[Block]:
        """All rows in order, at most `size` at a time."""
        for rows, some in self._slices(size):
            X = namespace(some).astype(some, self.dtype, copy=False)
            offset: Any = self.offset
            if offset is not None:
                offset = offset[..., rows]
            yield Block(rows, X, self.targets[..., rows], self.weights[:, None, rows], offset)

    def subsample(self, indices: Array) -> ArrayRows:
        """The rows at `indices` as a source of their own.

        Weights grow by n_samples / n_indices, so that a sum over a random sample is an unbiased
        estimate of the sum over all rows, however uneven the weights are.
        """
        return self.subsample_weighted(indices, self.n_samples / indices.shape[0])

    def subsample_weighted(self, indices: Array, factor: float | Array) -> ArrayRows:
        """The rows at `indices`, weighing `factor` times as much, as a source of their own."""
        xp, X = namespace(self.weights), self.take(indices)
        if X.dtype == xp.float64:  # never to more bytes than it came with
            X = xp.astype(X, self.dtype, copy=False)
        some = self._of_rows(lambda x: xp.take(x, indices, axis=x.ndim - 1))
        return some._replace(X=X, weights=some.weights * factor)

    def strided(self, stride: int) -> ArrayRows:
        """Every stride-th row as a source of its own, weighing `stride` times as much."""
        if stride == 1:
            return self
        some = self._of_rows(lambda x: x[..., ::stride])
        if isinstance(self.X, Stacked):
            places = zip(self.X.starts, self.X.parts, strict=True)
            X: Any = Stacked(tuple(part[-start % stride :: stride, ...] for start, part in places))
        else:
            X = self.X[::stride, ...]
        return some._replace(X=X, weights=some.weights * stride)

    def _of_rows(self, pick: Callable[[Array], Array]) -> ArrayRows:
        """With what `pick` takes along the last axis of all that rows have besides X."""
        targets, weights, offset = pick(self.targets), pick(self.weights), self.offset
        if offset is not None:
            offset = pick(offset)
        return self._replace(targets=targets, weights=weights, offset=offset)

    def centered(self) -> ArrayRows:
        """The same rows, whose center is the median of a few of them."""
        return self._replace(center=median_of_some_rows(self.parts[0], self.dtype))

    def in_one_array(self) -> Array:
        """X, in one dtype if it lies in several arrays."""
        if not isinstance(self.X, Stacked):
            return self.X
        parts = [namespace(part).astype(part, self.dtype, copy=False) for part in self.X.parts]
        return namespace(*parts).concat(parts)

    def subtract_center(self, X: Array) -> Array:
        """X (n_samples, n_features), some of the rows, seen from the center."""
        return X if self.center is None else X - self.center

    def to_float32(self) -> ArrayRows | None:
        """The same rows read in single precision, unless that blurs what tells them apart."""
        xp = namespace(self.weights)
        if not self.fits_float32:
            return None

        def single(x: Array | None) -> Array | None:
            is_real = x is not None and xp.isdtype(x.dtype, "real floating")
            return xp.astype(x, xp.float32) if is_real else x

        return self._replace(
            targets=single(self.targets),
            weights=single(self.weights),
            offset=single(self.offset),
            center=single(self.center),
            dtype=xp.float32,
        )

    def select(self, problems: Sequence[int]) -> ArrayRows:
        """The same rows for only some of the problems."""
        indices = indices_from_host(problems, like=self.weights)

        def some(x: Array | None) -> Array | None:
            is_of_problems = x is not None and x.shape[0] > 1
            return namespace(x).take(x, indices, axis=0) if is_of_problems else x

        return self._replace(
            targets=some(self.targets), weights=some(self.weights), offset=some(self.offset)
        )
