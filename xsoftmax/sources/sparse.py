"""Sparse rows, and the products of rows that a model needs, sparse or not.

Nothing of the size n_samples x n_features becomes dense. Seen from a center c, rows X - 1 c' have
the products

    W (X - 1 c')' = W X' - (W c) 1'        Z (X - 1 c') = Z X - (Z 1) c'
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Self

from ..arrays import Array, namespace, row_slices
from .checkpoint import digest
from .source import RowSource


@dataclass(frozen=True)
class SparseRows(RowSource):
    """A CSR matrix of SciPy or CuPy, seen from a center; a block of such rows is one too."""

    matrix: Any  #: (n_samples, n_features), in CSR
    center: Array | None = None  #: (n_features,)

    @property
    def shape(self) -> tuple[int, int]:
        """That of the matrix."""
        n_samples, n_features = self.matrix.shape
        return n_samples, n_features

    @property
    def dtype(self) -> Any:
        """That of the matrix."""
        return self.matrix.dtype

    @property
    def like(self) -> Array:
        """The values that are not zero."""
        return self.matrix.data

    @property
    def row_values(self) -> int:
        """The mean number of values that are not zero."""
        return 1 + self.like.shape[0] // max(1, self.shape[0])

    def blocks(self, size: int) -> Iterator[tuple[slice, SparseRows]]:
        """Views of some rows after others."""
        for rows in row_slices(self.shape[0], size):
            yield rows, self[rows]

    def __getitem__(self, rows: slice) -> SparseRows:
        """Consecutive rows, which share the memory of all."""
        start, stop, _ = rows.indices(self.shape[0])
        if stop - start == self.shape[0]:
            return self
        starts = self.matrix.indptr[start : stop + 1]
        first, last = int(starts[0]), int(starts[-1])
        some = type(self.matrix)((stop - start, self.shape[1]), dtype=self.dtype)
        # As a constructor's arguments they would be checked, and copied.
        some.data, some.indices = self.matrix.data[first:last], self.matrix.indices[first:last]
        some.indptr = starts - first
        return replace(self, matrix=some)

    def take(self, indices: Array) -> SparseRows:
        """A copy of these rows, sparse too."""
        return replace(self, matrix=self.matrix[indices])

    @classmethod
    def concat(cls, parts: Sequence[SparseRows]) -> SparseRows:
        """The rows of all parts, one after the other, seen from the center of the first."""
        xp, matrices = namespace(parts[0].like), [part.matrix for part in parts]
        starts = [0, *accumulate(m.data.shape[0] for m in matrices)]
        ends = [xp.astype(m.indptr[1:], xp.int64, copy=False) for m in matrices]
        counts = [m + start for m, start in zip(ends, starts, strict=False)]
        indptr = xp.concat([0 * counts[0][:1], *counts])
        data = xp.concat([m.data for m in matrices])
        given = data, xp.concat([m.indices for m in matrices]), indptr
        shape = sum(m.shape[0] for m in matrices), matrices[0].shape[1]
        return cls(type(matrices[0])(given, shape=shape), parts[0].center)

    def fingerprint(self) -> Any:
        """Shape, dtype, and a hash of all values and where they are."""
        m = self.matrix
        return [list(self.shape), str(self.dtype), digest((m.data, m.indices, m.indptr))]

    def columns(self, indices: Array) -> SparseRows:
        """A copy of these features."""
        center = self.center
        if center is not None:
            center = namespace(center).take(center, indices)
        return SparseRows(self.matrix[:, indices], center)

    def astype(self, dtype: Any) -> SparseRows:
        """The same in another dtype."""
        if self.dtype == dtype:
            return self
        center = self.center
        if center is not None:
            center = namespace(center).astype(center, dtype)
        return SparseRows(self.matrix.astype(dtype), center)

    def __sub__(self, center: Array) -> Self:
        """The rows from a center (n_features,)."""
        return replace(self, center=center if self.center is None else self.center + center)

    def __mul__(self, factor: float) -> Self:
        """All values times a number."""
        center = None if self.center is None else self.center * factor
        return replace(self, matrix=self.matrix * factor, center=center)

    def extremes(self) -> tuple[Array, Array]:
        """(n_features,): the smallest and the largest value of each feature."""
        found = self.matrix.min(axis=0), self.matrix.max(axis=0)  # sparse too
        low, high = (namespace(self.like).reshape(x.toarray(), (-1,)) for x in found)
        return (low, high) if self.center is None else (low - self.center, high - self.center)

    def mean_sizes(self) -> tuple[Array, Array]:
        """(n_features,): how many values are not zero, and the geometric mean of their sizes."""
        xp, data = namespace(self.like), self.like
        is_there = data != 0
        sizes = xp.log(xp.where(is_there, xp.abs(data), 1))
        counts, logs = (self._sums(x) for x in (xp.astype(is_there, sizes.dtype), sizes))
        return counts, xp.where(counts > 0, xp.exp(logs / xp.where(counts > 0, counts, 1.0)), 0.0)

    def _sums(self, data: Array) -> Array:
        """(n_features,): sums of `data`, one number for each value that is not zero."""
        xp, m = namespace(data), self.matrix
        matrix = type(m)((data, m.indices, m.indptr), shape=m.shape)
        return xp.reshape(xp.asarray(matrix.sum(axis=0)), (-1,))

    def dense(self) -> Array:
        """(n_samples, n_features): of few rows."""
        X = self.matrix.toarray()
        return X if self.center is None else X - self.center

    def product(self, W: Array) -> Array:
        """W X' (k, n_samples), of W (k, n_features)."""
        Z = _in_rows((self.matrix @ W.T).T)
        if self.center is not None:
            Z -= namespace(W).matmul(W, self.center)[:, None]
        return Z

    def outer(self, Z: Array) -> Array:
        """Z X (k, n_features), of Z (k, n_samples)."""
        product = _in_rows((self.matrix.T @ Z.T).T)
        if self.center is not None:
            product -= namespace(Z).sum(Z, axis=1)[:, None] * self.center
        return product

    def squares_outer(self, Z: Array) -> Array:
        """Z X^2 (k, n_features), with the squares of each value."""
        squares = SparseRows(self.matrix.multiply(self.matrix).tocsr()).outer(Z)
        if self.center is None:
            return squares
        c, mass = self.center, namespace(Z).sum(Z, axis=1)[:, None]
        return squares - 2.0 * c * SparseRows(self.matrix).outer(Z) + mass * c * c


