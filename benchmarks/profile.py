"""Where the time of a fit goes: into products and decompositions of matrices, or between them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any
from unittest.mock import patch

import array_api_compat.numpy as xp
from sklearn.datasets import load_digits

from xsoftmax import MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV
from xsoftmax.objective.line_restriction import LinearLineFunction
from xsoftmax.objective.objective import Objective

from .problems import mnist_fit, table
from .timing import timed

KINDS = (
    (xp, ("matmul", "vecdot"), "products"),
    (xp.linalg, ("inv", "cholesky", "eigh", "solve"), "decompositions"),
)
#: Of all rows, a sample or a minibatch.
EVALUATIONS = ((LinearLineFunction, "__call__"), (Objective, "value_and_gradient"))
#: Of the table, at which tolerance.
FITS = {
    "iris": 1e-4,
    "breast cancer, scaled": 1e-4,
    "breast cancer, unscaled": 1e-4,
    "digits": 1e-4,
    "tall, 2 classes": 1e-4,
    "probe, weak penalty": 1e-4,
    "more features than rows": 1e-2,
}


def run(backend: str, repeats: int) -> dict[str, Any]:
    """Seconds of each kind, and evaluations of the objective, of fits that peers do as fast.

    Always of NumPy: a product of another library may return before it is done.
    """
    if backend != "numpy":
        return {"rows": []}
    rows = [_profiled(name, fit, max(repeats, 5)) for name, fit in _work()]
    return {"rows": rows}


def _work() -> Iterator[tuple[str, Callable[[], Any]]]:
    for problem in table():
        if problem.name in FITS:
            model = SoftmaxRegression(problem.C, tol=FITS[problem.name], max_iter=1000)
            yield problem.name, lambda p=problem, model=model: model.fit(p.X, p.y)
    X, y = load_digits(return_X_y=True)
    grid = SoftmaxRegressionCV(10, cv=5)
    yield "10 values of C x 5 folds, load_digits", lambda: grid.fit(X / 16, y)
    mnist = mnist_fit()
    epoch = MLPClassifier((128,), tol=0, batch_size=128, max_iter=1, random_state=0)
    yield "an epoch of 784-128-10, batch 128", lambda: epoch.fit(mnist.X, mnist.y)


def _profiled(name: str, fit: Callable[[], Any], repeats: int) -> dict[str, Any]:
    """Medians; the times of parts are of other runs, whose clocks would lengthen the whole."""
    fit()
    whole = median(timed(fit)[0] for _ in range(repeats))
    parts = []
    for _ in range(repeats):
        with _clocks() as clocks:
            timed(fit)
        parts.append(clocks)
    row = {"name": name, "seconds": whole}
    row |= {kind: median(part[kind] for part in parts) for kind in parts[0]}
    row["between"] = whole - row["products"] - row["decompositions"]
    print(
        f"{name}: {1e3 * whole:.1f} ms, of which products {1e3 * row['products']:.1f}, "
        f"decompositions {1e3 * row['decompositions']:.1f}; {row['evaluations']:.0f} evaluations",
        flush=True,
    )
    return row


@contextlib.contextmanager
def _clocks() -> Iterator[dict[str, float]]:
    """Seconds inside products and decompositions, and evaluations of an objective, meanwhile."""
    spent = dict.fromkeys(("products", "decompositions", "evaluations"), 0.0)

    def clocked(function: Callable, kind: str) -> Callable:
        def call(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                spent[kind] += time.perf_counter() - start

        return call

    def counted(function: Callable) -> Callable:
        def call(*args: Any) -> Any:
            spent["evaluations"] += 1
            return function(*args)

        return call

    with contextlib.ExitStack() as stack:
        for module, names, kind in KINDS:
            for name in names:
                patched = clocked(getattr(module, name), kind)
                stack.enter_context(patch.object(module, name, patched))
        for owner, name in EVALUATIONS:
            patched = counted(getattr(owner, name))
            stack.enter_context(patch.object(owner, name, patched))
        yield spent
