"""From what a person types to a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .bundled import digits
from .dataset import Dataset
from .published import fashion_mnist, idx_folder, mnist
from .tables import read_csv, read_features, read_npy, read_npz

NAMED = ("digits", "mnist", "fashion-mnist")


def load(
    source: str | Path,
    *,
    labels: str | Path | None = None,
    label_column: str | None = None,
    data_dir: str | Path | None = None,
    test_size: float = 0.2,
    random_state: int = 0,
) -> Dataset:
    """A data set by name, or from a .npz, .npy (with `labels`), .csv or .tsv file or IDX folder.

    Raises
    ------
    ValueError
        If the source is unknown or its content does not fit.
    OSError
        If a file cannot be read or downloaded.
    """
    splitting: dict[str, Any] = {"test_size": test_size, "random_state": random_state}
    if source == "digits":
        return digits(**splitting)
    if source in ("mnist", "fashion-mnist"):
        return (mnist if source == "mnist" else fashion_mnist)(data_dir)
    path = _existing(source)
    if path.is_dir():
        return idx_folder(path)
    if path.suffix == ".npz":
        return read_npz(path, **splitting)
    if path.suffix == ".npy":
        if labels is None:
            raise ValueError(f"{path} holds features only; name the .npy file of labels too.")
        return read_npy(path, _existing(labels), **splitting)
    return read_csv(path, label_column=label_column, **splitting)


def load_features(
    source: str | Path,
    n_features: int,
    *,
    label_column: str | None = None,
    data_dir: str | Path | None = None,
) -> np.ndarray:
    """The rows to predict: of a named data set those to test on, of a file all."""
    if source in NAMED or Path(source).is_dir():
        return load(source, data_dir=data_dir).X_test
    return read_features(_existing(source), n_features, label_column)


def _existing(source: str | Path) -> Path:
    path = Path(source)
    if not path.exists():
        raise ValueError(f"{source} is neither a file nor one of {', '.join(NAMED)}.")
    if not path.is_dir() and path.suffix not in (".npz", ".npy", ".csv", ".tsv"):
        raise ValueError(f"{path} must end in .npz, .npy, .csv or .tsv.")
    return path
