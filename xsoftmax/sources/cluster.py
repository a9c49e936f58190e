"""Rows on a cluster: chunks of a Dask array stay where they are, and functions go to them.

Chunks that lie on one worker are a group. A function of a group is one task, so that few, large
tasks cross the network: parameters down, sums up. Groups are made once and sums of groups are added
in their order, so that a result does not depend on where a group is computed after a worker died.
What is sent beside the parameters (labels, weights) is kept on the workers, as tasks of which Dask
knows how to make them again.
"""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from copy import copy
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, from_host, indices_from_host, is_array, namespace, row_slices, to_host
from .checkpoint import digest
from .memory import MemoryRows, Stacked
from .source import RowSource
from .sparse import SparseRows, dense, is_sparse

#: Values of rows that are brought here; more stay on their workers.
MOST_GATHERED = 1 << 24
#: Seconds after which a cluster without a worker is given up, and between looks at it.
PATIENCE, LOOK = 20.0, 1.0


class _Chunk(NamedTuple):
    """What a worker says of a chunk."""

    n_rows: int
    n_features: int
    dtype: str
    kind: str  #: of its dtype, as NumPy has it
    low: np.ndarray  #: (n_features,), of its values
    high: np.ndarray
    bad_row: int  #: the first that is not finite, or -1


class Group(NamedTuple):
    """Chunks that lay on one worker when the rows were looked at."""

    chunks: tuple[Any, ...]  #: futures
    rows: np.ndarray  #: (n_rows,), where they are among all


class Part(NamedTuple):
    """Targets, weights and offsets of the rows of a group, as they are sent: on the host."""

    targets: np.ndarray  #: labels (n, n_rows) in few bytes, or probabilities (n, n_classes, n_rows)
    weights: np.ndarray  #: (n, n_rows), or of one row if all weigh the same
    offset: np.ndarray | None
    dtype: str  #: of all that are no labels

    @classmethod
    def of(cls, group: Group, targets: Array, weights: Array, offset: Array | None) -> Part:
        """Those of a group, from those of all rows."""
        rows, of_all = group.rows, to_host(weights)
        labels, weights = to_host(targets)[..., rows], of_all[:, rows]
        if labels.dtype.kind in "iu":
            labels = labels.astype(np.min_scalar_type(int(labels.max(initial=0))))
        if weights.size and np.all(weights == weights[:, :1]):
            weights = weights[:, :1]
        added = None if offset is None else to_host(offset)[..., rows]
        return cls(labels, weights, added, of_all.dtype.name)

    def arrays(self, X: RowSource) -> tuple[Array, Array, Array | None]:
        """Targets, weights and offsets of the rows X, where these lie."""
        dtype = getattr(namespace(X), self.dtype)
        weights = np.broadcast_to(self.weights, (len(self.weights), X.shape[0]))
        if self.targets.dtype.kind in "iu":
            targets = indices_from_host(self.targets, like=X)
        else:
            targets = from_host(self.targets, like=X, dtype=dtype)
        offset = None if self.offset is None else from_host(self.offset, like=X, dtype=dtype)
        return targets, from_host(weights, like=X, dtype=dtype), offset


def is_dask(X: Any) -> bool:
    """Whether X is an array of Dask, which is not imported here."""
    return type(X).__module__.startswith("dask.array")


