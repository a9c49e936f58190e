"""Tables of a user's own: .npz, a pair of .npy, CSV."""

from __future__ import annotations

import csv
import zipfile
import zlib
from pathlib import Path

import numpy as np

from .dataset import Dataset, split

#: Names under which a .npz file may hold its arrays: features and labels.
NPZ_NAMES = (("X_train", "y_train"), ("X", "y"))
NPZ_TEST_NAMES = ("X_test", "y_test")

#: How NumPy says that a .npz file is none.
_NO_ARRAYS = ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile, zlib.error


def read_npz(path: str | Path, *, test_size: float = 0.2, random_state: int = 0) -> Dataset:
    """From X_train, y_train and perhaps X_test, y_test; or from X, y. Case does not matter.

    Images (n_samples, height, width) are flattened, and those of bytes divided by 255.
    """
    path = Path(path)
    arrays = _npz_arrays(path)
    for names in NPZ_NAMES:
        if all(name.lower() in arrays for name in names):
            X, y = (arrays[name.lower()] for name in names)
            break
    else:
        raise ValueError(
            f"{path} must hold X_train and y_train, or X and y; it holds {sorted(arrays)}."
        )
    X, image_shape = _flatten(path, X)
    if not all(name.lower() in arrays for name in NPZ_TEST_NAMES):
        _check_pair(path, X, y)
        return split(path.stem, X, y, test_size=test_size, random_state=random_state,
                     image_shape=image_shape)  # fmt: skip
    X_test, y_test = (arrays[name.lower()] for name in NPZ_TEST_NAMES)
    X_test, _ = _flatten(path, X_test)
    _check_pair(path, X, y)
    _check_pair(path, X_test, y_test)
    return Dataset(path.stem, X, y, X_test, y_test, image_shape)


def read_npy(
    path: str | Path, labels: str | Path, *, test_size: float = 0.2, random_state: int = 0
) -> Dataset:
    """From two files: features (n_samples, n_features) and labels (n_samples,)."""
    path = Path(path)
    X, image_shape = _flatten(path, _load(path))
    y = _load(Path(labels))
    _check_pair(path, X, y)
    return split(path.stem, X, y, test_size=test_size, random_state=random_state,
                 image_shape=image_shape)  # fmt: skip


def read_csv(
    path: str | Path,
    *,
    label_column: str | None = None,
    test_size: float = 0.2,
    random_state: int = 0,
) -> Dataset:
    """From a table of numbers with one column of labels: `label_column`, by default the last.

    A first line that is not numbers is the header. Labels that are all integers become integers,
    others stay strings. A file that ends in .tsv is separated by tabs.
    """
    path = Path(path)
    header, rows = _csv_rows(path)
    if len(rows[0]) < 2:
        raise ValueError(f"{path} must have rows of at least one feature and a label.")
    column = _label_index(path, header, len(rows[0]), label_column)
    X = _numbers(path, header, [row[:column] + row[column + 1 :] for row in rows])
    y = _labels([row[column] for row in rows])
    return split(path.stem, X, y, test_size=test_size, random_state=random_state)


def read_features(path: Path, n_features: int, label_column: str | None = None) -> np.ndarray:
    """The features of a file that may or may not have labels too."""
    if path.suffix == ".npz":
        arrays = _npz_arrays(path)
        found = [arrays[name] for name in ("x_test", "x", "x_train") if name in arrays]
        if not found:
            raise ValueError(f"{path} must hold X_test, X or X_train; it holds {sorted(arrays)}.")
        return _flatten(path, found[0])[0]
    if path.suffix == ".npy":
        return _flatten(path, _load(path))[0]
    header, rows = _csv_rows(path)
    if len(rows[0]) == n_features + 1:
        column = _label_index(path, header, len(rows[0]), label_column)
        rows = [row[:column] + row[column + 1 :] for row in rows]
    return _numbers(path, header, rows)


def _load(path: Path) -> np.ndarray:
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} is no plain .npy array ({error}).") from error


def _npz_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name.lower(): arrays[name] for name in arrays.files}
    except _NO_ARRAYS as error:
        raise ValueError(f"{path} is no .npz file of plain arrays ({error}).") from error


def _flatten(path: Path, X: np.ndarray) -> tuple[np.ndarray, tuple[int, int] | None]:
    if X.dtype.kind not in "biuf" or X.ndim not in (2, 3):
        raise ValueError(
            f"{path}: features must be numbers of shape (n_samples, n_features), or images "
            f"(n_samples, height, width); got {X.dtype} of shape {X.shape}."
        )
    if X.ndim == 2:
        return X, None
    scale = 255 if X.dtype == np.uint8 else 1
    return X.reshape(len(X), -1) / np.float32(scale), (X.shape[1], X.shape[2])


def _check_pair(path: Path, X: np.ndarray, y: np.ndarray) -> None:
    if y.shape != X.shape[:1]:
        raise ValueError(
            f"{path}: {len(X)} rows of features need labels of shape ({len(X)},); got {y.shape}."
        )


def _csv_rows(path: Path) -> tuple[list[str] | None, list[list[str]]]:
    """The header, if there is one, and the rows, all of one length."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        delimiter = "\t" if path.suffix == ".tsv" else ","
        try:
            rows = [row for row in csv.reader(file, delimiter=delimiter) if row]
        except csv.Error as error:
            raise ValueError(f"{path} is no table of cells ({error}).") from error
    if not rows:
        raise ValueError(f"{path} is empty.")
    header = None if any(_is_number(cell) for cell in rows[0]) else rows.pop(0)
    width = len(header or rows[0])
    for number, row in enumerate(rows, start=2 if header else 1):
        if len(row) != width:
            raise ValueError(f"{path}: row {number} has {len(row)} cells; expected {width}.")
    if not rows:
        raise ValueError(f"{path} has a header, but no rows.")
    return header, rows


def _label_index(path: Path, header: list[str] | None, width: int, name: str | None) -> int:
    if name is None:
        return width - 1
    if header is None or name not in header:
        raise ValueError(f"{path} has no column {name!r}; its columns are {header or 'unnamed'}.")
    return header.index(name)


def _numbers(path: Path, header: list[str] | None, rows: list[list[str]]) -> np.ndarray:
    try:
        return np.asarray(rows, dtype=np.float64)
    except ValueError:
        first = 2 if header else 1
        number, cell = next(
            (number, cell)
            for number, row in enumerate(rows, start=first)
            for cell in row
            if not _is_number(cell)
        )
        raise ValueError(
            f"{path}: row {number} holds {cell!r} where a number is needed. Features must be "
            "numbers; name the column of labels if it is not the last."
        ) from None


def _labels(cells: list[str]) -> np.ndarray:
    try:
        return np.asarray([int(cell) for cell in cells])
    except ValueError:
        return np.asarray(cells)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
