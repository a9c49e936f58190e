"""What each choice of the plan is worth: time of fits without it over time with it.

Time is that of the processor, with one thread, and the least of all repeats: other work on the
machine adds to it least.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf
from statistics import geometric_mean
from typing import Any

from xsoftmax import SoftmaxRegression, SoftmaxRegressionCV
from xsoftmax.objective.policy import DEFAULT, Policy

from .against import sweep_of
from .problems import Problem, mnist_fit, table
from .random_problems import draw
from .timing import threads

TOLERANCES = (1e-2, 1e-4, 1e-6)
NEVER = 1 << 40
#: Seconds: what takes longer is run once.
LONG = 0.5

#: The policy without one of its choices. To leave nothing out shows what is noise.
WITHOUT: dict[str, Policy] = {
    "nothing": DEFAULT,
    "kept logits": replace(DEFAULT, max_kept_logits=0),
    "float32 first": replace(DEFAULT, min_values_in_float32=inf),
    "row space": replace(DEFAULT, max_rows_of_row_space=0),
    "unseen features left out": replace(DEFAULT, min_unseen_features=inf),
    "samples": replace(DEFAULT, min_sample_rows=NEVER),
    "Newton's method": replace(DEFAULT, max_cost_of_newton=0.0),
    "Hessians of few rows": replace(DEFAULT, hessian_rows_per_parameter=NEVER),
    "longer Newton steps": replace(DEFAULT, lengthens_newton_steps=False),
    "foretelling that curvature pays": replace(DEFAULT, min_anisotropy=0.0),
    "curvature bought at 0": replace(DEFAULT, min_anisotropy=inf, max_cost_of_eigenvectors=0.0),
    "cheap eigenvectors": replace(DEFAULT, max_cost_of_eigenvectors=0.0),
    "curvature bought on the way": replace(DEFAULT, iterations_before_curvature=NEVER),
    "an inverse for each class": replace(DEFAULT, inverts_classes=False),
    "ridge start": replace(DEFAULT, ridge_shares=()),
    "more than one ridge share": replace(DEFAULT, ridge_shares=(1.0,)),
}


def run(backend: str, repeats: int, seed: int, n: int) -> dict[str, Any]:
    """The table, `n` random problems, MNIST and three sweeps; always of NumPy."""
    rows: dict[str, dict[str, float]] = {}
    for name, run_with in _work(seed, n):
        policies = {"with all": DEFAULT, **WITHOUT}
        runs = {key: run_with(policy) for key, policy in policies.items()}
        seconds = least_seconds(runs, repeats)
        rows[name] = {key: seconds[key] / seconds["with all"] for key in WITHOUT}
        words = ", ".join(f"{key} {worth:.2f}" for key, worth in rows[name].items())
        print(f"{name}: {seconds['with all'] * 1e3:.0f} ms; {words}", flush=True)
    worth = {key: _summary({name: row[key] for name, row in rows.items()}) for key in WITHOUT}
    for key, found in worth.items():
        print(f"{key:32s} {found['geometric mean']:.3f}  best {found['best']:.2f} {found['on']}")
    return {"seed": seed, "tolerances": TOLERANCES, "worth": worth, "problems": rows}


def least_seconds(runs: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Of the processor, of each; all run once before any runs again."""
    found: dict[str, list[float]] = {key: [] for key in runs}
    with threads(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runs["with all"]()  # a process that has just begun is slower
        for _ in range(repeats):
            for key, run in runs.items():
                start = time.process_time()
                run()
                found[key].append(time.process_time() - start)
            if found["with all"][0] > LONG:
                break
    return {key: min(taken) for key, taken in found.items()}


def _summary(ratios: dict[str, float]) -> dict[str, Any]:
    best = max(ratios, key=lambda name: ratios[name])
    return {"geometric mean": geometric_mean(ratios.values()), "best": ratios[best], "on": best}


def _work(seed: int, n: int) -> Iterator[tuple[str, Callable[[Policy], Callable[[], Any]]]]:
    """The name of each, and what runs it with a policy."""
    for problem in table():
        yield problem.name, _fits(problem)
    for number in range(n):
        problem = draw(seed, number)
        yield problem.name, _fits(problem)
    yield "mnist", _fits(mnist_fit())
    for name in ("digits", "mnist 10", "mnist 45"):
        yield f"sweep {name}", _sweep(name)


def _fits(problem: Problem) -> Callable[[Policy], Callable[[], Any]]:
    """Fits to all tolerances."""

    def run_with(policy: Policy) -> Callable[[], Any]:
        def run() -> None:
            for tol in TOLERANCES:
                model = SoftmaxRegression(problem.C, tol=tol)
                model._policy = policy
                model.fit(problem.X, problem.y)

        return run

    return run_with


def _sweep(name: str) -> Callable[[Policy], Callable[[], Any]]:
    X, y, Cs = sweep_of(name)

    def run_with(policy: Policy) -> Callable[[], Any]:
        model = SoftmaxRegressionCV(Cs)
        model._policy = policy
        return lambda: model.fit(X, y)

    return run_with
