"""One table of problems for every solver: what is minimised, its minimum, and a safe step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression

from ..problems import Quadratic, Rosenbrock, blobs, objective_on


class Case(NamedTuple):
    """A batch of one problem. `curvature` bounds the largest eigenvalue of its Hessian."""

    objective: Any
    start: Any  #: (1, n_parameters)
    minimum: float
    curvature: float


def _quadratic(xp: Any, dtype: str) -> Case:
    d, b = np.geomspace(1e-2, 1e2, 9)[None, :], np.ones((1, 9))
    problem = Quadratic(xp(d, dtype), xp(b, dtype))
    return Case(problem, xp(np.zeros((1, 9)), dtype), float(-0.5 * np.sum(b * b / d)), 1e2)


def _rosenbrock(xp: Any, dtype: str) -> Case:
    problem = Rosenbrock(xp([[100.0, 0.0]], dtype), xp(np.zeros((1, 2)), dtype))
    return Case(problem, xp([[-1.2, 1.0]], dtype), 0.0, 2e3)


def _softmax(X: np.ndarray, y: np.ndarray, C: float = 1.0) -> Callable[[Any, str], Case]:
    def case(xp: Any, dtype: str) -> Case:
        objective = objective_on(xp, X, y, Cs=(C,), dtype=dtype)
        ones = np.hstack([X, np.ones((len(X), 1))])
        curvature = 0.5 * np.linalg.eigvalsh(ones.T @ ones / len(X))[-1] + 1 / (C * len(X))
        zeros = xp(np.zeros((1, objective.network.n_parameters)), dtype)
        return Case(objective, zeros, _minimum(X, y, C), float(curvature))

    return case


def _minimum(X: np.ndarray, y: np.ndarray, C: float) -> float:
    """Where scikit-learn's Newton ends, which solves with the exact Hessian."""
    model = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(X, y)
    W, b = model.coef_, model.intercept_
    Z = X @ W.T + b
    loss = np.logaddexp.reduce(Z, axis=1) - Z[np.arange(len(y)), y]
    return float(loss.mean() + np.sum(W * W) / (2 * C * len(X)))


_X, _y = blobs(n_samples=90, n_features=5, spread=2.0)
_far, _near = blobs(n_samples=90, spread=0.1), blobs(n_samples=90, spread=0.5)
_wide = blobs(n_samples=20, n_features=50)
_dominant = _X * np.asarray([1e3, 1.0, 1.0, 1.0, 1.0])
_imbalanced = np.concatenate([np.zeros(80, int), np.ones(8, int), np.full(2, 2)])

TABLE: dict[str, Callable[[Any, str], Case]] = {
    "quadratic": _quadratic,
    "rosenbrock": _rosenbrock,
    "overlapping": _softmax(_X, _y),
    "separable": _softmax(*_far, C=1e3),
    "nearly separable": _softmax(*_near, C=100.0),
    "huge C": _softmax(_X, _y, C=1e8),
    "tiny C": _softmax(_X, _y, C=1e-8),
    "condition 1e6": _softmax(_X * np.geomspace(1e-3, 1e3, 5), _y),
    "one dominant feature": _softmax(_dominant, _y),
    "imbalanced": _softmax(_X, _imbalanced, C=10.0),
    "n_features > n_samples": _softmax(*_wide),
    "duplicate columns": _softmax(np.hstack([_X, _X]), _y),
    "constant columns": _softmax(np.hstack([_X, np.full((90, 1), 3.0), np.zeros((90, 1))]), _y),
}
