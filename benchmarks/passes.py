"""One pass over MNIST, value and gradient, against what the device can do at best."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from xsoftmax import arrays
from xsoftmax.model.network import Network
from xsoftmax.objective.objective import Objective
from xsoftmax.objective.rows import Rows

from .problems import mnist_fit
from .timing import timed

N_PROBLEMS = (1, 5, 50)


def run(backend: str, repeats: int) -> dict[str, Any]:
    """Seconds of a pass for batches of problems, as shares of the copy and product rates."""
    place, problem = arrays.backend(backend), mnist_fit()
    X, y = place.asarray(problem.X), place.asarray(problem.y)
    rates = device_rates(place)
    result: dict[str, Any] = {"problem": "mnist 60000 x 784 x 10, float32", **rates, "passes": []}
    for n_problems in N_PROBLEMS:
        objective, parameters = _batch(place, X, y, n_problems)
        evaluate = partial(objective.value_and_gradient, parameters)
        seconds = median_seconds(evaluate, repeats)
        products = 4 * n_problems * 10 * X.shape[0] * X.shape[1] / seconds
        entry = {
            "n_problems": n_problems,
            "seconds": seconds,
            "times_two_reads": seconds * rates["bytes_per_second"] / (2 * problem.X.nbytes),
            "share_of_product_rate": products / rates["flops_per_second"],
        }
        result["passes"].append(entry)
        print(
            f"{n_problems:3d} problems: {1e3 * seconds:.2f} ms, {entry['times_two_reads']:.1f} x "
            f"two reads of X, {entry['share_of_product_rate']:.0%} of the product rate"
        )
    return result


def device_rates(place: arrays.Backend) -> dict[str, float]:
    """Bytes read in a copy per second, and float32 operations per second of a large product."""
    xp = place.xp
    large = place.asarray(np.ones(1 << 25, dtype=np.float32))
    side = 8192 if place.name == "cupy" else 2048
    square = place.asarray(np.ones((side, side), dtype=np.float32))
    copy = median_seconds(lambda: xp.asarray(large, copy=True), 5)
    product = median_seconds(lambda: xp.matmul(square, square), 5)
    # A copy reads and writes; what a pass over X could reach is both together.
    rates = {
        "bytes_per_second": 2 * 4 * large.shape[0] / copy,
        "flops_per_second": 2 * side**3 / product,
    }
    if place.name == "cupy":
        rates["tf32_flops_per_second"] = _tf32_rate(side)
    return rates


def _tf32_rate(side: int) -> float:
    """By torch, which can switch TF32 on while it runs."""
    import torch

    square = torch.ones((side, side), device="cuda")
    before, torch.backends.cuda.matmul.allow_tf32 = torch.backends.cuda.matmul.allow_tf32, True
    try:
        return 2 * side**3 / median_seconds(lambda: square @ square, 5)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def _batch(
    place: arrays.Backend, X: Any, y: Any, n_problems: int
) -> tuple[Objective, arrays.Array]:
    network = Network((X.shape[1], 10))
    weights = place.asarray(np.full((1, X.shape[0]), 1 / X.shape[0], dtype=np.float32))
    penalty = place.asarray(np.full((n_problems, network.n_parameters), 1e-5, dtype=np.float32))
    start = np.random.default_rng(0).standard_normal((n_problems, network.n_parameters)) / 100
    objective = Objective(network, Rows(X, y[None, :], weights, X.dtype), penalty)
    return objective, place.asarray(start.astype(np.float32))


def median_seconds(run: Callable[[], Any], repeats: int) -> float:
    """Of at least five runs, after one that warms up."""
    run()
    return median(timed(run)[0] for _ in range(max(repeats, 5)))
