"""Time to an objective: MNIST, and a table of problems at several gaps."""

from __future__ import annotations

import contextlib
from statistics import median
from typing import Any

import numpy as np

from . import contenders
from .contenders import Contender
from .problems import Problem, mnist_fit, objective, table
from .timing import timed

GAPS = (1e-2, 1e-4, 1e-6)
#: Ours on MNIST.
TOLERANCES = (1e-1, 3e-2, 1e-2, 5e-3, 2e-3, 1e-3, 1e-4, 1e-5, 1e-6)


def run(backend: str, repeats: int) -> dict[str, Any]:
    """All fits; the figures of every rung that was climbed. Ctrl-C keeps the problems done."""
    results: dict[str, Any] = {"gaps": GAPS, "problems": []}
    with contextlib.suppress(KeyboardInterrupt):
        for problem in table():
            rungs = climb(problem, contenders_of(problem, backend), repeats, limit=5.0)
            results["problems"].append(summary(problem, rungs))
            print(line(results["problems"][-1]), flush=True)
    ratios = [ratio for entry in results["problems"] for ratio in entry["ratios"].values()]
    results["median_ratio"], results["worst_ratio"] = float(np.median(ratios)), min(ratios)
    print(f"median ratio {median(ratios):.2f}, worst {min(ratios):.2f}")
    return results


def run_mnist(backend: str, repeats: int) -> dict[str, Any]:
    """MNIST at C=1 in float32, to where scikit-learn's lbfgs stops and to a gap of 1e-5."""
    return race(mnist_fit(), backend, repeats)


def race(problem: Problem, backend: str, repeats: int) -> dict[str, Any]:
    """Seconds until ours, and on a device torch's L-BFGS, is where scikit-learn's lbfgs stops."""
    peers = _scikit_learns(backend)
    ladders = {"xsoftmax": (contenders.ours(backend), TOLERANCES)}
    if backend != "numpy":
        torch_lbfgs = contenders.torch_lbfgs("cuda" if backend == "cupy" else "cpu")
        ladders["torch LBFGS"] = (torch_lbfgs, torch_lbfgs.settings)
    runs: dict[str, list[float]] = {name: [] for name in peers}
    rungs: dict[str, list[dict[str, Any]]] = {name: [] for name in ladders}
    stop = []
    for _ in range(repeats):
        for name, peer in peers.items():
            seconds, answer = timed(lambda peer=peer: peer.solve(problem, 1e-4))
            runs[name].append(seconds)
            stop.append(objective(problem, *answer))
        for name, (contender, settings) in ladders.items():
            for tol in settings:
                seconds, answer = timed(lambda c=contender, tol=tol: c.solve(problem, tol))
                rung = {"tol": tol, "seconds": seconds, "value": objective(problem, *answer)}
                rungs[name].append(rung)
    best = min(rung["value"] for own in rungs.values() for rung in own)
    theirs = min(median(seconds) for seconds in runs.values())
    target = min(stop)
    ours = rungs["xsoftmax"]
    to_stop, to_gap = _fastest(ours, target), _fastest(ours, best * (1 + 1e-5))
    result = {
        "problem": f"{problem.name} x {problem.X.shape[1]}, C={problem.C:g}, {problem.X.dtype}",
        "peers": runs,
        "peer_value": target,
        "peer_gap": target / best - 1,
        "rungs": ours,
        "seconds_to_peer_value": to_stop,
        "seconds_to_1e-5": to_gap,
        "ratio": theirs / to_stop,
        "ratio_to_1e-5": theirs / to_gap,
    }
    if "torch LBFGS" in rungs:
        result["ratio_torch"] = _fastest(rungs["torch LBFGS"], target) / to_stop
        print(f"torch LBFGS needs {result['ratio_torch']:.1f} times as long")
    print(
        f"mnist: scikit-learn {theirs:.2f} s (gap {result['peer_gap']:.1e}); ours {to_stop:.2f} s "
        f"to the same, {result['ratio']:.1f} x; {to_gap:.2f} s to 1e-5"
    )
    return result


def _scikit_learns(backend: str) -> dict[str, Contender]:
    """scikit-learn's lbfgs at the settings that may be its best."""
    if backend != "numpy":
        return {"scikit-learn lbfgs, array API": contenders.scikit_learn_there(backend)}
    return {
        "scikit-learn lbfgs, 1 thread": contenders.scikit_learn("lbfgs", 1),
        "scikit-learn lbfgs, all threads": contenders.scikit_learn("lbfgs"),
    }


