"""Rows in files: read block by block, ahead of what computes, and expanded where that lies."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import accumulate
from typing import Any

import numpy as np

from ..arrays import (
    Array,
    from_host,
    is_array,
    is_numpy,
    n_cores,
    namespace,
    to_host,
    to_list,
    where,
)
from .checkpoint import digest
from .files import Shard, in_slices, shards_of
from .source import RowSource

#: One of so many cores reads and expands blocks, while the others compute. To expand float16 takes
#: NumPy as long as 10 columns of products.
CORES_PER_READER = 4
#: Blocks that wait for each reader.
AHEAD = 2
#: Values of the rows from which minibatches are drawn, and pieces of the file that they are.
WINDOW_VALUES, PIECES = 1 << 23, 64


#: Bytes of a memory map of NumPy from which on it is read as a file.
LARGE_MAP = 1 << 30


def is_array_like(X: Any) -> bool:
    """Whether X is an object with a shape, a dtype and slices that is read a block at a time.

    That are datasets of h5py and zarr, and large memory maps of NumPy. Small ones are arrays.
    """
    if isinstance(X, np.ndarray):
        return isinstance(X, np.memmap) and X.ndim == 2 and X.nbytes >= LARGE_MAP
    has_slices = all(hasattr(X, name) for name in ("shape", "dtype", "__getitem__"))
    is_matrix = not is_array(X) and has_slices and len(X.shape) == 2
    return is_matrix and np.dtype(str(X.dtype)).kind in "biuf"


class StoredRows(RowSource):
    """Rows that lie in files, for fits that need not hold them in memory.

    Each pass reads them in order, a block at a time, while the block before is computed with. They
    are moved to the library and device of `like` as they are stored, and expanded there to
    ``scale * value + shift``. Labels and weights stay in memory.

    Parameters
    ----------
    source : path, array-like or list of these
        A .npy or .safetensors file (float16 and bfloat16 too), a .parquet file of numeric columns
        or of one column of lists, a memory map of NumPy, a dataset of h5py or zarr, or another
        object with a shape (n_samples, n_features), a dtype and slices. A list of these are shards,
        one after another. Of a file with several arrays, pass ``(path, name)``.
    like : array, default=None
        An array of the library and on the device to compute with; NumPy's by default.
    scale, shift : float or array-like of shape (n_features,), default=1.0 and 0.0
        How values are expanded: 1 / 255 turns bytes into numbers from 0 to 1.

    Attributes
    ----------
    shape : tuple of int
        (n_samples, n_features).
    dtype : dtype of `like`'s library
        float64 for rows that are stored in it, or as integers of at least 32 bits; else float32.
    n_rows_read : int
        How many rows were read so far, of all passes.
    n_bytes_read : int
        How many bytes these had.

    Raises
    ------
    ValueError
        If a file is damaged, shorter than it says, or of another width than the shards before it.
        While rows are read: if a file changes, or holds values that are not finite; the message
        names the file and the row.
    TypeError
        If `source` is none of these.

    See Also
    --------
    SoftmaxRegression : Its `fit` and `predict` take such rows as X, as all estimators do.

    Notes
    -----
    Solvers of full batches read the rows 7 to 20 times. SGD and Adam draw minibatches from a
    window of shuffled pieces of the file.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib
    >>> from xsoftmax import SoftmaxRegression, StoredRows
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.integers(0, 256, (500, 4)).astype(np.uint8), np.arange(500) % 2
    >>> X[:, 0] = 100 * y + X[:, 0] // 2
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "rows.npy"
    ...     np.save(path, X)
    ...     rows = StoredRows(path, scale=1 / 255)
    ...     round(SoftmaxRegression(C=10).fit(rows, y).score(rows, y), 2)
    0.89
    """

    def __init__(
        self, source: Any, like: Array | None = None, scale: Any = 1.0, shift: Any = 0.0
    ) -> None:
        self.shards = shards_of(source)
        widths = sorted({shard.shape[1] for shard in self.shards})
        n_samples = sum(shard.shape[0] for shard in self.shards)
        if len(widths) != 1 or n_samples == 0 or widths[0] == 0:
            raise ValueError(
                "StoredRows(source) must hold at least one row, and shards as many features; got "
                f"{', '.join(f'{shard.name}: {shard.shape}' for shard in self.shards) or 'none'}."
            )
        self._shape = n_samples, widths[0]
        if like is not None and not is_array(like):
            raise TypeError(
                f"StoredRows(like=...) must be an array, of the library and on the device to "
                f"compute with; got {type(like).__name__}."
            )
        stored = np.result_type(*(shard.dtype for shard in self.shards))
        is_wide = stored == np.float64 or (stored.kind in "iu" and stored.itemsize >= 4)
        xp = namespace(np.zeros(0) if like is None else like)
        dtype = xp.float64 if is_wide else xp.float32
        place = np.zeros(0) if like is None else like
        self._like = from_host(np.zeros((1, 1)), like=place, dtype=dtype)
        self._host_dtype = np.dtype(np.float64 if is_wide else np.float32)
        self._movable = {each.dtype for each in self.shards if _can_hold(self._like, each.dtype)}
        self.scale, self.shift = self._factor("scale", scale), self._factor("shift", shift)
        self.n_rows_read = self.n_bytes_read = 0

    def _factor(self, name: str, value: Any) -> Array | None:
        """(1, 1) or (1, n_features), or None where it changes nothing."""
        given = np.asarray(value, dtype=np.float64)
        if given.shape not in ((), (self.shape[1],)) or not np.isfinite(given).all():
            raise ValueError(
                f"StoredRows({name}=...) must be a finite number, or one for each of the "
                f"{self.shape[1]} features; got shape {given.shape}."
            )
        if np.all(given == (1.0 if name == "scale" else 0.0)):
            return None
        return from_host(given.reshape(1, -1), like=self._like, dtype=self._like.dtype)

    @property
    def shape(self) -> tuple[int, int]:
        """(n_samples, n_features)."""
        return self._shape

    @property
    def dtype(self) -> Any:
        """That of the rows once they are expanded."""
        return self._like.dtype

    @property
    def like(self) -> Array:
        """An array where the rows are computed with."""
        return self._like

    @property
    def starts(self) -> list[int]:
        """The first row of each shard."""
        return [0, *accumulate(shard.shape[0] for shard in self.shards[:-1])]

    def blocks(self, size: int) -> Iterator[tuple[slice, Array]]:
        """Read all rows in order, ahead of what is done with them.

        Parameters
        ----------
        size : int
            The most rows of a block; a block ends with its shard.

        Yields
        ------
        span : slice
            Where the rows are among all.
        X : array of shape (n_rows, n_features)
            The rows, expanded.
        """
        is_host, starts = is_numpy(self.like), self.starts

        def read(k: int, rows: slice) -> np.ndarray:
            values = self.shards[k].read(rows.start, rows.stop)
            return self._expanded(values, k, rows.start) if is_host else values

        with ThreadPoolExecutor(self.n_readers, thread_name_prefix="xsoftmax-rows") as pool:
            waiting: deque[tuple[int, slice, Future[np.ndarray]]] = deque()
            try:
                for k, rows in in_slices(self.shards, size):
                    waiting.append((k, rows, pool.submit(read, k, rows)))
                    if len(waiting) > AHEAD * self.n_readers:
                        yield self._block(*waiting.popleft(), starts)
                while waiting:
                    yield self._block(*waiting.popleft(), starts)
            finally:  # where the caller has had enough, or a read has failed
                for *_, future in waiting:
                    future.cancel()

    def _block(
        self, k: int, rows: slice, future: Future[np.ndarray], starts: list[int]
    ) -> tuple[slice, Array]:
        """A block that has been read, where it is computed with."""
        values = future.result()
        n_rows = rows.stop - rows.start
        self.n_rows_read += n_rows
        self.n_bytes_read += n_rows * self.shape[1] * self.shards[k].dtype.itemsize
        if not is_numpy(self.like):
            values = self._expanded(values, k, rows.start)
        return slice(starts[k] + rows.start, starts[k] + rows.stop), values

    def _expanded(self, values: np.ndarray, k: int, start: int) -> Array:
        """Rows of a shard, from its `start`-th on, where and in the dtype that they are used."""
        xp = namespace(self.like)
        if values.dtype not in self._movable:
            values = values.astype(self._host_dtype)
        X = xp.astype(from_host(values, like=self.like), self.dtype, copy=False)
        if values.dtype.kind == "f":
            with np.errstate(all="ignore"):
                is_finite = to_list(xp.isfinite(xp.sum(X)))
            if not is_finite:
                _check_finite(self.shards[k], values, start)
        if self.scale is not None:
            X = X * self.scale
        return X if self.shift is None else X + self.shift

    def take(self, indices: Array) -> Array:
        """Gather rows.

        Parameters
        ----------
        indices : array of shape (n_rows,)
            Which rows, in any order.

        Returns
        -------
        X : array of shape (n_rows, n_features)
            The rows, expanded.
        """
        wanted = to_host(indices)
        order = np.argsort(wanted, kind="stable")
        rows, found = wanted[order], []
        for k, (start, shard) in enumerate(zip(self.starts, self.shards, strict=True)):
            here = rows[(rows >= start) & (rows < start + shard.shape[0])] - start
            values = shard.take(here)
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                at = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
                _refuse(shard, int(here[at]))
            found.append(self._expanded(values, k, 0))
            self.n_rows_read += len(here)
            self.n_bytes_read += values.nbytes
        xp = namespace(self.like)
        X = found[0] if len(found) == 1 else xp.concat(found)
        back = from_host(np.argsort(order, kind="stable"), like=X)
        return xp.take(X, back, axis=0)

    def fingerprint(self) -> Any:
        """Say what tells these rows from others.

        Returns
        -------
        fingerprint : list
            Names, shapes, what changes where files do, and how values are expanded.
        """
        expanded = digest((self.scale, self.shift)), str(self.dtype), where(self.like)
        return [[*each.fingerprint()] for each in self.shards] + [list(expanded)]

    @property
    def n_readers(self) -> int:
        """Threads that read and expand blocks while others are computed with."""
        return max(1, n_cores() // CORES_PER_READER)

    @property
    def has_random_access(self) -> bool:
        """Few rows here and there take much longer than as many in order."""
        return False

    def describe(self) -> str:
        """Say what is read, and as what.

        Returns
        -------
        description : str
            For messages.
        """
        return f"StoredRows of shape {self.shape} ({self.dtype}) from {self.shards[0].name}"


def _can_hold(like: Array, dtype: np.dtype) -> bool:
    """Whether a library has arrays of a dtype of NumPy."""
    try:
        held = from_host(np.zeros(1, dtype), like=like)
    except (TypeError, ValueError):
        return False
    return str(held.dtype).replace("torch.", "") == dtype.name  # JAX narrows 64 bits


def _check_finite(shard: Shard, values: np.ndarray, start: int) -> None:
    """Refuse rows of a shard, from its `start`-th on, that are not finite."""
    bad = ~np.isfinite(values).all(axis=1)
    if bad.any():  # else only their sum is beyond the range of the dtype
        _refuse(shard, start + int(np.flatnonzero(bad)[0]))


def _refuse(shard: Shard, row: int) -> None:
    raise ValueError(
        f"X must be finite, but row {row} of {shard.name} holds NaN or infinity. Leave such rows "
        "out, or write them anew."
    )


def windows(
    n_samples: int, batch_size: int, n_features: int, random_state: Any
) -> Iterator[np.ndarray]:
    """Indices of rows, so many at a time as are gathered in memory: shuffled pieces of all rows.

    A window is a whole number of minibatches, but for the last one. `random_state` is a numpy
    RandomState, or None to keep the order.
    """
    n_rows = max(1, WINDOW_VALUES // (n_features * batch_size)) * batch_size
    size = max(1, n_rows // PIECES)
    pieces = np.arange(-(-n_samples // size))
    if random_state is not None:
        pieces = random_state.permutation(pieces)
    waiting = np.empty(0, dtype=np.int64)
    for piece in pieces.tolist():
        rows = np.arange(piece * size, min((piece + 1) * size, n_samples))
        waiting = np.concatenate([waiting, rows])
        if len(waiting) >= n_rows:
            yield waiting[:n_rows]
            waiting = waiting[n_rows:]
    if len(waiting):
        yield waiting
