"""Where rows come from: memory, sparse matrices, files, clusters; no targets and no models."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ..arrays import block_values, namespace, to_host, to_list
from .checkpoint import checkpointing, current_checkpoint, digest, not_checkpointing
from .cluster import ClusterRows, Group, Part, is_dask
from .files import check_parquet, reading_parquet
from .memory import MemoryRows, Stacked
from .npy import read_array
from .source import Mapped, RowsLike, RowSource, is_source, unwrapped
from .sparse import SparseRows, dense, is_sparse, rows_outer, rows_product, squares_outer
from .stored import StoredRows, is_array_like, windows
from .untrusted import (
    FREE_BYTES,
    MAX_EXPANSION,
    MAX_HEADER_BYTES,
    are_sizes,
    check_expansion,
    check_inside,
    files_in,
    parse_json,
    quoted,
)

__all__ = [
    "FREE_BYTES",
    "MAX_EXPANSION",
    "MAX_HEADER_BYTES",
    "ClusterRows",
    "Group",
    "Mapped",
    "MemoryRows",
    "Part",
    "RowSource",
    "RowsLike",
    "SparseRows",
    "Stacked",
    "StoredRows",
    "are_sizes",
    "as_source",
    "changed",
    "check_expansion",
    "check_inside",
    "check_parquet",
    "checkpointing",
    "current_checkpoint",
    "dense",
    "digest",
    "files_in",
    "host_rows",
    "in_dtype",
    "is_array_like",
    "is_dask",
    "is_source",
    "is_sparse",
    "not_checkpointing",
    "parse_json",
    "quoted",
    "read_array",
    "reading_parquet",
    "rows_outer",
    "rows_product",
    "squares_outer",
    "unwrapped",
    "value_range",
    "windows",
]


def in_dtype(X: Any, dtype: Any) -> Any:
    """Rows in a dtype."""
    if isinstance(X, SparseRows):
        return X.astype(dtype)
    if is_source(X):
        change = partial(in_dtype, dtype=dtype)
        return X if X.dtype == dtype else Mapped(X, change, X.shape[1], dtype)
    return namespace(X).astype(X, dtype, copy=False)


def changed(X: RowsLike, change: Callable[[Any], Any], n_features: int, dtype: Any) -> RowsLike:
    """X with each block of rows changed: at once where that is in memory, else as blocks come."""
    if is_source(X) and not isinstance(X, SparseRows):
        return Mapped(X, change, n_features, dtype)
    return change(X)


def value_range(X: RowsLike) -> tuple[float, float]:
    """The smallest and the largest value of all rows."""
    arrays: Iterable[Any] = [X]
    if isinstance(X, SparseRows):
        arrays = [X.like] if X.like.shape[0] else [0.0 * X.matrix.indptr]
    elif is_source(X):
        arrays = (block for _, block in X.blocks(max(1, block_values(X.like) // X.shape[1])))
    xp = namespace(X)
    found = [to_list(xp.stack([xp.min(x), xp.max(x)])) for x in arrays]
    return min(low for low, _ in found), max(high for _, high in found)


def host_rows(X: Any) -> Any:
    """Gathered rows on the host, sparse if they are."""
    if isinstance(X, SparseRows):
        return X.matrix.get() if hasattr(X.matrix, "get") else X.matrix
    return to_host(X)


def as_source(X: RowsLike) -> RowSource:
    """X, which may be an array, as a source of rows."""
    return X if isinstance(X, RowSource) else MemoryRows(X)