def _fastest(rungs: list[dict[str, Any]], value: float) -> float:
    """The median seconds of the fastest setting that always got to `value`."""
    found = []
    for tol in {rung["tol"] for rung in rungs}:
        own = [rung for rung in rungs if rung["tol"] == tol]
        if all(rung["value"] <= value for rung in own):
            found.append(median(rung["seconds"] for rung in own))
    return min(found)


def contenders_of(problem: Problem, backend: str) -> dict[str, Contender]:
    """Ours, and the peers that are here."""
    found = {"xsoftmax": contenders.ours(backend), **_scikit_learns(backend)}
    n_parameters = problem.X.shape[1] * len(np.unique(problem.y))
    if n_parameters <= 2000:  # its Hessian is square in them
        found["scikit-learn newton-cholesky"] = contenders.scikit_learn("newton-cholesky")
    try:
        found["torch LBFGS"] = contenders.torch_lbfgs("cuda" if backend == "cupy" else "cpu")
    except ImportError:
        print("torch is not installed: left out")
    try:
        found["SciPy L-BFGS-B, JAX jit"] = contenders.jax_lbfgs()
    except ImportError:
        print("JAX is not installed: left out")
    return found


def climb(
    problem: Problem, ladder: dict[str, Contender], repeats: int, limit: float
) -> list[dict[str, Any]]:
    """Every contender on every rung, until it is at the smallest gap or takes longer than `limit`.

    Runs are interleaved. What one fit needs is measured as a whole, checks included.
    """
    rungs: list[dict[str, Any]] = []
    best = objective(problem, *ladder["xsoftmax"].solve(problem, 1e-11))
    done: set[str] = set()
    for step in range(max(len(contender.settings) for contender in ladder.values())):
        for repeat in range(repeats):
            for name, contender in ladder.items():
                if name in done or step >= len(contender.settings):
                    continue
                setting = contender.settings[step]
                seconds, answer = timed(lambda c=contender, s=setting: c.solve(problem, s))
                value = objective(problem, *answer)
                rungs.append({"name": name, "setting": setting, "seconds": seconds, "value": value})
                if seconds > (limit if repeat == repeats - 1 else 4 * limit):
                    done.add(name)
        latest = {rung["name"]: rung["value"] for rung in rungs}
        done |= {name for name, value in latest.items() if value <= best * (1 + GAPS[-1] / 2)}
    return rungs


def summary(problem: Problem, rungs: list[dict[str, Any]]) -> dict[str, Any]:
    """For each gap, the median seconds of each contender's fastest setting that reaches it."""
    best = min(rung["value"] for rung in rungs)
    names = list(dict.fromkeys(rung["name"] for rung in rungs))
    seconds: dict[str, dict[str, float]] = {}
    for gap in GAPS:
        seconds[f"{gap:g}"] = {}
        for name in names:
            found = []
            for setting in {rung["setting"] for rung in rungs if rung["name"] == name}:
                own = [r for r in rungs if (r["name"], r["setting"]) == (name, setting)]
                if all(rung["value"] <= best * (1 + gap) for rung in own):
                    found.append(median(rung["seconds"] for rung in own))
            if found:
                seconds[f"{gap:g}"][name] = min(found)
    ratios = {}
    for gap, times in seconds.items():
        peers = [value for name, value in times.items() if name != "xsoftmax"]
        if peers:  # 0 where a peer gets there and xsoftmax does not
            ratios[gap] = min(peers) / times.get("xsoftmax", float("inf"))
    shape = [*problem.X.shape, len(np.unique(problem.y))]
    return {
        "name": problem.name,
        "shape": shape,
        "C": problem.C,
        "minimum": best,
        "seconds": seconds,
        "ratios": ratios,
        "rungs": rungs,
    }


def line(entry: dict[str, Any]) -> str:
    """One entry of the table for the screen."""
    shape = " x ".join(map(str, entry["shape"]))
    ratios = "  ".join(
        f"{gap}: {entry['seconds'][gap].get('xsoftmax', float('inf')):.3f} s ({ratio:.2f} x)"
        for gap, ratio in entry["ratios"].items()
    )
    return f"{entry['name']:26s} {shape:20s} C={entry['C']:<7g} {ratios}"
