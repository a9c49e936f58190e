"""The inverse Hessian of softmax regression, for problems where it is small.

With p_i the probabilities of row i and x~_i the row with a 1 for the intercept,

    H = sum_{k<l} (e_k - e_l)(e_k - e_l)' (x) G_kl + penalty, G_kl = sum_i s_i p_ki p_li x~_i x~_i'.

It is singular where all classes move together, so it is inverted in a basis of the parameters
whose classes sum to zero: W = Q V, and Q'Q = 1 leaves the penalty as it is. There x is seen from
the middle of the rows, for which the intercepts make up: far from 0, rounding would leave nothing
of how x varies.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

from ..arrays import Array, block_values, device, indices_from_host, namespace, row_slices
from ..model.losses import class_curvatures, pair_curvatures
from ..model.network import Layer, Network
from ..objective.rows import ArrayRows, Block
from .covariances import MIN_ROWS, SAMPLE_VALUES, are_many, diagonal_matrix, floored, pick

#: Products run best from a processor's nearest cache: rows have so many times fewer values here.
NEARER = 32
#: Pairs of classes weigh so many times as many values at once, since one product is faster than
#: many.
AT_ONCE = 8
#: What calling it all costs, in multiplications.
OVERHEAD = 20_000_000
#: No more rows than so many for each parameter tell enough.
ROWS_PER_PARAMETER = 8


class Design(NamedTuple):
    """Rows from their middle, with a 1 for the intercept."""

    X: Array  #: (n_samples, n_inputs)
    columns: Array  #: the same with samples next to each other in memory, (n_inputs, n_samples)


@dataclass(frozen=True)
class Contrasts:
    """Parameters whose classes sum to zero, and the pairs of classes."""

    basis: Array  #: (n_parameters, n), its weights orthonormal; n = (n_classes - 1)(n_features + 1)
    strength: Array  #: of the penalty along each, (n_problems, n)
    pairs: Array  #: indices k < l, (2, n_pairs)
    products: Array  #: Q'(e_k - e_l)(e_k - e_l)'Q, ((n_classes - 1)^2, n_pairs)

    def times(self, inverse: Array, gradient: Array) -> Array:
        """The product of `inverse_hessian` with gradients (n_problems, n_parameters)."""
        xp = namespace(gradient)
        step = xp.matmul(inverse, xp.matmul(gradient, self.basis)[:, :, None])
        return xp.matmul(step[:, :, 0], self.basis.T)


@dataclass(frozen=True)
class DiagonalInverse:
    """The inverse of a Hessian's diagonal, of features seen from the middle of the rows."""

    network: Network
    squares: Array  #: (n_problems, n_classes, n_features), of the weights, with their penalty
    mass: Array  #: (n_problems, n_classes), of the intercepts
    middle: Array | None

    @classmethod
    def of(
        cls, network: Network, squares: Array, mass: Array, strength: Array, middle: Array | None
    ) -> DiagonalInverse:
        """From sums over rows of how curved their losses are, and the penalty (n_problems,)."""
        return cls(network, floored(squares + strength[:, None, None]), floored(mass), middle)

    def times(self, gradient: Array) -> Array:
        """The product with gradients (n_problems, n_parameters), where classes sum to zero."""
        xp, ((W, b),) = namespace(gradient), self.network.unpack(self.network.centered(gradient))
        middle = xp.zeros_like(W[0, 0, :]) if self.middle is None else self.middle
        if b is not None:
            W = W - b[:, :, None] * middle
        W = W / self.squares
        if b is not None:
            b = b / self.mass - xp.matmul(W, middle)
        return self.network.centered(self.network.pack([(W, b)]))


