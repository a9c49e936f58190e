"""scikit-learn's bundled 8 x 8 digits: the data that need no file."""

from __future__ import annotations

from sklearn.datasets import load_digits

from .dataset import Dataset, Rows, split


def digits(*, test_size: float = 0.2, random_state: int = 0) -> Dataset:
    """Load 1,797 images of handwritten digits: 64 features in [0, 1], 10 classes.

    They are the 8 x 8 images of scikit-learn's ``load_digits``, divided by 16. No file is needed.

    Parameters
    ----------
    test_size : float, default=0.2
        The share of rows to test on. The split is stratified by class.
    random_state : int, default=0
        Which rows these are.

    Returns
    -------
    data : Dataset
        Features are float64, labels integers.

    See Also
    --------
    mnist : 70,000 digits of 28 x 28 pixels.

    Examples
    --------
    >>> from xsoftmax.datasets import digits
    >>> data = digits()
    >>> data.X_train.shape, data.X_test.shape, data.image_shape
    ((1437, 64), (360, 64), (8, 8))
    """
    return split(all_digits(), test_size=test_size, random_state=random_state)


def all_digits() -> Rows:
    """Load all digits, before the split."""
    X, y = load_digits(return_X_y=True)
    return Rows("digits", X / 16, y, image_shape=(8, 8))
