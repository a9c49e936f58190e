"""How far another backend's answers are from NumPy's, for every model, solver and dtype."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from xsoftmax import MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV, arrays

SOLVERS = {"lbfgs": 100, "gd": 100, "sgd": 10, "adam": 10}  #: iterations


def run(backend: str, repeats: int) -> dict[str, Any]:
    """One row for each model, solver and dtype; `repeats` plays no part."""
    place = arrays.backend(backend)
    digits, y = load_digits(return_X_y=True)
    rows = []
    for dtype in ("float64", "float32"):
        X = (digits / 16).astype(dtype)
        for solver, model in _models():
            row = {"model": type(model).__name__, "solver": solver, "dtype": dtype}
            rows.append(row | _difference(model, X, y, place))
            print(_line(rows[-1]), flush=True)
    return {"reference": "numpy", "problem": "load_digits, 1797 x 64 x 10", "rows": rows}


def _models() -> Iterator[tuple[str, Any]]:
    for solver, n_iter in SOLVERS.items():
        common = {"solver": solver, "max_iter": n_iter, "tol": 0 if solver != "lbfgs" else 1e-6}
        yield solver, SoftmaxRegression(random_state=0, **common)
        yield solver, MLPClassifier((32,), random_state=0, alpha=1.0, **common)
    yield "lbfgs", SoftmaxRegressionCV(5, tol=1e-6)


def _difference(model: Any, X: np.ndarray, y: np.ndarray, place: arrays.Backend) -> dict[str, Any]:
    moved = place.asarray(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # most stop after a set number of iterations
        here, loss, labels = _parameters(model.fit(X, y)), _loss(model, X, y), model.predict(X)
        there = _parameters(model.fit(moved, y.tolist()))
    return {
        "largest_parameter": float(np.abs(here).max()),
        "parameter_difference": float(np.abs(there - here).max()),
        "loss_difference": abs(_loss(model, moved, y) - loss),
        "predictions_that_differ": int(np.sum(arrays.to_host(model.predict(moved)) != labels)),
        "predictions": len(labels),
    }


def _parameters(model: Any) -> np.ndarray:
    if hasattr(model, "coefs_"):
        found = [*model.coefs_, *model.intercepts_]
    else:
        found = [model.coef_, model.intercept_]
    return np.concatenate([arrays.to_host(values).astype(np.float64).ravel() for values in found])


def _loss(model: Any, X: Any, y: np.ndarray) -> float:
    """The mean cross-entropy of what the model predicts, in float64."""
    log_probabilities = arrays.to_host(model.predict_log_proba(X)).astype(np.float64)
    return float(-log_probabilities[np.arange(len(y)), y].mean())


def _line(row: dict[str, Any]) -> str:
    return (
        f"{row['model']:20s} {row['solver']:6s} {row['dtype']}  parameters "
        f"{row['parameter_difference']:.1e} (of {row['largest_parameter']:.2g}), loss "
        f"{row['loss_difference']:.1e}, {row['predictions_that_differ']} predictions"
    )
