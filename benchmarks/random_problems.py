"""Problems drawn at random: time to three gaps, beside peers and our own plain L-BFGS.

Seeds below 1000 are for tuning. The others are for what is reported.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from . import contenders
from .contenders import Contender
from .fit import GAPS, climb, line, summary
from .fit import contenders_of as fit_contenders
from .problems import Problem

PLAIN = "xsoftmax, plain L-BFGS"

#: X has at most so many cells, and X times the classes at most so many.
MAX_CELLS, MAX_WORK = 10_000_000, 60_000_000
#: Enough for all but separable classes without a penalty to speak of, whose minima are far away.
MAX_ITER = 1000


def draw(seed: int, number: int) -> Problem:
    """Problem `number` of those with this seed.

    100 to 100,000 rows, 2 to 3,000 features, 2 to 300 classes, spectra flat to decaying by 1e8,
    noise from separable to hopeless, C from 1e-4 to 1e4, both dtypes; a third unscaled.
    """
    rng = np.random.default_rng([seed, number])
    while True:
        n_samples, n_features, n_classes = (
            int(_between(rng, *ends)) for ends in ((100, 1e5), (2, 3000), (2, 300))
        )
        cells = n_samples * n_features
        if cells <= MAX_CELLS and cells * n_classes <= MAX_WORK and n_samples >= 4 * n_classes:
            break
    decay = _between(rng, 1.0, 1e8) if rng.random() < 0.7 else 1.0
    rotation, _ = np.linalg.qr(rng.standard_normal((n_features, n_features)))
    spectrum = np.geomspace(1.0, decay**-0.5, n_features)
    Z = rng.standard_normal((n_samples, n_features))
    margins = Z @ rng.standard_normal((n_features, n_classes)) / n_features**0.5
    margins += rng.standard_normal(n_classes) * rng.choice([0.0, 1.0])  # some classes are rare
    y = np.argmax(margins / _between(rng, 0.05, 20.0) + rng.gumbel(size=margins.shape), axis=1)
    X = (Z * spectrum) @ rotation * np.sqrt(n_features / np.sum(spectrum**2))
    if rng.random() < 1 / 3:
        X = X * _between(rng, 1e-2, 1e2, n_features) + 3 * rng.standard_normal(n_features)
    C, dtype = float(_between(rng, 1e-4, 1e4)), rng.choice(["float32", "float64"])
    y = np.unique(y, return_inverse=True)[1]
    if y.max() == 0:
        y[: len(y) // 2] = 1
    name = (
        f"{n_samples} x {n_features}, {y.max() + 1} classes, decay {decay:.0e}, C={C:.0e}, {dtype}"
    )
    return Problem(name, np.ascontiguousarray(X, dtype=dtype), y, C)


def _between(rng: Any, low: float, high: float, size: int | None = None) -> Any:
    """Uniform on a log scale."""
    return np.exp(rng.uniform(np.log(low), np.log(high), size))


def run(backend: str, repeats: int, seed: int, n: int) -> dict[str, Any]:
    """`n` problems; their ratios to the best peer and to our own plain L-BFGS, at every gap."""
    results: dict[str, Any] = {"seed": seed, "gaps": GAPS, "problems": []}
    with contextlib.suppress(KeyboardInterrupt):
        for number in range(n):
            problem = draw(seed, number)
            rungs = climb(problem, _contenders(problem, backend), repeats, limit=0.3)
            results["problems"].append(compared(problem, rungs))
            print(f"{number:3d} {line(results['problems'][-1])}", flush=True)
    results["peer"] = distribution(results["problems"], "ratios")
    results["plain"] = distribution(results["problems"], "plain_ratios")
    for name in ("peer", "plain"):
        print(f"{name}: {', '.join(f'{k} {v:.2f}' for k, v in results[name].items())}")
    return results


def _contenders(problem: Problem, backend: str) -> dict[str, Contender]:
    found = fit_contenders(problem, backend)
    found.pop("SciPy L-BFGS-B, JAX jit", None)  # it compiles for every shape
    found["xsoftmax"] = contenders.ours(backend, MAX_ITER)
    return {**found, PLAIN: contenders.plain_lbfgs(backend, MAX_ITER)}


def compared(problem: Problem, rungs: list[dict[str, Any]]) -> dict[str, Any]:
    """`summary` beside the peers, and the seconds of plain L-BFGS over ours."""
    entry = summary(problem, [rung for rung in rungs if rung["name"] != PLAIN])
    plain = summary(problem, [rung for rung in rungs if rung["name"] in ("xsoftmax", PLAIN)])
    entry["plain_ratios"] = plain["ratios"]
    del entry["rungs"]
    return entry


def distribution(entries: list[dict[str, Any]], kind: str) -> dict[str, float]:
    """Quantiles of the ratios of all problems and gaps; more than 1 is faster than the other."""
    ratios = [ratio for entry in entries for ratio in entry[kind].values()]
    shares = {"worst": 0.0, "5 %": 0.05, "median": 0.5, "95 %": 0.95}
    return {name: float(np.quantile(ratios, share)) for name, share in shares.items()}
