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

#: Rows of a file that accuracies and pictures are made of, where it stays on disk.
SHOWN_ROWS = 20_000


def hush(quiet: bool) -> None:
    """With --quiet, say nothing of headers and columns."""
    if quiet:
        warnings.simplefilter("ignore", datasets.TableWarning)


class LargeRows(NamedTuple):
    """Features that stay in their file, with rows to train on and rows to test on."""

    X: StoredRows
    y: np.ndarray
    weight: np.ndarray | None  #: 0 for rows to test on that are in the same file
    dataset: datasets.Dataset  #: some rows of each part, in memory


def are_stored(stored: bool | None, *paths: Path | str) -> bool:
    """Whether features are read from disk at each pass: as asked, or because they are large."""
    if stored is not None:
        return stored
    files: list[Path] = []
    for path in map(Path, paths):
        files += path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) >= LARGE_MAP


def large_rows(
    data: str,
    labels: Path | None,
    test: str | None,
    test_labels: Path | None,
    test_size: float,
    seed: int,
    like: Any,
) -> LargeRows:
    """Rows of `data` that stay on disk; without `test`, random rows of them are tested on.

    At most `SHOWN_ROWS` of each part are gathered, which accuracies and pictures are made of.
    """
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

    def gathered(X: StoredRows, which: np.ndarray) -> np.ndarray:
        return arrays.to_host(X.take(arrays.indices_from_host(which, like=X.like)))

    shown = gathered(rows.X, some), y[some], gathered(X_test, few), y_test[few]
    return LargeRows(rows.X, y, weight, datasets.Dataset(rows.name, *shown))


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