def contrasts(network: Network, penalty: Array, middle: Array | None = None) -> Contrasts:
    """Those of a linear network whose rows are seen from `middle`."""
    xp, like, (n_features, n_classes) = namespace(penalty), penalty, network.layer_sizes
    first, second = zip(*combinations(range(n_classes), 2), strict=True)
    pairs = indices_from_host((first, second), like=like)
    Q = _helmert(like, n_classes)
    difference = xp.take(Q, pairs[0, :], axis=0) - xp.take(Q, pairs[1, :], axis=0)
    products = xp.reshape(difference[:, :, None] * difference[:, None, :], (len(first), -1)).T
    n_inputs = _n_inputs(network)
    unit = xp.eye(n_inputs, dtype=like.dtype, device=device(like))
    columns = xp.reshape(Q.T[:, None, :, None] * unit[None, :, None, :], (-1, n_classes, n_inputs))
    W, b = columns[:, :, :n_features], columns[:, :, n_features] if network.fit_intercept else None
    unmoved = network.pack([(W, b)]).T  # the penalty is of weights that see rows from 0
    strength = xp.matmul(penalty, unmoved * unmoved)
    if b is not None and middle is not None:
        b = b - xp.matmul(W, middle)
    return Contrasts(network.pack([(W, b)]).T, strength, pairs, products)


def inverse_hessian_cost(network: Network, n_samples: int, n_problems: int) -> float:
    """Multiplications that the inverses of all problems cost."""
    (n_features, n_classes), order = network.layer_sizes, _order(network)
    n_pairs, n_rows = n_classes * (n_classes - 1) // 2, min(n_samples, rows_that_suffice(network))
    products = n_pairs * n_rows * n_features * (2 * n_features + 10)
    return n_problems * (products + order**3) + OVERHEAD


def rows_that_suffice(network: Network) -> int:
    """How many rows tell enough of a Hessian."""
    return max(MIN_ROWS, ROWS_PER_PARAMETER * _order(network))


def sampling_error(network: Network, n_samples: int) -> float:
    """What a step by the inverse Hessian of `few` rows leaves of the squared Newton decrement.

    A covariance of n rows in p dimensions is wrong by about p / n in the mean square.
    """
    n_rows = rows_that_suffice(network)
    return _order(network) / n_rows if are_many(n_samples, n_rows) else 0.0


def _order(network: Network) -> int:
    return (network.layer_sizes[1] - 1) * _n_inputs(network)


def _n_inputs(network: Network) -> int:
    return network.layer_sizes[0] + network.fit_intercept


def inverse_hessian(
    network: Network,
    rows: ArrayRows,
    layers: list[Layer],
    logits: Array | None,
    frame: Contrasts,
    design: Design | None = None,
    few: bool = False,
) -> Array:
    """(n_problems, n, n), at `layers` (and their `logits`, where those are known), in one pass.

    If `few` will do, a sample of many rows stands for all. `design` is `whole_design` of the rows.
    """
    xp, strength, n_pairs = namespace(frame.strength), frame.strength, frame.products.shape[1]
    n_problems = strength.shape[0]
    order, n_inputs = network.layer_sizes[1] - 1, _n_inputs(network)
    n_rows = rows_that_suffice(network)
    if few and are_many(rows.n_samples, n_rows):
        rows, logits = _most_curved(network, rows, layers, logits, n_rows)
        design = None
    G = _covariances(network, rows, layers, logits, frame, design)
    G = xp.reshape(G, (n_problems, n_pairs, -1))
    H = xp.reshape(xp.matmul(frame.products, G), (n_problems, order, order, n_inputs, n_inputs))
    H = xp.reshape(xp.permute_dims(H, (0, 1, 3, 2, 4)), (n_problems, order * n_inputs, -1))
    diagonal = xp.linalg.diagonal(H)
    # Unit diagonal: what rounding may take from an eigenvalue is known, and given back.
    rounding = diagonal.shape[1] * xp.finfo(H.dtype).eps
    largest = xp.max(diagonal, axis=1, keepdims=True)
    scale = 1.0 / xp.sqrt(xp.maximum(diagonal + strength, floored(rounding * largest)))
    scales = scale[:, :, None] * scale[:, None, :]
    H *= scales
    H += diagonal_matrix(strength * scale * scale + rounding)
    return xp.linalg.inv(H) * scales


