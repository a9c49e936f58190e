"""A fit on MNIST alone and beside a busy process, with one BLAS thread and with all."""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median
from typing import Any

_FIT = """
import time
from benchmarks.problems import mnist_fit
from xsoftmax import SoftmaxRegression
problem = mnist_fit()
SoftmaxRegression(max_iter=1).fit(problem.X[:100], problem.y[:100])
start = time.perf_counter()
SoftmaxRegression().fit(problem.X, problem.y)
print(time.perf_counter() - start)
"""
_BUSY = "while True: pass"

#: What the environment of a fit sets.
SETTINGS = {
    "all threads": {},
    "all threads, short waits": {"OPENBLAS_THREAD_TIMEOUT": "4"},
    "one thread": {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
}


def run(backend: str, repeats: int) -> dict[str, Any]:
    """MNIST at C=1 in float32 on the CPU, in processes of their own, interleaved."""
    del backend
    seconds: dict[str, dict[str, list[float]]] = {}
    for _ in range(repeats):
        for n_busy in (0, 1):
            beside = f"beside {n_busy} busy processes"
            busy = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(n_busy)]
            try:
                for name, setting in SETTINGS.items():
                    found = seconds.setdefault(beside, {}).setdefault(name, [])
                    found.append(_seconds(setting))
            finally:
                for process in busy:
                    process.kill()
                    process.wait()
    for beside, of_settings in seconds.items():
        for name, found in of_settings.items():
            print(f"{beside}, {name}: {median(found):.2f} s")
    return {"problem": "mnist 60000 x 784 x 10, C=1, float32", "seconds": seconds}


def _seconds(setting: dict[str, str]) -> float:
    command = [sys.executable, "-W", "ignore", "-c", _FIT]
    environment = {**os.environ, **setting}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)
