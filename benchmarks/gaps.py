"""Whether the gap that a fit reports is the true one, on problems drawn at random, in float64."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from tests.solvers.random_problems import Exact, Problem, draw
from xsoftmax import SoftmaxRegression

#: What rounding hides of a value.
ROUNDING = 1e-13


class Found(NamedTuple):
    """One fit."""

    seed: int
    reported: float  #: (f - min f) / f, as the model says
    true: float
    excess: float  #: f - min f, over what the tolerance allows of it
    warned: bool
    kinds: str


def run(seed: int, n: int, tol: float = 1e-4) -> dict[str, Any]:
    """`n` problems from `seed` on, and the worst of them."""
    found = [fitted(k, tol) for k in range(seed, seed + n)]
    quiet = [one for one in found if not one.warned]
    ratios = np.asarray([one.true / max(one.reported, ROUNDING) for one in quiet])
    result = {
        "problems": n,
        "seed": seed,
        "tol": tol,
        "warned": n - len(quiet),
        "true gap over 10 x the reported one": int(np.sum(ratios > 10)),
        "tolerance not met": sum(one.excess > 1 for one in quiet),
        "true gap over the reported one, median": float(np.median(ratios)),
        "99 %": float(np.quantile(ratios, 0.99)),
        "largest": float(ratios.max()),
        "worst": [quiet[k]._asdict() for k in np.argsort(-ratios)[:5]],
    }
    for name, value in result.items():
        print(f"{name}: {value}", flush=True)
    return result


def are_honest(result: dict[str, Any]) -> bool:
    """Whether no gap is over 10 times the reported one, and every tolerance is met."""
    return result["true gap over 10 x the reported one"] == result["tolerance not met"] == 0


def fitted(seed: int, tol: float) -> Found:
    """The fit of one problem, and its true gap."""
    problem = draw(seed)
    problem = problem._replace(X=problem.X.astype(np.float64))
    model = SoftmaxRegression(problem.C, tol=tol, fit_intercept=problem.fit_intercept)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(problem.X, problem.y, sample_weight=problem.sample_weight)
    return _compared(seed, problem, model, tol, bool(caught))


def _compared(seed: int, problem: Problem, model: Any, tol: float, warned: bool) -> Found:
    exact = Exact(problem)
    value = exact.value_of(model)
    with np.errstate(all="ignore"):
        least = min(exact.minimum(), value)
    gap = max(value - least - ROUNDING * value, 0.0)
    allowed = min(tol * (exact.at_zero - value), tol**0.5 * value)
    excess = gap / max(allowed, ROUNDING * exact.at_zero)
    return Found(seed, model.gap_, gap / value, excess, warned, ", ".join(problem.kinds))
