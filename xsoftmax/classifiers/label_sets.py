"""Many label sets of the same rows, each with classes of its own, some labels unknown."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from ..arrays import Array, is_array, is_numpy, same_place, to_host, where
from .problems import Problem
from .validation import Targets, encoded
from .words import few


class LabelSet(NamedTuple):
    """The labels of one output, on the host."""

    targets: Targets  #: index 0 where no label is known
    is_known: np.ndarray  #: (n_samples,)

    def problem(self, weight: np.ndarray) -> Problem:
        """What one fit makes of it, where samples weigh `weight`."""
        return Problem(self.targets, weight * self.is_known)


def check_Y(estimator: Any, X: Array, y: Any, weight: np.ndarray) -> list[LabelSet]:
    """The label sets in the columns of y (n_samples, n_outputs).

    Raises
    ------
    ValueError
        If y does not fit X, or an output has fewer than two classes in rows of some `weight`.
    """
    name = type(estimator).__name__
    Y = host_Y(name, X, y)
    sets = []
    for j in range(Y.shape[1]):
        try:
            labels, is_known = known_labels(Y[:, j], estimator.missing)
            classes, indices = encoded(labels)
        except TypeError as error:
            raise ValueError(
                f"{name}: output {j} holds labels that cannot be sorted, {few(Y[:, j])}. Encode "
                "them as integers or strings."
            ) from error
        if len(classes) < 2:
            held = f"only one class, {few(classes)}" if len(classes) else "no label"
            raise ValueError(
                f"{name}: output {j} of y needs labels of at least 2 classes; it holds {held}. "
                "Leave that column out."
            )
        values = np.zeros(len(Y), dtype=indices.dtype)
        values[is_known] = indices
        if len(np.unique(indices[weight[is_known] > 0])) < 2:
            raise ValueError(
                f"{name}: output {j} of y needs 2 classes in rows whose sample_weight is above 0. "
                "Leave that column out, or choose other weights."
            )
        sets.append(LabelSet(Targets(classes, values), is_known))
    return sets


def host_Y(name: str, X: Array, Y: Any) -> np.ndarray:
    """y (n_samples, n_outputs) on the host, of whatever dtype says most of its labels."""
    if Y is None:
        raise ValueError(f"{name} requires y to be passed, but the target y is None.")
    if is_array(Y) and not is_numpy(Y):
        if not same_place(X, Y):
            raise ValueError(
                f"X and y must be arrays of one library on one device, but X is {where(X)} and y "
                f"is {where(Y)}. Move one of them, or pass y as a list."
            )
        Y = to_host(Y)
    elif hasattr(Y, "to_numpy") and hasattr(Y, "columns"):  # a data frame, each column as it is
        columns = (Y.iloc[:, j].to_list() for j in range(Y.shape[1]))
        Y = np.asarray([*columns], dtype=object).T
    elif not isinstance(Y, np.ndarray):
        Y = np.asarray(Y, dtype=object)
    if Y.ndim != 2 or Y.shape[0] != X.shape[0] or Y.shape[1] == 0:
        raise ValueError(
            f"{name}: y must hold a column of labels for each output, shape (n_samples, n_outputs) "
            f"with one row for each of the {X.shape[0]} rows of X; got shape {Y.shape}. Pass a "
            "single label set as y[:, None]."
        )
    return Y


def known_labels(column: np.ndarray, missing: Any) -> tuple[np.ndarray, np.ndarray]:
    """The labels of one output that are not `missing`, and where they are."""
    if column.dtype.kind == "O":
        is_known = np.asarray([not _is_missing(label, missing) for label in column], dtype=bool)
    else:
        is_known = np.ones(len(column), dtype=bool)
        if column.dtype.kind == "f":
            is_known = ~np.isnan(column)
        if missing is not None and missing == missing:
            is_known &= column != missing
    labels = column[is_known]
    if labels.dtype.kind == "O":
        if len({isinstance(label, str) for label in labels}) > 1:
            raise TypeError("numbers and strings")
        labels = np.asarray(labels.tolist())
    if labels.dtype.kind == "f" and np.isinf(labels).any():
        raise ValueError("y contains infinity, which is no label.")
    if labels.dtype.kind not in "iub" and len(labels):
        check_classification_targets(labels)
    return labels, is_known


def _is_missing(label: Any, missing: Any) -> bool:
    """Whether a label is None, nan, one of pandas' NA, or what the caller says."""
    if label is None or type(label).__name__ in ("NAType", "NaTType"):
        return True
    return bool(label != label or label == missing)
