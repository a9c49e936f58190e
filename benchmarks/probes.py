"""Many probes of the same rows: label sets, searches and resamples, against loops of one by one."""

from __future__ import annotations

import tracemalloc
from statistics import median
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.multioutput import MultiOutputClassifier

from xsoftmax import (
    MultiOutputSoftmaxRegression,
    MultiOutputSoftmaxRegressionCV,
    SoftmaxRegression,
    SoftmaxRegressionCV,
    arrays,
    fit_many,
)

from .timing import timed


def run(backend: str, repeats: int) -> dict[str, Any]:
    """Every comparison, interleaved; seconds are medians."""
    place = arrays.backend(backend)
    found = {
        "label_sets": _label_sets(place, repeats),
        "searches": _searches(place, repeats),
        "resamples": _resamples(place, repeats),
        "scores": _scores(place, max(repeats, 5)),
        "memory": _memory(place),
    }
    return {"probes": found}


def embeddings(n_samples: int, n_features: int, seed: int = 0) -> np.ndarray:
    """float32 rows whose spectrum decays as those of a network do, about as 1 / k."""
    rng = np.random.default_rng(seed)
    scales = (1.0 + np.arange(n_features)) ** -0.5
    rotation, _ = np.linalg.qr(rng.standard_normal((n_features, n_features)))
    X = (rng.standard_normal((n_samples, n_features)) * scales) @ rotation
    return (X * np.sqrt(n_features / np.sum(scales**2))).astype(np.float32)


def label_sets(X: np.ndarray, n_outputs: int, n_classes: int, seed: int = 1) -> np.ndarray:
    """(n_samples, n_outputs): labels of random linear models with noise."""
    rng = np.random.default_rng(seed)
    columns = []
    for _ in range(n_outputs):
        W = rng.standard_normal((X.shape[1], n_classes)) / np.sqrt(X.shape[1])
        columns.append(np.argmax(2 * X @ W + rng.gumbel(size=(len(X), n_classes)), axis=1))
    return np.stack(columns, axis=1)


def _label_sets(place: arrays.Backend, repeats: int) -> dict[str, Any]:
    X = embeddings(10_000, 512)
    y = label_sets(X, 100, 2)
    there = place.asarray(X)
    columns = [place.asarray(np.ascontiguousarray(y[:, j])) for j in range(100)]
    Y = place.asarray(y)
    contenders = {
        "one batch": lambda: MultiOutputSoftmaxRegression().fit(there, Y).estimators_,
        "our loop": lambda: [SoftmaxRegression().fit(there, column) for column in columns],
        "scikit-learn": lambda: MultiOutputClassifier(_logistic()).fit(X, y).estimators_,
        "scikit-learn, n_jobs=2": lambda: (
            MultiOutputClassifier(_logistic(), n_jobs=2).fit(X, y).estimators_
        ),
    }
    seconds, models = _interleaved(contenders, repeats)
    values = {name: _objectives(found, X, y) for name, found in models.items()}
    return _summary("100 label sets, 10,000 x 512", seconds, values)


def _logistic(**settings: Any) -> LogisticRegression:
    return LogisticRegression(max_iter=1000, **settings)


def _searches(place: arrays.Backend, repeats: int) -> dict[str, Any]:
    X = embeddings(4000, 256)
    y = label_sets(X, 20, 10)
    there, Y = place.asarray(X), place.asarray(y)
    settings = {
        "Cs": 10, "cv": 5, "max_iter": 1000, "l1_ratios": (0.0,), "use_legacy_attributes": False,
        "n_jobs": 2,
    }  # fmt: skip
    contenders = {
        "one batch": lambda: MultiOutputSoftmaxRegressionCV(10, tol=1e-4).fit(there, Y).estimators_,
        "scikit-learn, n_jobs=2": lambda: [
            LogisticRegressionCV(**settings).fit(X, y[:, j]) for j in range(20)
        ],
    }
    seconds, models = _interleaved(contenders, repeats)
    return _summary("20 searches of 10 values of C, 5 folds, 4,000 x 256", seconds, {}) | {
        "chosen C": {
            "one batch": [float(model.C) for model in models["one batch"]],
            "scikit-learn": [float(model.C_) for model in models["scikit-learn, n_jobs=2"]],
        }
    }


