"""Rows of every kind: sparse, from disk, on a cluster, each against the same rows in memory.

The size of the file is `XSOFTMAX_BENCH_GB`, 8 by default; it is written to the folder of temporary
files.
"""

from __future__ import annotations

import os
import resource
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

from xsoftmax import SoftmaxRegression, SoftmaxRegressionCV, StoredRows
from xsoftmax.arrays import threads_that_pay
from xsoftmax.model.network import Network
from xsoftmax.objective.objective import Objective
from xsoftmax.objective.rows import Rows

from .timing import interleaved

N_FEATURES, N_CLASSES = 512, 10
#: Bits a second of the network that is simulated.
BANDWIDTH = 10e9


def run(backend: str, repeats: int) -> dict[str, Any]:
    """All kinds, one after another, on the CPU."""
    del backend
    warnings.simplefilter("ignore")
    found = {"sparse": _sparse(repeats), "stored": _stored(repeats), "cluster": _cluster(repeats)}
    found["simulated"] = _simulated(found["cluster"])
    return {"rows": found}


def text_like(
    n_samples: int = 20_000, n_features: int = 50_000, n_classes: int = 20, seed: int = 0
) -> tuple[sp.csr_matrix, np.ndarray]:
    """tf-idf of documents of 200 words, drawn by Zipf's law and by topic."""
    rng = np.random.default_rng(seed)
    zipf = 1.0 / np.arange(1, n_features + 1)
    topics = np.exp(rng.standard_normal((n_classes, n_features))) * zipf
    topics = 0.5 * topics / topics.sum(axis=1, keepdims=True) + 0.5 * zipf / zipf.sum()
    y = rng.integers(0, n_classes, n_samples)
    words = np.empty((n_samples, 200), np.int64)
    for k, topic in enumerate(topics):
        own = np.flatnonzero(y == k)
        words[own] = rng.choice(n_features, (len(own), 200), p=topic)
    rows = np.repeat(np.arange(n_samples), 200)
    counts = np.ones(words.size), (rows, words.ravel())
    X = sp.coo_matrix(counts, (n_samples, n_features)).tocsr()
    frequency = np.bincount(X.indices, minlength=n_features)
    X.data = (1 + np.log(X.data)) * (1 + np.log((1 + n_samples) / (1 + frequency)))[X.indices]
    X.data /= np.repeat(np.sqrt(np.add.reduceat(X.data**2, X.indptr[:-1])), np.diff(X.indptr))
    return X, y


def objective_of(model: Any, X: Any, y: np.ndarray, C: float) -> float:
    """scikit-learn's, in float64."""
    W, b = np.asarray(model.coef_, np.float64), np.asarray(model.intercept_, np.float64)
    total = 0.5 * np.sum(W * W)
    for start in range(0, len(y), 100_000):
        some = slice(start, start + 100_000)
        block = X[some] if sp.issparse(X) else np.asarray(X[some], np.float64)
        Z = block @ W.T + b
        Z -= Z.max(axis=1, keepdims=True)
        own = Z[np.arange(len(Z)), y[some]]
        total += C * np.sum(np.log(np.exp(Z).sum(axis=1)) - own)
    return float(total)


def _sparse(repeats: int) -> dict[str, Any]:
    X, y = text_like()
    before = _peak()
    models: dict[str, Any] = {}

    def fitted(name: str, model: Any) -> Any:
        return lambda: models.update({name: model.fit(X, y)})

    ours = {f"xsoftmax, tol={tol:g}": SoftmaxRegression(tol=tol) for tol in (1e-2, 1e-4)}
    for name, model in ours.items():
        fitted(name, model)()
    memory = _peak() - before
    contenders = {name: fitted(name, model) for name, model in ours.items()}
    contenders["scikit-learn"] = fitted("scikit-learn", LogisticRegression(max_iter=1000))
    seconds = {name: median(runs) for name, runs in interleaved(contenders, repeats).items()}
    values = {name: objective_of(model, X, y, 1.0) for name, model in models.items()}
    print(
        f"text-like {X.shape}, {X.nnz / len(y):.0f} values a row; memory beyond X {memory:.0f} MB"
    )
    for name, value in values.items():
        print(f"  {name}: {seconds[name]:.2f} s to {value:.3f}")
    return {"seconds": seconds, "objectives": values, "mb_beyond_X": memory}


