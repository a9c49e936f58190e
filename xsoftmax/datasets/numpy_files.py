"""A user's own arrays: .npz, or a pair of .npy."""

from __future__ import annotations

import errno
import struct
import zipfile
import zlib
from math import prod
from pathlib import Path

import numpy as np

from ..arrays import BLOCK_VALUES, row_slices
from ..sources import check_expansion, quoted, read_array
from .dataset import Dataset, Rows, split, with_test_rows

#: Names under which a .npz file may hold its arrays: features and labels, to train and to test on.
TRAIN_NAMES = (("X_train", "y_train"), ("X", "y"))
TEST_NAMES = ("X_test", "y_test")

#: How Python says that an archive is none.
_NO_ARCHIVE = (
    ValueError, EOFError, RuntimeError, OverflowError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
#: How NumPy writes arrays into an archive.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_npz(path: str | Path, *, test_size: float = 0.2, random_state: int = 0) -> Dataset:
    """Read a .npz file of X_train, y_train and perhaps X_test, y_test; or of X, y.

    Parameters
    ----------
    path : str or Path
        The file. Names of arrays may be written in upper or lower case. Images
        (n_samples, height, width) are flattened, and those of bytes (uint8) divided by 255. The
        file may also hold `feature_names`, (n_features,) text, and `label_name`. A compressed file
        may hold 64 MiB, or 100 times its own size if that is more.
    test_size : float, default=0.2
        The share of rows to test on, if the file has no X_test and y_test. The split is
        stratified by class.
    random_state : int, default=0
        Which rows these are.

    Returns
    -------
    data : Dataset
        Rows to train on and rows to test on; its name is that of the file.

    Raises
    ------
    ValueError
        If the file is no .npz file of numbers and text, holds too much for its size, the arrays
        are missing or do not go together, features are not finite, or the rows are too few to
        split.
    OSError
        If the file cannot be read.

    Warns
    -----
    UserWarning
        If a class has a single row: it is trained on, and the test part lacks that class.

    See Also
    --------
    read_npy : Reads features and labels from two files.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.datasets import read_npz
    >>> X = np.arange(20.0).reshape(10, 2)
    >>> np.savez("points.npz", X=X, y=np.arange(10) % 2, feature_names=["east", "north"])
    >>> data = read_npz("points.npz")
    >>> data.X_train.shape, data.X_test.shape, data.feature_names
    ((8, 2), (2, 2), ('east', 'north'))
    """
    read = read_arrays(Path(path))
    if isinstance(read, Dataset):
        return read
    return split(read, test_size=test_size, random_state=random_state)


def read_npy(
    path: str | Path, labels: str | Path, *, test_size: float = 0.2, random_state: int = 0
) -> Dataset:
    """Read two .npy files, of features and of labels, and split their rows in two.

    Parameters
    ----------
    path : str or Path
        The file of features, (n_samples, n_features), or of images (n_samples, height, width).
        Images are flattened, and those of bytes (uint8) divided by 255.
    labels : str or Path
        The file of labels, (n_samples,).
    test_size : float, default=0.2
        The share of rows to test on. The split is stratified by class.
    random_state : int, default=0
        Which rows these are.

    Returns
    -------
    data : Dataset
        Rows to train on and rows to test on; its name is that of the file of features.

    Raises
    ------
    ValueError
        If a file is no plain .npy array, the arrays do not go together, features are not finite,
        or the rows are too few to split.
    OSError
        If a file cannot be read.

    Warns
    -----
    UserWarning
        If a class has a single row: it is trained on, and the test part lacks that class.

    See Also
    --------
    read_npz : Reads both from one file.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.datasets import read_npy
    >>> np.save("features.npy", np.arange(20.0).reshape(10, 2))
    >>> np.save("labels.npy", np.arange(10) % 2)
    >>> data = read_npy("features.npy", "labels.npy")
    >>> data.X_train.shape, data.X_test.shape
    ((8, 2), (2, 2))
    """
    rows = read_pair(Path(path), Path(labels))
    return split(rows, test_size=test_size, random_state=random_state)


def read_arrays(path: Path) -> Dataset | Rows:
    """The data set in a .npz file; without a test part of its own, all rows."""
    arrays = npz_arrays(path)
    names = next((names for names in TRAIN_NAMES if _have(arrays, names)), None)
    if names is None:
        raise ValueError(
            f"{path} must hold X_train and y_train, or X and y; it holds {quoted(sorted(arrays))}."
        )
    rows = _rows(path, arrays, *names)
    if not _have(arrays, TEST_NAMES):
        return rows
    return with_test_rows(rows, _rows(path, arrays, *TEST_NAMES))


def read_test_arrays(path: Path) -> Rows:
    """The rows of a .npz file to test on (X_test, else X, else X_train), with labels if it can."""
    arrays = npz_arrays(path)
    for X_name, y_name in (TEST_NAMES, *reversed(TRAIN_NAMES)):
        if X_name.lower() in arrays:
            return _rows(path, arrays, X_name, y_name)
    raise ValueError(f"{path} must hold X_test, X or X_train; it holds {quoted(sorted(arrays))}.")


def read_pair(path: Path, labels: Path | None) -> Rows:
    """All rows of a .npy file of features, with labels of another if it is named."""
    X, image_shape = _flatten(path, load_array(path))
    y = None if labels is None else load_array(labels)
    _check_pair(path, X, y)
    return Rows(path.stem, X, y, image_shape)


def has_test_arrays(path: Path) -> bool:
    """Whether a .npz file has a test part of its own; asks only for names."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _have(
                {name.lower().removesuffix(".npy") for name in archive.namelist()}, TEST_NAMES
            )
    except (OSError, *_NO_ARCHIVE):
        return False  # reading it will tell what is wrong


def _have(arrays: dict[str, np.ndarray] | set[str], names: tuple[str, str]) -> bool:
    return all(name.lower() in arrays for name in names)


def _rows(path: Path, arrays: dict[str, np.ndarray], X_name: str, y_name: str) -> Rows:
    X, image_shape = _flatten(path, arrays[X_name.lower()])
    y = arrays.get(y_name.lower())
    _check_pair(path, X, y)
    names = arrays.get("feature_names")
    if names is not None and (names.shape != X.shape[1:] or len(set(names.tolist())) < len(names)):
        raise ValueError(
            f"{path}: feature_names must be {X.shape[1]} different names, one for each column of "
            f"{X_name}; got shape {names.shape}."
        )
    label_name = arrays.get("label_name")
    return Rows(
        path.stem,
        X,
        y,
        image_shape,
        feature_names=None if names is None else tuple(map(str, names.tolist())),
        label_name=None if label_name is None else str(label_name),
    )


def checked_rows(path: Path, X: np.ndarray, y: np.ndarray) -> Rows:
    """Rows and their labels, which go together."""
    X, image_shape = _flatten(path, X)
    _check_pair(path, X, y)
    return Rows(path.stem, X, y, image_shape)


def load_array(path: Path) -> np.ndarray:
    """The array of a .npy file."""
    with path.open("rb") as file:
        try:
            return read_array(file, path.stat().st_size)
        except ValueError as error:
            raise ValueError(f"{path} is no plain .npy array ({quoted(error)}).{_TEXT}") from error


_TEXT = " Save text with np.asarray(text, dtype=str)."


def npz_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a .npz file by their names in lower case."""
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                return _members(path, archive)
        except (OSError, *_NO_ARCHIVE) as error:
            if isinstance(error, OSError) and error.errno != errno.EINVAL:
                raise  # EINVAL: a place before the file's start
            raise ValueError(
                f"{path} is no .npz file of plain arrays ({quoted(error)}).{_TEXT}"
            ) from error


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, np.ndarray]:
    members = [member for member in archive.infolist() if member.filename.endswith(".npy")]
    check_expansion(path, sum(member.file_size for member in members), path.stat().st_size)
    arrays = {}
    for member in members:
        name = member.filename.removesuffix(".npy").lower()
        if name in arrays or member.compress_type not in _METHODS:
            raise ValueError(f"{name!r} occurs twice, or is compressed as NumPy does not")
        with archive.open(member) as file:
            arrays[name] = read_array(file, member.file_size)
    return arrays


