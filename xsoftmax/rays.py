"""The objective along a direction, for line searches.

Logits of a linear model are linear in its parameters: z(theta + t d) = z(theta) + t z(d). So the
first step along d makes the only pass over the rows that is needed, and others read no row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from .arrays import Array, compiled, namespace
from .losses import weighted_cross_entropy
from .network import Network
from .rows import Block


class Point(NamedTuple):
    """Where a solver stands. Arrays have `n_problems` first."""

    parameters: Array  #: (n_problems, n_parameters)
    value: Array  #: (n_problems,)
    gradient: Array  #: (n_problems, n_parameters)
    logits: Any = None  #: (n_problems, n_logits, n_samples) if they are worth keeping


#: step (n_problems,) -> values, slopes (n_problems,) and a function that returns the point there
Ray = Callable[[Array], tuple[Array, Array, Callable[[], Point]]]


class LinearRay:
    """The `Ray` of a linear model, from a point whose logits are known."""

    def __init__(
        self,
        network: Network,
        penalty: Array,
        blocks: Callable[[], Iterator[Block]],
        start: Point,
        direction: Array,
    ) -> None:
        self.network, self.penalty, self.blocks = network, penalty, blocks
        self.start, self.direction = start, direction
        self.kept: list[tuple[Block, Array]] = []

    def __call__(self, step: Array) -> tuple[Array, Array, Callable[[], Point]]:
        """Values, slopes, and a function that returns the point, at `step` (n_problems,)."""
        xp, network, penalty = namespace(step), self.network, self.penalty
        first = not self.kept
        parameters, gradient, value = _penalty_at(
            self.start.parameters, self.direction, step, penalty
        )
        slope = 0.0 if first else xp.vecdot(gradient, self.direction)
        pieces, kept = [], []
        for block, change in ((block, None) for block in self.blocks()) if first else self.kept:
            known = block.of_seeing(self.start.logits[:, :, block.span])
            where = known, block.of_seeing(step), block.targets, block.weights
            if change is None:  # the first step is mostly the last: its gradient is made at once
                direction = block.of_seeing(self.direction)
                change, logits, losses, part = _on_rows(network, block.X, direction, *where)
                gradient += block.of_all(part)
                kept.append((block._replace(X=None), change))
            else:
                logits, losses, part = _on_logits(change, *where)
                slope = slope + block.of_all(part)
            value = value + block.of_all(losses)
            pieces.append(block.of_all(logits))
        if first:
            slope, self.kept = xp.vecdot(gradient, self.direction), kept

        def point() -> Point:
            logits = pieces[0] if len(pieces) == 1 else xp.concat(pieces, axis=2)
            if first:
                return Point(parameters, value, gradient, logits)
            at = gradient_at(network, penalty, self.blocks(), parameters, logits)
            return Point(parameters, value, at, logits)

        return value, slope, point


@compiled
def _penalty_at(
    start: Array, direction: Array, step: Array, penalty: Array
) -> tuple[Array, Array, Array]:
    """The parameters after a step, and the gradient and the value of the penalty there."""
    parameters = start + step[:, None] * direction
    gradient = penalty * parameters
    return parameters, gradient, 0.5 * namespace(gradient).vecdot(gradient, parameters)


@compiled
def _on_rows(
    network: Network,
    X: Array,
    direction: Array,
    known: Array,
    step: Array,
    targets: Array,
    weights: Array,
) -> tuple[Array, Array, Array, Array]:
    """What rows X with logits `known` have of the direction, and after a step along it: their
    logits, the sum of their losses, and what they add to the gradient.
    """
    change, _ = network.forward(network.unpack(direction), X)
    logits, losses, dlogits = _after(step, change, known, targets, weights)
    return change, logits, losses, network.pack(network.linear_gradient(dlogits, X))


@compiled
def _on_logits(
    change: Array, known: Array, step: Array, targets: Array, weights: Array
) -> tuple[Array, Array, Array]:
    """The same from the `change` of the logits: logits, losses, and what is added to the slope."""
    logits, losses, dlogits = _after(step, change, known, targets, weights)
    xp = namespace(logits)
    return logits, losses, xp.sum(xp.vecdot(dlogits, change), axis=1)


def _after(
    step: Array, change: Array, known: Array, targets: Array, weights: Array
) -> tuple[Array, Array, Array]:
    """The logits after a step, the sum of the losses, and the gradient by the logits."""
    logits = step[:, None, None] * change
    logits += known
    losses, dlogits = weighted_cross_entropy(logits, targets, weights)
    return logits, namespace(logits).sum(losses, axis=(1, 2)), dlogits


def gradient_at(
    network: Network, penalty: Array, blocks: Iterable[Block], parameters: Array, logits: Array
) -> Array:
    """The gradient of a linear model at `parameters`, whose logits are known."""
    gradient = penalty * parameters
    for block in blocks:
        known = block.of_seeing(logits[:, :, block.span])
        gradient += block.of_all(
            _gradient_of_rows(network, block.X, known, block.targets, block.weights)
        )
    return gradient


@compiled
def _gradient_of_rows(
    network: Network, X: Array, logits: Array, targets: Array, weights: Array
) -> Array:
    """What rows X with these logits add to the gradient."""
    _, dlogits = weighted_cross_entropy(logits, targets, weights)
    return network.pack(network.linear_gradient(dlogits, X))
