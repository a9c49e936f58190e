"""Cross-validation as a batch: a fold is a row of weights, zero where its problem must not look."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv

from ..arrays import (
    Array,
    indices_from_host,
    is_numpy,
    is_out_of_memory,
    namespace,
    on_accelerator,
    to_host,
)
from ..network import Layer, Network
from ..objective import Objective
from ..rows import Part
from .predictor import Predictor, logits_of
from .training import Samples
from .validation import check_sample_weight, host_labels

#: What `scoring` may be for accuracy, which needs no host.
ACCURACY = (None, "accuracy")
#: A part that saves fewer multiplications is not worth its own blocks.
PART_PRODUCTS = 1 << 22
#: Rows are copied for speed when they have at most so many values together.
COPIED_VALUES = 1 << 27


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
        raise ValueError(f"cv={cv!r} yields no folds; pass at least one pair of row indices.")
    for i, fold in enumerate(folds):
        seen = samples.labels[fold.train][samples.weight[fold.train] > 0]
        if len(np.unique(seen)) < 2:
            raise ValueError(
                f"cv={cv!r}: the training rows of fold {i} hold fewer than 2 classes (with weight "
                "above zero). Use fewer folds, or a stratified splitter."
            )
        if not samples.weight[fold.test].sum() > 0:
            raise ValueError(
                f"cv={cv!r}: fold {i} has no test rows with weight above zero to score on; its "
                f"{len(fold.test)} test rows weigh nothing. Use fewer folds, or other weights."
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


def by_part(objective: Objective) -> Objective:
    """The objective of a batch of folds, sorted so that products skip what a fold holds out.

    As it is where rows are held out by several folds, or by so few that nothing is gained, on an
    accelerator, which prefers few large products, and where a copy of X is or may be too large.
    """
    rows, (n_features, *_, n_classes) = objective.rows, objective.network.layer_sizes
    n_folds = rows.weights.shape[0]
    large = rows.n_samples * n_features > COPIED_VALUES
    if n_folds == 1 or large or on_accelerator(rows.X):
        return objective
    unseen = to_host(rows.weights) == 0
    held_out_by = np.where(unseen.sum(axis=0) == 1, unseen.argmax(axis=0), n_folds)
    counts = np.bincount(held_out_by, minlength=n_folds + 1).tolist()
    if min(counts[:-1]) * n_features * n_classes < PART_PRODUCTS:
        return objective
    order = indices_from_host(held_out_by.argsort(kind="stable"), like=rows.X)
    parts = [Part(n_rows, k if k < n_folds else None) for k, n_rows in enumerate(counts) if n_rows]
    try:
        return replace(objective, rows=rows.in_parts(order, tuple(parts)))
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return objective


def scored(model: Predictor, scoring: Any, X: Any, y: Any, sample_weight: Any) -> float:
    """The score of a fitted model: accuracy where X lies, any other scorer on the host."""
    if scoring in ACCURACY:
        return Predictor.score(model, X, y, sample_weight)
    X = model._check_fitted(X)
    labels, weights = host_labels(X, y), {}
    if sample_weight is not None:
        weights["sample_weight"] = check_sample_weight(X, sample_weight)
    twin = copy(model)
    twin._set_layers(_layers_on_host(model._layers()))
    twin.classes_ = to_host(model.classes_)
    twin.__dict__.pop("feature_names_in_", None)  # X is an array now
    if hasattr(twin, "scoring"):
        twin.scoring = None  # or a scorer that asks for the score would ask itself
    scorer = check_scoring(twin, scoring=scoring)
    return float(scorer(twin, to_host(X), labels, **weights))


def _layers_on_host(layers: list[Layer]) -> list[Layer]:
    return [(to_host(W), None if b is None else to_host(b)) for W, b in layers]


class Scorer:
    """Scores a batch of networks, each on the rows that its fold holds out.

    Accuracy is computed where X lies; any other scorer gets `model` and rows on the host.
    """

    def __init__(self, model: Any, samples: Samples, folds: list[Fold], scoring: Any) -> None:
        self.model, self.samples, self.folds = model, samples, folds
        n_values = samples.X.shape[1] * sum(len(fold.test) for fold in folds)
        n_kept = len(folds) if n_values <= COPIED_VALUES else 0
        self.held_out = lru_cache(n_kept)(lambda k: samples.take(folds[k].test))
        self.scorer: Any = None
        if scoring not in ACCURACY:
            self.scorer = check_scoring(model, scoring=scoring)

    def __call__(self, network: Network, parameters: Array, problems: Iterable[int]) -> list[float]:
        """The score of each of the batch's problems, which belong to the folds `problems`."""
        score = self._accuracy if self.scorer is None else self._call_scorer
        scores = []
        for row, k in enumerate(problems):
            layers = network.unpack(parameters[row : row + 1, :])
            scores.append(score(network, layers, self.held_out(k)))
        return scores

    def _accuracy(self, network: Network, layers: list[Layer], held_out: Samples) -> float:
        X = held_out.X
        winners = to_host(logits_of(network, layers, X, namespace(X).argmax))
        right = held_out.targets.classes[winners] == held_out.labels
        return float(np.average(right, weights=held_out.weight))

    def _call_scorer(self, network: Network, layers: list[Layer], held_out: Samples) -> float:
        self.model._set_layers(_layers_on_host(layers))
        weighted = not np.all(held_out.weight == 1)
        weights = {"sample_weight": held_out.weight} if weighted else {}
        return float(self.scorer(self.model, to_host(held_out.X), held_out.labels, **weights))
