"""Rows in memory: one array, or several, one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from ..arrays import Array, block_values, compute_dtype, describe_array, namespace, row_slices
from .checkpoint import digest
from .source import RowSource
from .sparse import SparseRows, dense

#: Values of an array that are all hashed, in about a second.
MOST_HASHED = 1 << 28


@dataclass(frozen=True)
class MemoryRows(RowSource):
    """An array (n_samples, n_features), in any real dtype."""

    X: Array

    @property
    def shape(self) -> tuple[int, int]:
        """That of the array."""
        n_samples, n_features = self.X.shape
        return n_samples, n_features

    @property
    def dtype(self) -> Any:
        """That of the array."""
        return self.X.dtype

    @property
    def like(self) -> Array:
        """The array."""
        return self.X

    @property
    def is_in_memory(self) -> bool:
        """True."""
        return True

    def blocks(self, size: int) -> Iterator[tuple[slice, Any]]:
        """Views of the array."""
        for rows in row_slices(self.X.shape[0], size):
            yield rows, self.X[rows, ...]

    def take(self, indices: Array) -> Array:
        """A copy of these rows."""
        return namespace(self.X).take(self.X, indices, axis=0)

    def fingerprint(self) -> Any:
        """Shape, dtype and a hash; of very many values, of some and of the sums of all."""
        X, xp = self.X, namespace(self.X)
        known: tuple[Array, ...] = (X,)
        if X.shape[0] * X.shape[1] > MOST_HASHED:
            known = X[:: 1 + X.shape[0] // 4096, ...], xp.sum(X, axis=0, dtype=compute_dtype(X))
        return [list(self.shape), str(X.dtype), digest(known)]

    def describe(self) -> str:
        """Shape, dtype, size and place."""
        return describe_array(self.X)


def in_dtype_of(rows: RowSource, X: Array) -> Array:
    """An array in the dtype that rows are computed in."""
    return namespace(X).astype(X, compute_dtype(rows), copy=False)


@dataclass(frozen=True)
class Stacked(RowSource):
    """Rows of several sources, one after the other, as if they were one."""

    parts: Sequence[RowSource]

    @property
    def shape(self) -> tuple[int, int]:
        """Of all rows."""
        return sum(part.shape[0] for part in self.parts), self.parts[0].shape[1]

    @property
    def dtype(self) -> Any:
        """One in which blocks of all parts can be computed."""
        dtypes = [part.dtype for part in self.parts]
        if all(dtype == dtypes[0] for dtype in dtypes):
            return dtypes[0]
        return namespace(self).result_type(*map(compute_dtype, self.parts))

    @property
    def like(self) -> Array:
        """That of the first part."""
        return self.parts[0].like

    @property
    def is_in_memory(self) -> bool:
        """Whether all parts are."""
        return all(part.is_in_memory for part in self.parts)

    @property
    def has_random_access(self) -> bool:
        """Whether all parts have."""
        return all(part.has_random_access for part in self.parts)

    @property
    def n_readers(self) -> int:
        """Those of the part that has most."""
        return max(part.n_readers for part in self.parts)

    @property
    def row_values(self) -> int:
        """Those of the part whose rows have most."""
        return max(part.row_values for part in self.parts)

    @property
    def starts(self) -> list[int]:
        """Where each part begins."""
        return [0, *accumulate(part.shape[0] for part in self.parts[:-1])]

    def blocks(self, size: int) -> Iterator[tuple[slice, Any]]:
        """Those of each part after others."""
        for start, part in zip(self.starts, self.parts, strict=True):
            for rows, X in part.blocks(size):
                yield slice(start + rows.start, start + rows.stop), X

    def take(self, indices: Array) -> Array:
        """The rows in one array, of one dtype."""
        if all(isinstance(part, SparseRows) for part in self.parts):
            return self._take_sparse(indices)
        if indices.shape[0] == 0:
            return in_dtype_of(self, dense(self.parts[0].take(indices)))
        size = max(1, block_values(self.like) // self.shape[1])
        found = [self._taken(indices[rows]) for rows in row_slices(indices.shape[0], size)]
        return namespace(indices).concat(found)

    def _taken(self, indices: Array) -> Array:
        """So few rows that one copy for each part does not matter."""
        xp, chosen, dtype = namespace(indices), 0.0, compute_dtype(self)
        for start, part in zip(self.starts, self.parts, strict=True):
            local = indices - start
            is_here = (local >= 0) & (local < part.shape[0])
            some = dense(part.take(xp.where(is_here, local, 0)))
            chosen = chosen + xp.where(is_here[:, None], xp.astype(some, dtype), 0.0)
        return chosen

    def _take_sparse(self, indices: Array) -> SparseRows:
        """The rows of each part after others, and then in the order of the indices."""
        xp, found, places = namespace(indices), [], []
        for start, part in zip(self.starts, self.parts, strict=True):
            is_here = (indices >= start) & (indices < start + part.shape[0])
            here = xp.nonzero(is_here)[0]
            found.append(part.take(xp.take(indices, here) - start))
            places.append(here)
        return SparseRows.concat(found).take(xp.argsort(xp.concat(places)))

    def fingerprint(self) -> Any:
        """Those of all parts."""
        return [part.fingerprint() for part in self.parts]

    def describe(self) -> str:
        """That of each part."""
        return " and ".join(part.describe() for part in self.parts)