class ClusterRows(RowSource):
    """The rows of a Dask array, on the workers of the client that has them, or the current one.

    Raises
    ------
    RuntimeError
        If there is no client.
    ValueError
        If a chunk has other features than the others, or holds what is no finite number; the
        message names the chunk.
    """

    def __init__(self, X: Any) -> None:
        self.client = _client_of(X)
        if X.ndim != 2:
            raise ValueError(
                f"X must be 2-dimensional, (n_samples, n_features); got a Dask array of "
                f"{X.ndim} dimension(s)."
            )
        if X.numblocks[1] > 1:
            X = X.rechunk({1: -1})
        futures_of = importlib.import_module("distributed").futures_of
        self.persisted = self.client.persist(X)  # where the chunks are, if they are already
        keys = [key for (key,) in self.persisted.__dask_keys__()]
        known = {future.key: future for future in futures_of(self.persisted)}
        futures = [known[key] for key in keys]
        described = self._gathered([self.client.submit(_described, each) for each in futures])
        known_chunks = zip(futures, described, strict=True)
        self.chunks = [(future, chunk) for future, chunk in known_chunks if chunk.n_rows]
        _check_chunks(described)
        _, chunks = zip(*self.chunks, strict=True)
        self._shape = sum(chunk.n_rows for chunk in chunks), chunks[0].n_features
        self.low = np.min([chunk.low for chunk in chunks], axis=0)
        self.high = np.max([chunk.high for chunk in chunks], axis=0)
        dtype = np.result_type(*(np.dtype(chunk.dtype) for chunk in chunks))
        meta = X._meta if is_array(X._meta) else np.zeros(0)
        self._like = from_host(np.zeros((1, 1), dtype), like=meta)
        self.groups = self._grouped()
        self._kept: dict[Any, tuple[Any, list[Any]]] = {}
        self.is_sample = False
        self.n_rows_read = self.n_bytes_read = 0  #: by tasks so far, for a display of progress

    def _grouped(self) -> list[Group]:
        """Chunks by the worker that has them."""
        who = self.client.who_has([future for future, _ in self.chunks])
        starts = [0, *accumulate(chunk.n_rows for _, chunk in self.chunks)]
        of_workers: dict[str, list[int]] = {}
        for i, (future, _) in enumerate(self.chunks):
            holders = sorted(who.get(future.key, ())) or [""]
            of_workers.setdefault(holders[i % len(holders)], []).append(i)
        return [
            Group(
                tuple(self.chunks[i][0] for i in own),
                np.concatenate([np.arange(starts[i], starts[i + 1]) for i in own]),
            )
            for own in sorted(of_workers.values())  # by the first chunk: addresses change
        ]

    @property
    def shape(self) -> tuple[int, int]:
        """(n_samples, n_features)."""
        return self._shape

    @property
    def dtype(self) -> Any:
        """One in which all chunks can be computed."""
        return self._like.dtype

    @property
    def like(self) -> Array:
        """An array of the chunks' library."""
        return self._like

    @property
    def has_random_access(self) -> bool:
        """Rows that are gathered cross the network."""
        return False

    @property
    def has_samples_in_place(self) -> bool:
        """Many rows that are taken stay on their workers."""
        return True

    def extremes(self) -> tuple[Array, Array]:
        """(n_features,): the smallest and the largest value of each feature."""
        low, high = (from_host(x, like=self.like) for x in (self.low, self.high))
        return low, high

    def kept(self, key: Any, made_from: Any, parts: Callable[[Group], Any]) -> list[Any]:
        """Futures of ``parts(group)`` for each group, kept on the workers.

        They are sent once for each `key`, while `made_from` is alive; few are kept.
        """
        if key not in self._kept:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Sending large graph")
                futures = [
                    self.client.submit(_same, parts(group), pure=False) for group in self.groups
                ]
            while len(self._kept) > 3:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = made_from, futures
        return self._kept[key][1]

    def run(self, function: Callable[..., Any], *args: Any, kept: Sequence[Any] = ()) -> list[Any]:
        """``function(X, part, *args)`` of the rows X of each group, in order, where these lie.

        `part` is what is kept for the group, or None.
        """
        parts, (n_samples, n_features) = kept or [None] * len(self.groups), self.shape
        self.n_rows_read += n_samples
        self.n_bytes_read += n_samples * n_features * np.dtype(self.dtype).itemsize
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")
            futures = [
                self.client.submit(_of_group, function, args, part, *group.chunks, pure=False)
                for group, part in zip(self.groups, parts, strict=True)
            ]
        return self._gathered(futures)

    def _gathered(self, futures: list[Any]) -> list[Any]:
        """The results; the tasks are cancelled where they cannot end, or nobody waits for them."""
        wait = importlib.import_module("distributed").wait
        try:
            last_seen = time.monotonic()
            while True:
                with suppress(TimeoutError):
                    wait(futures, timeout=LOOK)
                    return list(self.client.gather(futures))
                if self.client.scheduler_info(n_workers=-1)["workers"]:
                    last_seen = time.monotonic()
                elif time.monotonic() - last_seen > PATIENCE:
                    raise RuntimeError(
                        f"The cluster {self.client.scheduler.address} has had no worker for "
                        f"{PATIENCE:.0f} s. Start workers, and fit again."
                    )
        except BaseException:
            with suppress(Exception):
                self.client.cancel(futures, force=True)
            raise

    def with_rows(self, others: ClusterRows) -> ClusterRows:
        """These rows and others after them; all stay where they are."""
        concatenate = importlib.import_module("dask.array").concatenate
        return ClusterRows(concatenate([self.persisted, others.persisted]))

    def fingerprint(self) -> Any:
        """Of every chunk its size and a hash of its values."""
        found = self._gathered([self.client.submit(_digest, future) for future, _ in self.chunks])
        return [[chunk.n_rows, each] for (_, chunk), each in zip(self.chunks, found, strict=True)]

    def blocks(self, size: int) -> Iterator[tuple[slice, Array]]:
        """All rows in order, brought here: for what cannot go to them."""
        if self.is_sample:  # whose chunks are in the order of their groups
            most = max(1, MOST_GATHERED // self.shape[1])
            for rows in row_slices(self.shape[0], min(size, most)):
                yield rows, self.take(from_host(np.arange(rows.start, rows.stop), like=self.like))
            return
        start = 0
        for future, chunk in self.chunks:
            # A task of its own: one that nobody waits for is cancelled, which a chunk must not be.
            X = dense_of(self._gathered([self.client.submit(_same, future, pure=False)])[0])
            for rows in row_slices(chunk.n_rows, size):
                yield slice(start + rows.start, start + rows.stop), X[rows, ...]
            start += chunk.n_rows

    def take(self, indices: Array) -> Any:
        """The rows at `indices`: brought here, or if they are many, where they lie."""
        wanted = to_host(indices)
        group_of, place_in = np.empty(self.shape[0], np.int32), np.empty(self.shape[0], np.int64)
        for g, group in enumerate(self.groups):
            group_of[group.rows], place_in[group.rows] = g, np.arange(len(group.rows))
        owners = group_of[wanted]
        order = np.argsort(owners, kind="stable")
        parts = [place_in[wanted[owners == g]] for g in range(len(self.groups))]
        if len(wanted) * self.shape[1] > MOST_GATHERED:
            ends = np.cumsum([len(part) for part in parts])
            return self._subset(parts, np.split(order, ends[:-1]))
        kept = [self.client.submit(_same, part, pure=False) for part in parts]
        found = self.run(_taken, kept=kept)
        xp = namespace(self.like)
        back = from_host(np.argsort(order, kind="stable"), like=self.like)
        found = [xp.astype(from_host(x, like=self.like), self.dtype, copy=False) for x in found]
        return xp.take(xp.concat(found), back, axis=0)

    def _subset(self, parts: list[np.ndarray], places: list[np.ndarray]) -> ClusterRows:
        """Rows of each group by their place in it, each group as one chunk; and where they are."""
        some = copy(self)
        some.chunks, some.groups, some._kept, some.is_sample = [], [], {}, True
        for group, part, rows in zip(self.groups, parts, places, strict=True):
            if len(rows):
                future = self.client.submit(_of_group, _subset, (), part, *group.chunks, pure=False)
                known = self.chunks[0][1]._replace(n_rows=len(rows))
                some.chunks.append((future, known))
                some.groups.append(Group((future,), rows))
        some._shape = sum(map(len, places)), self.shape[1]
        return some

    def in_order(self, parts: Sequence[Array]) -> Array:
        """Arrays (..., n_rows) of all groups as one (..., n_samples), in the order of the rows."""
        order = np.argsort(np.concatenate([group.rows for group in self.groups]))
        xp = namespace(parts[0])
        return xp.take(xp.concat(list(parts), axis=-1), from_host(order, like=parts[0]), axis=-1)


def _client_of(X: Any) -> Any:
    """The client through which chunks of X were made already, or else the current one."""
    try:
        distributed = importlib.import_module("distributed")
    except ImportError as error:
        raise ImportError(
            'Dask arrays need its scheduler: pip install "xsoftmax[dask]".'
        ) from error
    made = distributed.futures_of(X)
    if made:
        return made[0].client
    try:
        return distributed.get_client()
    except ValueError as error:
        raise RuntimeError(
            "X is a Dask array, but no client is current. Start one before the fit: "
            "client = dask.distributed.Client(), or one of your cluster."
        ) from error


def source_of_chunk(chunk: Any) -> RowSource:
    """A chunk as a source of rows."""
    return SparseRows(chunk.tocsr()) if is_sparse(chunk) else MemoryRows(chunk)


def dense_of(chunk: Any) -> Array:
    """A chunk as an array."""
    return chunk.toarray() if is_sparse(chunk) else chunk


def _same(part: Any) -> Any:
    return part


def _of_group(function: Callable[..., Any], args: Any, part: Any, *chunks: Any) -> Any:
    sources = [source_of_chunk(chunk) for chunk in chunks]
    return function(sources[0] if len(sources) == 1 else Stacked(sources), part, *args)


def _subset(X: RowSource, rows: np.ndarray) -> Any:
    """Rows of a group, as a chunk."""
    some = X.take(from_host(rows, like=X.like))
    return some.matrix if isinstance(some, SparseRows) else some


def _taken(X: RowSource, rows: np.ndarray) -> np.ndarray:
    """Rows of a group, on the host."""
    return to_host(dense(X.take(from_host(rows, like=X.like))))


def _described(chunk: Any) -> _Chunk:
    """What there is to know of a chunk before a fit."""
    shape = tuple(getattr(chunk, "shape", ()))
    if len(shape) != 2:
        return _Chunk(1, -1, "", "", np.empty(0), np.empty(0), -1)
    dtype = np.dtype(str(chunk.dtype).replace("torch.", ""))
    empty = np.empty(0)
    if shape[0] == 0 or dtype.kind not in "biuf":
        return _Chunk(shape[0], shape[1], dtype.str, dtype.kind, empty, empty, -1)
    if is_sparse(chunk):
        low, high = SparseRows(chunk.tocsr()).extremes()
    else:
        xp = namespace(chunk)
        values = xp.astype(chunk, xp.uint8) if dtype.kind == "b" else chunk
        low, high = xp.min(values, axis=0), xp.max(values, axis=0)
    low, high = to_host(low), to_host(high)
    bad_row = -1
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        values = to_host(dense_of(chunk))
        bad_row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
    return _Chunk(shape[0], shape[1], dtype.str, dtype.kind, low, high, bad_row)


def _digest(chunk: Any) -> str:
    """A hash of the values of a chunk."""
    return digest((chunk.data, chunk.tocsr().indices) if is_sparse(chunk) else chunk)


def _check_chunks(chunks: Sequence[_Chunk]) -> None:
    """Refuse chunks that do not go together, and say which."""
    width = next((chunk.n_features for chunk in chunks if chunk.n_rows), 0)
    if not any(chunk.n_rows for chunk in chunks) or width == 0:
        raise ValueError("X must hold at least one row and one feature; all its chunks are empty.")
    for i, chunk in enumerate(chunks):
        if not chunk.n_rows:
            continue
        if chunk.n_features != width:
            found = "no 2-dimensional array" if chunk.n_features < 0 else chunk.n_features
            raise ValueError(
                f"X: chunk {i} has {found} features, but others have {width}. Dask does not check "
                "what it makes of chunks; look at the step that made them."
            )
        if chunk.kind not in "biuf":
            raise ValueError(f"X: chunk {i} must hold real numbers; got dtype {chunk.dtype}.")
        if chunk.bad_row >= 0:
            raise ValueError(
                f"X must be finite, but row {chunk.bad_row} of chunk {i} holds NaN or infinity. "
                "Drop such rows, or impute them first."
            )
