"""How well a model does on labelled rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .arrays import Array, to_host


class Evaluation(NamedTuple):
    """Accuracy (a fraction), mean cross-entropy (nats per row) and predicted labels."""

    accuracy: float
    loss: float
    predictions: np.ndarray


def evaluate(model: Any, X: Array, y: np.ndarray) -> Evaluation:
    """Score `model` on X and labels y, in one pass; a label that it never saw costs inf."""
    log_proba, classes = to_host(model.predict_log_proba(X)), to_host(model.classes_)
    predictions = classes[log_proba.argmax(axis=1)]
    columns = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    losses = -log_proba[np.arange(len(y)), columns].astype(np.float64)
    losses[classes[columns] != y] = np.inf
    return Evaluation(float(np.mean(predictions == y)), float(np.mean(losses)), predictions)
