"""Inverse Hessians of softmax regression that are cheap to build and to apply.

With p the probabilities and x centred, the Hessian couples the classes k and l by

    H_kl = sum_i s_i p_ki ([k = l] - p_li) x_i x_i' + penalty [k = l].

Adding one vector to every class changes no probability, so all the action is where classes sum to
zero. There the blocks

    H_k = c / (c - 1) sum_i s_i p_ki (1 - p_ki) x_i x_i' + penalty

stand in for H; they are H itself for two classes, and at W = 0, where one block serves all classes
and H = (1/c)(I - 11'/c) (x) X'SX + penalty (Boehning, 1992, "Multinomial logistic regression
algorithm"). Two forms, chosen by what they cost: a factor of every block, or one block for all
classes with a scale for each. The second is one eigendecomposition, so it serves every penalty, and
where there are too many features it keeps the leading eigenvectors of a few rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..arrays import Array, compiled, namespace, to_list
from ..model.network import Layer, Network
from ..objective.rows import ArrayRows
from .covariances import Curvature, diagonal_matrix, floored

#: One factor for each class is kept when all of them hold fewer values than this.
FACTOR_VALUES = 1 << 24
#: In multiplications: calling what an evaluation calls, and inverting the matrix of a class;
#: reading a value of X; the functions of a logit.
OVERHEAD, CLASS_OVERHEAD, READ, EXPONENTIAL = 8_000_000, 4_000_000, 12, 200
#: An eigendecomposition of order n costs so many times n^3 multiplications of a product.
DECOMPOSITION = 20
#: No more rows are sampled for the matrix of a class, and for one that serves all.
ROWS_PER_FEATURE, POOLED_ROWS_PER_FEATURE = 2, 8
#: A matrix of more features than this is never formed, but a few eigenvectors are kept.
MAX_FEATURES, MAX_RANK = 4096, 512


class Core(Protocol):
    """An inverse Hessian of centred features, (n_problems, n_classes, n_features) to the same."""

    def apply(self, gradient: Array, strength: Array) -> Array:
        """The product with a gradient where the penalties are `strength` (n_problems, 1, 1)."""


@dataclass(frozen=True)
class Inverses:
    """H_k^-1, for the penalty that it was made with."""

    inverses: Array  #: (n_classes, n_features, n_features)

    def apply(self, gradient: Array, strength: Array) -> Array:
        """One product for all problems of a class."""
        xp = namespace(gradient)
        by_class = xp.permute_dims(gradient, (1, 0, 2))
        return xp.permute_dims(xp.matmul(by_class, self.inverses), (1, 0, 2))


@dataclass(frozen=True)
class Spectrum:
    """H_k^-1 = V diag(1 / (a_k e + penalty)) V' in the span of V, and with `rest` for e elsewhere.

    One decomposition serves every class and every penalty.
    """

    V: Array  #: (n_features, rank), orthonormal columns
    e: Array  #: (rank,)
    rest: Array | None  #: 0-dimensional; None where V spans everything
    share: Array  #: (n_classes, 1), a_k

    def apply(self, gradient: Array, strength: Array) -> Array:
        """Two products for all problems and classes."""
        xp = namespace(gradient)
        n_problems, n_classes, n_features = gradient.shape
        inside = 1.0 / (self.share * self.e + strength)
        rows = xp.reshape(gradient, (-1, n_features))
        within = xp.reshape(xp.matmul(rows, self.V), (n_problems, n_classes, -1))
        # Where V spans everything, to take off what is outside would leave its rounding.
        outside = 0.0 if self.rest is None else 1.0 / (self.share * self.rest + strength)
        within = xp.reshape(within * (inside - outside), (n_problems * n_classes, -1))
        result = xp.reshape(xp.matmul(within, self.V.T), gradient.shape)
        return result if self.rest is None else result + outside * gradient


@dataclass(frozen=True)
class Preconditioner:
    """A core where classes sum to zero, with the intercept eliminated.

    Parameters whose classes sum to zero have gradients whose classes do, so that nothing but
    rounding is lost of what all classes have in common. In x - mean_k the intercept of class k does
    not interact with its weights: b_k = b'_k - W_k mean_k, and mass_k is the curvature of b'_k.
    """

    network: Network
    core: Core
    mean: Array  #: (n_classes, n_features)
    mass: Array  #: (n_classes,)
    floor: Array  #: 0-dimensional, what rounding leaves of a penalty of 0
    cost: float  #: in evaluations of value and gradient
    share: Array | None = None  #: (1,), what is taken to be left of the rows' curvature

    @compiled
    def apply(self, gradient: Array, strength: Array) -> Array:
        """The product with gradients (n_problems, n_parameters) where the penalties of weights are
        `strength` (n_problems,).
        """
        xp = namespace(gradient)
        if self.share is not None:  # (a H + penalty)^-1 = (H + penalty / a)^-1 / a
            gradient, strength = gradient / self.share, strength / self.share
        strength = xp.maximum(strength, self.floor)[:, None, None]
        ((W, b),) = self.network.unpack(gradient)
        if b is None:
            W = self.core.apply(W, strength)
        else:
            W = self.core.apply(W - b[:, :, None] * self.mean, strength)
            b = _sum_zero(b / self.mass - xp.sum(W * self.mean, axis=2))
        return self.network.pack([(_sum_zero(W), b)])


def _sum_zero(x: Array) -> Array:
    """x (n_problems, n_classes, ...) without what all classes have in common."""
    return x - namespace(x).sum(x, axis=1, keepdims=True) / x.shape[1]


def evaluation_cost(network: Network, n_samples: int, n_problems: int) -> float:
    """Multiplications that take as long as value and gradient of all problems."""
    n_features, n_classes = network.layer_sizes
    n_logits = n_classes * n_problems
    values = 2 * n_features * (n_logits + READ) + EXPONENTIAL * n_logits
    return n_samples * values + OVERHEAD


def spectrum_cost(network: Network, n_samples: int) -> float:
    """Multiplications that the eigenvectors of the whole matrix cost."""
    n_features, _ = network.layer_sizes
    n_picked = min(n_samples, ROWS_PER_FEATURE * n_features)
    return n_features**2 * (n_picked + DECOMPOSITION * n_features)


def precondition(
    network: Network,
    rows: ArrayRows,
    strength: Array,
    layers: Sequence[Layer] | None,
    n_evaluations: int,
    damping: float = 0.0,
    first: bool = True,
    logits: Array | None = None,
) -> Preconditioner | None:
    """Approximate the mean of the problems' Hessians at `layers`, or None at 0.

    None where squares of X overflow, which only the `first` has to ask. Costs about as much as
    `n_evaluations` of value and gradient, of one problem or of many.

    Parameters
    ----------
    strength : (n_problems,), the penalty of a weight
    damping : share of curvature that is spread evenly over all rows; far from the minimum, rows
        that will matter are not yet those that matter where the layers stand
    logits : (n_problems, n_logits, n_samples), if they are known
    """
    xp = namespace(strength)
    n_features, _ = network.layer_sizes
    evaluation = evaluation_cost(network, rows.n_samples, strength.shape[0])
    curvature = Curvature(network, rows, layers, damping, logits)
    if first and not to_list(xp.all(xp.isfinite(curvature.diagonal))):
        return None
    n_blocks = curvature.mean.shape[0]
    n_picked = min(ROWS_PER_FEATURE * n_features, curvature.n_rows)
    multiplications = n_blocks * (n_features**2 * (n_picked + 2 * n_features) + CLASS_OVERHEAD)
    cost = multiplications / evaluation
    small = n_blocks * n_features**2 <= FACTOR_VALUES
    if n_blocks > 1 and small and cost <= n_evaluations:
        core: Core = _inverses(curvature, xp.mean(strength), n_picked)
        mean, mass = curvature.mean, curvature.mass
    else:
        curvature = curvature.pooled()
        core = _spectrum(curvature, n_evaluations * evaluation)
        cost = min(float(n_evaluations), DECOMPOSITION * n_features**3 / evaluation)
        mean, mass = curvature.mean, curvature.mass * curvature.share
    mass, floor = _floors(mass, curvature.diagonal)
    return Preconditioner(network, core, mean, mass, floor, cost)


@compiled
def _floors(mass: Array, diagonal: Array) -> tuple[Array, Array]:
    """Masses to divide by, and what rounding leaves of a penalty of 0."""
    rounding = diagonal.shape[1] * namespace(mass).finfo(mass.dtype).eps
    return floored(mass), floored(rounding * namespace(mass).max(diagonal))


def _inverses(curvature: Curvature, strength: Array, n_picked: int) -> Inverses:
    xp, inverses = namespace(strength), []
    for H in curvature.matrices(n_picked):
        H, scale = _with_unit_diagonal(H, strength)
        inverses.append(_inverse_of(_inverse_cholesky(H), scale))
    return Inverses(xp.concat(inverses))


@compiled
def _with_unit_diagonal(H: Array, strength: Array) -> tuple[Array, Array]:
    """S (H + penalty) S, and the diagonal of S (k, n)."""
    xp, diagonal = namespace(H), namespace(H).linalg.diagonal(H)
    rounding = H.shape[1] * xp.finfo(H.dtype).eps
    largest = xp.max(diagonal, axis=1, keepdims=True)
    scale = 1.0 / xp.sqrt(diagonal + xp.maximum(strength, rounding * largest))
    H *= scale[:, None, :]
    H *= scale[:, :, None]
    # What rounding may take from an eigenvalue is known, and given back.
    H += diagonal_matrix(1.0 + rounding - xp.linalg.diagonal(H))
    return H, scale


@compiled
def _inverse_of(F: Array, scale: Array) -> Array:
    """(S^-1 F^-1 F'^-1 S^-1)^-1, with the diagonal of S (k, n)."""
    xp, F = namespace(F), F * scale[:, None, :]
    return xp.matmul(xp.matrix_transpose(F), F)


def _inverse_cholesky(A: Array) -> Array:
    """L^-1 with A = L L' (k, n, n), by halves: nearly all of the work is products of matrices."""
    xp, n = namespace(A), A.shape[1]
    if n <= 32:
        return xp.linalg.inv(xp.linalg.cholesky(A))
    F = _inverse_cholesky(A[:, : n // 2, : n // 2])
    L, rest = _eliminated(A, F)
    return _joined(F, L, _inverse_cholesky(rest))


@compiled
def _eliminated(A: Array, F: Array) -> tuple[Array, Array]:
    """The rows of L below those of which F is the inverse, and what they leave of A."""
    xp, half = namespace(A), F.shape[1]
    L = xp.matmul(A[:, half:, :half], xp.matrix_transpose(F))
    return L, A[:, half:, half:] - xp.matmul(L, xp.matrix_transpose(L))


@compiled
def _joined(F: Array, L: Array, G: Array) -> Array:
    """The inverse of [[F^-1, 0], [L, G^-1]]."""
    xp = namespace(F)
    corner = -xp.matmul(G, xp.matmul(L, F))
    upper = xp.concat([F, xp.zeros_like(xp.matrix_transpose(corner))], axis=2)
    return xp.concat([upper, xp.concat([corner, G], axis=2)], axis=1)


def _spectrum(curvature: Curvature, work: float) -> Spectrum:
    """The eigenvectors of the whole matrix, or the leading ones of a few rows, as `work` allows."""
    n_features, n_rows = curvature.mean.shape[1], curvature.n_rows
    affordable = int(work / n_features**2) - 10 * n_features
    n_picked = min(n_rows, affordable, POOLED_ROWS_PER_FEATURE * n_features)
    if n_features <= MAX_FEATURES and n_picked >= min(n_rows, ROWS_PER_FEATURE * n_features):
        (H,) = curvature.matrices(n_picked)
        return Spectrum(*_eigenvectors(H, curvature.share))
    rank = min(n_rows, n_features, MAX_RANK)
    while rank > 8 and 2 * rank**2 * n_features + DECOMPOSITION * rank**3 > work:
        rank = rank * 3 // 4
    A = curvature.picked(slice(0, 1), rank)
    return Spectrum(*_leading_eigenvectors(A, curvature.diagonal, curvature.share))


@compiled
def _eigenvectors(H: Array, share: Array) -> tuple[Array, Array, Array | None, Array]:
    """The fields of a `Spectrum` of the matrix H (1, n_features, n_features)."""
    e, V = namespace(H).linalg.eigh(H[0, ...])
    return V, _positive(e), None, _clear(share)


@compiled
def _leading_eigenvectors(
    A: Array, diagonal: Array, share: Array
) -> tuple[Array, Array, Array | None, Array]:
    """Those of A'A, A (1, rank, n_features), where the whole matrix has this `diagonal`."""
    xp, A, (_, rank, n_features) = namespace(A), A[0, ...], A.shape
    e, U = xp.linalg.eigh(xp.matmul(A, A.T))
    usable = e > rank * xp.finfo(e.dtype).eps * xp.max(e)
    e = xp.where(usable, e, 0.0)
    V = xp.matmul(A.T, U * xp.where(usable, 1.0 / xp.sqrt(xp.where(usable, e, 1.0)), 0.0))
    rest = (xp.sum(diagonal) - xp.sum(e)) / max(n_features - rank, 1)
    return V, _positive(e), _positive(rest), _clear(share)


def _positive(x: Array) -> Array:
    """x, or 0 where it is less or nan."""
    return namespace(x).where(x > 0, x, 0.0)


def _clear(share: Array) -> Array:
    """(n_classes, 1): shares of the mean mass, not too small to matter."""
    return namespace(share).where(share > 0.01, share, 0.01)[:, None]
