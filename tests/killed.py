"""Kills fits at every point in turn, and lets them go on: ``python -m tests.killed``.

Each time a fork begins the fit anew from nothing, is killed by SIGKILL at its n-th pass over the
rows, or where it makes minibatches after n milliseconds, and another fit goes on from what is left.
It must end with the same bits, and leave nothing behind.
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from xsoftmax import MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV
from xsoftmax.objective.rows import Rows

from .problems import blobs

FITS = {
    "newton": lambda: SoftmaxRegression(tol=1e-10),
    "lbfgs": lambda: SoftmaxRegression(C=1e3, tol=1e-9, fit_intercept=False),
    "gd": lambda: SoftmaxRegression(solver="gd", max_iter=120, tol=0),
    "network": lambda: MLPClassifier((4,), solver="lbfgs", max_iter=30, random_state=0),
    "adam": lambda: MLPClassifier((4,), max_iter=20, tol=0, random_state=0),
    "search": lambda: SoftmaxRegressionCV([1e-3, 1.0, 10.0], cv=3),
}


def bits(model: Any) -> list[bytes]:
    """Those of the coefficients."""
    model = getattr(model, "best_estimator_", model)
    coefs = getattr(model, "coefs_", None) or [model.coef_, model.intercept_]
    return [np.asarray(coef).tobytes() for coef in coefs]


def kill_at_pass(n: int) -> None:
    """Kill this process at its n-th pass over the rows."""
    plain, calls = Rows.reduce, iter(range(n - 1))

    def reduce(*args: Any) -> Any:
        if next(calls, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(*args)

    Rows.reduce = reduce  # type: ignore[method-assign]


def kill_after(milliseconds: int) -> None:
    """Kill this process wherever it is then."""

    def kill() -> None:
        time.sleep(1e-3 * milliseconds)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()


def was_killed(prepare: Callable[[int], None], n: int, fit: Callable[[], Any]) -> bool:
    """Whether a fork was killed before its fit ended."""
    child = os.fork()
    if child == 0:
        prepare(n)
        fit()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def try_points(name: str, n_points: int, folder: Path) -> int:
    """How many times the fit was killed; each time it went on to the same bits."""
    X, y = blobs(200, 8, 3, spread=3.0)
    path, n_killed = folder / "fit", 0

    def fit() -> Any:
        return FITS[name]().fit(X, y, checkpoint=path, checkpoint_every=0.0)

    expected = bits(fit())
    for n in range(1, n_points + 1):
        killed = was_killed(kill_after if name == "adam" else kill_at_pass, n, fit)
        n_killed += killed
        assert bits(fit()) == expected, f"{name}: other bits after point {n}"
        assert list(folder.iterdir()) == [], f"{name}: something is left after point {n}"
        if not killed:
            break
    return n_killed


def main() -> None:
    """All fits, or one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(FITS)}; all if none")
    parser.add_argument("--points", type=int, default=100)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in options.names or FITS:
        with tempfile.TemporaryDirectory() as folder:
            n_killed = try_points(name, options.points, Path(folder))
        print(f"{name}: killed at {n_killed} points, the same bits each time", flush=True)


if __name__ == "__main__":
    main()
