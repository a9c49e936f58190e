"""Rows with what each should become and what it weighs, block by block.

Blocks are already in the dtype to compute in. Values and gradients are sums over the blocks of all
rows; curvature, starts and scales are made from the few rows that `subsample` gathers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial, reduce
from typing import Any, NamedTuple, TypeVar

from ..arrays import Array, indices_from_host, namespace
from ..sources import (
    ClusterRows,
    Mapped,
    Part,
    RowsLike,
    RowSource,
    as_source,
    current_checkpoint,
    in_dtype,
    is_source,
    unwrapped,
)
from .features import median_of_some_rows

Parts = TypeVar("Parts")  #: what a function makes of a block of rows


class Block(NamedTuple):
    """Some rows, and what each should become. See `Rows`."""

    span: slice  #: where they are among all
    X: Any  #: (n_samples, n_features), or None once they are not needed
    targets: Array  #: labels (n_problems or 1, n_samples), or probabilities of each class
    weights: Array  #: (n_problems or 1, 1, n_samples)
    offset: Array | None  #: (n_problems or 1, n_logits, n_samples)


class Rows(NamedTuple):
    """Rows of any source, shared by all problems.

    X may be stored in any real dtype; `dtype` is what its blocks are expanded to. Targets, weights
    and offsets may be one for all problems or one for each. So folds are made: a sample that a
    problem must not see weighs nothing there. An offset is added to the logits.
    """

    X: RowsLike  #: (n_samples, n_features)
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
    #: Of rows on a cluster: what `select` was asked of, and for which problems.
    whole: Any = None
    problems: tuple[int, ...] | None = None

    @property
    def n_samples(self) -> int:
        """How many rows there are."""
        n_rows: int = self.X.shape[0]
        return n_rows

    @property
    def source(self) -> RowSource:
        """Where X comes from."""
        return as_source(self.X)

    @property
    def are_gathered(self) -> bool:
        """Whether X is one array, of which curvature can be made."""
        return not is_source(self.X)

    @property
    def are_remote(self) -> bool:
        """Whether the rows lie on a cluster, and functions go to them."""
        return isinstance(unwrapped(self.source)[0], ClusterRows)

    def take(self, indices: Array) -> Any:
        """Rows of X, in memory."""
        return self.source.take(indices)

    def block_size(self, size: int) -> int:
        """`size` rows, or as many as a block may have."""
        return size if self.max_block_rows is None else min(size, self.max_block_rows)

    def blocks(self, size: int) -> Iterator[Block]:
        """All rows in order, at most `size` at a time."""
        for rows, some in self.source.blocks(size):
            X = in_dtype(some, self.dtype)
            offset: Any = self.offset
            if offset is not None:
                offset = offset[..., rows]
            yield Block(rows, X, self.targets[..., rows], self.weights[:, None, rows], offset)

    def reduce(
        self,
        function: Callable[[Block], Parts],
        combine: Callable[[Parts, Parts], Parts],
        size: int,
    ) -> Parts:
        """What `function` makes of all blocks, of at most `size` rows, combined in order.

        Of rows on a cluster both go to the workers, and are pickled. Where there is a checkpoint,
        it keeps the result.
        """
        checkpoint = current_checkpoint()
        if checkpoint is None:
            return self._reduced(function, combine, size)
        compute = partial(self._reduced, function, combine, size)
        function_of: Any = function
        known: Parts = checkpoint.remembered(
            compute, function_of.func.__name__, function_of.args, self.n_samples, self.problems
        )
        return known

    def _reduced(
        self,
        function: Callable[[Block], Parts],
        combine: Callable[[Parts, Parts], Parts],
        size: int,
    ) -> Parts:
        source, changes = unwrapped(self.source)
        if isinstance(source, ClusterRows):
            whole = self.whole or self
            known = whole.targets, whole.weights, whole.offset
            kept = source.kept(tuple(map(id, known)), known, lambda group: Part.of(group, *known))
            to_workers = [(each.change, each.n_features, each.changed_dtype) for each in changes]
            asked = function, combine, size, self.problems, to_workers
            of_groups: list[Parts] = source.run(_reduced, *asked, kept=kept)
            return reduce(combine, of_groups)
        return reduce(combine, map(function, self.blocks(size)))

    def subsample(self, indices: Array) -> Rows:
        """The rows at `indices` as a source of their own.

        Weights grow by n_samples / n_indices, so that a sum over a random sample is an unbiased
        estimate of the sum over all rows, however uneven the weights are.
        """
        return self.subsample_weighted(indices, self.n_samples / indices.shape[0])

    def subsample_weighted(self, indices: Array, factor: float | Array) -> Rows:
        """The rows at `indices`, weighing `factor` times as much, as a source of their own."""
        xp, X = namespace(self.weights), self.take(indices)
        if X.dtype == xp.float64:  # never to more bytes than it came with
            X = in_dtype(X, self.dtype)
        some = self._of_rows(lambda x: xp.take(x, indices, axis=x.ndim - 1))
        return some._replace(X=X, weights=some.weights * factor)

    def strided(self, stride: int) -> Rows:
        """Every stride-th row of an array, weighing `stride` times as much."""
        if stride == 1:
            return self
        some = self._of_rows(lambda x: x[..., ::stride])
        return some._replace(X=self.X[::stride, ...], weights=some.weights * stride)

    def _of_rows(self, pick: Callable[[Array], Array]) -> Rows:
        """With what `pick` takes along the last axis of all that rows have besides X."""
        targets, weights, offset = pick(self.targets), pick(self.weights), self.offset
        if offset is not None:
            offset = pick(offset)
        known = {"targets": targets, "weights": weights, "offset": offset}
        return self._replace(**known, whole=None, problems=None)

    def centered(self) -> Rows:
        """The same rows, whose center is the median of a few of them."""
        return self._replace(center=median_of_some_rows(self.X, self.dtype))

    def subtract_center(self, X: Any) -> Any:
        """X (n_samples, n_features), some of the rows, seen from the center."""
        return X if self.center is None else X - self.center

    def to_float32(self) -> Rows | None:
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
            whole=self.whole and self.whole.to_float32(),
        )

    def select(self, problems: Sequence[int]) -> Rows:
        """The same rows for only some of the problems."""
        indices = indices_from_host(problems, like=self.weights)

        def some(x: Array | None) -> Array | None:
            is_of_problems = x is not None and x.shape[0] > 1
            return namespace(x).take(x, indices, axis=0) if is_of_problems else x

        of_some = self._replace(
            targets=some(self.targets), weights=some(self.weights), offset=some(self.offset)
        )
        if not self.are_remote:
            return of_some
        known = range(self.weights.shape[0]) if self.problems is None else self.problems
        are_shared = self.weights.shape[0] == 1 == self.targets.shape[0]
        chosen = None if are_shared else tuple(known[k] for k in problems)
        return of_some._replace(whole=self.whole or self, problems=chosen)


def _reduced(
    X: RowSource,
    part: Part,
    function: Callable[[Block], Parts],
    combine: Callable[[Parts, Parts], Parts],
    size: int,
    problems: tuple[int, ...] | None,
    changes: Sequence[tuple[Callable[[Any], Any], int, Any]],
) -> Parts:
    """`Rows.reduce` of a group of rows, on its worker."""
    targets, weights, offset = part.arrays(X)
    for change in changes:
        X = Mapped(X, *change)
    rows = Rows(X, targets, weights, weights.dtype, offset)
    if problems is not None:
        rows = rows.select(problems)
    return reduce(combine, map(function, rows.blocks(size)))


def added(x: tuple[Array, ...], y: tuple[Array, ...]) -> tuple[Array, ...]:
    """The sums of arrays."""
    return tuple(a + b for a, b in zip(x, y, strict=True))
