"""From what a person types to a data set, or to the rows that a model is asked about."""

from __future__ import annotations

from pathlib import Path

from .bundled import all_digits, digits
from .columns import Schema, rows_in_order, rows_of_table
from .dataset import Dataset, Rows, split, test_part, with_test_rows
from .features import SUFFIXES as FEATURES
from .features import read_features
from .numpy_files import has_test_arrays, read_arrays, read_pair, read_test_arrays
from .published import fashion_mnist, idx_folder, mnist
from .tables import PARQUET, TEXT, labelled_rows, read_table

PUBLISHED = {"mnist": mnist, "fashion-mnist": fashion_mnist}
NAMED = ("digits", *PUBLISHED)
SUFFIXES = (".npz", ".npy", ".safetensors", *TEXT, PARQUET)


def load(
    source: str | Path,
    *,
    labels: str | Path | None = None,
    label_column: str | None = None,
    header: bool | None = None,
    data_dir: str | Path | None = None,
    test: str | Path | None = None,
    test_labels: str | Path | None = None,
    test_size: float = 0.2,
    random_state: int = 0,
) -> Dataset:
    """Read a data set: rows to train on and rows to test on.

    Parameters
    ----------
    source : str or Path
        "digits", "mnist" or "fashion-mnist", a .npz, .npy, .safetensors, .csv, .tsv or .parquet
        file, a folder of such files but text (see `read_features`), or one of IDX files.
    labels : str or Path, default=None
        The .npy file of labels, when `source` is a .npy file of features and they are not beside
        it.
    label_column : str, default=None
        The column of labels of a table; the last by default.
    header : bool, default=None
        Whether the first line of a .csv or .tsv file names the columns; by default the lines below
        it decide.
    data_dir : str or Path, default=None
        The folder of MNIST's files.
    test : str or Path, default=None
        What to test on. All rows of `source` are then trained on, and the columns of `test` are
        matched with those of `source` by name (see `load_rows`).
    test_labels : str or Path, default=None
        The .npy file of labels, when `test` is a .npy file.
    test_size : float, default=0.2
        The share of rows to test on, when neither `test` nor `source` says which.
    random_state : int, default=0
        Which rows these are.

    Returns
    -------
    data : Dataset
        Rows to train on and rows to test on.

    Raises
    ------
    ValueError
        If the source is unknown or its content does not fit.
    OSError
        If a file cannot be read or downloaded.
    ImportError
        If a .parquet file is named and pyarrow is not installed.

    See Also
    --------
    load_rows : Reads the rows to ask a model about.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax import datasets
    >>> datasets.load("digits").X_train.shape
    (1437, 64)
    >>> np.savez("points.npz", X=np.arange(20.0).reshape(10, 2), y=np.arange(10) % 2)
    >>> datasets.load("points.npz", test_size=0.4).X_test.shape
    (4, 2)
    """
    read = _read(source, labels, label_column, header, data_dir)
    if test is None:
        if isinstance(read, Dataset):
            return read
        return split(read, test_size=test_size, random_state=random_state)
    if isinstance(read, Dataset):
        raise ValueError(f"{source} has a test part of its own; leave out test={str(test)!r}.")
    schema = Schema(read.X.shape[1], read.feature_names, read.label_name)
    return with_test_rows(
        read,
        load_rows(
            test,
            schema,
            labelled=True,
            labels=test_labels,
            label_column=label_column,
            header=header,
            data_dir=data_dir,
        ),
    )


