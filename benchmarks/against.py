"""Another commit of this project beside this one, each in a process of its own, interleaved."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from .contenders import OUR_TOLERANCES
from .fit import GAPS
from .problems import Problem, mnist_fit, table
from .random_problems import draw

ROOT = Path(__file__).parents[1]
#: A fit is tried with tighter tolerances until it takes longer than so many seconds.
TOLERANCES, LIMIT = tuple(tol for tol in OUR_TOLERANCES if tol >= 1e-8), 8.0


class Version:
    """A process that solves what it is told with the package in the folder `root`."""

    def __init__(self, root: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(ROOT)])}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", str(root)],
            cwd=root, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def ask(self, **task: Any) -> dict[str, float]:
        """Seconds, and the objective in float64 if the task was a fit."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def run(commit: str, repeats: int, seed: int, n: int) -> dict[str, Any]:
    """The table, `n` random problems, MNIST, the sweeps and the epoch of a network."""
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder)
        archive = subprocess.run(
            ["git", "archive", commit, "xsoftmax"], cwd=ROOT, check=True, stdout=subprocess.PIPE
        )
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(other, filter="data")
        versions = {"this": Version(ROOT), "other": Version(other)}
        groups: dict[str, Any] = {}
        for group, tasks in _tasks(seed, n).items():
            rows = {}
            for name, task in tasks.items():
                rows[name] = compare(versions, task, repeats)
                print(f"{group}: {name:60s} {_words(rows[name])}", flush=True)
            ratios = [ratio for row in rows.values() for ratio in row]
            if not ratios:
                print(f"== {group}: neither version reached a gap of the other")
                continue
            groups[group] = {"ratios": rows, "geometric mean": geometric_mean(ratios)}
            print(
                f"== {group}: geometric mean {geometric_mean(ratios):.2f}, worst {min(ratios):.2f}"
            )
    return {"commit": commit, "seed": seed, **groups}


def _words(ratios: list[float]) -> str:
    return " ".join(f"{ratio:.2f}" for ratio in ratios)


def _tasks(seed: int, n: int) -> dict[str, dict[str, dict[str, Any]]]:
    return {
        "table": {problem.name: {"table": problem.name} for problem in table()},
        "random": {draw(seed, i).name: {"random": [seed, i]} for i in range(n)},
        "mnist": {"fit": {"mnist": 60_000}},
        "sweeps": {name: {"sweep": name} for name in ("digits", "mnist 10", "mnist 45")},
        "epoch": {"784-128-10": {"epoch": 128}},
    }


def compare(versions: dict[str, Version], task: dict[str, Any], repeats: int) -> list[float]:
    """Seconds of the other version over those of this one: for fits, at each gap."""
    if not {"table", "random", "mnist"} & set(task):
        seconds = {name: [] for name in versions}
        for _ in range(repeats):
            for name, version in versions.items():
                seconds[name].append(version.ask(**task)["seconds"])
        return [median(seconds["other"]) / median(seconds["this"])]
    rungs: dict[str, list[tuple[float, float]]] = {name: [] for name in versions}
    running = list(versions)
    for tol in TOLERANCES:
        answers = {name: [] for name in running}
        for _ in range(repeats):
            for name in running:
                answers[name].append(versions[name].ask(**task, tol=tol))
        for name, runs in answers.items():
            value = max(run["value"] for run in runs)
            rungs[name].append((median(run["seconds"] for run in runs), value))
        running = [name for name in running if rungs[name][-1][0] < LIMIT]
    best = min(value for own in rungs.values() for _, value in own)
    ratios = []
    for gap in GAPS:
        times = {
            name: min((t for t, value in own if value <= best * (1 + gap)), default=None)
            for name, own in rungs.items()
        }
        if times["this"] and times["other"]:
            ratios.append(times["other"] / times["this"])
    return ratios


def problem_of(task: dict[str, Any]) -> Problem:
    """The rows of a fit."""
    if "table" in task:
        return next(problem for problem in table() if problem.name == task["table"])
    if "random" in task:
        return draw(*task["random"])
    return mnist_fit(n_samples=task["mnist"])


def sweep_of(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X, y and the values of C."""
    if name == "digits":
        X, y = load_digits(return_X_y=True)
        return X / 16, y, np.logspace(-4, 4, 10)
    problem = mnist_fit(n_samples=10_000)
    Cs = np.logspace(-4, 4, 10) if name.endswith("10") else np.geomspace(1e-6, 1e5, 45)
    return problem.X, problem.y, Cs


def answers() -> Iterator[dict[str, float]]:
    """What a worker answers to each line of its input."""
    from xsoftmax import MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV

    from .problems import objective
    from .timing import timed

    problem, known = None, None
    for text in sys.stdin:
        task = json.loads(text)
        tol = task.pop("tol", None)
        if "sweep" in task:
            X, y, Cs = sweep_of(task["sweep"])
            seconds, _ = timed(lambda X=X, y=y, Cs=Cs: SoftmaxRegressionCV(Cs).fit(X, y))
            yield {"seconds": seconds}
        elif "epoch" in task:
            problem = mnist_fit()
            model = MLPClassifier((128,), batch_size=task["epoch"], max_iter=1, tol=0)
            seconds, _ = timed(lambda model=model, p=problem: model.fit(p.X, p.y))
            yield {"seconds": seconds}
        else:
            if known != task:
                problem, known = problem_of(task), task
            model = SoftmaxRegression(problem.C, tol=tol, max_iter=20_000)
            seconds, model = timed(lambda model=model, p=problem: model.fit(p.X, p.y))
            value = objective(problem, model.coef_, model.intercept_)
            yield {"seconds": seconds, "value": value}
