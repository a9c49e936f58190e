"""How well a model does on labelled rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .arrays import Array, to_host


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
    """
    log_proba, classes = to_host(model.predict_log_proba(X)), to_host(model.classes_)
    if _is_text(classes) != _is_text(y):
        classes, y = classes.astype(str), y.astype(str)
    predictions = classes[log_proba.argmax(axis=1)]
    order = np.argsort(classes)
    columns = order[np.minimum(np.searchsorted(classes, y, sorter=order), len(classes) - 1)]
    losses = -log_proba[np.arange(len(y)), columns].astype(np.float64)
    losses[classes[columns] != y] = np.inf
    return Evaluation(float(np.mean(predictions == y)), float(np.mean(losses)), predictions, y)


def _is_text(labels: np.ndarray) -> bool:
    return labels.dtype.kind in "OU"
