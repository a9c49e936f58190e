"""Problems drawn at random: time to three gaps, beside peers and our own plain L-BFGS.

Seeds below 1000 are for tuning. The others are for what is reported.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .problems import Problem

#: X has at most so many cells, and X times the classes at most so many.
MAX_CELLS, MAX_WORK = 10_000_000, 200_000_000


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
