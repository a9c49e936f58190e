"""Rows to train on with their targets and weights, and rows that are held out of them."""

from __future__ import annotations

from math import ceil
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from ..arrays import Array, indices_from_host, namespace, same_place, where
from ..sources import as_source
from .problems import Problem
from .validation import Targets, check_offset, check_sample_weight, check_X, check_y
from .words import few


class Samples(NamedTuple):
    """Checked rows with their targets and weights, which are on the host."""

    X: Array  #: (n_samples, n_features)
    targets: Targets
    weight: np.ndarray  #: (n_samples,)
    offset: Array | None = None  #: (n_samples, n_classes), added to the logits

    @property
    def problem(self) -> Problem:
        """What one fit makes of them."""
        return Problem(self.targets, self.weight)

    @property
    def labels(self) -> np.ndarray:
        """(n_samples,) labels; the most probable ones of soft targets."""
        values = self.targets.values
        return self.targets.classes[values.argmax(axis=1) if self.targets.is_soft else values]

    def take(self, rows: np.ndarray) -> Samples:
        """The samples at `rows`."""
        indices = indices_from_host(rows, like=self.X)
        targets = self.targets._replace(values=self.targets.values[rows])
        offset = self.offset
        if offset is not None:
            offset = namespace(offset).take(offset, indices, axis=0)
        return Samples(as_source(self.X).take(indices), targets, self.weight[rows], offset)


def check_held_out(
    estimator: Any,
    samples: Samples,
    X_val: Any,
    y_val: Any,
    weight_val: Any,
    offset_val: Any = None,
) -> Samples | None:
    """Held-out rows that fit the training samples, if there are any."""
    if (X_val is None) != (y_val is None) or (X_val is None and weight_val is not None):
        raise ValueError(
            "X_val and y_val (and with them sample_weight_val) go together; pass both or neither."
        )
    if X_val is None:
        return None
    X_val = check_X(estimator, X_val, reset=False)
    if not same_place(samples.X, X_val):
        raise ValueError(
            f"X and X_val must lie in one place, but X is {where(samples.X)} and X_val is "
            f"{where(X_val)}. Move one of them."
        )
    weight = check_sample_weight(X_val, weight_val, "sample_weight_val")
    try:
        targets = check_y(estimator, X_val, y_val, samples.targets.classes)
    except ValueError as error:
        raise ValueError(f"y_val does not fit: {error}") from error
    if (samples.offset is None) != (offset_val is None):
        raise ValueError(
            "offset and offset_val go together where there are held-out rows; pass both or neither."
        )
    offset = check_offset(estimator, X_val, offset_val, len(targets.classes), "offset_val")
    return Samples(X_val, targets, weight, offset)


def hold_out(samples: Samples, fraction: float, random_state: Any) -> tuple[Samples, Samples]:
    """Split a `fraction` of the rows off: (training, held out).

    The classes have equal shares on both sides if there are rows enough, else rows are drawn at
    random, except that every class keeps a row to train on.
    """
    targets, n_samples = samples.targets, samples.X.shape[0]
    if not as_source(samples.X).has_random_access:
        raise ValueError(
            "early_stopping=True would gather rows of X in memory that are not there. Pass rows to "
            "stop by as X_val and y_val."
        )
    try:
        train, held = train_test_split(
            np.arange(n_samples),
            test_size=fraction,
            random_state=random_state,
            stratify=None if targets.is_soft else targets.values,
        )
    except ValueError:
        train, held = _draw(samples, ceil(fraction * n_samples), random_state)
    for name, part in (("train on", train), ("hold out", held)):
        if samples.weight[part].sum() == 0:
            raise ValueError(f"sample_weight is zero on every row to {name}; pass X_val and y_val.")
    return samples.take(train), samples.take(held)


def _draw(samples: Samples, n_held: int, random_state: Any) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on, one of each class among them, and `n_held` others to hold out."""
    n_samples = samples.X.shape[0]
    order = check_random_state(random_state).permutation(n_samples)
    kept = order[np.unique(samples.labels[order], return_index=True)[1]]
    others = order[~np.isin(order, kept)]
    if n_held > len(others):
        present, counts = np.unique(samples.labels, return_counts=True)
        raise ValueError(
            f"early_stopping cannot hold {n_held} of {n_samples} rows out: each of the "
            f"{len(present)} classes in y needs a row to train on, which leaves {len(others)}. "
            f"Classes of a single row: {few(present[counts == 1]) or 'none'}. Lower "
            "validation_fraction, or pass X_val and y_val."
        )
    return np.concatenate([kept, others[n_held:]]), others[:n_held]