def _peak() -> float:
    """Megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _file(folder: Path, gigabytes: float) -> tuple[Path, np.ndarray]:
    """float16 rows of `N_FEATURES` in a file, and their labels."""
    n, rng = int(gigabytes * 1e9 / (2 * N_FEATURES)), np.random.default_rng(0)
    path, y = folder / "rows.npy", np.empty(n, np.int8)
    scales = (1.0 + np.arange(N_FEATURES, dtype=np.float32)) ** -0.25
    W = rng.standard_normal((N_FEATURES, N_CLASSES), dtype=np.float32) / 6
    X = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(n, N_FEATURES))
    for start in range(0, n, 100_000):
        some = slice(start, min(start + 100_000, n))
        block = rng.standard_normal((some.stop - start, N_FEATURES), dtype=np.float32) * scales
        noise = rng.gumbel(size=(len(block), N_CLASSES))
        X[some], y[some] = block, np.argmax(block @ W + noise, axis=1)
    X.flush()
    return path, y


@contextmanager
def _watched() -> Iterator[list[float]]:
    """The most anonymous memory of this process meanwhile, in megabytes."""
    peak, ended = [0.0], threading.Event()

    def look() -> None:
        while not ended.wait(0.05):
            peak[0] = max(peak[0], _anonymous())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def _anonymous() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1e3


def _stored(repeats: int) -> dict[str, Any]:
    gigabytes = float(os.environ.get("XSOFTMAX_BENCH_GB", "8"))
    with tempfile.TemporaryDirectory() as name:
        path, y = _file(Path(name), gigabytes)
        n = len(y)
        found = _passes(path, y, repeats)
        rows, C = StoredRows(path), 1e3 / n
        with _watched() as peak:  # beside a thread: it sees memory, not time
            SoftmaxRegression(C=C, max_iter=2).fit(rows, y)
        before, start = rows.n_rows_read, time.perf_counter()
        model = SoftmaxRegression(C=C).fit(rows, y)
        seconds = time.perf_counter() - start
        passes = (rows.n_rows_read - before) / n
        found.update({"peak_anonymous_mb": peak[0], "fit_seconds": seconds, "fit_passes": passes})
        found.update(_sweep(path, y))
        X = np.load(path)
        start = time.perf_counter()
        whole = SoftmaxRegression(C=C).fit(X, y)
        found["in_memory_seconds"] = time.perf_counter() - start
        values = [objective_of(each, X, y, C) for each in (model, whole)]
        found["objective_difference"] = values[0] / values[1] - 1
    print(f"{gigabytes:g} GB of float16, {n:,} x {N_FEATURES}: " + _words(found))
    return {"gigabytes": gigabytes, **found}


def _words(found: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in found.items())


def _passes(path: Path, y: np.ndarray, repeats: int) -> dict[str, float]:
    """Seconds of a pass: reading the file, computing with rows in memory, and both."""
    rows = StoredRows(path)
    some = min(len(y), 1_000_000)  # in memory; a pass over all is so many times as long
    X = np.load(path, mmap_mode="r")[:some].copy()
    share = len(y) / some

    def read() -> None:
        with path.open("rb", buffering=0) as file:
            buffer = bytearray(1 << 24)
            while file.readinto(buffer):
                pass

    stored, memory = (_objective(source, y[: source.shape[0]]) for source in (rows, X))
    zeros = np.zeros((1, N_CLASSES * (N_FEATURES + 1)), np.float32)

    def through() -> None:
        with threads_that_pay(rows, N_CLASSES):
            stored.value_and_gradient(zeros)

    contenders = {
        "read": read,
        "in memory": lambda: memory.value_and_gradient(zeros),
        "stored": through,
    }
    seconds = {name: median(runs) for name, runs in interleaved(contenders, repeats).items()}
    seconds["in memory"] *= share
    slower = max(seconds["read"], seconds["in memory"])
    return {
        "read_seconds": seconds["read"],
        "memory_pass_seconds": seconds["in memory"],
        "stored_pass_seconds": seconds["stored"],
        "pass_over_slower": seconds["stored"] / slower,
    }


def _objective(X: Any, y: np.ndarray) -> Objective:
    network = Network((N_FEATURES, N_CLASSES))
    weights = np.full((1, len(y)), 1 / len(y), np.float32)
    rows = Rows(X, y[None, :].astype(np.int64), weights, np.dtype(np.float32))
    penalty = np.full((1, network.n_parameters), 1e-3, np.float32)
    return Objective(network, rows, penalty)


def _sweep(path: Path, y: np.ndarray) -> dict[str, float]:
    """Passes of ten values of C on held-out rows, and of one fit with the weakest."""
    X, n = np.load(path, mmap_mode="r"), len(y)
    n_train = n - n // 10
    train, val = StoredRows(X[:n_train]), StoredRows(X[n_train:])
    Cs = np.logspace(-3, 1, 10) * 1e3 / n
    start = time.perf_counter()
    search = SoftmaxRegressionCV(Cs, refit=False)
    search.fit(train, y[:n_train], X_val=val, y_val=y[n_train:])
    seconds = time.perf_counter() - start
    passes = (train.n_rows_read + val.n_rows_read) / n
    one = StoredRows(X[:n_train])
    SoftmaxRegression(C=Cs[-1]).fit(one, y[:n_train])
    weakest = one.n_rows_read / n_train
    return {"sweep_seconds": seconds, "sweep_passes": passes, "weakest_fit_passes": weakest}


def _cluster(repeats: int) -> dict[str, Any]:
    import dask.array as da
    from distributed import Client, LocalCluster

    n, n_features = 1_000_000, 256
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, n_features), dtype=np.float32)
    X *= (1.0 + np.arange(n_features, dtype=np.float32)) ** -0.25
    W = rng.standard_normal((n_features, N_CLASSES), dtype=np.float32) / 5
    y = np.argmax(X @ W + rng.gumbel(size=(n, N_CLASSES)), axis=1)
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(**settings) as cluster, Client(cluster) as client:
        D = client.persist(da.from_array(X, chunks=(50_000, -1)))
        models: dict[str, Any] = {}
        contenders = {
            "in memory": lambda: models.update(memory=SoftmaxRegression(C=1e3 / n).fit(X, y)),
            "cluster": lambda: models.update(cluster=SoftmaxRegression(C=1e3 / n).fit(D, y)),
        }
        for run_once in contenders.values():
            run_once()
        before = _anonymous()
        seconds = {name: median(runs) for name, runs in interleaved(contenders, repeats).items()}
        grown = _anonymous() - before
        echo = [client.submit(_nothing, i, workers=[w], pure=False) for i, w in _each(client)]
        client.gather(echo)
        start = time.perf_counter()
        for _ in range(20):
            client.gather([client.submit(_nothing, i, pure=False) for i, _ in _each(client)])
        overhead = (time.perf_counter() - start) / 20
    values = [objective_of(model, X, y, 1e3 / n) for model in models.values()]
    found = {
        "memory_seconds": seconds["in memory"],
        "cluster_seconds": seconds["cluster"],
        "ratio": seconds["cluster"] / seconds["in memory"],
        "iterations": float(models["cluster"].n_iter_),
        "round_trip_seconds": overhead,
        "client_and_scheduler_grew_mb": grown,
        "objective_difference": values[1] / values[0] - 1,
    }
    print(f"cluster of 2, {n:,} x {n_features}: " + _words(found))
    return found


def _each(client: Any) -> Any:
    return enumerate(client.scheduler_info()["workers"])


def _nothing(x: Any) -> Any:
    return x


def _simulated(cluster: dict[str, Any]) -> dict[str, Any]:
    """Seconds of a fit of 10^9 x 768 with 1,000 classes and with 10, by the number of workers.

    A worker computes as fast as one of the two here. A round trip costs what it costs here, and
    each further worker a millisecond of the scheduler. Parameters go to every worker and a gradient
    comes back through one network card.
    """
    n_evaluations = cluster["iterations"] + 4
    of_value = 2 * cluster["memory_seconds"] / n_evaluations / (1e6 * 256 * N_CLASSES)
    found: dict[str, Any] = {}
    for n_classes in (10, 1000):
        n_bytes, times = 4 * 769 * n_classes, {}
        for n_workers in (1, 2, 4, 8, 16, 32, 64):
            compute = 1e9 * 768 * n_classes * of_value / n_workers
            network = 2 * n_workers * 8 * n_bytes / BANDWIDTH
            overhead = cluster["round_trip_seconds"] + 1e-3 * n_workers
            times[n_workers] = 30 * (compute + network + overhead)
        found[f"{n_classes} classes"] = times
        print(f"simulated, 1e9 x 768, {n_classes} classes, 30 evaluations:")
        for n_workers, seconds in times.items():
            print(f"  {n_workers} workers: {seconds / 3600:.2f} h")
    return found