def _most_curved(
    network: Network, rows: ArrayRows, layers: list[Layer], logits: Array | None, n_rows: int
) -> tuple[ArrayRows, Array | None]:
    """About `n_rows` rows, more likely those with a large share of a class, and their logits.

    Row i has s_i p_ki (1 - p_ki) of how much class k is curved.
    """
    xp, stride = namespace(rows.weights), 1 + rows.n_samples * network.n_units // SAMPLE_VALUES
    rows, logits = rows.every(stride), None if logits is None else logits[:, :, ::stride]
    curved = []
    size = rows.block_size(max(256, block_values(rows.weights) // network.n_units))
    for block in rows.blocks(size):
        Z = _logits(network, block, layers, logits)
        curved.append(xp.mean(block.weights * class_curvatures(Z), axis=0))
    shares = xp.concat(curved, axis=1)
    shares /= floored(xp.sum(shares, axis=1, keepdims=True))
    chosen, factor = (x[0, :] for x in pick(xp.sum(shares, axis=0, keepdims=True), n_rows))
    logits = None if logits is None else xp.take(logits, chosen, axis=2)
    return rows.weighted(chosen, factor), logits


def _logits(network: Network, block: Block, layers: list[Layer], logits: Array | None) -> Array:
    """(n_problems, n_logits, n_samples) of a block of rows."""
    return network.forward(layers, block.X)[0] if logits is None else logits[:, :, block.span]


def _covariances(
    network: Network,
    rows: ArrayRows,
    layers: list[Layer],
    logits: Array | None,
    frame: Contrasts,
    design: Design | None,
) -> Array:
    """G_kl of all problems, one above the other, (n_problems n_pairs n_inputs, n_inputs)."""
    xp = namespace(rows.weights)
    n_columns, n_rows = layers[0][0].shape[0] * frame.products.shape[1], _block_rows(network, rows)
    at_once = AT_ONCE * _near_values(rows) // (n_rows * _n_inputs(network))
    parts = list(row_slices(n_columns, max(1, at_once)))
    sums: list[Any] = [0.0] * len(parts)
    for block in rows.blocks(rows.block_size(n_rows)):
        X, columns = design or _design(network, rows, block)
        Z = _logits(network, block, layers, logits)
        M = xp.reshape(block.weights * pair_curvatures(Z, frame.pairs), (n_columns, 1, -1))
        for i, part in enumerate(parts):
            weighted = xp.reshape(M[part, ...] * columns, (-1, X.shape[0]))
            sums[i] = sums[i] + xp.matmul(weighted, X)
    return xp.concat(sums)


def whole_design(network: Network, rows: ArrayRows) -> Design | None:
    """That of all rows, unless they are more than one block."""
    if rows.n_samples > rows.block_size(_block_rows(network, rows)):
        return None
    (block,) = rows.blocks(rows.n_samples)
    return _design(network, rows, block)


def _block_rows(network: Network, rows: ArrayRows) -> int:
    """How many rows products are made of at a time, where memory is not short."""
    return min(rows.n_samples, max(64, _near_values(rows) // _n_inputs(network)))


def _near_values(rows: ArrayRows) -> int:
    """Values of rows that are worked on at a time."""
    return block_values(rows.weights) // NEARER


def _design(network: Network, rows: ArrayRows, block: Block) -> Design:
    xp, X = namespace(block.X), rows.from_middle(block.X)
    if network.fit_intercept:
        X = xp.concat([X, xp.ones_like(X[:, :1])], axis=1)
    return Design(X, xp.reshape(xp.reshape(X.T, (-1,)), X.T.shape))


def _helmert(like: Array, n_classes: int) -> Array:
    """Helmert's orthonormal basis of the vectors that sum to zero, in columns."""
    xp = namespace(like)
    k = xp.arange(n_classes, dtype=like.dtype, device=device(like))[:, None]
    j = k[1:, :].T
    basis = xp.where(k < j, 1.0, xp.where(k == j, -j, 0.0 * j))
    return basis / xp.sqrt(j * (j + 1.0))
