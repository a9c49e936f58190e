"""The exact Newton step, by products with the Hessian that read all rows.

It is asked for where an inverse Hessian in memory cannot be trusted: where a few large cells make
nearly all of the curvature of a feature, the inverse of such a matrix loses the small curvatures to
rounding. Conjugate gradients with exact products do not. They are preconditioned by what the solver
takes for H^-1, and where that lacks a direction by the inverse of H's diagonal: by the sum of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import inf
from typing import NamedTuple

from ..arrays import Array, namespace, to_list, vecdot
from ..model.losses import class_curvatures, curvature_product
from ..model.network import Network
from ..objective.line_restriction import Iterate, logits_at, sent
from ..objective.objective import Objective
from ..objective.rows import Block, added
from ..sources import squares_outer
from .inverse_hessian import InverseHessian
from .linear_algebra import floored

#: The residual is small where its norm, in the preconditioner's metric, has shrunk so much.
SMALL_RESIDUAL = 1e-3
#: Products of the Hessian that a step may take.
MAX_PRODUCTS = 200


class NewtonStep(NamedTuple):
    """Of each problem. Arrays have `n_problems` first."""

    direction: Array  #: (n_problems, n_parameters)
    slope: Array  #: (n_problems,), along the direction
    logit_change: Array  #: (n_problems,), the largest change of a row's logits
    gap_bound: Array  #: (n_problems,), whatever the step is worth
    is_exact: list[bool]


def newton_step(
    objective: Objective, iterate: Iterate, inverse: InverseHessian, tol: float
) -> NewtonStep:
    """-H^-1 g at `iterate`, by conjugate gradients.

    The step is exact where the residual is small in the preconditioner's metric. What that cannot
    see is curved by the penalty p at least, and so promises at most |residual|^2 / (2 p), which
    must be at most `tol` of what was gained since all parameters were 0.
    """
    xp, gradient, strength = namespace(iterate.value), iterate.gradient, objective.strength
    diagonal = inverse_diagonal(objective, iterate)

    def precondition(vector: Array) -> Array:
        return inverse.solve(vector, strength) + diagonal.solve(vector)

    def advance(search: Array, decrease: Array) -> tuple[Array, Array]:
        """The best multiple of a search direction, and H times that."""
        product = hessian_product(objective, iterate, search)
        length = _divided(decrease, vecdot(search, product))[:, None]
        return length * search, length * product

    # The solver's own step first: where its H^-1 is right nothing is left to do after that.
    step = -inverse.solve(gradient, strength)
    direction, change = advance(step, -vecdot(gradient, step))
    residual = -gradient - change
    small = SMALL_RESIDUAL**2 * vecdot(gradient, precondition(gradient))
    gained = objective.values_at_zero - iterate.value
    gained = xp.maximum(gained, xp.finfo(gained.dtype).eps * iterate.value)
    unseen = xp.where(strength > 0, 2 * tol * strength * gained, inf)
    search, decrease = xp.zeros_like(gradient), xp.ones_like(strength)
    for _ in range(MAX_PRODUCTS):
        z, before = precondition(residual), decrease
        decrease = vecdot(residual, z)
        is_exact = to_list((decrease <= small) & (vecdot(residual, residual) <= unseen))
        if all(is_exact):
            break
        search = z + _divided(decrease, before)[:, None] * search
        step, change = advance(search, decrease)
        direction, residual = direction + step, residual - change
    slope, change = (
        vecdot(gradient, direction),
        largest_logit_change(objective, iterate, direction),
    )
    return NewtonStep(direction, slope, change, gap_bound(objective, iterate), is_exact)


def _divided(x: Array, y: Array) -> Array:
    """x / y, or 0 where y is not positive."""
    xp = namespace(x)
    return xp.where(y > 0, x / xp.where(y > 0, y, 1.0), 0.0)


def hessian_product(objective: Objective, iterate: Iterate, vector: Array) -> Array:
    """H v for a linear model, with v like the parameters, in one pass over all rows."""
    of_block = partial(_product_of_block, objective.network, sent(objective.rows, iterate), vector)
    (product,) = objective.rows.reduce(of_block, added, objective.block_size)
    return objective.penalty * vector + product


def _product_of_block(
    network: Network, iterate: Iterate, vector: Array, block: Block
) -> tuple[Array]:
    """What a block adds to the product."""
    change, _ = network.forward(network.unpack(vector), block.X)
    Z = logits_at(network, iterate, block)
    gradient = network.linear_gradient(block.weights * curvature_product(Z, change), block.X)
    return (network.pack(gradient),)


@dataclass(frozen=True)
class DiagonalInverse:
    """The inverse of a Hessian's diagonal, of features seen from the center of the rows."""

    network: Network
    squares: Array  #: (n_problems, n_classes, n_features), of the weights, with their penalty
    mass: Array  #: (n_problems, n_classes), of the intercepts
    center: Array | None

    def solve(self, gradient: Array) -> Array:
        """The product with gradients (n_problems, n_parameters), where classes sum to zero."""
        xp, ((W, b),) = namespace(gradient), self.network.unpack(self.network.centered(gradient))
        center = xp.zeros_like(W[0, 0, :]) if self.center is None else self.center
        if b is not None:
            W = W - b[:, :, None] * center
        W = W / self.squares
        if b is not None:
            b = b / self.mass - xp.matmul(W, center)
        return self.network.centered(self.network.pack([(W, b)]))


