"""What every source of data becomes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split


class TableWarning(UserWarning):
    """Which line was taken for the header, and which columns were left out or went by position.

    A category of its own, so that it can be silenced or made an error without touching others.

    See Also
    --------
    read_csv : Reads a table of text.
    load_rows : Matches the columns of a table with those of a model.

    Examples
    --------
    >>> import warnings
    >>> from pathlib import Path
    >>> from xsoftmax.datasets import TableWarning, read_csv
    >>> text = '''Unnamed: 0,width,species
    ... 0,5.1,setosa
    ... 1,4.9,setosa
    ... 2,7.0,versicolor
    ... 3,6.4,versicolor
    ... '''
    >>> path = Path("irises.csv")
    >>> n_written = path.write_text(text)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", TableWarning)
    ...     data = read_csv(path, test_size=0.5)
    >>> data.feature_names
    ('width',)
    """


@dataclass(frozen=True)
class Dataset:
    """Rows to train on and rows to test on, as NumPy arrays.

    A frozen dataclass; its parameters are its attributes.

    Parameters
    ----------
    name : str
        A short name of the data, such as the name of the file.
    X_train : ndarray of shape (n_train, n_features)
        Features to train on.
    y_train : ndarray of shape (n_train,)
        Labels to train on.
    X_test : ndarray of shape (n_test, n_features)
        Features to test on.
    y_test : ndarray of shape (n_test,)
        Labels to test on.
    image_shape : tuple of (int, int), default=None
        Height and width, when each row is an image.
    class_names : tuple of str, default=None
        What the labels 0, 1, ... mean.
    feature_names : tuple of str, default=None
        One for each column of X, when columns have names.
    label_name : str, default=None
        The name of the column of labels; its position, as text, in a table without a header.

    See Also
    --------
    load : Reads a data set by its name or from files.
    Rows : Rows without a split.

    Examples
    --------
    >>> from xsoftmax.datasets import digits
    >>> data = digits()
    >>> data.name, data.X_train.shape, data.y_train.shape
    ('digits', (1437, 64), (1437,))
    """

    name: str
    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    image_shape: tuple[int, int] | None = None
    class_names: tuple[str, ...] | None = None
    feature_names: tuple[str, ...] | None = None
    label_name: str | None = None

    def astype(self, dtype: str) -> Dataset:
        """Convert the features to another floating dtype.

        Parameters
        ----------
        dtype : str
            The dtype, such as "float32".

        Returns
        -------
        data : Dataset
            The same rows and labels. Features that have the dtype already are not copied.
        """
        return replace(
            self,
            X_train=self.X_train.astype(dtype, copy=False),
            X_test=self.X_test.astype(dtype, copy=False),
        )


class Rows(NamedTuple):
    """All rows of a source, or its test part, before or without a split.

    A NamedTuple; its parameters are its attributes.

    Parameters
    ----------
    name : str
        A short name of the rows, such as the name of the file.
    X : ndarray of shape (n_samples, n_features)
        Features.
    y : ndarray of shape (n_samples,) or None
        Labels, when there are some.
    image_shape : tuple of (int, int), default=None
        Height and width, when each row is an image.
    class_names : tuple of str, default=None
        What the labels 0, 1, ... mean.
    feature_names : tuple of str, default=None
        One for each column of X, when columns have names.
    label_name : str, default=None
        The name of the column of labels; its position, as text, in a table without a header.

    See Also
    --------
    load_rows : Reads rows to ask a model about.
    with_test_rows : Makes a `Dataset` of two of them.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.datasets import Rows
    >>> rows = Rows("two points", np.asarray([[0.0], [1.0]]), np.asarray([0, 1]))
    >>> rows.X.shape, rows.feature_names
    ((2, 1), None)
    """

    name: str
    X: Any
    y: np.ndarray | None
    image_shape: tuple[int, int] | None = None
    class_names: tuple[str, ...] | None = None
    feature_names: tuple[str, ...] | None = None
    label_name: str | None = None


def with_test_rows(rows: Rows, test: Rows) -> Dataset:
    """Make a data set of all `rows` to train on, and all of `test` to test on.

    Parameters
    ----------
    rows : Rows
        Rows with labels. The data set has their names.
    test : Rows
        Rows with labels and the same columns.

    Returns
    -------
    data : Dataset
        Both, without a copy.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.datasets import Rows, with_test_rows
    >>> rows = Rows("old", np.asarray([[0.0], [1.0]]), np.asarray([0, 1]))
    >>> test = Rows("new", np.asarray([[0.5]]), np.asarray([1]))
    >>> data = with_test_rows(rows, test)
    >>> data.name, len(data.X_train), len(data.X_test)
    ('old', 2, 1)
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
