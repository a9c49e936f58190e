"""Cross-validation as a batch: a fold is a row of weights, zero where its problem must not look."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import PredefinedSplit, check_cv

from ..arrays import is_numpy
from .problems import Problem
from .samples import Samples
from .words import shown


class Fold(NamedTuple):
    """Indices of rows."""

    train: np.ndarray
    test: np.ndarray


def split(cv: Any, samples: Samples, groups: Any) -> list[Fold]:
    """The folds of a splitter, a number of (stratified) folds, or an iterable of pairs of indices.

    Raises
    ------
    ValueError
        If there are no folds, the training rows of one weigh nothing or hold a single class, or its
        test rows weigh nothing.
    """
    X = samples.X if is_numpy(samples.X) else np.zeros((samples.X.shape[0], 1))
    splitter = check_cv(cv, samples.labels, classifier=True)
    folds = [Fold(*map(_indices, pair)) for pair in splitter.split(X, samples.labels, groups)]
    if not folds:
        raise ValueError(f"cv={shown(cv)} yields no folds; pass at least one pair of row indices.")
    for i, fold in enumerate(folds):
        seen = samples.labels[fold.train][samples.weight[fold.train] > 0]
        if len(np.unique(seen)) < 2:
            raise ValueError(
                f"cv={shown(cv)}: the training rows of fold {i} hold fewer than 2 classes (with "
                "weight above zero). Use fewer folds, or a stratified splitter."
            )
        if not samples.weight[fold.test].sum() > 0:
            raise ValueError(
                f"cv={shown(cv)}: fold {i} has no test rows with weight above zero to score on; "
                f"its {len(fold.test)} test rows weigh nothing. Use fewer folds, or other weights."
            )
    return folds


def reads_rows(cv: Any) -> bool:
    """Whether a splitter may look at the rows: those of scikit-learn only count them."""
    return hasattr(cv, "split") and not type(cv).__module__.startswith("sklearn.")


def names_rows(cv: Any) -> bool:
    """Whether folds are given by the indices of rows, whatever these hold."""
    are_pairs = not hasattr(cv, "split") and isinstance(cv, Iterable)
    return are_pairs or isinstance(cv, PredefinedSplit)


def _indices(rows: Any) -> np.ndarray:
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows


def problems_of(samples: Samples, folds: list[Fold]) -> list[Problem]:
    """The training of each fold: a row that it does not name weighs nothing."""
    weights = np.zeros((len(folds), samples.X.shape[0]))
    for row, fold in zip(weights, folds, strict=True):
        np.add.at(row, fold.train, samples.weight[fold.train])  # a row named twice counts twice
    return [Problem(samples.targets, row) for row in weights]
