"""One epoch of a 784-128-10 network with Adam, and a population of them."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier as ScikitLearnMLP

from xsoftmax import BatchedGridSearchCV, MLPClassifier, arrays
from xsoftmax.datasets import mnist

from .timing import interleaved, ratio, timed

Data = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  #: X, y, X_test, y_test


def run(backend: str, repeats: int) -> dict[str, Any]:
    """An epoch in small batches and in large ones, and one of a population."""
    data = mnist()
    X, X_test = (np.ascontiguousarray(x, dtype=np.float32) for x in (data.X_train, data.X_test))
    y, y_test = (np.asarray(labels).astype(int) for labels in (data.y_train, data.y_test))
    result = epochs((X, y, X_test, y_test), backend, repeats, batch_size=128)
    result["batch 4096"] = epochs((X, y, X_test, y_test), backend, repeats, batch_size=4096)
    result["population"] = population(X, y, backend)
    return result


def epochs(data: Data, backend: str, repeats: int, batch_size: int) -> dict[str, Any]:
    """Seconds of an epoch with data in place, and each contender's test accuracy after it."""
    X, y, X_test, y_test = data
    place = arrays.backend(backend)
    X_here, X_test_here = place.asarray(X), place.asarray(X_test)
    accuracies: dict[str, float] = {}
    common = {"batch_size": batch_size, "max_iter": 1, "random_state": 0}

    def ours() -> None:
        model = MLPClassifier((128,), tol=0, **common).fit(X_here, y.tolist())
        accuracies["xsoftmax"] = model.score(X_test_here, y_test.tolist())

    def scikit_learn() -> None:
        model = ScikitLearnMLP((128,), **common).fit(X, y)
        accuracies["scikit-learn"] = model.score(X_test, y_test)

    contenders: dict[str, Callable[[], None]] = {"xsoftmax": ours, "scikit-learn": scikit_learn}
    try:
        contenders["torch eager"] = _torch(data, accuracies, backend, batch_size)
    except ImportError:
        print("torch is not installed: left out")
    try:
        contenders["JAX jit, the epoch one scan"] = _jax(data, accuracies, batch_size)
    except ImportError:
        print("JAX is not installed: left out")
    seconds = interleaved(contenders, repeats)
    result: dict[str, Any] = {"network": f"784-128-10, relu, adam, batch {batch_size}, one epoch"}
    result |= {"seconds": seconds, "accuracies": accuracies, "ratios": {}}
    for name in seconds:
        if name != "xsoftmax":
            result["ratios"][name] = ratio(seconds[name], seconds["xsoftmax"])
        print(
            f"batch {batch_size} {name}: {median(seconds[name]):.3f} s, "
            f"accuracy {accuracies[name]:.4f}"
        )
    print(f"ratios {result['ratios']}")
    return result


def population(X: np.ndarray, y: np.ndarray, backend: str, n_networks: int = 32) -> dict[str, Any]:
    """Seconds of an epoch of many networks as one batch, against one network by the same code."""
    X_here = arrays.backend(backend).asarray(X)
    everything = np.arange(len(y))
    network = MLPClassifier((128,), batch_size=128, max_iter=1, tol=0)

    def train(n: int) -> None:
        seeds = {"random_state": list(range(n))}
        split = [(everything, everything[:100])]
        BatchedGridSearchCV(network, seeds, cv=split, refit=False).fit(X_here, y.tolist())

    one, many = (median(timed(lambda n=n: train(n))[0] for _ in range(3)) for n in (1, n_networks))
    print(f"{n_networks} networks {many:.2f} s, {many / one:.1f} times one")
    return {"n_networks": n_networks, "seconds_one": one, "seconds": many, "times_one": many / one}


def _torch(
    data: Data, accuracies: dict[str, float], backend: str, batch_size: int
) -> Callable[[], None]:
    import torch

    X, y, X_test, y_test = data
    device = "cuda" if backend == "cupy" else "cpu"
    rows, labels = torch.as_tensor(X, device=device), torch.as_tensor(y, device=device)
    test = torch.as_tensor(X_test, device=device)

    def epoch() -> None:
        torch.manual_seed(0)
        layers = torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)
        model = torch.nn.Sequential(*layers).to(device)
        optimizer = torch.optim.Adam(model.parameters())
        order = torch.randperm(len(rows), device=device)
        for start in range(0, len(rows), batch_size):
            batch = order[start : start + batch_size]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(rows[batch]), labels[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            winners = model(test).argmax(dim=1).cpu().numpy()
        accuracies["torch eager"] = float(np.mean(winners == y_test))

    return epoch


def _jax(data: Data, accuracies: dict[str, float], batch_size: int) -> Callable[[], None]:
    """Compiled before it is timed; the last rows that do not fill a batch are left out."""
    import jax
    import jax.numpy as jnp

    X, y, X_test, y_test = data
    rows, labels, test = jnp.asarray(X), jnp.asarray(y), jnp.asarray(X_test)
    n_batches = len(X) // batch_size

    def loss(layers: Any, batch: Any) -> Any:
        (W, b), (V, c) = layers
        Z = jax.nn.relu(rows[batch] @ W + b) @ V + c
        at_labels = jnp.take_along_axis(Z, labels[batch][:, None], axis=1)[:, 0]
        return jnp.mean(jax.scipy.special.logsumexp(Z, axis=1) - at_labels)

    def step(state: Any, batch: Any) -> tuple[Any, None]:
        layers, first, second, t = state
        gradient, t = jax.grad(loss)(layers, batch), t + 1
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
        rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        layers = jax.tree.map(
            lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8), layers, first, second
        )
        return (layers, first, second, t), None

    @jax.jit
    def train(key: Any) -> Any:
        keys, sizes, layers = jax.random.split(key, 3), (784, 128, 10), []
        for k, n_in, n_out in zip(keys, sizes, sizes[1:], strict=False):
            W = jax.random.normal(k, (n_in, n_out), jnp.float32) / jnp.sqrt(float(n_in))
            layers.append((W.astype(jnp.float32), jnp.zeros(n_out, jnp.float32)))
        zeros = jax.tree.map(jnp.zeros_like, layers)
        batches = jax.random.permutation(keys[2], len(X))[: batch_size * n_batches]
        start = layers, zeros, zeros, jnp.asarray(0.0, jnp.float32)
        return jax.lax.scan(step, start, batches.reshape(-1, batch_size))[0][0]

    def epoch() -> None:
        (W, b), (V, c) = jax.block_until_ready(train(jax.random.key(0)))
        winners = np.asarray((jax.nn.relu(test @ W + b) @ V + c).argmax(axis=1))
        accuracies["JAX jit, the epoch one scan"] = float(np.mean(winners == y_test))

    epoch()
    return epoch