def _flatten(path: Path, X: np.ndarray) -> tuple[np.ndarray, tuple[int, int] | None]:
    if X.dtype.kind not in "biuf" or X.ndim not in (2, 3):
        raise ValueError(
            f"{path}: features must be numbers of shape (n_samples, n_features), or images "
            f"(n_samples, height, width); got {X.dtype} of shape {X.shape}."
        )
    if X.ndim == 2:
        return X, None
    scale = 255 if X.dtype == np.uint8 else 1
    with np.errstate(invalid="ignore"):  # what is not finite is looked for afterwards
        rows = X.reshape(len(X), prod(X.shape[1:])) / np.float32(scale)
    return rows, (X.shape[1], X.shape[2])


def _check_pair(path: Path, X: np.ndarray, y: np.ndarray | None) -> None:
    if y is not None and y.shape != X.shape[:1]:
        raise ValueError(
            f"{path}: {len(X)} rows of features need labels of shape ({len(X)},); got {y.shape}."
        )
    if X.dtype.kind == "f":
        _check_finite(path, X)


def _check_finite(path: Path, X: np.ndarray) -> None:
    for rows in row_slices(len(X), max(1, BLOCK_VALUES // max(1, X.shape[1]))):
        is_bad = ~np.isfinite(X[rows])
        if is_bad.any():
            i, j = (int(k[0]) for k in np.nonzero(is_bad))
            raise ValueError(
                f"{path}: row {rows.start + i}, column {j} (both from 0) of the features is "
                f"{float(X[rows][i, j])}; features must be finite. Fill it in, or leave out that "
                "row or column."
            )
