"""Softmax regressions drawn at random, of the kinds that fool a stop, and their true minima."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

#: What numbers stand for a missing value in tables that people keep.
CODES = (-999999.0, -9999.0, 99.0, 1e6)


class Problem(NamedTuple):
    """Rows, and the settings of a fit."""

    X: np.ndarray
    y: np.ndarray
    C: float
    fit_intercept: bool
    sample_weight: np.ndarray | None
    kinds: tuple[str, ...]  #: what was done to the features


def draw(seed: int) -> Problem:
    """The problem with this seed: 2 to 30 classes, 20 to 1,000 rows, C from 1e-6 to 1e6."""
    rng = np.random.default_rng(seed)
    n_classes = int(np.exp(rng.uniform(np.log(2), np.log(31))))
    n_samples = int(np.exp(rng.uniform(np.log(max(20, 2 * n_classes)), np.log(1000))))
    n_features = int(np.exp(rng.uniform(np.log(2), np.log(max(3, 120 // n_classes)))))
    X = rng.standard_normal((n_samples, n_features))
    kinds = tuple(rng.permutation(list(KINDS))[: rng.integers(0, 4)].tolist())
    signal = X @ rng.standard_normal((n_features, n_classes)) * 10 ** rng.uniform(-1, 1)
    y = np.argmax(signal + rng.gumbel(size=signal.shape), axis=1)
    if rng.random() < 0.2:
        y = rng.integers(0, n_classes, n_samples)
    y[:2] = [0, 1]
    for kind in kinds:
        X = KINDS[kind](rng, X)
    if rng.random() < 0.2:
        X = X * 10 ** rng.uniform(-4, 4, size=X.shape[1])
    return Problem(
        X.astype(rng.choice(["float32", "float64"])),
        y,
        float(10 ** rng.uniform(-6, 6)),
        bool(rng.random() < 0.8),
        rng.exponential(size=n_samples) * (rng.random(n_samples) > 0.1) + 1e-3
        if rng.random() < 0.3
        else None,
        kinds,
    )


def _large_cells(rng: Any, X: np.ndarray) -> np.ndarray:
    X = X.copy()
    for _ in range(rng.integers(1, 4)):
        row, column = (rng.integers(0, size) for size in X.shape)
        X[row, column] = rng.choice([-1, 1]) * 10 ** rng.uniform(2, 8)
    return X


def _codes(rng: Any, X: np.ndarray) -> np.ndarray:
    columns = rng.random(X.shape[1]) < 0.3
    missing = (rng.random(X.shape) < rng.choice([0.01, 0.05, 0.3])) & columns
    return np.where(missing, rng.choice(CODES), X)


def _heavy_tails(rng: Any, X: np.ndarray) -> np.ndarray:
    return X / np.abs(rng.standard_normal(X.shape)) ** rng.choice([0.5, 1.0, 2.0])


def _heavy_rows(rng: Any, X: np.ndarray) -> np.ndarray:
    return X * np.exp(2 * rng.standard_normal((len(X), 1)))


def _rare(rng: Any, X: np.ndarray) -> np.ndarray:
    return np.where(rng.random(X.shape[1]) < 0.5, (rng.random(X.shape) < 0.02) * 1.0, X)


def _constant(rng: Any, X: np.ndarray) -> np.ndarray:
    value = rng.choice([0.0, 1.0, 3.7, 1e4, 1e8])
    return np.hstack([X, np.full((len(X), 1), value)])


def _duplicate(rng: Any, X: np.ndarray) -> np.ndarray:
    return np.hstack([X, X[:, : rng.integers(1, X.shape[1] + 1)] * rng.choice([1.0, -2.0])])


def _far(rng: Any, X: np.ndarray) -> np.ndarray:
    return X + 10 ** rng.uniform(0, 4)


KINDS = {
    "large cells": _large_cells,
    "codes": _codes,
    "heavy tails": _heavy_tails,
    "heavy rows": _heavy_rows,
    "rare": _rare,
    "constant": _constant,
    "duplicate": _duplicate,
    "far": _far,
}


class Exact:
    """The objective of a problem in double precision: the mean loss and the penalty."""

    def __init__(self, problem: Problem) -> None:
        self.X = problem.X.astype(np.float64)
        classes, self.t = np.unique(problem.y, return_inverse=True)
        self.n_classes, self.fit_intercept = len(classes), problem.fit_intercept
        weight = problem.sample_weight
        weight = np.ones(len(self.X)) if weight is None else weight
        self.s = weight / weight.sum()
        # Of two classes scikit-learn penalises the difference only, whose square is twice both.
        self.strength = (2 if self.n_classes == 2 else 1) / (problem.C * weight.sum())
        self.at_zero = float(np.log(self.n_classes))

    def value(self, W: np.ndarray, b: np.ndarray) -> float:
        """At weights (n_classes, n_features) and intercepts (n_classes,)."""
        return float(
            self.s @ np.logaddexp.reduce(self._logits(W, b), axis=1)
            + 0.5 * self.strength * np.sum(W * W)
        )

    def value_of(self, model: Any) -> float:
        """At the coefficients of a fitted model."""
        W, b = (np.asarray(part, dtype=np.float64) for part in (model.coef_, model.intercept_))
        if len(W) == 1:
            W, b = np.concatenate([-W, W]) / 2, np.concatenate([-b, b]) / 2
        return self.value(W, b)

    def _logits(self, W: np.ndarray, b: np.ndarray) -> np.ndarray:
        """(n_samples, n_classes), less that of the label."""
        Z = self.X @ W.T + b
        return Z - Z[np.arange(len(Z)), self.t][:, None]

    def minimum(self, max_iter: int = 300) -> float:
        """The minimum, by Newton's method with exact Hessians of features of one scale."""
        scale = np.abs(self.X).max(axis=0)
        scale = np.append(np.where(scale > 0, scale, 1.0), 1.0)
        A = np.hstack([self.X, np.ones((len(self.X), 1)) * self.fit_intercept]) / scale
        penalty = np.append(np.full(self.X.shape[1], self.strength), 0.0) / scale**2
        theta = np.zeros((self.n_classes, A.shape[1]))

        def value_at(theta: np.ndarray) -> float:
            W = theta / scale
            return self.value(W[:, :-1], W[:, -1] * self.fit_intercept)

        value = value_at(theta)
        for _ in range(max_iter):
            gradient, H = self._derivatives(A, theta)
            gradient = gradient + penalty * theta
            H = H + np.diag(np.tile(penalty, self.n_classes))
            unit = np.diag(H) ** -0.5
            unit[~np.isfinite(unit)] = 0.0
            e, V = np.linalg.eigh(H * unit * unit[:, None])
            seen = e > 1e-14 * e[-1]
            V = V[:, seen] * unit[:, None]
            step = -(V @ (V.T @ gradient.ravel() / e[seen])).reshape(theta.shape)
            length, there = 1.0, value_at(theta + step)
            while not there < value and length > 1e-15:
                length /= 2
                there = value_at(theta + length * step)
            if not there < value:
                break
            while (further := value_at(theta + 2 * length * step)) < there:
                length, there = 2 * length, further
            theta, value = theta + length * step, there
            if -np.sum(gradient * step) < 1e-16 * value:
                break
        return value

    def _derivatives(self, A: np.ndarray, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Gradient and Hessian of the mean loss in features A; digits of 1 - p are kept."""
        Z = A @ theta.T
        Z -= Z.max(axis=1, keepdims=True)
        E = np.exp(Z)
        P = E / E.sum(axis=1, keepdims=True)
        others = P @ (1.0 - np.eye(self.n_classes))  # 1 - P
        residual = P.copy()
        rows = np.arange(len(A))
        residual[rows, self.t] = -others[rows, self.t]
        blocks = [
            [
                A.T @ (A * (self.s * P[:, k] * (others[:, k] if k == m else -P[:, m]))[:, None])
                for m in range(self.n_classes)
            ]
            for k in range(self.n_classes)
        ]
        return (residual * self.s[:, None]).T @ A, np.block(blocks)
