"""Inverse Hessians of softmax regression that are cheap to make and to multiply with.

With p the probabilities and x centered, the Hessian couples the classes k and l by

    H_kl = sum_i s_i p_ki ([k = l] - p_li) x_i x_i' + penalty [k = l].

Adding one vector to every class changes no probability, so all the action is where classes sum to
zero. There the blocks

    H_k = c / (c - 1) sum_i s_i p_ki (1 - p_ki) x_i x_i' + penalty

stand in for H; they are H itself for two classes, and at W = 0, where one block serves all classes
and H = (1/c)(I - 11'/c) (x) X'SX + penalty (Boehning, 1992, "Multinomial logistic regression
algorithm"). Three forms, chosen by what they cost: an inverse for every class, one spectrum for all
classes with a scale for each, or the diagonals of the blocks. The spectrum is one
eigendecomposition, so it serves every penalty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, Self

from ..arrays import Array, compiled, eigh, namespace, to_list
from ..model.network import Network
from ..objective.line_restriction import Iterate
from ..objective.objective import Objective
from .costs import best_affordable, sizes_of
from .covariances import ClassCovariances
from .linear_algebra import diagonal_matrix, floored, inverse_of_unit_diagonal


class WeightsInverse(Protocol):
    """An inverse Hessian of centered features, (n_problems, n_classes, n_features) to the same."""

    def solve(self, gradient: Array, strength: Array) -> Array:
        """The product with a gradient where the penalties are `strength` (n_problems, 1, 1)."""


@dataclass(frozen=True)
class ClassInverses:
    """H_k^-1, for the penalty that it was made with."""

    inverses: Array  #: (n_classes, n_features, n_features)

    def solve(self, gradient: Array, strength: Array) -> Array:
        """One product for all problems of a class."""
        xp = namespace(gradient)
        by_class = xp.permute_dims(gradient, (1, 0, 2))
        return xp.permute_dims(xp.matmul(by_class, self.inverses), (1, 0, 2))


@dataclass(frozen=True)
class Spectrum:
    """H_k^-1 = V diag(1 / (a_k e + penalty)) V'.

    One decomposition serves every class and every penalty.
    """

    V: Array  #: (n_features, n_features), orthonormal columns
    e: Array  #: (n_features,)
    share: Array  #: (n_classes, 1), a_k

    def solve(self, gradient: Array, strength: Array) -> Array:
        """Two products for all problems and classes."""
        xp = namespace(gradient)
        rows = xp.matmul(xp.reshape(gradient, (-1, gradient.shape[2])), self.V)
        scaled = xp.reshape(rows, gradient.shape) / (self.share * self.e + strength)
        return xp.reshape(xp.matmul(xp.reshape(scaled, rows.shape), self.V.T), gradient.shape)


@dataclass(frozen=True)
class Diagonal:
    """The inverse of the diagonal of H_k, of more features than a matrix may have."""

    diagonal: Array  #: (n_classes or 1, n_features)

    def solve(self, gradient: Array, strength: Array) -> Array:
        """No product."""
        return gradient / (self.diagonal + strength)


@dataclass(frozen=True)
class ApproximateInverse:
    """A `WeightsInverse` where classes sum to zero, with the intercepts eliminated.

    Parameters whose classes sum to zero have gradients whose classes do, so that nothing but
    rounding is lost of what all classes have in common. In x - mean_k the intercept of class k does
    not interact with its weights: b_k = b'_k - W_k mean_k, and mass_k is the curvature of b'_k.
    """

    network: Network
    weights: WeightsInverse
    mean: Array  #: (n_classes, n_features)
    mass: Array  #: (n_classes,)
    min_strength: Array  #: 0-dimensional, what rounding leaves of a penalty of 0
    cost: float
    error_factor: float = 1.0
    scale: Array | None = None  #: (1,), what is taken to be left of the rows' curvature
    is_identity: bool = False
    serves_all_problems: bool = True

    def solve(self, gradient: Array, strength: Array) -> Array:
        """The product with k gradients of each problem, (k n_problems, n_parameters)."""
        k = gradient.shape[0] // strength.shape[0]
        if k > 1:
            strength = namespace(gradient).concat([strength] * k)
        return self._solve(gradient, strength)

    @compiled
    def _solve(self, gradient: Array, strength: Array) -> Array:
        xp = namespace(gradient)
        if self.scale is not None:  # (a H + penalty)^-1 = (H + penalty / a)^-1 / a
            gradient, strength = gradient / self.scale, strength / self.scale
        strength = xp.maximum(strength, self.min_strength)[:, None, None]
        ((W, b),) = self.network.unpack(gradient)
        if b is None:
            W = self.weights.solve(W, strength)
        else:
            W = self.weights.solve(W - b[:, :, None] * self.mean, strength)
            b = _sum_to_zero(b / self.mass - xp.sum(W * self.mean, axis=2))
        return self.network.pack([(_sum_to_zero(W), b)])

    def scaled(self, share: Array, error_factor: float) -> ApproximateInverse:
        """As if the rows curved the loss only `share` (1,) times as much."""
        return replace(self, scale=share, error_factor=error_factor)

    def select(self, problems: Array) -> Self:
        """The same: it serves all problems."""
        return self

    def of_more_rows(self, factor: float) -> Self:
        """The same, which costs less in evaluations of more rows."""
        return replace(self, cost=self.cost / factor)


def _sum_to_zero(x: Array) -> Array:
    """x (n_problems, n_classes, ...) without what all classes have in common."""
    return x - namespace(x).sum(x, axis=1, keepdims=True) / x.shape[1]


def approximate_inverse(
    objective: Objective, iterate: Iterate, max_cost: float, at_zero: bool = False
) -> ApproximateInverse | None:
    """Approximate the mean of the problems' inverse Hessians, for at most `max_cost` evaluations.

    None where that affords none, and where squares of X overflow. `at_zero` says that all
    parameters of the iterate are 0, where one class stands for all.
    """
    xp, network, policy = namespace(iterate.value), objective.network, objective.policy
    purchase = best_affordable(network, sizes_of(objective), max_cost, policy, at_zero)
    if purchase is None:
        return None
    rows = objective.rows
    if not rows.are_gathered:
        few = objective.subsample(policy.max_curvature_values // network.n_units)
        rows = objective.gathered.rows if purchase.n_rows > 0 else few.rows
        iterate = iterate._replace(logits=None)
    covariances = ClassCovariances.of(network, rows, None if at_zero else iterate, policy)
    if not to_list(xp.all(xp.isfinite(covariances.diagonal))):
        return None
    mean, mass = covariances.mean, covariances.mass
    if purchase.n_rows == 0:
        weights: WeightsInverse = Diagonal(covariances.diagonal)
    elif purchase.of_classes:
        strength = xp.mean(objective.strength)
        weights = _class_inverses(covariances, strength, purchase.n_rows)
    else:
        covariances, share = covariances.pooled()
        (H,) = covariances.matrices(purchase.n_rows)
        spectrum = _spectrum(H[0, ...], share)
        if spectrum is None:
            return None
        weights = spectrum
        mean, mass = covariances.mean, covariances.mass * share
    mass, min_strength = _floors(mass, covariances.diagonal)
    return ApproximateInverse(network, weights, mean, mass, min_strength, purchase.cost)


@compiled
def _floors(mass: Array, diagonal: Array) -> tuple[Array, Array]:
    """Masses to divide by, and what rounding leaves of a penalty of 0."""
    rounding = diagonal.shape[1] * namespace(mass).finfo(mass.dtype).eps
    return floored(mass), floored(rounding * namespace(mass).max(diagonal))


def _class_inverses(covariances: ClassCovariances, strength: Array, n_picked: int) -> ClassInverses:
    xp, inverses = namespace(strength), []
    for H in covariances.matrices(n_picked):
        H, scale = _with_unit_diagonal(H, strength)
        inverses.append(_scaled(inverse_of_unit_diagonal(H), scale))
    return ClassInverses(xp.concat(inverses))


@compiled
def _with_unit_diagonal(H: Array, strength: Array) -> tuple[Array, Array]:
    """S (H + penalty) S, and the diagonal of S (k, n)."""
    xp, diagonal = namespace(H), namespace(H).linalg.diagonal(H)
    rounding = H.shape[1] * xp.finfo(H.dtype).eps
    largest = xp.max(diagonal, axis=1, keepdims=True)
    scale = 1.0 / xp.sqrt(diagonal + xp.maximum(strength, rounding * largest))
    H *= scale[:, None, :]
    H *= scale[:, :, None]
    H += diagonal_matrix(1.0 - xp.linalg.diagonal(H))
    return H, scale


@compiled
def _scaled(inverse: Array, scale: Array) -> Array:
    """S H^-1 S, with the diagonal of S (k, n)."""
    return scale[:, :, None] * inverse * scale[:, None, :]


def _spectrum(H: Array, share: Array) -> Spectrum | None:
    """That of the matrix H (n_features, n_features), or None if the library has failed."""
    xp, (e, V) = namespace(H), eigh(H)
    # v'Hv = sum_j e_j (V'v)_j^2, for v of ones.
    along, energy = xp.sum(V, axis=0), xp.sum(H)
    is_wrong = ~(xp.abs(xp.sum(e * along * along) - energy) <= 0.1 * xp.sum(xp.linalg.diagonal(H)))
    if to_list(is_wrong):
        return None
    return Spectrum(V, xp.where(e > 0, e, 0.0), xp.where(share > 0.01, share, 0.01)[:, None])
