"""Between data sets and models: the columns that a model knows, and the rows to ask it about."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import arrays, datasets
from ..sources import StoredRows
from ..sources.stored import LARGE_MAP
from .option_rules import may_be_stored
from .options import somewhere

#: Rows of a file that accuracies and pictures are made of, where it stays on disk.
SHOWN_ROWS = 20_000


def hush(quiet: bool) -> None:
    """With --quiet, say nothing of headers and columns."""
    if quiet:
        warnings.simplefilter("ignore", datasets.TableWarning)


class TrainingData(NamedTuple):
    """What is trained on, and rows of it in memory that scores and pictures are made of."""

    X: Any  #: an array, or rows that stay in their file
    y: Any
    weight: np.ndarray | None  #: 0 for rows to test on that are in the same file
    dataset: datasets.Dataset
    X_train: Any  #: of the data set, where the command computes
    X_test: Any


def are_stored(stored: bool | None, path: Path | str) -> bool:
    """Whether features are read from disk at each pass: as asked, or because they are large."""
    if stored is not None or not may_be_stored(str(path)):
        return bool(stored)
    path = Path(path)
    files = [file for file in (path.iterdir() if path.is_dir() else [path]) if file.is_file()]
    return sum(file.stat().st_size for file in files) >= LARGE_MAP


def data_in_memory(data: str, place: arrays.Backend, dtype: str, **how: Any) -> TrainingData:
    """What `datasets.load` gives."""
    dataset = datasets.load(data, **how).astype(dtype)
    X_train, X_test = place.asarray(dataset.X_train), place.asarray(dataset.X_test)
    # Labels travel as a list, since they may be strings, which no GPU holds.
    return TrainingData(X_train, dataset.y_train.tolist(), None, dataset, X_train, X_test)


def stored_data(
    data: str,
    place: arrays.Backend,
    seed: int,
    *,
    labels: Path | None,
    test: str | None,
    test_labels: Path | None,
    test_size: float,
) -> TrainingData:
    """Rows of `data` that stay on disk; without `test`, random rows of them are tested on.

    At most `SHOWN_ROWS` of each part are gathered, which accuracies and pictures are made of.
    """
    like = somewhere(place)
    rows = datasets.read_features(data, labels, stored=True, like=like)
    y: np.ndarray = np.asarray(rows.y)
    rng, weight = np.random.default_rng(seed), None
    order = rng.permutation(len(y))
    if test is None:
        n_test = max(1, round(test_size * len(y)))
        held, trained = order[:n_test], order[n_test:]
        weight = np.ones(len(y))
        weight[held] = 0.0
        X_test, y_test = rows.X, y
    else:
        others = datasets.read_features(test, test_labels, stored=True, like=like)
        X_test, y_test, trained = others.X, np.asarray(others.y), order
        held = rng.permutation(len(y_test))
    some, few = np.sort(trained[:SHOWN_ROWS]), np.sort(held[:SHOWN_ROWS])
    there = (
        X.take(arrays.indices_from_host(which, like=X.like))
        for X, which in ((rows.X, some), (X_test, few))
    )
    X_train, X_test = there
    on_host = arrays.to_host(X_train), y[some], arrays.to_host(X_test), y_test[few]
    dataset = datasets.Dataset(rows.name, *on_host)
    return TrainingData(rows.X, y, weight, dataset, X_train, X_test)


def there(place: arrays.Backend, X: Any) -> Any:
    """X as an array on `place`; rows in files know where they go."""
    return X if isinstance(X, StoredRows) else place.asarray(X)


def with_columns(estimator: Any, dataset: datasets.Dataset) -> Any:
    """The fitted estimator with the names of the columns it was trained on, for `save`."""
    named = copy.copy(estimator)
    if dataset.feature_names is not None:
        named.feature_names_in_ = np.asarray(dataset.feature_names, dtype=object)
    if dataset.label_name is not None:
        named.label_name_ = dataset.label_name
    if hasattr(estimator, "best_estimator_"):
        named.best_estimator_ = with_columns(estimator.best_estimator_, dataset)
    return named


def rows_for(estimator: Any, source: str, **how: Any) -> datasets.Rows:
    """The rows of `source` to ask a loaded model about (see `datasets.load_rows`).

    From then on the model takes columns by position: they are in its order, and arrays have no
    names that scikit-learn could compare.
    """
    steps = [step for _, step in getattr(estimator, "steps", [("model", estimator)])]
    names = getattr(steps[0], "feature_names_in_", None)
    label_name = getattr(steps[-1], "label_name_", None)
    for step in steps:
        vars(step).pop("feature_names_in_", None)
    names = None if names is None else tuple(names)
    schema = datasets.Schema(estimator.n_features_in_, names, label_name)
    return datasets.load_rows(source, schema, **how)
