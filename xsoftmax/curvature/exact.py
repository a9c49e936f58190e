"""The inverse Hessian of softmax regression, for problems where it is small.

With p_i the probabilities of row i and x~_i the row with a 1 for the intercept,

    H = sum_{k<l} (e_k - e_l)(e_k - e_l)' (x) G_kl + penalty, G_kl = sum_i s_i p_ki p_li x~_i x~_i'.

It is singular where all classes move together, so it is inverted in a basis of the parameters
whose classes sum to zero: W = Q V, and Q'Q = 1 leaves the penalty as it is. There x is seen from
the center of the rows, for which the intercepts make up: far from 0, rounding would leave nothing
of how x varies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import NamedTuple, Self

from ..arrays import (
    Array,
    block_values,
    device,
    indices_from_host,
    namespace,
    near_values,
    row_slices,
)
from ..model.losses import class_curvatures, pair_curvatures
from ..model.network import Network
from ..objective.line_restriction import Iterate, logits_at, sent
from ..objective.objective import Objective
from ..objective.rows import Block, Rows, added
from ..sources import dense
from .costs import (
    are_many,
    evaluation_cost,
    exact_inverse_cost,
    hessian_order,
    hessian_rows,
    sizes_of,
)
from .linear_algebra import diagonal_matrix, floored, inverse_of_unit_diagonal
from .sampling import pick


class CenteredDesignMatrix(NamedTuple):
    """Rows from their center, with a 1 for the intercept."""

    X: Array  #: (n_samples, n_inputs)
    columns: Array  #: the same with samples next to each other in memory, (n_inputs, n_samples)


@dataclass(frozen=True)
class SumToZeroBasis:
    """Parameters whose classes sum to zero, and the pairs of classes."""

    vectors: Array  #: (n_parameters, n), orthonormal weights; n = (n_classes - 1) n_inputs
    pairs: Array  #: indices k < l, (2, n_pairs)
    products: Array  #: Q'(e_k - e_l)(e_k - e_l)'Q, ((n_classes - 1)^2, n_pairs)
    is_penalized: Array  #: (n,): how much of each vector is weights, which see rows from 0

    @classmethod
    def of(cls, network: Network, like: Array, center: Array | None = None) -> SumToZeroBasis:
        """That of a linear network whose rows are seen from `center`."""
        xp, (n_features, n_classes) = namespace(like), network.layer_sizes
        first, second = zip(*combinations(range(n_classes), 2), strict=True)
        pairs = indices_from_host((first, second), like=like)
        Q = helmert(like, n_classes)
        difference = xp.take(Q, pairs[0, :], axis=0) - xp.take(Q, pairs[1, :], axis=0)
        products = difference[:, :, None] * difference[:, None, :]
        products = xp.reshape(products, (len(first), -1)).T
        n_inputs = _n_inputs(network)
        unit = xp.eye(n_inputs, dtype=like.dtype, device=device(like))
        vectors = Q.T[:, None, :, None] * unit[None, :, None, :]
        vectors = xp.reshape(vectors, (-1, n_classes, n_inputs))
        W = vectors[:, :, :n_features]
        b = vectors[:, :, n_features] if network.fit_intercept else None
        is_penalized = xp.sum(W * W, axis=(1, 2))
        if b is not None and center is not None:
            b = b - xp.matmul(W, center)
        return cls(network.pack([(W, b)]).T, pairs, products, is_penalized)


@dataclass(frozen=True)
class ExactInverse:
    """H^-1 of each problem, in a basis of parameters whose classes sum to zero."""

    basis: SumToZeroBasis
    design: CenteredDesignMatrix | None  #: of all rows, if those are so few that it is worth it
    inverse: Array  #: (n_problems, n, n)
    cost: float
    error_factor: float = 1.0
    is_identity: bool = False
    serves_all_problems: bool = False

    def solve(self, gradient: Array, strength: Array) -> Array:
        """The product with gradients; the penalty is part of the inverse."""
        xp, vectors = namespace(gradient), self.basis.vectors
        step = xp.matmul(self.inverse, xp.matmul(gradient, vectors)[:, :, None])
        return xp.matmul(step[:, :, 0], vectors.T)

    def select(self, problems: Array) -> Self:
        """The inverses of only some of the problems, by an array of indices."""
        inverse = namespace(problems).take(self.inverse, problems, axis=0)
        return replace(self, inverse=inverse)

    def of_more_rows(self, factor: float) -> Self:
        """The same, by which the gap may be so many times as large."""
        return replace(self, design=None, error_factor=self.error_factor * factor)


def exact_inverse(
    objective: Objective,
    iterate: Iterate,
    of_few_rows: bool,
    last: ExactInverse | None = None,
) -> ExactInverse:
    """H^-1 at `iterate`, in one pass; about that if a sample of the rows will do.

    `last` is one from another iterate of the same rows.
    """
    network, strength, policy, cost = objective.network, objective.strength, objective.policy, 0.0
    rows = objective.gathered.rows if of_few_rows else objective.rows
    if not objective.rows.are_gathered:
        iterate = iterate._replace(logits=None)
    if last is None:
        basis = SumToZeroBasis.of(network, objective.penalty, rows.center)
        design = _design_of_all(network, rows)
        sizes = sizes_of(objective)
        cost = exact_inverse_cost(network, sizes, policy) / evaluation_cost(network, sizes)
    else:
        basis, cost = last.basis, last.cost
        design = last.design if _is_one_block(network, rows) else None
    known, n_rows = design, hessian_rows(network, policy)
    if of_few_rows and are_many(rows.n_samples, n_rows, policy):
        max_kept = policy.max_curvature_values
        rows, iterate = _most_curved(network, rows, iterate, n_rows, max_kept)
        known = None
    G = _pair_covariances(network, rows, iterate, basis, known)
    return ExactInverse(basis, design, _inverses(network, basis, G, strength), cost)


def sampling_error(objective: Objective) -> float:
    """What a step by the inverse Hessian of few rows leaves of the squared Newton decrement.

    A covariance of n rows in p dimensions is wrong by about p / n in the mean square.
    """
    network = objective.network
    n_rows, n_samples = hessian_rows(network, objective.policy), objective.n_samples
    is_sampled = are_many(n_samples, n_rows, objective.policy)
    return hessian_order(network) / n_rows if is_sampled else 0.0


def _inverses(network: Network, basis: SumToZeroBasis, G: Array, strength: Array) -> Array:
    """(n_problems, n, n), of the Hessians that G makes."""
    xp, n_pairs, n_problems = namespace(G), basis.products.shape[1], strength.shape[0]
    order, n_inputs = network.layer_sizes[1] - 1, _n_inputs(network)
    G = xp.reshape(G, (n_problems, n_pairs, -1))
    H = xp.reshape(xp.matmul(basis.products, G), (n_problems, order, order, n_inputs, n_inputs))
    H = xp.reshape(xp.permute_dims(H, (0, 1, 3, 2, 4)), (n_problems, order * n_inputs, -1))
    diagonal, penalty = xp.linalg.diagonal(H), strength[:, None] * basis.is_penalized
    rounding = diagonal.shape[1] * xp.finfo(H.dtype).eps
    # The curvature of weights has the unit of squared features, that of intercepts has none.
    of_weights = basis.is_penalized > 0
    largest = xp.max(xp.where(of_weights, diagonal, 0.0), axis=1, keepdims=True)
    mass = xp.max(xp.where(of_weights, 0.0, diagonal), axis=1, keepdims=True)
    least = floored(rounding * xp.where(of_weights, largest, mass))
    scale = 1.0 / xp.sqrt(xp.maximum(diagonal + penalty, least))
    scales = scale[:, :, None] * scale[:, None, :]
    H *= scales
    H += diagonal_matrix(penalty * scale * scale)
    return inverse_of_unit_diagonal(H) * scales


def _n_inputs(network: Network) -> int:
    return network.layer_sizes[0] + network.fit_intercept


def _most_curved(
    network: Network,
    rows: Rows,
    iterate: Iterate,
    n_rows: int,
    max_kept: int,
) -> tuple[Rows, Iterate]:
    """About `n_rows` rows, more likely those with a large share of a class, and the iterate there.

    Row i has s_i p_ki (1 - p_ki) of how much class k is curved.
    """
    xp, n_classes = namespace(rows.weights), network.n_units
    stride = 1 + rows.n_samples * n_classes // max_kept
    rows, logits = rows.strided(stride), iterate.logits
    if logits is not None:
        iterate = iterate._replace(logits=logits[:, :, ::stride])
    curved = []
    for block in rows.blocks(rows.block_size(max(256, block_values(rows.weights) // n_classes))):
        Z = logits_at(network, iterate, block)
        curved.append(xp.mean(block.weights * class_curvatures(Z), axis=0))
    shares = xp.concat(curved, axis=1)
    shares /= floored(xp.sum(shares, axis=1, keepdims=True))
    chosen, factor = (x[0, :] for x in pick(xp.sum(shares, axis=0, keepdims=True), n_rows))
    if logits is not None:
        iterate = iterate._replace(logits=xp.take(iterate.logits, chosen, axis=2))
    return rows.subsample_weighted(chosen, factor), iterate


def _pair_covariances(
    network: Network,
    rows: Rows,
    iterate: Iterate,
    basis: SumToZeroBasis,
    design: CenteredDesignMatrix | None,
) -> Array:
    """G_kl of all problems, one above the other, (n_problems n_pairs n_inputs, n_inputs)."""
    xp = namespace(rows.weights)
    n_columns = iterate.parameters.shape[0] * basis.products.shape[1]
    n_rows = _block_rows(network, rows)
    at_once = max(1, near_values(rows.weights) // (n_rows * _n_inputs(network)))
    given = network, sent(rows, iterate), basis.pairs, n_columns, at_once, rows.center, design
    of_block = partial(_pairs_of_block, *given)
    sums: tuple[Array, ...] = rows.reduce(of_block, added, rows.block_size(n_rows))
    return xp.concat(list(sums))


def _pairs_of_block(
    network: Network,
    iterate: Iterate,
    pairs: Array,
    n_columns: int,
    at_once: int,
    center: Array | None,
    design: CenteredDesignMatrix | None,
    block: Block,
) -> tuple[Array, ...]:
    """What a block adds to G_kl, `at_once` of them at a time."""
    xp, (X, columns) = namespace(block.X), design or design_of(network, center, block)
    Z = logits_at(network, iterate, block)
    M = xp.reshape(block.weights * pair_curvatures(Z, pairs), (n_columns, 1, -1))
    return tuple(
        xp.matmul(xp.reshape(M[part, ...] * columns, (-1, X.shape[0])), X)
        for part in row_slices(n_columns, at_once)
    )


def _design_of_all(network: Network, rows: Rows) -> CenteredDesignMatrix | None:
    """That of all rows, unless they are more than one block."""
    if not _is_one_block(network, rows):
        return None
    (block,) = rows.blocks(rows.n_samples)
    return design_of(network, rows.center, block)


def _is_one_block(network: Network, rows: Rows) -> bool:
    """Whether products are made of all rows at once, and not of fewer since memory ran out."""
    is_whole: bool = rows.n_samples <= rows.block_size(_block_rows(network, rows))
    return is_whole and rows.are_gathered


def _block_rows(network: Network, rows: Rows) -> int:
    """How many rows products are made of at a time, where memory is not short."""
    return min(rows.n_samples, max(64, near_values(rows.weights) // _n_inputs(network)))


def design_of(network: Network, center: Array | None, block: Block) -> CenteredDesignMatrix:
    """That of a block of rows, seen from a center."""
    xp, X = namespace(block.X), dense(block.X if center is None else block.X - center)
    if network.fit_intercept:
        X = xp.concat([X, xp.ones_like(X[:, :1])], axis=1)
    return CenteredDesignMatrix(X, xp.reshape(xp.reshape(X.T, (-1,)), X.T.shape))


def helmert(like: Array, n_classes: int) -> Array:
    """Helmert's orthonormal basis of the vectors that sum to zero, in columns."""
    xp = namespace(like)
    k = xp.arange(n_classes, dtype=like.dtype, device=device(like))[:, None]
    j = k[1:, :].T
    basis = xp.where(k < j, 1.0, xp.where(k == j, -j, 0.0 * j))
    return basis / xp.sqrt(j * (j + 1.0))
