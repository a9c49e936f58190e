"""Fits, sweeps and predictions of many kinds in one process for a long time: memory stays flat."""

from __future__ import annotations

import gc
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

from xsoftmax import (
    BatchedGridSearchCV,
    MLPClassifier,
    SoftmaxRegression,
    SoftmaxRegressionCV,
    StoredRows,
    bootstrap_scores,
    load,
    save,
)

#: Between two looks at the memory.
SECONDS = 5.0
#: Memory is flat if it has grown by no more since a fifth of the time had passed, in MB.
MOST_GROWTH = 10.0


def run(minutes: float) -> dict[str, Any]:
    """How much memory the process has, again and again."""
    warnings.simplefilter("ignore")
    seen: list[tuple[float, float]] = []
    counts = dict.fromkeys(ACTIONS, 0)
    rng, start = np.random.default_rng(0), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        while (passed := time.monotonic() - start) < 60 * minutes:
            name = rng.choice(list(ACTIONS))
            ACTIONS[name](rng, Path(folder))
            counts[name] += 1
            if not seen or passed - seen[-1][0] >= SECONDS:
                gc.collect()
                seen.append((passed, resident()))
    settled = [mb for passed, mb in seen if passed >= 12 * minutes]
    growth = float(np.median(settled[-5:]) - np.median(settled[:5]))
    result = {
        "minutes": minutes,
        "actions": counts,
        "resident MB": [round(mb, 1) for _, mb in seen],
        "growth MB": round(growth, 2),
        "flat": growth <= MOST_GROWTH,
    }
    print(f"{sum(counts.values())} actions, {settled[0]:.1f} MB, grown by {growth:.1f} MB")
    return result


def resident() -> float:
    """Memory of this process in MB, on Linux."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS"))


def _problem(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Of another size each time, so that nothing fits what was freed by chance."""
    n_samples, n_features, n_classes = (int(rng.integers(*r)) for r in ((50, 900), (2, 90), (2, 9)))
    X = rng.standard_normal((n_samples, n_features)).astype(rng.choice(["float32", "float64"]))
    return X, rng.permutation(np.arange(n_samples) % n_classes)


def _fit(rng: np.random.Generator, folder: Path) -> None:
    X, y = _problem(rng)
    SoftmaxRegression(10 ** rng.uniform(-3, 3)).fit(X, y).predict_proba(X)


def _network(rng: np.random.Generator, folder: Path) -> None:
    X, y = _problem(rng)
    MLPClassifier((8,), max_iter=5, random_state=0).fit(X, y).score(X, y)


def _sweep(rng: np.random.Generator, folder: Path) -> None:
    SoftmaxRegressionCV(5, cv=3).fit(*_problem(rng))


def _grid(rng: np.random.Generator, folder: Path) -> None:
    network = MLPClassifier((4,), max_iter=3, random_state=0)
    BatchedGridSearchCV(network, {"alpha": [1e-4, 1.0]}, cv=2).fit(*_problem(rng))


def _sparse(rng: np.random.Generator, folder: Path) -> None:
    X, y = _problem(rng)
    SoftmaxRegression().fit(scipy.sparse.csr_array(np.where(X > 1, X, 0)), y)


def _stored(rng: np.random.Generator, folder: Path) -> None:
    X, y = _problem(rng)
    np.save(folder / "X.npy", X)
    SoftmaxRegression().fit(StoredRows(folder / "X.npy"), y, checkpoint=folder / "fit")


def _saved(rng: np.random.Generator, folder: Path) -> None:
    X, y = _problem(rng)
    load(save(SoftmaxRegression().fit(X, y), folder / "m.safetensors")).predict(X)


def _bootstrap(rng: np.random.Generator, folder: Path) -> None:
    X, y = _problem(rng)
    bootstrap_scores(SoftmaxRegression().fit(X, y), X, y, n_resamples=20, random_state=0)


def _refused(rng: np.random.Generator, folder: Path) -> None:
    X, y = _problem(rng)
    for given in ((X * np.nan, y), (X, y[1:]), (X, 0 * y)):
        try:
            SoftmaxRegression().fit(*given)
        except ValueError:
            continue
        raise AssertionError("a fit that should have been refused")


ACTIONS: dict[str, Callable[[np.random.Generator, Path], None]] = {
    "fit": _fit,
    "network": _network,
    "sweep": _sweep,
    "grid": _grid,
    "sparse": _sparse,
    "stored": _stored,
    "saved": _saved,
    "bootstrap": _bootstrap,
    "refused": _refused,
}
