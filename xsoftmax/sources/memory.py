"""Rows in memory: one array, or several, one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from ..arrays import (
    Array,
    compute_dtype,
    describe_array,
    indices_from_host,
    namespace,
    row_slices,
    to_host,
)
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

    def take(self, indices: Array) -> Any:
        """The rows in one array of one dtype, or sparse if all parts are."""
        xp, wanted = namespace(self), to_host(indices)
        found: list[Any] = []
        places: list[np.ndarray] = []
        for start, part in zip(self.starts, self.parts, strict=True):
            here = np.flatnonzero((wanted >= start) & (wanted < start + part.shape[0]))
            found.append(part.take(indices_from_host(wanted[here] - start, like=self.like)))
            places.append(here)
        back = indices_from_host(np.argsort(np.concatenate(places)), like=self.like)
        if all(isinstance(some, SparseRows) for some in found):
            return SparseRows.concat(found).take(back)
        dtype = compute_dtype(self)
        rows = [xp.astype(dense(some), dtype, copy=False) for some in found]
        return xp.take(xp.concat(rows), back, axis=0)

    def fingerprint(self) -> Any:
        """Those of all parts."""
        return [part.fingerprint() for part in self.parts]

    def describe(self) -> str:
        """That of each part."""
        return " and ".join(part.describe() for part in self.parts)
