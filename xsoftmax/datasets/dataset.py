"""What every source of data becomes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split


class TableWarning(UserWarning):
    """Which line was taken for the header, and which columns were left out or went by position."""


@dataclass(frozen=True)
class Dataset:
    """Rows to train on and rows to test on, as NumPy arrays."""

    name: str
    X_train: np.ndarray  #: (n_samples, n_features), floating
    y_train: np.ndarray  #: (n_samples,)
    X_test: np.ndarray
    y_test: np.ndarray
    image_shape: tuple[int, int] | None = None  #: (height, width), when each row is an image
    class_names: tuple[str, ...] | None = None  #: what the labels 0, 1, ... mean
    feature_names: tuple[str, ...] | None = None  #: one for each column of X, when it has a name
    label_name: str | None = None  #: of the column of labels; its position when there is no header

    def astype(self, dtype: str) -> Dataset:
        """The same with features of another floating dtype."""
        return replace(
            self,
            X_train=self.X_train.astype(dtype, copy=False),
            X_test=self.X_test.astype(dtype, copy=False),
        )


class Rows(NamedTuple):
    """All rows of a source, or its test part, before or without a split."""

    name: str
    X: np.ndarray  #: (n_samples, n_features)
    y: np.ndarray | None  #: (n_samples,), when there are labels
    image_shape: tuple[int, int] | None = None
    class_names: tuple[str, ...] | None = None
    feature_names: tuple[str, ...] | None = None
    label_name: str | None = None


def with_test_rows(rows: Rows, test: Rows) -> Dataset:
    """All of `rows` to train on, and all of `test` to test on.

    Parameters
    ----------
    rows, test : Rows
        Both with labels, and with the same columns. Names are those of `rows`.

    Returns
    -------
    Dataset
    """
    return _dataset(rows, rows.X, rows.y, test.X, test.y)


def _dataset(rows: Rows, X_train: Any, y_train: Any, X_test: Any, y_test: Any) -> Dataset:
    return Dataset(
        rows.name,
        X_train,
        y_train,
        X_test,
        y_test,
        rows.image_shape,
        rows.class_names,
        rows.feature_names,
        rows.label_name,
    )


def test_part(dataset: Dataset) -> Rows:
    """The rows of `dataset` to test on."""
    return Rows(
        dataset.name,
        dataset.X_test,
        dataset.y_test,
        dataset.image_shape,
        dataset.class_names,
        dataset.feature_names,
        dataset.label_name,
    )


def split(rows: Rows, *, test_size: float = 0.2, random_state: int = 0) -> Dataset:
    """Split rows in two, stratified by label; a class with a single row goes to training.

    Raises
    ------
    ValueError
        If the rows of the other classes are too few for each to be on both sides.

    Warns
    -----
    UserWarning
        If a class has a single row, since the test part then lacks that class.
    """
    name, X, y = rows[:3]
    assert y is not None
    labels, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    alone = counts[codes] == 1
    try:
        train, test = train_test_split(
            np.flatnonzero(~alone),
            test_size=test_size,
            random_state=random_state,
            stratify=codes[~alone],
        )
    except ValueError as error:
        raise ValueError(
            f"{name}: {len(y)} rows of {len(labels)} classes cannot be split into train and test "
            f"with a test size of {test_size}: {error} Change the test size, or name a file to "
            "test on (--test)."
        ) from error
    if alone.any():
        named = ", ".join(repr(label) for label in labels[counts == 1][:10].tolist())
        warnings.warn(
            f"{name}: of class {named} there is a single row. It is trained on, so that nothing "
            "tells how well that class is predicted.",
            stacklevel=2,
        )
        train = np.concatenate([train, np.flatnonzero(alone)])
    return _dataset(rows, X[train], y[train], X[test], y[test])
