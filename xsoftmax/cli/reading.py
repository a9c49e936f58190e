"""Between data sets and models: the columns that a model knows, and the rows to ask it about."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np

from .. import datasets


def hush(quiet: bool) -> None:
    """With --quiet, say nothing of headers and columns."""
    if quiet:
        warnings.simplefilter("ignore", datasets.TableWarning)


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
