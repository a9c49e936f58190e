"""What is solved, and how far from the minimum an answer is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine

from xsoftmax.datasets import mnist


class Problem(NamedTuple):
    """Rows, labels 0 .. n_classes - 1, and a penalty."""

    name: str
    X: np.ndarray
    y: np.ndarray
    C: float


def objective(problem: Problem, coef: Any, intercept: Any) -> float:
    """scikit-learn's objective divided by the number of rows, in float64, block by block."""
    X, y, C = problem.X, problem.y, problem.C
    W, b = np.asarray(coef, dtype=np.float64), np.asarray(intercept, dtype=np.float64)
    if len(W) == 1:
        W, b = np.vstack([-W / 2, W / 2]), np.hstack([-b / 2, b / 2])
    total = 0.0
    for start in range(0, len(X), 8192):
        rows = slice(start, start + 8192)
        Z = X[rows].astype(np.float64) @ W.T + b
        Z -= Z.max(axis=1, keepdims=True)
        labels = y[rows]
        total += np.sum(np.log(np.exp(Z).sum(axis=1)) - Z[np.arange(len(labels)), labels])
    doubled = 2 if len(coef) == 1 else 1
    return float(total / len(X) + doubled * np.sum(W * W) / (2 * C * len(X)))


def mnist_fit(C: float = 1.0, n_samples: int = 60_000) -> Problem:
    """MNIST's pixels in [0, 1], float32."""
    data = mnist()
    X = np.ascontiguousarray(data.X_train[:n_samples], dtype=np.float32)
    return Problem(f"mnist {n_samples}", X, np.asarray(data.y_train[:n_samples]).astype(int), C)


def table() -> Iterator[Problem]:
    """Shapes, classes, penalties and scalings of all kinds; float64."""
    iris, wine, cancer, digits = (
        load(return_X_y=True) for load in (load_iris, load_wine, load_breast_cancer, load_digits)
    )
    yield Problem("iris", *iris, 1.0)
    yield Problem("wine, unscaled", *wine, 1.0)
    yield Problem("breast cancer, scaled", _scaled(cancer[0]), cancer[1], 1.0)
    yield Problem("breast cancer, unscaled", *cancer, 100.0)
    yield Problem("digits", digits[0] / 16, digits[1], 1.0)
    yield Problem("digits, weak penalty", digits[0] / 16, digits[1], 1e4)
    yield _synthetic("noisy", 20_000, 50, 10, noise=4.0, C=1.0)
    yield _synthetic("tall, 2 classes", 100_000, 20, 2, noise=3.0, C=1.0)
    yield _synthetic("tall, strong penalty", 100_000, 20, 5, noise=3.0, C=1e-3)
    yield _synthetic("probe, separable", 20_000, 256, 100, noise=0.5, C=1.0)
    yield _synthetic("probe, weak penalty", 20_000, 256, 100, noise=0.5, C=100.0)
    yield _synthetic("1000 classes", 20_000, 64, 1000, noise=0.5, C=1.0)
    yield _synthetic("more features than rows", 500, 2000, 4, noise=3.0, C=1.0)
    yield _synthetic("scales 1 to 1e4", 10_000, 30, 5, noise=3.0, C=10.0, condition=1e4)
    yield _synthetic("imbalanced", 50_000, 30, 3, noise=3.0, C=10.0, imbalance=100.0)


def _scaled(X: np.ndarray) -> np.ndarray:
    return (X - X.mean(axis=0)) / X.std(axis=0)


def _synthetic(
    name: str,
    n_samples: int,
    n_features: int,
    n_classes: int,
    *,
    noise: float,
    C: float,
    condition: float = 1.0,
    imbalance: float = 1.0,
) -> Problem:
    """Gaussian classes with correlated features; `noise` is the spread over that of the centres."""
    rng = np.random.default_rng(0)
    shares = np.geomspace(1.0, 1 / imbalance, n_classes)
    y = rng.choice(n_classes, size=n_samples, p=shares / shares.sum())
    mixing = rng.standard_normal((n_features, n_features)) / n_features**0.5
    centres = rng.standard_normal((n_classes, n_features))
    X = centres[y] + noise * rng.standard_normal((n_samples, n_features)) @ mixing
    return Problem(name, X * np.geomspace(1.0, condition, n_features), y, C)
