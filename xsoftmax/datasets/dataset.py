"""What every source of data becomes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from sklearn.model_selection import train_test_split


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

    def astype(self, dtype: str) -> Dataset:
        """The same with features of another floating dtype."""
        return replace(
            self,
            X_train=self.X_train.astype(dtype, copy=False),
            X_test=self.X_test.astype(dtype, copy=False),
        )


def split(
    name: str,
    X: np.ndarray,
    y: np.ndarray,
    *,
    test_size: float = 0.2,
    random_state: int = 0,
    image_shape: tuple[int, int] | None = None,
) -> Dataset:
    """Split rows in two, stratified by label.

    Raises
    ------
    ValueError
        If a class has fewer than two rows, so that it cannot be on both sides.
    """
    labels, counts = np.unique(y, return_counts=True)
    if counts.min() < 2:
        raise ValueError(
            f"{name}: class {labels[counts.argmin()]!r} has a single row, and one is needed on "
            "each side of the split into train and test. Remove it, or name a test set."
        )
    try:
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, test_size=test_size, random_state=random_state, stratify=y
        )
    except ValueError as error:
        raise ValueError(
            f"{name}: {len(y)} rows of {len(labels)} classes cannot be split into train and test "
            f"with a test size of {test_size}: {error}"
        ) from error
    return Dataset(name, X_train, y_train, X_test, y_test, image_shape)
