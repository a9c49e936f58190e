"""Rows in one file or array-like object, read as NumPy arrays: what `StoredRows` is made of."""

from __future__ import annotations

import importlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from ..arrays import row_slices
from .checkpoint import digest
from .npy import read_header
from .untrusted import (
    MAX_HEADER_BYTES,
    are_sizes,
    check_expansion,
    parse_json,
    quoted,
)

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

    def __init__(self, source: Any, name: str | None = None) -> None:
        self.source = source
        named = getattr(source, "name", None) or getattr(source, "path", None)
        file = getattr(getattr(source, "file", None), "filename", None)
        self.name = name or ":".join(str(x) for x in (file, named) if x) or type(source).__name__
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
            parquet: Any = importlib.import_module("pyarrow.parquet")
        except ImportError as error:
            raise ImportError('To read Parquet: pip install "xsoftmax[parquet]".') from error
        self.path, self.name = path, str(path)
        check_parquet(path)
        with reading_parquet(path):
            self.file = parquet.ParquetFile(path)
            names = self.file.schema_arrow.names
        self.columns = list(names if columns is None else columns)
        missing = [name for name in self.columns if name not in names]
        if missing:
            there = quoted(", ".join(names))
            raise ValueError(f"{path} has no column {missing[0]!r}; it has {there}.")
        groups = range(self.file.metadata.num_row_groups)
        self.sizes = [self.file.metadata.row_group(i).num_rows for i in groups]
        self.ends = np.cumsum(self.sizes)
        self.known: tuple[int, np.ndarray] | None = None
        self.lock = Lock()
        if sum(self.sizes) == 0 or not self.columns:
            raise ValueError(f"{path} holds no rows, or no columns.")
        few = self._group(self.sizes.index(max(self.sizes)))
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
        widths = {group.shape[1] for group in groups}
        if widths != {self.shape[1]}:
            raise ValueError(
                f"{self.path}: rows {start} to {stop} hold {sorted(widths)} numbers, and others "
                f"{self.shape[1]}."
            )
        rows = groups[0] if len(groups) == 1 else np.concatenate(groups)
        return rows[start - before : stop - before]

    def _group(self, i: int) -> np.ndarray:
        if self.known is None or self.known[0] != i:
            self.known = i, self._read_group(i)
        return self.known[1]

    def _read_group(self, i: int) -> np.ndarray:
        with reading_parquet(self.path):
            table = self.file.read_row_group(i, columns=self.columns)
            table.validate(full=True)
            if table.num_rows != self.sizes[i]:
                raise ValueError(f"group {i} has {table.num_rows} rows, not {self.sizes[i]}")
            kinds = [quoted(table.schema.field(name).type) for name in self.columns]
            found = [_values_of(table.column(name).combine_chunks()) for name in self.columns]
        columns = [values for values in found if values is not None]
        for name, kind, values in zip(self.columns, kinds, found, strict=True):
            if values is None:
                raise ValueError(
                    f"{self.path}: column {quoted(name)!r} holds {kind}, not numbers or lists of "
                    "as many numbers. Name the columns of the features: "
                    "StoredRows((path, columns))."
                )
        return columns[0] if len(columns) == 1 else np.concatenate(columns, axis=1)


def _values_of(column: Any) -> np.ndarray | None:
    """The numbers in an array of Arrow, (n_rows, n_numbers); None if it has no such shape."""
    n_rows, n_numbers = len(column), 1
    if hasattr(column, "value_lengths"):  # lists
        lengths = np.unique(column.value_lengths().to_numpy(zero_copy_only=False))
        if column.null_count or len(lengths) != 1:
            return None
        column, n_numbers = column.flatten(), int(lengths[0])
    values = column.to_numpy(zero_copy_only=False)
    if values.dtype.kind not in "biuf" or values.size != n_rows * n_numbers:
        return None
    return values.reshape(n_rows, n_numbers)


@contextmanager
def reading_parquet(path: Path) -> Iterator[None]:
    """What pyarrow says of content, in errors of many kinds, as a ValueError with the file."""
    path.open("rb").close()
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise ValueError(f"{path} is no Parquet file ({quoted(error)}).") from error


def check_parquet(path: Path) -> None:
    """Refuse a Parquet file that says that it holds far more than its bytes.

    Raises
    ------
    ValueError
        As `check_expansion`, or if it is no Parquet file.
    """
    parquet = importlib.import_module("pyarrow.parquet")
    with reading_parquet(path):
        found = parquet.read_metadata(path)
        # Not of each column: pyarrow 26 ends the process where a column's metadata are damaged.
        groups = [found.row_group(i) for i in range(found.num_row_groups)]
        row_bytes = 8 * max(1, found.num_columns)
        n_bytes = sum(max(row_bytes * each.num_rows, each.total_byte_size) for each in groups)
        if any(each.num_rows < 0 for each in groups):
            raise ValueError("a group of rows has less than none")
    check_expansion(path, n_bytes, path.stat().st_size)


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
        yield _of_npy(path)
    elif suffix == ".safetensors":
        yield _of_safetensors(path, name)
    elif suffix == ".parquet":
        yield ParquetRows(path, [name] if isinstance(name, str) else name)
    else:
        raise ValueError(
            f"{path}: rows are stored in .npy, .safetensors and .parquet files, and in datasets of "
            "h5py and zarr, which are passed as they are."
        )