def _in_rows(x: Array) -> Array:
    """x (k, n) with each row in consecutive memory."""
    xp = namespace(x)
    return xp.reshape(xp.reshape(x, (-1,)), x.shape)


def is_sparse(X: Any) -> bool:
    """Whether X is a sparse matrix or array of SciPy or CuPy, neither of which is imported."""
    return type(X).__module__.startswith(("scipy.sparse", "cupyx.scipy.sparse"))


def dense(X: Any) -> Array:
    """Few rows (n_samples, n_features) as an array."""
    return X.dense() if isinstance(X, SparseRows) else X


def rows_product(W: Array, X: Any) -> Array:
    """W X' (k, n_samples), of W (k, n_features) and a block of rows X (n_samples, n_features)."""
    if isinstance(X, SparseRows):
        return X.product(W)
    return namespace(W).matmul(W, X.T)


def rows_outer(Z: Array, X: Any) -> Array:
    """Z X (k, n_features), of Z (k, n_samples) and a block of rows X (n_samples, n_features)."""
    return X.outer(Z) if isinstance(X, SparseRows) else namespace(Z).matmul(Z, X)


def squares_outer(Z: Array, X: Any) -> Array:
    """Z X^2 (k, n_features), with the squares of each value of a block of rows X."""
    return X.squares_outer(Z) if isinstance(X, SparseRows) else namespace(Z).matmul(Z, X * X)
