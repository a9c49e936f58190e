"""One epoch of a 784-128-10 network with Adam, and a population of them."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier as ScikitLearnMLP

from xsoftmax import MLPClassifier, arrays
from xsoftmax.datasets import mnist

from .timing import interleaved, ratio


def run(backend: str, repeats: int) -> dict[str, Any]:
    """Seconds of an epoch with data in place, and each contender's test accuracy after it."""
    data = mnist()
    X, X_test = (np.ascontiguousarray(x, dtype=np.float32) for x in (data.X_train, data.X_test))
    y, y_test = (np.asarray(labels).astype(int) for labels in (data.y_train, data.y_test))
    place = arrays.backend(backend)
    X_here, X_test_here = place.asarray(X), place.asarray(X_test)
    accuracies: dict[str, float] = {}

    def ours() -> None:
        model = MLPClassifier((128,), batch_size=128, max_iter=1, tol=0, random_state=0)
        model.fit(X_here, y.tolist())
        accuracies["xsoftmax"] = model.score(X_test_here, y_test.tolist())

    def scikit_learn() -> None:
        model = ScikitLearnMLP((128,), batch_size=128, max_iter=1, random_state=0).fit(X, y)
        accuracies["scikit-learn"] = model.score(X_test, y_test)

    contenders: dict[str, Callable[[], None]] = {"xsoftmax": ours, "scikit-learn": scikit_learn}
    try:
        contenders["torch eager"] = _torch(X, y, X_test, y_test, accuracies, backend)
    except ImportError:
        print("torch is not installed: left out")
    try:
        contenders["JAX jit, the epoch one scan"] = _jax(X, y, X_test, y_test, accuracies)
    except ImportError:
        print("JAX is not installed: left out")
    seconds = interleaved(contenders, repeats)
    result: dict[str, Any] = {"network": "784-128-10, relu, adam, batch 128, one epoch"}
    result |= {"seconds": seconds, "accuracies": accuracies, "ratios": {}}
    for name in seconds:
        if name != "xsoftmax":
            result["ratios"][name] = ratio(seconds[name], seconds["xsoftmax"])
        print(f"mlp {name}: {median(seconds[name]):.3f} s, accuracy {accuracies[name]:.4f}")
    print(f"ratios {result['ratios']}")
    return result


def _torch(
    X: np.ndarray,
    y: np.ndarray,
    X_test: np.ndarray,
    y_test: np.ndarray,
    accuracies: dict[str, float],
    backend: str,
) -> Callable[[], None]:
    import torch

    device = "cuda" if backend == "cupy" else "cpu"
    rows, labels = torch.as_tensor(X, device=device), torch.as_tensor(y, device=device)
    test = torch.as_tensor(X_test, device=device)

    def epoch() -> None:
        torch.manual_seed(0)
        layers = torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)
        model = torch.nn.Sequential(*layers).to(device)
        optimizer = torch.optim.Adam(model.parameters())
        order = torch.randperm(len(rows), device=device)
        for start in range(0, len(rows), 128):
            batch = order[start : start + 128]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(rows[batch]), labels[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            winners = model(test).argmax(dim=1).cpu().numpy()
        accuracies["torch eager"] = float(np.mean(winners == y_test))

    return epoch


def _jax(
    X: np.ndarray,
    y: np.ndarray,
    X_test: np.ndarray,
    y_test: np.ndarray,
    accuracies: dict[str, float],
) -> Callable[[], None]:
    """Compiled before it is timed; the last rows that do not fill a batch are left out."""
    import jax
    import jax.numpy as jnp

    rows, labels, test = jnp.asarray(X), jnp.asarray(y), jnp.asarray(X_test)
    n_batches = len(X) // 128

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
        batches = jax.random.permutation(keys[2], len(X))[: 128 * n_batches].reshape(-1, 128)
        start = layers, zeros, zeros, jnp.asarray(0.0, jnp.float32)
        return jax.lax.scan(step, start, batches)[0][0]

    def epoch() -> None:
        (W, b), (V, c) = jax.block_until_ready(train(jax.random.key(0)))
        winners = np.asarray((jax.nn.relu(test @ W + b) @ V + c).argmax(axis=1))
        accuracies["JAX jit, the epoch one scan"] = float(np.mean(winners == y_test))

    epoch()
    return epoch
