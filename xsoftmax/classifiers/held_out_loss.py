"""What early stopping watches: accuracy and log loss of the samples that a fit holds out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, block_values, from_host, indices_from_host, namespace, to_host
from ..functional import log_softmax
from ..sources import ClusterRows, as_source
from .samples import Samples


def accuracy_and_log_loss(model: Any, held_out: Samples) -> tuple[float, float]:
    """The weighted share of rows whose label is predicted, and the mean of -log p(label).

    Of soft labels the loss is the mean cross-entropy. No penalty is part of it.
    """
    X, targets = held_out.X, held_out.targets
    source, n_classes = as_source(X), len(targets.classes)
    winners, losses = [], []
    whole = [(slice(0, X.shape[0]), X)]  # chunks on a cluster stay where they are
    size = max(256, block_values(X) // n_classes)
    for rows, some in whole if isinstance(source, ClusterRows) else source.blocks(size):
        offset = None if held_out.offset is None else held_out.offset[rows, :]
        log_p = model._logits(some, log_softmax, offset)
        winners.append(to_host(namespace(log_p).argmax(log_p, axis=0)))
        losses.append(to_host(_losses(log_p, targets.values[rows], targets.is_soft)))
    right = targets.classes[np.concatenate(winners)] == held_out.labels
    weights = held_out.weight
    mean_loss = np.average(np.concatenate(losses).astype(np.float64), weights=weights)
    return float(np.average(right, weights=weights)), float(mean_loss)


def _losses(log_p: Array, values: np.ndarray, is_soft: bool) -> Array:
    """(n_samples,) of log-probabilities (n_classes, n_samples)."""
    xp = namespace(log_p)
    if is_soft:
        return -xp.sum(from_host(values.T, like=log_p, dtype=log_p.dtype) * log_p, axis=0)
    labels = indices_from_host(values, like=log_p)
    return -xp.take_along_axis(log_p, labels[None, :], axis=0)[0, :]