def inverse_diagonal(objective: Objective, iterate: Iterate) -> DiagonalInverse:
    """The inverse of the Hessian's diagonal, for a linear model, in one pass over all rows."""
    network, center = objective.network, objective.rows.center
    strength = objective.strength[:, None, None]
    of_block = partial(_moments_of_block, network, sent(objective.rows, iterate), center)
    squares, mass = objective.rows.reduce(of_block, added, objective.block_size)
    return DiagonalInverse(network, floored(squares + strength), floored(mass), center)


def _moments_of_block(
    network: Network, iterate: Iterate, center: Array | None, block: Block
) -> tuple[Array, Array]:
    """Sums of x^2 and 1 over a block, by how curved each class is: (n_problems, n_classes, ...)."""
    curved = block.weights * class_curvatures(logits_at(network, iterate, block))
    xp, X = namespace(curved), block.X if center is None else block.X - center
    sums = squares_outer(xp.reshape(curved, (-1, curved.shape[2])), X)
    return xp.reshape(sums, (*curved.shape[:2], -1)), xp.sum(curved, axis=2)


def gap_bound(objective: Objective, iterate: Iterate) -> Array:
    """(n_problems,): what f may at most be above its minimum, or f itself if that is less.

    A linear model is strongly convex in its weights, so that with the intercepts at their best
    f - f* <= |g_W|^2 / (2 p). And f* >= 0. Intercepts are at their best near a minimum, where
    this is asked.
    """
    xp, ((W, b),) = namespace(iterate.value), objective.network.unpack(iterate.gradient)
    if b is not None and objective.rows.center is not None:
        W = W - b[:, :, None] * objective.rows.center
    p = xp.maximum(objective.strength, xp.finfo(W.dtype).smallest_normal)
    return xp.minimum(0.5 * xp.sum(W * W, axis=(1, 2)) / p, iterate.value)


def largest_logit_change(
    objective: Objective, iterate: Iterate, direction: Array, of_all_rows: bool = False
) -> Array:
    """(n_problems,): the most by which a step along `direction` sets two logits of a row apart.

    Unless it is to be `of_all_rows`, which takes less time, rows that weigh nothing, and those
    whose probabilities are 0 and 1 to the last digit at `iterate`, do not count: nothing that they
    could tell is left.
    """
    given = objective.network, sent(objective.rows, iterate), direction, of_all_rows
    of_block = partial(_logit_change_of_block, *given)
    largest: Array = objective.rows.reduce(of_block, _larger, objective.block_size)
    return largest


def _logit_change_of_block(
    network: Network, iterate: Iterate, direction: Array, of_all_rows: bool, block: Block
) -> Array:
    """That of a block."""
    xp = namespace(direction)
    change, _ = network.forward(network.unpack(direction), block.X)
    if network.n_logits == 1:  # the other class's logit is always 0
        change = xp.concat([change, xp.zeros_like(change)], axis=1)
    change = xp.max(change, axis=1) - xp.min(change, axis=1)
    if not of_all_rows:
        curvature = xp.max(class_curvatures(logits_at(network, iterate, block)), axis=1)
        is_curved = curvature * block.weights[:, 0, :] > xp.finfo(curvature.dtype).eps ** 2
        change = xp.where(is_curved, change, 0.0)
    return xp.max(change, axis=1)


def _larger(x: Array, y: Array) -> Array:
    return namespace(x).maximum(x, y)
