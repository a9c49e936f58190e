"""The objective restricted to a line, for line searches.

Logits of a linear model are linear in its parameters: z(theta + t d) = z(theta) + t z(d). So the
first step along d makes the only pass over the rows that is needed, and others read no row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from ..arrays import Array, compiled, indices_from_host, namespace, vecdot
from ..model.losses import weighted_cross_entropy
from ..model.network import Network
from .rows import Block, Rows


class Iterate(NamedTuple):
    """Parameters, and what an evaluation found there. Arrays have `n_problems` first."""

    parameters: Array  #: (n_problems, n_parameters)
    value: Array  #: (n_problems,)
    gradient: Array  #: (n_problems, n_parameters)
    logits: Array | None = None  #: (n_problems, n_logits, n_samples) if they are worth keeping

    def select(self, problems: Array) -> Iterate:
        """That of only some of the problems, by an array of indices."""
        xp = namespace(problems)
        return Iterate(*(None if x is None else xp.take(x, problems, axis=0) for x in self))

    def merged(self, others: Iterate, problems: Sequence[int]) -> Iterate:
        """With what `others` have found of these problems."""
        n_problems = self.value.shape[0]
        order = list(range(n_problems))
        for i, problem in enumerate(problems):
            order[problem] = n_problems + i
        indices = indices_from_host(order, like=self.value)
        xp = namespace(self.value)
        return Iterate(
            *(
                None if x is None else xp.take(xp.concat([x, other]), indices, axis=0)
                for x, other in zip(self, others, strict=True)
            )
        )


#: step (n_problems,) -> values, slopes (n_problems,) and a function that returns the iterate there
LineFunction = Callable[[Array], tuple[Array, Array, Callable[[], Iterate]]]


class LinearLineFunction:
    """The `LineFunction` of a linear model, from an iterate whose logits are known."""

    def __init__(
        self,
        network: Network,
        penalty: Array,
        blocks: Callable[[], Iterator[Block]],
        start: Iterate,
        direction: Array,
    ) -> None:
        self.network, self.penalty, self.blocks = network, penalty, blocks
        self.start, self.direction = start, direction
        self.kept: list[tuple[Block, Array]] = []

    def __call__(self, step: Array) -> tuple[Array, Array, Callable[[], Iterate]]:
        """Values, slopes, and a function that returns the iterate, at `step` (n_problems,)."""
        xp, network, penalty = namespace(step), self.network, self.penalty
        logits_at_start: Array = self.start.logits
        is_first = not self.kept
        parameters, gradient, value = _penalty_at(
            self.start.parameters, self.direction, step, penalty
        )
        slope = 0.0 if is_first else dot(gradient, self.direction)
        pieces, kept = [], []
        for block, change in ((block, None) for block in self.blocks()) if is_first else self.kept:
            if change is None:
                change = logits_of(network, self.direction, block.X)
                kept.append((block._replace(X=None), change))
            logits = _moved(logits_at_start[:, :, block.span], change, step)
            losses, dlogits = weighted_cross_entropy(logits, block.targets, block.weights)
            if is_first:  # the first step is mostly the last, and these rows are in the cache
                loss, part = _sums(network, losses, dlogits, block.X)
                gradient += part
            else:
                loss, part = _sums_of_logits(losses, dlogits, change)
                slope = slope + part
            value = value + loss
            pieces.append(logits)
        if is_first:
            slope, self.kept = dot(gradient, self.direction), kept

        def iterate() -> Iterate:
            logits = pieces[0] if len(pieces) == 1 else xp.concat(pieces, axis=2)
            if is_first:
                return Iterate(parameters, value, gradient, logits)
            at = value_and_gradient_at(network, penalty, self.blocks(), parameters, logits)
            return Iterate(parameters, value, at[1], logits)

        return value, slope, iterate


@compiled
def _penalty_at(
    start: Array, direction: Array, step: Array, penalty: Array
) -> tuple[Array, Array, Array]:
    """The parameters after a step, and the gradient and the value of the penalty there."""
    parameters = start + step[:, None] * direction
    gradient = penalty * parameters
    return parameters, gradient, 0.5 * vecdot(gradient, parameters)


@compiled
def logits_of(network: Network, parameters: Array, X: Array) -> Array:
    """(n_problems, n_logits, n_samples) of rows X."""
    return network.forward(network.unpack(parameters), X)[0]


@compiled
def _moved(logits: Array, change: Array, step: Array) -> Array:
    """The logits after a step."""
    moved = step[:, None, None] * change
    moved += logits
    return moved


@compiled
def dot(x: Array, y: Array) -> Array:
    """(n_problems,): the products of vectors (n_problems, n)."""
    return vecdot(x, y)


@compiled
def _sums(network: Network, losses: Array, dlogits: Array, X: Array) -> tuple[Array, Array]:
    """What rows X add to the value, and to the gradient."""
    gradient = network.pack(network.linear_gradient(dlogits, X))
    return namespace(losses).sum(losses, axis=(1, 2)), gradient


@compiled
def _sums_of_logits(losses: Array, dlogits: Array, change: Array) -> tuple[Array, Array]:
    """What rows add to the value, and to the slope where a step changes their logits so."""
    xp = namespace(losses)
    return xp.sum(losses, axis=(1, 2)), xp.sum(vecdot(dlogits, change), axis=1)


def value_and_gradient_at(
    network: Network, penalty: Array, blocks: Iterable[Block], parameters: Array, logits: Array
) -> tuple[Array, Array]:
    """f and its gradient for a linear model at `parameters`, whose logits are known."""
    gradient = penalty * parameters
    value = 0.5 * vecdot(gradient, parameters)
    for block in blocks:
        known = logits[:, :, block.span]
        losses, dlogits = weighted_cross_entropy(known, block.targets, block.weights)
        loss, part = _sums(network, losses, dlogits, block.X)
        value = value + loss
        gradient += part
    return value, gradient


def sent(rows: Rows, iterate: Iterate) -> Iterate:
    """The iterate as it goes to all rows: on a cluster nothing but its parameters is asked."""
    if not rows.are_remote:
        return iterate
    return Iterate(iterate.parameters, iterate.value, iterate.value)


def logits_at(network: Network, iterate: Iterate, block: Block) -> Array:
    """The logits of a block of rows at `iterate`, (n_problems, n_logits, n_samples)."""
    if iterate.logits is not None:
        return iterate.logits[:, :, block.span]
    logits = logits_of(network, iterate.parameters, block.X)
    return logits if block.offset is None else logits + block.offset