def _of_npy(path: Path) -> Shard:
    with path.open("rb") as file:
        try:
            header = read_header(file, os.fstat(file.fileno()).st_size)
        except ValueError as error:
            raise ValueError(f"{path} is no .npy file of numbers ({quoted(error)}).") from error
    _check_matrix(path, header.shape, header.dtype)
    n_samples, n_features = header.shape
    if not header.is_fortran or 1 in header.shape:
        return FileRows(path, (n_samples, n_features), header.dtype, header.offset)
    if 0 in header.shape:
        raise ValueError(f"{path} holds no values: its shape is {header.shape}.")
    X = np.memmap(path, header.dtype, "r", header.offset, header.shape, "F")
    return ArrayLikeRows(X, str(path))


def _check_matrix(name: Any, shape: tuple[int, ...], dtype: np.dtype) -> None:
    if len(shape) != 2 or dtype.kind not in "biuf":
        raise ValueError(
            f"{name} must hold numbers in two dimensions, (n_samples, n_features); it holds "
            f"{dtype} of shape {shape}."
        )


def _of_memmap(X: np.memmap) -> Shard:
    _check_matrix(X.filename or "a memory map", X.shape, X.dtype)
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
            if length > min(size, MAX_HEADER_BYTES):
                raise ValueError(
                    f"it announces a header of {length} bytes, and has {size}; at most "
                    f"{MAX_HEADER_BYTES} are read"
                )
            found = _entries(parse_json(file.read(length)), size - 8 - length)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path} is no safetensors file ({quoted(error)}).") from error
    known = [key for key in found if key.lower() in FEATURE_NAMES] or list(found)
    if name is None and len(known) != 1:
        raise ValueError(
            f"{path} holds {len(found)} tensors, {quoted(', '.join(sorted(found)))}. Name one: "
            "StoredRows((path, name))."
        )
    key = known[0] if name is None else name
    if key not in found:
        there = quoted(", ".join(sorted(found)))
        raise ValueError(f"{path} has no tensor {key!r}; it has {there}.")
    kind, shape, offsets = found[key]
    if kind not in SAFETENSORS or len(shape) != 2:
        raise ValueError(
            f"{path}: {quoted(key)!r} must hold numbers in two dimensions; it holds "
            f"{quoted(kind)} of {quoted(shape)}."
        )
    dtype = np.dtype(SAFETENSORS[kind])
    n_bytes = shape[0] * shape[1] * dtype.itemsize
    if offsets[1] - offsets[0] != n_bytes:
        has = offsets[1] - offsets[0]
        raise ValueError(f"{path}: {quoted(key)!r} has {has} bytes, not {n_bytes}.")
    start = 8 + length + offsets[0]
    return FileRows(path, (shape[0], shape[1]), dtype, start, kind == "BF16")


def _entries(header: Any, n_bytes: int) -> dict[str, tuple[str, list[int], list[int]]]:
    """Dtype, shape and place of each tensor; together they fill `n_bytes`, and none overlap."""
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    found = {}
    for key, value in header.items():
        if key == "__metadata__":
            continue
        kind, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
        if not (isinstance(kind, str) and are_sizes(shape) and are_sizes(offsets)):
            raise ValueError(f"the entry of {quoted(key)!r} is no description of a tensor")
        found[key] = kind, shape, offsets
    end = 0
    for key, (_, _, offsets) in sorted(found.items(), key=lambda item: item[1][2]):
        if len(offsets) != 2 or offsets[0] != end or offsets[1] < end:
            raise ValueError(f"{quoted(key)!r} lies at {quoted(offsets)}, and should at {end}")
        end = offsets[1]
    if end > n_bytes:
        raise ValueError(
            f"its tensors would end {end - n_bytes} bytes after its end; was it copied in full?"
        )
    if end < n_bytes:
        raise ValueError(f"its tensors end {n_bytes - end} bytes before its end")
    return found


def in_slices(shards: Sequence[Shard], size: int) -> Iterator[tuple[int, slice]]:
    """Which rows of which shard are read at a time; none reaches over the end of a shard."""
    for k, shard in enumerate(shards):
        for rows in row_slices(shard.shape[0], size):
            yield k, rows
