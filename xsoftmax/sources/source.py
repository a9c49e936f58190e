"""What a source of rows offers, and nothing else is asked of any.

Values and gradients are sums over the blocks of all rows. All that is known of curvature, starts
and scales comes from the few rows that `take` gathers in memory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..arrays import Array

#: An array (n_samples, n_features), or a source of such rows.
RowsLike = Any


class RowSource(ABC):
    """Rows (n_samples, n_features) of real numbers.

    A source counts as an array of the library and on the device of `like`: ``namespace(source)``
    and ``device(source)`` are those of its blocks.
    """

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """(n_samples, n_features)."""

    @property
    @abstractmethod
    def dtype(self) -> Any:
        """That of its blocks."""

    @property
    @abstractmethod
    def like(self) -> Array:
        """An array of the library, and on the device, in which blocks come."""

    @abstractmethod
    def blocks(self, size: int) -> Iterator[tuple[slice, Any]]:
        """All rows in order, at most `size` at a time, and where they are among all."""

    @abstractmethod
    def take(self, indices: Array) -> Any:
        """The rows at `indices`, gathered in memory."""

    @abstractmethod
    def fingerprint(self) -> Any:
        """What tells these rows from others, of JSON."""

    @property
    def ndim(self) -> int:
        """Of a matrix."""
        return 2

    @property
    def is_in_memory(self) -> bool:
        """Whether all rows are arrays in memory, of which a part costs next to nothing."""
        return False

    @property
    def has_random_access(self) -> bool:
        """Whether few rows here and there cost little more than as many in order."""
        return True

    @property
    def has_samples_in_place(self) -> bool:
        """Whether a part of the rows is gathered where they lie, and costs no memory here."""
        return self.has_random_access

    @property
    def row_values(self) -> int:
        """How many values of a row a product reads."""
        return self.shape[1]

    @property
    def n_readers(self) -> int:
        """Threads that read and expand blocks while others are computed with."""
        return 0

    def describe(self) -> str:
        """What it is, in words, for messages."""
        return f"{type(self).__name__} of shape {self.shape} ({self.dtype})"


def unwrapped(source: RowSource) -> tuple[RowSource, list[Mapped]]:
    """What rows come from before they are changed, and the changes in order."""
    changes: list[Mapped] = []
    while isinstance(source, Mapped):
        changes.insert(0, source)
        source = source.source
    return source, changes


def is_source(X: Any) -> bool:
    """Whether X is a source of rows that is no array."""
    return isinstance(X, RowSource)


@dataclass(frozen=True)
class Mapped(RowSource):
    """Rows of another source, of which each block is changed as it comes."""

    source: RowSource
    change: Callable[[Any], Any]  #: of a block (n_samples, n_features), to as many rows
    n_features: int
    changed_dtype: Any

    @property
    def shape(self) -> tuple[int, int]:
        """Of the changed rows."""
        return self.source.shape[0], self.n_features

    @property
    def dtype(self) -> Any:
        """That of the changed rows."""
        return self.changed_dtype

    @property
    def like(self) -> Array:
        """That of the source."""
        return self.source.like

    @property
    def row_values(self) -> int:
        """Those of the source."""
        return min(self.n_features, self.source.row_values)

    @property
    def has_random_access(self) -> bool:
        """As the source."""
        return self.source.has_random_access

    @property
    def has_samples_in_place(self) -> bool:
        """As the source."""
        return self.source.has_samples_in_place

    @property
    def n_readers(self) -> int:
        """Those of the source."""
        return self.source.n_readers

    def fingerprint(self) -> Any:
        """That of the source."""
        return self.source.fingerprint()

    def blocks(self, size: int) -> Iterator[tuple[slice, Any]]:
        """Those of the source, changed."""
        for rows, X in self.source.blocks(size):
            yield rows, self.change(X)

    def take(self, indices: Array) -> Any:
        """Those of the source, changed."""
        taken = self.source.take(indices)
        is_elsewhere = isinstance(taken, RowSource) and not taken.has_random_access
        return replace(self, source=taken) if is_elsewhere else self.change(taken)
