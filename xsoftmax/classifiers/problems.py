"""From what estimators ask of rows to the objective that says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, compute_dtype, from_host, indices_from_host, namespace
from ..model.network import Network
from ..objective.coordinates import Coordinates
from ..objective.features import Features
from ..objective.objective import Objective
from ..objective.policy import DEFAULT, Policy
from ..objective.rows import Rows
from ..sources import RowsLike
from .validation import Targets
from .words import few, shown, warn


class Problem(NamedTuple):
    """What one fit of a batch makes of the rows, on the host."""

    targets: Targets
    weight: np.ndarray  #: (n_samples,), 0 for a row that it must not see


def objective_of(
    estimator: Any,
    space: Coordinates,
    X: RowsLike,
    problems: Sequence[Problem],
    strength: Any,
    features: Features | None = None,
    policy: Policy = DEFAULT,
    offset: Array | None = None,
) -> Objective:
    """The mean losses with the estimator's class weights, and penalties strength / (2 S) ||W||^2.

    X is in the coordinates `space`, and W in those of all features. S is the sum of a problem's
    weights, and `strength` one number or (n_problems, 1). What `features` tell of X decides the
    dtype to compute in, and whether the solver may trust it. An `offset` (n_samples, n_classes) is
    added to all logits.
    """
    network, strength = space.network, strength * space.penalty_factor
    weights = np.stack([class_weighted(estimator, problem) for problem in problems])
    total = weights.sum(axis=1, keepdims=True)
    if not np.all((total > 0) & (total < np.inf)):
        raise ValueError(
            "sample_weight times class_weight must be finite and not all zero; the weights sum to "
            f"{total.ravel()}."
        )
    like, dtype = X, compute_dtype(X)
    if features is not None:
        dtype = features.working_dtype(policy, len(problems))
    moved = from_host(weights / total, like=like, dtype=dtype)
    name, values = ("alpha", strength) if hasattr(estimator, "alpha") else ("C", 1.0)
    check_penalty(estimator, name, getattr(estimator, "C", values), strength / total, moved)
    penalty = network.weight_mask(moved) * from_host(strength / total, like=like, dtype=dtype)
    targets = _targets([problem.targets for problem in problems], moved)
    rows = Rows(X, targets, moved, dtype)
    if offset is not None:
        rows = rows._replace(offset=_added(offset, network, dtype))
    if features is not None:
        rows = rows._replace(
            has_large_cells=features.has_large_cells
            or (features.are_far and not network.fit_intercept)
            or space.has_rows_alike,
            fits_float32=features.fits_float32,
        )
    if network.is_linear and network.fit_intercept:
        rows = rows.centered()
    return Objective(network, rows, penalty, estimator.block_rows, policy)


def _added(offset: Array, network: Network, dtype: Any) -> Array:
    """(1, n_logits, n_samples): what an offset (n_samples, n_classes) adds to logits."""
    added = namespace(offset).astype(offset, dtype, copy=False).T[None, ...]
    return added if network.n_logits > 1 else added[:, 1:, :] - added[:, :1, :]


def _targets(of_problems: list[Targets], like: Array) -> Array:
    """Targets as `Rows` has them."""
    first = of_problems[0]
    if all(targets is first for targets in of_problems):
        of_problems = [first]
    values = np.stack([targets.values for targets in of_problems])
    if first.is_soft:
        columns = np.ascontiguousarray(np.swapaxes(values, 1, 2))
        return from_host(columns, like=like, dtype=like.dtype)
    return indices_from_host(values, like=like)


def check_penalty(
    estimator: Any, name: str, values: Any, penalties: np.ndarray, like: Array
) -> None:
    """Refuse a penalty beyond the range of the dtype of `like`; warn of one that it rounds to 0.

    `penalties` are what the `values` of the parameter `name` make of the squared weights.
    """
    info = namespace(like).finfo(like.dtype)
    values, penalties = np.ravel(values), np.ravel(penalties)
    rounded_to_0 = (penalties > 0) & (penalties < float(info.smallest_normal) * float(info.eps))
    too_large = penalties > float(info.max)
    if not np.any(rounded_to_0 | too_large):
        return
    at = int(np.argmax(rounded_to_0 | too_large))
    larger, none = ("smaller", "0") if name == "alpha" else ("larger", "inf")
    wider = "" if like.dtype == namespace(like).float64 else ", or pass X as float64"
    made = (
        f"{type(estimator).__name__}: {name}={shown(values[min(at, len(values) - 1)])} makes a "
        f"penalty of {penalties[at]:.2g} (divided by the sum of the sample weights), which"
    )
    if too_large[at]:
        raise ValueError(
            f"{made} is beyond the range of {like.dtype}, in which X is computed; that ends at "
            f"{float(info.max):.2g}. Choose a {larger} {name}{wider}."
        )
    warn(
        f"{made} is 0 in {like.dtype}, in which X is computed: there is no penalty. Pass "
        f"{name}={none} to say so{wider}.",
    )


def class_weighted(estimator: Any, problem: Problem) -> np.ndarray:
    """(n_samples,): what samples weigh, with the weights of their classes."""
    if estimator.class_weight is None:
        return problem.weight
    return problem.weight * _class_weight(estimator, *problem)


def _class_weight(estimator: Any, targets: Targets, weight: np.ndarray) -> np.ndarray:
    """(n_samples,): the weight of each sample's class, where samples weigh `weight`."""
    classes, values = targets
    if targets.is_soft:
        raise ValueError("class_weight needs labels, but y holds probabilities.")
    if estimator.class_weight == "balanced":
        counts = np.bincount(values, weights=weight, minlength=len(classes))
        present = np.maximum(np.count_nonzero(counts), 1)
        weights = counts.sum() / (present * np.where(counts > 0, counts, 1))
    else:
        unknown = set(estimator.class_weight) - set(classes.tolist())
        if unknown:
            raise ValueError(
                "class_weight names labels that are not among the classes: "
                f"{few(sorted(unknown, key=str))}."
            )
        weights = np.asarray([estimator.class_weight.get(c, 1.0) for c in classes.tolist()])
    return weights[values]
