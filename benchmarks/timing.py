"""Interleaved timing, and a record of what it was measured on."""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from threadpoolctl import threadpool_limits

from xsoftmax import arrays

PAUSE = 0.15  #: seconds
RESULTS = Path(__file__).parent / "results"
PACKAGES = ("xsoftmax", "numpy", "scikit-learn", "torch", "jax", "cupy-cuda12x", "cupy-cuda13x")


def interleaved(contenders: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each contender, all run once before any runs again.

    The first round only warms up when there are at least five.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats + (repeats >= 5)):
        for name, run in contenders.items():
            seconds[name].append(timed(run)[0])
    return {name: runs[-repeats:] for name, runs in seconds.items()}


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what `run` returned; a GPU has finished by then.

    After a pause, since threads of the run before go on spinning on all cores for some 100 ms.
    """
    time.sleep(PAUSE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peers that stop early say so
        start = time.perf_counter()
        result = run()
        synchronize()
        return time.perf_counter() - start, result


def synchronize() -> None:
    """Wait for the GPU, if CuPy or torch is using one."""
    import sys

    cupy, torch = sys.modules.get("cupy"), sys.modules.get("torch")
    if cupy is not None:
        cupy.cuda.get_current_stream().synchronize()
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.synchronize()


@contextlib.contextmanager
def threads(n: int | None) -> Iterator[None]:
    """At most `n` BLAS threads; None leaves them as they are."""
    with threadpool_limits(n, user_api="blas") if n else contextlib.nullcontext():
        yield


def ratio(peer: list[float], ours: list[float]) -> float:
    """How many times as long the peer took, by medians."""
    return median(peer) / median(ours)


def save(name: str, backend: str, result: dict[str, Any]) -> Path:
    """Write `result` with versions, device and date as JSON."""
    record = {
        "date": datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="minutes"),
        "device": device_name(backend),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": versions(),
        **result,
    }
    path = RESULTS / f"{name}-{backend}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")
    return path


def versions() -> dict[str, str]:
    """Of the packages that are here."""
    found = {}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def device_name(backend: str) -> str:
    """What the arrays lie on, in words."""
    if backend == "numpy":
        return _processor()
    (report,) = [report for report in arrays.report() if report.name == backend]
    return report.devices[0] if report.devices else report.note


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
