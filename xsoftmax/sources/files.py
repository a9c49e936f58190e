"""Rows in one file or array-like object, read as NumPy arrays: what `StoredRows` is made of."""

from __future__ import annotations

import importlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from ..arrays import row_slices
from .checkpoint import digest

#: Names under which a file of several arrays may hold features.
FEATURE_NAMES = ("x", "features", "embeddings")
#: Bytes that one look at an array without random access should read.
WINDOW_BYTES = 1 << 24
#: What safetensors calls the dtypes of NumPy. NumPy has no bfloat16: its bits are read.
SAFETENSORS = {
    "F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8", "BOOL": "?", "U8": "u1", "I8": "i1",
    "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8", "I64": "<i8",
}  # fmt: skip


class Shard(ABC):
    """Rows (n_samples, n_features), and where they are read from."""

    name: str  #: for messages
    shape: tuple[int, int]
    dtype: np.dtype  #: that rows are read in

    @abstractmethod
    def read(self, start: int, stop: int) -> np.ndarray:
        """Some consecutive rows."""

    def fingerprint(self) -> list[Any]:
        """What tells these rows from others, of JSON."""
        some = self.take(np.arange(0, self.shape[0], 1 + self.shape[0] // 64))
        return [self.name, list(self.shape), self.dtype.str, digest(some)]

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Rows at ascending indices, of which few windows of the rows are read at a time."""
        size = max(1, WINDOW_BYTES // (self.shape[1] * self.dtype.itemsize))
        found = [np.empty((0, self.shape[1]), self.dtype)]
        for window in np.split(rows, np.flatnonzero(np.diff(rows // size)) + 1):
            if len(window):
                start = int(window[0])
                found.append(self.read(start, int(window[-1]) + 1)[window - start])
        return np.concatenate(found)


class FileRows(Shard):
    """Rows that lie one after another in a file."""

    def __init__(
        self, path: Path, shape: tuple[int, int], dtype: Any, offset: int, is_bfloat16: bool = False
    ) -> None:
        self.path, self.name, self.shape, self.offset = path, str(path), shape, offset
        self.stored, self.is_bfloat16 = np.dtype(dtype), is_bfloat16
        self.dtype = np.dtype(np.float32) if is_bfloat16 else self.stored
        self.row_bytes = shape[1] * self.stored.itemsize
        self.state = self._state()
        missing = offset + shape[0] * self.row_bytes - self.state[0]
        if missing > 0:
            raise ValueError(
                f"{path} is shorter than it says: {shape[0]} rows of {self.row_bytes} bytes would "
                f"end {missing} bytes after its end. Was it copied in full?"
            )

    def _state(self) -> tuple[int, int]:
        """What changes where the file does: its size, and when it was written."""
        found = os.stat(self.path)
        return found.st_size, found.st_mtime_ns

    def fingerprint(self) -> list[Any]:
        """With the state of the file."""
        return [*super().fingerprint(), self.offset, *self.state]

    def read(self, start: int, stop: int) -> np.ndarray:
        """Some consecutive rows."""
        return self._runs([(start, stop)])

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Rows at ascending indices, and no others."""
        if not len(rows):
            return np.empty((0, self.shape[1]), self.dtype)
        distinct, places = np.unique(rows, return_inverse=True)
        ends = np.flatnonzero(np.diff(distinct) > 1)
        starts = distinct[np.concatenate([[0], ends + 1])]
        stops = distinct[np.concatenate([ends, [len(distinct) - 1]])] + 1
        return self._runs(zip(starts.tolist(), stops.tolist(), strict=True))[places]

    def _runs(self, runs: Any) -> np.ndarray:
        """Runs of consecutive rows, one after another."""
        found = []
        with self.path.open("rb") as file:
            for start, stop in runs:
                file.seek(self.offset + start * self.row_bytes)
                count = (stop - start) * self.shape[1]
                values = np.fromfile(file, self.stored, count)
                if values.size < count:
                    row = start + values.size // self.shape[1]
                    raise ValueError(f"{self.path} ends at row {row}, while it is read.")
                found.append(values)
        if self._state() != self.state:
            raise ValueError(
                f"{self.path} has changed while it is read. Fit again once it stays as it is."
            )
        values = found[0] if len(found) == 1 else np.concatenate(found)
        if self.is_bfloat16:  # the first half of the bits of a float32
            values = (values.astype(np.uint32) << 16).view(np.float32)
        return values.reshape(-1, self.shape[1])


class ArrayLikeRows(Shard):
    """An object with a shape, a dtype and slices: h5py's and zarr's are."""

    def __init__(self, source: Any) -> None:
        self.source = source
        named = getattr(source, "name", None) or getattr(source, "path", None)
        file = getattr(getattr(source, "file", None), "filename", None)
        self.name = ":".join(str(x) for x in (file, named) if x) or type(source).__name__
        n_samples, n_features = source.shape
        self.shape, self.dtype = (int(n_samples), int(n_features)), np.dtype(str(source.dtype))
        self.lock = Lock()  # few libraries say what several readers may do

    def read(self, start: int, stop: int) -> np.ndarray:
        """Some consecutive rows."""
        with self.lock:
            rows = np.asarray(self.source[start:stop])
        if rows.shape != (stop - start, self.shape[1]):
            raise ValueError(
                f"{self.name} has changed while it is read: rows {start} to {stop} have the shape "
                f"{rows.shape}."
            )
        return rows


class ParquetRows(Shard):
    """Numeric columns of a Parquet file, or one column of lists that all have one length."""

    def __init__(self, path: Path, columns: Sequence[str] | None = None) -> None:
        try:
            parquet = importlib.import_module("pyarrow.parquet")
        except ImportError as error:
            raise ImportError('To read Parquet: pip install "xsoftmax[parquet]".') from error
        self.path, self.name = path, str(path)
        path.open("rb").close()  # the library's own errors do not say which file
        try:
            self.file = parquet.ParquetFile(path)
        except Exception as error:
            raise ValueError(f"{path} is no Parquet file ({error}).") from error
        names = self.file.schema_arrow.names
        self.columns = list(names if columns is None else columns)
        missing = [name for name in self.columns if name not in names]
        if missing:
            raise ValueError(f"{path} has no column {missing[0]!r}; it has {', '.join(names)}.")
        groups = range(self.file.metadata.num_row_groups)
        sizes = [self.file.metadata.row_group(i).num_rows for i in groups]
        self.ends = np.cumsum(sizes)
        self.known: tuple[int, np.ndarray] | None = None
        self.lock = Lock()
        few = self._group(0)
        self.dtype, self.shape = few.dtype, (int(self.ends[-1]), few.shape[1])

    def fingerprint(self) -> list[Any]:
        """With the columns, and the state of the file."""
        found = os.stat(self.path)
        return [*super().fingerprint(), self.columns, found.st_size, found.st_mtime_ns]

    def read(self, start: int, stop: int) -> np.ndarray:
        """Some consecutive rows; a group of rows is read as a whole."""
        first, last = np.searchsorted(self.ends, [start, stop - 1], side="right").tolist()
        before = int(self.ends[first - 1]) if first else 0
        with self.lock:
            groups = [self._group(i) for i in range(first, last + 1)]
        rows = groups[0] if len(groups) == 1 else np.concatenate(groups)
        return rows[start - before : stop - before]

    def _group(self, i: int) -> np.ndarray:
        if self.known is None or self.known[0] != i:
            self.known = i, self._read_group(i)
        return self.known[1]

    def _read_group(self, i: int) -> np.ndarray:
        table = self.file.read_row_group(i, columns=self.columns)
        found = []
        for name in self.columns:
            column = table.column(name).combine_chunks()
            with suppress(AttributeError):  # of lists
                column = column.flatten() if hasattr(column, "flatten") else column
            values = column.to_numpy(zero_copy_only=False)
            if values.dtype.kind not in "biuf" or len(values) % max(1, len(table)):
                raise ValueError(
                    f"{self.path}: column {name!r} holds {table.schema.field(name).type}, not "
                    "numbers or lists of as many numbers. Name the columns of the features: "
                    "StoredRows((path, columns))."
                )
            found.append(values.reshape(len(table), -1))
        return found[0] if len(found) == 1 else np.concatenate(found, axis=1)


def shards_of(source: Any) -> list[Shard]:
    """What a `source` that `StoredRows` takes is made of."""
    if isinstance(source, (list, tuple)) and not _is_named(source):
        return [shard for each in source for shard in shards_of(each)]
    name = None
    if isinstance(source, tuple):
        source, name = source
    if isinstance(source, (str, Path)):
        return list(_of_path(Path(source), name))
    if isinstance(source, np.memmap):
        return [_of_memmap(source)]
    if len(getattr(source, "shape", ())) != 2 or not hasattr(source, "dtype"):
        raise TypeError(
            "StoredRows(source) must be a path, an array-like object with two dimensions, a dtype "
            f"and slices, or a list of these; got {type(source).__name__}"
            f"{_shape_of(source)}."
        )
    return [ArrayLikeRows(source)]


def _shape_of(source: Any) -> str:
    shape = getattr(source, "shape", None)
    return "" if shape is None else f" of shape {tuple(shape)}"


def _is_named(source: Any) -> bool:
    """Whether this is a path with the name of an array in it, or names of columns."""
    if not (isinstance(source, tuple) and len(source) == 2 and isinstance(source[0], (str, Path))):
        return False
    kind = Path(source[0]).suffix.lower()
    is_path = isinstance(source[1], (str, Path)) and Path(source[1]).suffix.lower() == kind
    return kind in (".safetensors", ".parquet") and not is_path


def _of_path(path: Path, name: Any) -> Iterator[Shard]:
    suffix = path.suffix.lower()
    if suffix == ".npy":
        yield _of_memmap(_opened(path))
    elif suffix == ".safetensors":
        yield _of_safetensors(path, name)
    elif suffix == ".parquet":
        yield ParquetRows(path, [name] if isinstance(name, str) else name)
    else:
        raise ValueError(
            f"{path}: rows are stored in .npy, .safetensors and .parquet files, and in datasets of "
            "h5py and zarr, which are passed as they are."
        )


def _opened(path: Path) -> np.memmap:
    path.open("rb").close()  # NumPy's own errors do not say which file
    try:
        opened = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(
            f"{path} is no .npy file of numbers, or is shorter than it says ({error})."
        ) from error
    if not isinstance(opened, np.memmap):
        raise ValueError(f"{path} holds no rows (n_samples, n_features): it holds one value.")
    return opened


def _of_memmap(X: np.memmap) -> Shard:
    if X.ndim != 2 or X.dtype.kind not in "biuf":
        raise ValueError(
            f"{X.filename or 'a memory map'} must hold numbers in two dimensions, (n_samples, "
            f"n_features); it holds {X.dtype} of shape {X.shape}."
        )
    first: Any = X
    while isinstance(first.base, np.memmap):
        first = first.base
    is_private = getattr(X, "mode", "r") == "c"
    if X.filename is None or is_private or not X.flags.c_contiguous:
        return ArrayLikeRows(X)
    at, start = (x.__array_interface__["data"][0] for x in (X, first))
    shape = X.shape[0], X.shape[1]
    return FileRows(Path(X.filename), shape, X.dtype, first.offset + at - start)


def _of_safetensors(path: Path, name: str | None) -> FileRows:
    """A tensor of a file: its header says where it is (huggingface.co/docs/safetensors)."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        size = os.fstat(file.fileno()).st_size
        try:
            if length > size:
                raise ValueError("the header is longer than the file")
            header = json.loads(file.read(length))
            tensors = {key: value for key, value in header.items() if key != "__metadata__"}
            found = {
                key: (value["dtype"], tuple(value["shape"]), tuple(value["data_offsets"]))
                for key, value in tensors.items()
            }
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"{path} is no safetensors file ({error}).") from error
    known = [key for key in found if key.lower() in FEATURE_NAMES] or list(found)
    if name is None and len(known) != 1:
        raise ValueError(
            f"{path} holds {len(found)} tensors, {', '.join(sorted(found))}. Name one: "
            "StoredRows((path, name))."
        )
    key = known[0] if name is None else name
    if key not in found:
        raise ValueError(f"{path} has no tensor {key!r}; it has {', '.join(sorted(found))}.")
    kind, shape, offsets = found[key]
    sizes = (*shape, *offsets)
    if not (all(isinstance(n, int) and n >= 0 for n in sizes) and len(offsets) == 2):
        raise ValueError(f"{path}: the header of {key!r} is damaged: {kind}, {shape}, {offsets}.")
    if kind not in SAFETENSORS or len(shape) != 2:
        raise ValueError(
            f"{path}: {key!r} must hold numbers in two dimensions; it holds {kind} of {shape}."
        )
    dtype = np.dtype(SAFETENSORS[kind])
    n_bytes = shape[0] * shape[1] * dtype.itemsize
    if offsets[1] - offsets[0] != n_bytes:
        raise ValueError(f"{path}: {key!r} has {offsets[1] - offsets[0]} bytes, not {n_bytes}.")
    return FileRows(path, shape, dtype, 8 + length + offsets[0], kind == "BF16")


def in_slices(shards: Sequence[Shard], size: int) -> Iterator[tuple[int, slice]]:
    """Which rows of which shard are read at a time; none reaches over the end of a shard."""
    for k, shard in enumerate(shards):
        for rows in row_slices(shard.shape[0], size):
            yield k, rows
