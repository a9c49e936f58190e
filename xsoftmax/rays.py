"""The objective along a direction, for line searches.

Logits of a linear model are linear in its parameters: z(theta + t d) = z(theta) + t z(d). So the
first step along d makes the only pass over the rows that is needed, and others read no row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from .arrays import Array, namespace
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
        xp, penalty = namespace(step), self.penalty
        first = not self.kept
        parameters = self.start.parameters + step[:, None] * self.direction
        gradient = penalty * parameters
        value = 0.5 * xp.vecdot(gradient, parameters)
        slope = 0.0 if first else xp.vecdot(gradient, self.direction)
        pieces = []
        for block, change in self._read() if first else self.kept:
            logits = block.of_seeing(step)[:, None, None] * change
            logits += block.of_seeing(self.start.logits[:, :, block.span])
            losses, dlogits = weighted_cross_entropy(logits, block.targets, block.weights)
            value = value + block.of_all(xp.sum(losses, axis=(1, 2)))
            if first:  # the first step is mostly the last, and these rows are in the cache
                gradient += _of_block(self.network, block, dlogits)
            else:
                slope = slope + block.of_all(xp.sum(xp.vecdot(dlogits, change), axis=1))
            pieces.append(block.of_all(logits))
        slope = xp.vecdot(gradient, self.direction) if first else slope

        def point() -> Point:
            logits = pieces[0] if len(pieces) == 1 else xp.concat(pieces, axis=2)
            if first:
                return Point(parameters, value, gradient, logits)
            at = gradient_at(self.network, penalty, self.blocks(), parameters, logits)
            return Point(parameters, value, at, logits)

        return value, slope, point

    def _read(self) -> Iterator[tuple[Block, Array]]:
        """The blocks with the direction's logits; all but their rows are kept."""
        network, kept = self.network, []
        for block in self.blocks():
            layers = network.unpack(block.of_seeing(self.direction))
            change, _ = network.forward(layers, block.X)
            kept.append((block._replace(X=None), change))
            yield block, change
        self.kept = kept


def gradient_at(
    network: Network, penalty: Array, blocks: Iterable[Block], parameters: Array, logits: Array
) -> Array:
    """The gradient of a linear model at `parameters`, whose logits are known."""
    gradient = penalty * parameters
    for block in blocks:
        known = block.of_seeing(logits[:, :, block.span])
        _, dlogits = weighted_cross_entropy(known, block.targets, block.weights)
        gradient += _of_block(network, block, dlogits)
    return gradient


def _of_block(network: Network, block: Block, dlogits: Array) -> Array:
    """What the rows of a block add to the gradient."""
    return block.of_all(network.pack(network.linear_gradient(dlogits, block.X)))
