"""A grid of C by cross-validation, against LogisticRegressionCV."""

from __future__ import annotations

from statistics import median
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold

from xsoftmax import SoftmaxRegressionCV, arrays

from .problems import Problem, mnist_fit, objective
from .timing import timed


def run(backend: str, repeats: int) -> dict[str, Any]:
    """Three sweeps."""
    digits = load_digits(return_X_y=True)
    small = Problem("load_digits", digits[0] / 16, digits[1], 1.0)
    large = mnist_fit(n_samples=10_000)
    return {
        "sweeps": [
            compare(small, np.logspace(-4, 4, 10), backend, max(repeats, 5)),
            compare(large, np.logspace(-4, 4, 10), backend, repeats),
            compare(large, np.geomspace(1e-6, 1e5, 45), backend, repeats),
        ]
    }


def compare(problem: Problem, Cs: np.ndarray, backend: str, repeats: int) -> dict[str, Any]:
    """Time, scores at every C against a tight solve, and objectives against the peer's."""
    place = arrays.backend(backend)
    X = problem.X if backend == "numpy" else place.asarray(problem.X)
    y = problem.y if backend == "numpy" else problem.y.tolist()
    ours = {
        f"xsoftmax, tol={tol:g}": lambda tol=tol: SoftmaxRegressionCV(Cs, tol=tol).fit(X, y)
        for tol in (1e-4, 1e-5, 1e-6)
    }
    peers = {
        f"scikit-learn, n_jobs={n_jobs}": lambda n_jobs=n_jobs: LogisticRegressionCV(
            Cs=Cs,
            cv=5,
            scoring="accuracy",
            l1_ratios=(0.0,),
            max_iter=1000,
            n_jobs=n_jobs,
            use_legacy_attributes=False,
        ).fit(problem.X, problem.y)
        for n_jobs in ((1, 2) if len(problem.X) < 5000 else (2,))
    }
    seconds: dict[str, list[float]] = {name: [] for name in ours | peers}
    models: dict[str, Any] = {}
    for _ in range(repeats):
        for name, fit in (ours | peers).items():
            taken, models[name] = timed(fit)
            seconds[name].append(taken)
    tight = SoftmaxRegressionCV(Cs, tol=1e-12, max_iter=5000).fit(X, y)
    values = {name: _values(problem, Cs, model) for name, model in models.items()}
    best_peer = min(peers, key=lambda name: median(seconds[name]))
    result: dict[str, Any] = {"problem": problem.name, "n_Cs": len(Cs), "seconds": seconds}
    for name in ours:
        excess = values[name] / values[best_peer] - 1
        difference = np.abs(models[name].scores_.mean(axis=0) - tight.scores_.mean(axis=0)).max()
        result[name] = {
            "ratio": median(seconds[best_peer]) / median(seconds[name]),
            "largest_score_difference_from_tight": float(difference),
            "no_worse": int(np.sum(excess <= 0)),
            "n_problems": int(excess.size),
            "largest_excess_over_peer": float(excess.max()),
        }
        print(
            f"{problem.name} {len(Cs)} x 5  {name}: {median(seconds[name]):.2f} s, "
            f"{result[name]['ratio']:.1f} x; objective no worse in {result[name]['no_worse']} of "
            f"{excess.size} (at most {excess.max():.1e} above); scores within {difference:.4f} "
            "of tight",
            flush=True,
        )
    peer_scores = models[best_peer].scores_.reshape(5, -1).mean(axis=0)
    result["peer_score_difference_from_tight"] = float(
        np.abs(peer_scores - tight.scores_.mean(axis=0)).max()
    )
    return result


def _values(problem: Problem, Cs: np.ndarray, model: Any) -> np.ndarray:
    """(n_folds, n_Cs): the float64 objective of each problem."""
    n_features = problem.X.shape[1]
    paths = arrays.to_host(model.coefs_paths_) if hasattr(model, "gaps_") else model.coefs_paths_
    paths = paths.reshape(5, len(Cs), -1, n_features + 1)
    values = np.zeros((5, len(Cs)))
    for k, (train, _) in enumerate(StratifiedKFold(5).split(problem.X, problem.y)):
        X, y = problem.X[train].astype(np.float64), problem.y[train]
        for j, C in enumerate(Cs):
            one = Problem("", X, y, float(C))
            values[k, j] = objective(one, paths[k, j, :, :-1], paths[k, j, :, -1])
    return values