def load_rows(
    source: str | Path,
    schema: Schema,
    *,
    labelled: bool = False,
    labels: str | Path | None = None,
    label_column: str | None = None,
    header: bool | None = None,
    data_dir: str | Path | None = None,
    test_size: float = 0.2,
    random_state: int = 0,
) -> Rows:
    """Read the rows to ask a model about: all of a file, or its test part where it has one.

    Where both the source and the model have names of features, columns are put into the model's
    order, and columns that it does not know are left out, with a warning.

    Parameters
    ----------
    source : str or Path
        As for `load`.
    schema : Schema
        The columns that the model was trained on.
    labelled : bool, default=False
        Whether labels are needed.
    labels : str or Path, default=None
        The .npy file of labels, when `source` is a .npy file of features.
    label_column : str, default=None
        The column of labels of a table, if it is not called as in training.
    header : bool, default=None
        Whether the first line of a .csv or .tsv file names the columns; by default the names of
        the model's features and the lines below it decide.
    data_dir : str or Path, default=None
        The folder of MNIST's files.
    test_size : float, default=0.2
        The share of the rows of "digits" that is its test part; of no other source.
    random_state : int, default=0
        Which rows of "digits" these are.

    Returns
    -------
    rows : Rows
        ``y`` is None if there are no labels, or a table's were not asked for.

    Raises
    ------
    ValueError
        If the source is unknown, its content does not fit, a feature is missing, or labels that
        are needed.
    OSError
        If a file cannot be read or downloaded.
    ImportError
        If a .parquet file is named and pyarrow is not installed.

    Warns
    -----
    TableWarning
        If columns are left out, or go by their position because only one side has names.

    See Also
    --------
    load : Reads rows to train on and rows to test on.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.datasets import Schema, load_rows
    >>> np.savez("new.npz", X=[[1.0, 2.0]], feature_names=["north", "east"])
    >>> load_rows("new.npz", Schema(2, ("east", "north"))).X
    array([[2., 1.]])
    """
    if source in NAMED or is_idx_folder(Path(source)):
        if source == "digits":
            data = digits(test_size=test_size, random_state=random_state)
        else:
            whole = _read(source, None, None, None, data_dir)
            assert isinstance(whole, Dataset)
            data = whole
        return rows_in_order(test_part(data), schema, str(source))
    path = _existing(source)
    if is_table(path):
        table = read_table(path, header=header, known_names=schema.names_to_look_for)
        return rows_of_table(table, schema, label_column=label_column, labelled=labelled)
    if path.suffix == ".npz":
        rows = read_test_arrays(path)
    elif path.suffix == ".npy" and labels is not None:
        rows = read_pair(path, _existing(labels))
    else:
        rows = read_features(path, labels, labelled=labelled)
    if labelled and rows.y is None:
        raise ValueError(f"{path} holds features only; it needs labels too (y).")
    return rows_in_order(rows, schema, str(path))


def has_test_part(source: str | Path) -> bool:
    """Tell whether a source says itself which rows to test on.

    Parameters
    ----------
    source : str or Path
        As for `load`. A .npz file is opened, and no other.

    Returns
    -------
    has_one : bool
        True for MNIST, Fashion-MNIST, a folder, and a .npz file with X_test and y_test.

    Examples
    --------
    >>> from xsoftmax.datasets import has_test_part
    >>> has_test_part("mnist"), has_test_part("digits")
    (True, False)
    """
    path = Path(source)
    if source in PUBLISHED or is_idx_folder(path):
        return True
    return path.suffix == ".npz" and path.is_file() and has_test_arrays(path)


def is_table(path: Path) -> bool:
    """Whether a file or a folder has columns with names: text or Parquet."""
    if path.is_dir():
        return any(file.suffix == PARQUET for file in path.iterdir())
    return path.suffix in (*TEXT, PARQUET)


def is_idx_folder(path: Path) -> bool:
    """Whether a folder holds none of the other kinds of file."""
    if not path.is_dir():
        return False
    return not any(file.suffix in (PARQUET, *FEATURES) for file in path.iterdir())


def _read(
    source: str | Path,
    labels: str | Path | None,
    label_column: str | None,
    header: bool | None,
    data_dir: str | Path | None,
) -> Dataset | Rows:
    """A data set with a test part of its own, or all rows."""
    if source == "digits":
        return all_digits()
    if source in PUBLISHED:
        return PUBLISHED[str(source)](data_dir)
    path = _existing(source)
    if is_idx_folder(path):
        if any(file.suffix in TEXT for file in path.iterdir()):
            raise ValueError(
                f"{path} is a folder of text; name one file. Of tables a folder may hold .parquet "
                "files."
            )
        return idx_folder(path)
    if path.suffix == ".npz":
        return read_arrays(path)
    if path.suffix == ".npy" and labels is not None:
        return read_pair(path, _existing(labels))
    if not is_table(path):
        return read_features(path, labels)
    return labelled_rows(read_table(path, header=header), label_column)


def _existing(source: str | Path) -> Path:
    path = Path(source)
    if not path.exists():
        raise ValueError(f"{source} is neither a file nor one of {', '.join(NAMED)}.")
    if not path.is_dir() and path.suffix not in SUFFIXES:
        raise ValueError(f"{path} must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}.")
    return path
