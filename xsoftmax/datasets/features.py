"""Features that a network made, with labels beside them: one file, or a folder of shards."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from ..sources import StoredRows, files_in, quoted
from .dataset import Rows
from .numpy_files import checked_rows, load_array, npz_arrays

#: Names under which a file of several arrays may hold features, and labels.
FEATURE_NAMES = ("x", "features", "embeddings")
LABEL_NAMES = ("y", "labels", "targets")
#: What the name of a .npy file of labels adds to that of its features; alone it is a folder's.
LABELS = "labels"
SUFFIXES = (".npy", ".npz", ".safetensors")


def read_features(
    path: str | Path,
    labels: str | Path | None = None,
    *,
    stored: bool = False,
    labelled: bool = True,
    like: Any = None,
) -> Rows:
    """Read features and labels from a file, or from a folder of shards.

    Parameters
    ----------
    path : str or Path
        A .npz or .safetensors file with arrays ``X`` and ``y`` (or ``features``, ``embeddings``;
        ``labels``, ``targets``), a .npy file with its labels beside it (``train.npy`` and
        ``train_labels.npy``), or a folder of such files, which are read in the order of their
        names, numbers in these by their value. A folder may have one ``labels.npy`` for all.
    labels : str or Path, default=None
        A .npy file of labels, instead.
    stored : bool, default=False
        Whether features stay in their files, .npy or .safetensors, and X is `StoredRows`.
    labelled : bool, default=True
        Whether there must be labels; if not, ``y`` is None where there are none.
    like : array, default=None
        Of the library and on the device that `StoredRows` are computed with; NumPy's by default.

    Returns
    -------
    rows : Rows
        ``X`` (n_samples, n_features) in the dtype that it is stored in, ``y`` and a ``name``.

    Raises
    ------
    ValueError
        If a file is no such file, arrays do not go together, shards have different columns,
        labels are missing, or one of a folder's files is a link that leads out of it.
    OSError
        If a file cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.datasets import read_features
    >>> np.save("train.npy", np.ones((6, 4), dtype=np.float16))
    >>> np.save("train_labels.npy", np.arange(6) % 2)
    >>> rows = read_features("train.npy")
    >>> rows.X.shape, rows.X.dtype, rows.y.tolist()
    ((6, 4), dtype('float16'), [0, 1, 0, 1, 0, 1])
    """
    path = Path(path)
    files = _shards(path) if path.is_dir() else [path]
    if stored:
        return _stored(path, files, labels, like)
    found = [_read(file) for file in files]
    widths = sorted({X.shape[1:] for X, _ in found})
    if len(widths) > 1:
        raise ValueError(f"{path}: shards have features of different shapes, {widths}.")
    X = found[0][0] if len(found) == 1 else np.concatenate([X for X, _ in found])
    y = _labels(path, files, found, labels, labelled)
    return checked_rows(path, X, y)


def _stored(path: Path, files: list[Path], labels: Any, like: Any) -> Rows:
    """Labels in memory, and features in their files."""
    X, found = StoredRows(list(files), like), [(None, _labels_beside(file)) for file in files]
    y = _labels(path, files, found, labels)
    if y.shape != X.shape[:1]:
        raise ValueError(
            f"{path}: {X.shape[0]} rows of features need labels of shape ({X.shape[0]},); got "
            f"{y.shape}."
        )
    return Rows(path.stem, X, y)


def _labels_beside(file: Path) -> np.ndarray | None:
    """The labels that are in a file of features, or beside it."""
    if file.suffix.lower() == ".npy":
        beside = file.with_name(f"{file.stem}_{LABELS}{file.suffix}")
        return load_array(beside) if beside.exists() else None
    with _named(file), safetensors.safe_open(file, framework="numpy") as tensors:
        names = {name.lower(): name for name in tensors.keys()}  # noqa: SIM118
        known = [names[name] for name in LABEL_NAMES if name in names]
        return tensors.get_tensor(known[0]) if known else None


def _shards(folder: Path) -> list[Path]:
    files = files_in(folder, SUFFIXES)
    files.sort(
        key=lambda file: [  # shard-2 before shard-10
            (part.zfill(20) if part.isdigit() else part) for part in re.split(r"(\d+)", file.name)
        ]
    )
    shards = [file for file in files if not _holds_labels(file)]
    if not shards:
        raise ValueError(f"{folder} holds no features: no {', '.join(SUFFIXES)} file.")
    return shards


def _holds_labels(file: Path) -> bool:
    return file.suffix.lower() == ".npy" and file.stem.lower().split("_")[-1] == LABELS


def _read(file: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """The features in a file, and the labels that are with them."""
    suffix = file.suffix.lower()
    if suffix == ".npy":
        beside = file.with_name(f"{file.stem}_{LABELS}{file.suffix}")
        return load_array(file), load_array(beside) if beside.exists() else None
    if suffix == ".npz":
        arrays: Mapping[str, np.ndarray] = npz_arrays(file)
    elif suffix == ".safetensors":
        arrays = _tensors(file)
    else:
        raise ValueError(
            f"{file} is no file of features: those end in {', '.join(SUFFIXES)}. A folder of them "
            "may be named too."
        )
    X = next((arrays[name] for name in FEATURE_NAMES if name in arrays), None)
    if X is None:
        raise ValueError(
            f"{file} must hold an array named X, features or embeddings; it holds "
            f"{quoted(sorted(arrays))}."
        )
    return X, next((arrays[name] for name in LABEL_NAMES if name in arrays), None)


def _tensors(file: Path) -> dict[str, np.ndarray]:
    with _named(file):
        return {name.lower(): x for name, x in safetensors.numpy.load_file(file).items()}


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """Errors of the library, which do not say which file."""
    file.open("rb").close()
    try:
        yield
    except (safetensors.SafetensorError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{file} is no .safetensors file of arrays that NumPy has ({quoted(error)}). Save "
            "bfloat16 as float16 or float32."
        ) from error


def _labels(
    path: Path,
    files: list[Path],
    found: Sequence[tuple[Any, np.ndarray | None]],
    named: str | Path | None,
    labelled: bool = True,
) -> Any:
    """Those that are named, that all files have, or that a folder has for all of them."""
    if named is not None:
        return load_array(Path(named))
    for file, (_, y) in zip(files, found, strict=True):
        if y is not None and y.ndim != 1:
            raise ValueError(f"{file}: labels must have the shape (n_samples,); got {y.shape}.")
    lacking = [file for file, (_, y) in zip(files, found, strict=True) if y is None]
    if not lacking:
        return np.concatenate([y for _, y in found if y is not None])
    of_all = path / f"{LABELS}.npy"
    if path.is_dir() and of_all.exists():
        return load_array(of_all)
    if not labelled:
        return None
    wanted = "an array y in it"
    if lacking[0].suffix.lower() == ".npy":
        wanted = f"{lacking[0].stem}_{LABELS}.npy beside it"
    folder = f", or {of_all.name} for the whole folder" if path.is_dir() else ""
    raise ValueError(
        f"{lacking[0]} holds features only: there must be {wanted}{folder}; or name the .npy file "
        "of labels too."
    )
