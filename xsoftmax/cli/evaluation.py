"""How well a model does on labelled rows."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, to_host
from ..classifiers.words import few


class Evaluation(NamedTuple):
    """Accuracy (a fraction), mean cross-entropy (nats per row), predicted and true labels.

    Both kinds of labels are numbers, or both are text.
    """

    accuracy: float
    loss: float
    predictions: np.ndarray
    labels: np.ndarray

    @property
    def n_samples(self) -> int:
        """How many rows were scored."""
        return len(self.labels)


def evaluate(model: Any, X: Array, y: np.ndarray) -> Evaluation:
    """Score `model` on X and labels y, in one pass; a label that it never saw costs inf.

    Where one side's labels are numbers and the other's are text, they are compared as text: labels
    of a file are numbers only if all of them are, which one more row may change.

    Raises
    ------
    ValueError
        If the model saw none of the labels.

    Warns
    -----
    UserWarning
        If it did not see some of them.
    """
    classes, y = alike(to_host(model.classes_), y)
    is_known = check_known(y, classes)
    log_proba = to_host(model.predict_log_proba(X))
    predictions = classes[log_proba.argmax(axis=1)]
    order = np.argsort(classes)
    columns = order[np.minimum(np.searchsorted(classes, y, sorter=order), len(classes) - 1)]
    losses = -log_proba[np.arange(len(y)), columns].astype(np.float64)
    losses[~is_known] = np.inf
    if not is_known.all():
        warnings.warn(
            f"the labels of {np.sum(~is_known)} of {len(y)} rows are none of the model's classes: "
            f"{few(np.unique(y[~is_known]))}. They count as wrong, and their loss is infinite.",
            stacklevel=2,
        )
    return Evaluation(float(np.mean(predictions == y)), float(np.mean(losses)), predictions, y)


def check_known(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Of each label of y whether it is among the `classes`.

    Raises
    ------
    ValueError
        If none is: they are another column's, or written in another way.
    """
    classes, y = alike(classes, y)
    is_known = np.isin(y, classes)
    if not is_known.any():
        raise ValueError(
            f"none of the labels {few(np.unique(y))} is among the model's classes "
            f"{few(np.unique(classes))}. Is another column the label's? Where one side is text, "
            "labels are compared as they are written: 1 is not 1.0."
        )
    return is_known


def alike(classes: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as text, where one of them is."""
    if _is_text(classes) == _is_text(y):
        return classes, y
    return classes.astype(str), y.astype(str)


def _is_text(labels: np.ndarray) -> bool:
    return labels.dtype.kind in "OU"
