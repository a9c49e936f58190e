"""A linear probe the size of ImageNet's: one pass, and the whole protocol.

On a GPU 1.28 million rows of 768 features and 1,000 classes; elsewhere a hundredth of the rows and
100 classes, which shows that it runs.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from xsoftmax import SoftmaxRegressionCV, arrays
from xsoftmax.arrays import row_slices
from xsoftmax.model.network import Network
from xsoftmax.objective.objective import Objective
from xsoftmax.objective.rows import Rows

from .passes import device_rates, median_seconds
from .timing import timed

N_FEATURES = 768


def run(backend: str, repeats: int) -> dict[str, Any]:
    """Passes in float32, from float32 and from float16 rows, then the choice of C."""
    place = arrays.backend(backend)
    n_samples, n_classes, n_Cs = (1_280_000, 1000, 45) if backend == "cupy" else (12_800, 100, 5)
    X, y = embeddings(n_samples, n_classes)
    result: dict[str, Any] = {"problem": f"{n_samples} x {N_FEATURES} x {n_classes}"}
    result |= device_rates(place)
    rows, labels = place.asarray(X), place.asarray(y)
    for dtype in ("float32", "float16"):
        stored = rows if dtype == "float32" else place.xp.astype(rows, place.xp.float16)
        result[dtype] = _pass(place, stored, labels, n_classes, repeats, result)
    result["protocol"] = _protocol(rows, y, n_Cs)
    return result


def embeddings(n_samples: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """float32 rows of unit length on average, of classes that overlap, and their labels."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, n_classes, n_samples)
    centres = rng.standard_normal((n_classes, N_FEATURES), dtype=np.float32)
    X = np.empty((n_samples, N_FEATURES), dtype=np.float32)
    for rows in row_slices(n_samples, 1 << 16):
        noise = rng.standard_normal((len(y[rows]), N_FEATURES), dtype=np.float32)
        X[rows] = (centres[y[rows]] + 4 * noise) / (17 * N_FEATURES) ** 0.5
    return X, y


def _pass(
    place: arrays.Backend, X: Any, y: Any, n_classes: int, repeats: int, rates: dict[str, Any]
) -> dict[str, float]:
    xp, network = place.xp, Network((N_FEATURES, n_classes))
    n_samples = X.shape[0]
    weights = place.asarray(np.full((1, n_samples), 1 / n_samples, dtype=np.float32))
    penalty = place.asarray(np.full((1, network.n_parameters), 1e-6, dtype=np.float32))
    start = np.random.default_rng(1).standard_normal((1, network.n_parameters), dtype=np.float32)
    objective = Objective(network, Rows(X, y[None, :], weights, xp.float32), penalty)
    before = _pool_bytes(place)
    evaluate = partial(objective.value_and_gradient, place.asarray(start))
    seconds = median_seconds(evaluate, repeats)
    share = 4 * n_classes * n_samples * N_FEATURES / seconds / rates["flops_per_second"]
    beyond = (_pool_bytes(place) - before) / 1e9
    print(f"a pass {seconds:.3f} s, {share:.0%} of the product rate, {beyond:.1f} GB beyond X")
    return {"seconds": seconds, "share_of_product_rate": share, "gigabytes_beyond_X": beyond}


def _pool_bytes(place: arrays.Backend) -> int:
    """What CuPy's pool has taken from the device, which it never gives back by itself."""
    if place.name != "cupy":
        return 0
    import cupy

    return cupy.get_default_memory_pool().total_bytes()


def _protocol(rows: Any, y: np.ndarray, n_Cs: int) -> dict[str, Any]:
    """C chosen on a tenth that is held out, then refitted on all rows."""
    n_train = 9 * len(y) // 10
    model = SoftmaxRegressionCV(np.geomspace(1e-6, 1e5, n_Cs))
    seconds, _ = timed(
        lambda: model.fit(
            rows[:n_train, :], y[:n_train].tolist(),
            X_val=rows[n_train:, :], y_val=y[n_train:].tolist(),
        )
    )  # fmt: skip
    print(f"{n_Cs} values of C, chosen and refitted: {seconds:.1f} s, C={model.C_:g}")
    return {
        "seconds": seconds,
        "n_Cs": n_Cs,
        "C": model.C_,
        "scores": model.scores_.ravel().tolist(),
        "n_iter": model.n_iter_.ravel().tolist(),
    }
