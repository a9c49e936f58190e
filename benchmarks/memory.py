"""The peak of memory that a fit needs beyond X."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

_CHILD = """
import resource, sys
from benchmarks.problems import mnist_fit
from xsoftmax import SoftmaxRegression
problem = mnist_fit()
SoftmaxRegression(max_iter=1).fit(problem.X[:100], problem.y[:100])
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() // 1024
before = resident()
# Linux: forget the peak so far, which loading the data has set.
open("/proc/self/clear_refs", "w").write("5")
SoftmaxRegression(tol=1e-5).fit(problem.X, problem.y)
with open("/proc/self/status") as file:
    peak = next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
print((peak - before) / 1024)
"""


def run(backend: str, repeats: int) -> dict[str, Any]:
    """MNIST at C=1 in float32 on the CPU, in processes of their own."""
    del backend
    found = []
    for _ in range(repeats):
        command = [sys.executable, "-W", "ignore", "-c", _CHILD]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append(float(done.stdout))
    print(f"peak memory beyond X: {max(found):.0f} MB")
    return {"problem": "mnist 60000 x 784 x 10, C=1, float32", "peak_mb_beyond_X": found}
