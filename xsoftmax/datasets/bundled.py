"""scikit-learn's bundled 8 x 8 digits: the data that need no file."""

from __future__ import annotations

from sklearn.datasets import load_digits

from .dataset import Dataset, Rows, split


def digits(*, test_size: float = 0.2, random_state: int = 0) -> Dataset:
    """1,797 images of handwritten digits, 64 features in [0, 1], 10 classes."""
    return split(all_digits(), test_size=test_size, random_state=random_state)


def all_digits() -> Rows:
    """The same before the split."""
    X, y = load_digits(return_X_y=True)
    return Rows("digits", X / 16, y, image_shape=(8, 8))