def _resamples(place: arrays.Backend, repeats: int) -> dict[str, Any]:
    X = embeddings(5000, 256)
    y = label_sets(X, 1, 10)[:, 0]
    rng = np.random.default_rng(2)
    weights = np.stack(
        [np.bincount(rng.integers(5000, size=5000), minlength=5000) for _ in range(200)]
    ).astype(float)
    there, labels, W = place.asarray(X), place.asarray(y), place.asarray(weights)
    rows = [place.asarray(row) for row in weights]
    contenders = {
        "one batch": lambda: fit_many(SoftmaxRegression(tol=5e-5), there, labels, W),
        "our loop": lambda: [SoftmaxRegression().fit(there, labels, row) for row in rows],
        "scikit-learn": lambda: [_logistic().fit(X, y, row) for row in weights],
        "scikit-learn, n_jobs=2": lambda: Parallel(n_jobs=2)(
            delayed(_logistic().fit)(X, y, row) for row in weights
        ),
    }
    seconds, models = _interleaved(contenders, repeats)
    values = {
        name: [_objective(model, X, y, row) for model, row in zip(found, weights, strict=True)]
        for name, found in models.items()
    }
    return _summary("200 resamples, 5,000 x 256, 10 classes", seconds, values)


def _scores(place: arrays.Backend, repeats: int) -> dict[str, Any]:
    X = embeddings(10_000, 256)
    there, labels = place.asarray(X), place.asarray(label_sets(X, 1, 10)[:, 0])
    contenders = {
        scoring: lambda scoring=scoring: SoftmaxRegressionCV(10, scoring=scoring).fit(there, labels)
        for scoring in ("accuracy", "neg_log_loss")
    }
    seconds, _ = _interleaved(contenders, repeats)
    ratio = median(seconds["neg_log_loss"]) / median(seconds["accuracy"])
    print(f"a search by neg_log_loss takes {ratio:.2f} x one by accuracy")
    return {"seconds": {name: median(each) for name, each in seconds.items()}, "ratio": ratio}


def _memory(place: arrays.Backend) -> dict[str, float]:
    """What the 100 label sets take beyond X, where Python sees it."""
    X = embeddings(10_000, 512)
    there, Y = place.asarray(X), place.asarray(label_sets(X, 100, 2))
    tracemalloc.start()
    MultiOutputSoftmaxRegression().fit(there, Y)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    print(f"100 label sets take {peak:.0f} MB beyond X")
    return {"megabytes_beyond_X": peak}


def _interleaved(contenders: dict[str, Any], repeats: int) -> tuple[dict[str, list[float]], Any]:
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    results: dict[str, Any] = {}
    for _ in range(repeats):
        for name, fit in contenders.items():
            taken, results[name] = timed(fit)
            seconds[name].append(taken)
    return seconds, results


def _objectives(models: list[Any], X: np.ndarray, y: np.ndarray) -> list[float]:
    ones = np.ones(len(X))
    return [_objective(model, X, y[:, j], ones) for j, model in enumerate(models)]


def _objective(model: Any, X: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
    """scikit-learn's, in double precision, for C = 1."""
    coef, intercept = (
        np.asarray(arrays.to_host(x), dtype=np.float64) for x in (model.coef_, model.intercept_)
    )
    logits = X.astype(np.float64) @ coef.T + intercept
    if len(coef) == 1:
        logits = np.column_stack([np.zeros(len(X)), logits])
    own = logits[np.arange(len(y)), y]
    losses = np.logaddexp.reduce(logits, axis=1) - own
    return float(weight @ losses + 0.5 * np.sum(coef**2))


def _summary(
    what: str, seconds: dict[str, list[float]], values: dict[str, list[float]]
) -> dict[str, Any]:
    medians = {name: median(each) for name, each in seconds.items()}
    ours = medians["one batch"]
    ratios = {name: each / ours for name, each in medians.items()}
    peers = [ratio for name, ratio in ratios.items() if name.startswith("scikit-learn")]
    print(f"{what}: {ours:.2f} s, {min(peers):.1f} x the best of scikit-learn", end="")
    print(f", {ratios['our loop']:.1f} x our loop" if "our loop" in ratios else "")
    found: dict[str, Any] = {"seconds": medians, "times_as_long": ratios}
    if values:
        least = np.min(list(values.values()), axis=0)
        found["largest_relative_excess"] = {
            name: float(np.max(np.asarray(each) / least - 1)) for name, each in values.items()
        }
        print("  objectives at most", found["largest_relative_excess"], "above the least")
    return found
