"""Problems that solvers and models are tried on."""

from __future__ import annotations

import numpy as np

from xsoftmax.arrays import from_host, indices_from_host, namespace
from xsoftmax.model.network import Network
from xsoftmax.objective.features import Features
from xsoftmax.objective.line_restriction import Iterate
from xsoftmax.objective.objective import Objective
from xsoftmax.objective.policy import DEFAULT
from xsoftmax.objective.rows import Rows


def blobs(n_samples=60, n_features=5, n_classes=3, spread=1.0, seed=0):
    """Overlapping Gaussian classes: X (n_samples, n_features), y (n_samples,)."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_samples) % n_classes
    X = rng.standard_normal((n_classes, n_features))[y]
    return X + spread * rng.standard_normal((n_samples, n_features)), y


def objective_on(
    xp,
    X,
    y,
    *,
    Cs=(1.0,),
    hidden=(),
    activation="tanh",
    dtype="float64",
    weights=None,
    policy=DEFAULT,
):
    """The softmax objective with a problem for each value of C."""
    n_samples, n_classes = len(X), int(np.max(y)) + 1
    network = Network((X.shape[1], *hidden, n_classes), activation)
    weights = np.ones((1, n_samples)) if weights is None else np.asarray(weights, dtype=float)
    total = weights.sum(axis=1, keepdims=True)
    X = xp(X, dtype)
    strength = 1 / (np.asarray(Cs)[:, None] * total)
    penalty = network.weight_mask(X) * from_host(strength, like=X, dtype=X.dtype)
    features, rows = (
        Features(X),
        Rows(X, xp(y)[None, ...], xp(weights / total, dtype), X.dtype),
    )
    rows = rows._replace(
        has_large_cells=features.has_large_cells or features.are_far,
        fits_float32=features.fits_float32,
    )
    return Objective(network, rows, penalty, policy=policy)


def zeros_of(objective):
    """Parameters of 0."""
    return namespace(objective.penalty).zeros_like(objective.penalty)


def start(objective, seed=0, scale=1.0):
    """Random parameters for every problem."""
    like = objective.penalty
    rng = np.random.RandomState(seed)
    one = objective.network.random_parameters(rng, like)
    noise = from_host(0.1 * rng.standard_normal(like.shape), like=like, dtype=like.dtype)
    return scale * (one + noise)


class Quadratic:
    """1/2 x' diag(d) x - b' x for each row of d; the minimum is at b / d."""

    n_samples = 1

    def __init__(self, d, b):
        self.d, self.b, self.strength = d, b, 0 * d[:, 0]

    @property
    def minimum(self):
        return self.b / self.d

    @property
    def values_at_zero(self):
        return self.value_and_gradient(0 * self.d)[0]

    def value_and_gradient(self, x):
        xp = namespace(x)
        gradient = self.d * x - self.b
        return xp.sum(x * (0.5 * self.d * x - self.b), axis=1), gradient

    def evaluate(self, x):
        return Iterate(x, *self.value_and_gradient(x))

    def restrict(self, start, direction):
        def at(step):
            iterate = self.evaluate(start.parameters + step[:, None] * direction)
            slope = namespace(direction).sum(iterate.gradient * direction, axis=1)
            return iterate.value, slope, lambda: iterate

        return at

    def minibatches(self, batch_size, random_state):
        yield self

    def select(self, problems):
        rows = indices_from_host(problems, like=self.d)
        return type(self)(*(namespace(x).take(x, rows, axis=0) for x in (self.d, self.b)))

    def retry_on_out_of_memory(self, step):
        return step(self), self


class Rosenbrock(Quadratic):
    """b (x1 - x0^2)^2 + (1 - x0)^2 with b in the first column of d; the minimum is at (1, 1)."""

    def value_and_gradient(self, x):
        xp = namespace(x)
        b, x0, x1 = self.d[:, 0], x[:, 0], x[:, 1]
        bend = x1 - x0 * x0
        value = b * bend * bend + (1 - x0) * (1 - x0)
        gradient = xp.stack([-4 * b * bend * x0 - 2 * (1 - x0), 2 * b * bend], axis=1)
        return value, gradient
