"""Cross-validation as a batch: a fold is a row of weights, zero where its problem must not look."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import check_cv

from ..arrays import indices_from_host, is_numpy, is_out_of_memory, on_accelerator, to_host
from ..objective.objective import Objective
from ..objective.rows import Segment
from .training import Samples
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


def _indices(rows: Any) -> np.ndarray:
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows


def weights_of(samples: Samples, folds: list[Fold]) -> np.ndarray:
    """(n_folds, n_samples): what each sample weighs in the training of each fold."""
    weights = np.zeros((len(folds), samples.X.shape[0]))
    for row, fold in zip(weights, folds, strict=True):
        np.add.at(row, fold.train, samples.weight[fold.train])  # a row named twice counts twice
    return weights


def sort_rows_by_fold(objective: Objective) -> Objective:
    """The objective of a batch of folds, sorted so that products skip what a fold holds out.

    As it is where rows are held out by several folds, or by so few that nothing is gained, on an
    accelerator, which prefers few large products, and where a copy of X is or may be too large.
    """
    rows, (n_features, *_, n_classes) = objective.rows, objective.network.layer_sizes
    n_folds = rows.weights.shape[0]
    policy = objective.policy
    is_large = rows.n_samples * n_features > policy.max_copied_values
    if n_folds == 1 or is_large or on_accelerator(rows.X):
        return objective
    unseen = to_host(rows.weights) == 0
    held_out_by = np.where(unseen.sum(axis=0) == 1, unseen.argmax(axis=0), n_folds)
    counts = np.bincount(held_out_by, minlength=n_folds + 1).tolist()
    if min(counts[:-1]) * n_features * n_classes < policy.min_work_of_fold:
        return objective
    order = indices_from_host(held_out_by.argsort(kind="stable"), like=rows.X)
    segments = tuple(
        Segment(n_rows, k if k < n_folds else None) for k, n_rows in enumerate(counts) if n_rows
    )
    try:
        return replace(objective, rows=rows.sort_by_segment(order, segments))
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return objective
