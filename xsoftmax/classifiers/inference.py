"""What the Hessian at the minimum tells of a softmax regression that is small enough for it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, compute_dtype, has_float64, namespace
from ..curvature.leave_one_out import leave_one_out_logits, parameter_covariances
from ..model.network import Network
from ..objective.coordinates import Coordinates
from ..objective.features import Features
from ..objective.line_restriction import Iterate
from ..objective.objective import Objective
from ..sources import ClusterRows, in_dtype
from .linear import penalty_strength
from .prior import from_prior
from .problems import class_weighted, objective_of
from .samples import Samples


def at_minimum(
    estimator: Any, samples: Samples, parameters: Array, C: float
) -> tuple[Objective, Iterate]:
    """The objective in double precision, and the iterate at fitted `parameters` of all features.

    Raises
    ------
    ValueError
        If the Hessian is too large to be inverted.
    """
    policy, xp = estimator._policy, namespace(samples.X)
    n_classes = len(samples.targets.classes)
    network = estimator._network(samples.X.shape[1], n_classes)
    check_order(estimator, network)
    if isinstance(samples.X, ClusterRows):
        raise ValueError(
            f"{type(estimator).__name__}: standard errors and leave-one-out scores of rows on a "
            "cluster would bring all of them to one place. Compute X first."
        )
    space, offset = from_prior(estimator, network, samples)
    X, features = samples.X, Features(samples.X)
    if has_float64(X):
        X = in_dtype(X, xp.float64)
        features = Features(X)
    objective = objective_of(
        estimator,
        Coordinates(network, X),
        X,
        [samples.problem],
        penalty_strength(C, n_classes),
        features,
        policy,
        offset,
    )
    there = space.project(xp.astype(parameters, compute_dtype(X), copy=False))
    return objective, objective.evaluate(network.centered(there))


def check_order(estimator: Any, network: Network) -> None:
    """Refuse a Hessian that is too large."""
    (n_features, n_classes), policy = network.layer_sizes, estimator._policy
    order = (n_classes - 1) * (n_features + network.fit_intercept)
    if order**2 > policy.max_curvature_values:
        most = int(policy.max_curvature_values**0.5)
        raise ValueError(
            f"{type(estimator).__name__}: the Hessian of {n_features} features and {n_classes} "
            f"classes has {order} rows; one of at most {most} is inverted for standard errors and "
            "leave-one-out scores. Use fewer features, or cross-validation."
        )


def logits_left_out(estimator: Any, samples: Samples, parameters: Array, C: float) -> Array:
    """(n_classes, n_samples): the logits of each row by a fit without it, with a user's offset."""
    objective, iterate = at_minimum(estimator, samples, parameters, C)
    return leave_one_out_logits(objective, iterate)


def standard_errors(
    estimator: Any, samples: Samples, parameters: Array, C: float
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Standard errors and covariances of ``coef_`` and ``intercept_``, by their kind.

    As `SoftmaxRegression` publishes them: the intercept last, and of two classes the difference.
    """
    objective, iterate = at_minimum(estimator, samples, parameters, C)
    total = float(np.sum(class_weighted(estimator, samples.problem)))
    errors: dict[str, Array] = {}
    found: dict[str, Array] = {}
    both = parameter_covariances(objective, iterate, total)
    for kind, covariance in zip(("plain", "sandwich"), both, strict=True):
        found[kind] = _by_class(objective.network, covariance)
        n_rows, n_inputs, *_ = found[kind].shape
        xp = namespace(covariance)
        flat = xp.reshape(found[kind], (n_rows * n_inputs, -1))
        variance = xp.linalg.diagonal(flat)
        errors[kind] = xp.reshape(xp.sqrt(variance), (n_rows, n_inputs))
    return errors, found


def _by_class(network: Network, covariance: Array) -> Array:
    """(n_classes, n_inputs, n_classes, n_inputs), the intercept last; of two classes one row."""
    xp, (n_features, n_classes) = namespace(covariance), network.layer_sizes
    n_inputs = n_features + network.fit_intercept
    order = [
        k * n_features + j if j < n_features else n_classes * n_features + k
        for k in range(n_classes)
        for j in range(n_inputs)
    ]
    indices = xp.asarray(order, device=covariance.device)
    some = xp.take(xp.take(covariance, indices, axis=0), indices, axis=1)
    some = xp.reshape(some, (n_classes, n_inputs, n_classes, n_inputs))
    if n_classes == 2:
        some = some[1:, ...] - some[:1, ...]
        some = some[:, :, 1:, :] - some[:, :, :1, :]
    return some
