"""Coordinates in which a linear model is solved, where those of its features are not the best.

A feature that has one value in all rows changes no logit that the intercept does not change too,
and costs penalty: its weight is 0. Left in, nothing but rounding would hold it.

Features far from 0 are seen from their center, and very small or large ones in another unit.

With more features than rows, a penalised model only looks where its rows lie. The weights of the
minimum are combinations of the rows of X, because what is orthogonal to all rows changes no logit
and costs penalty (the representer theorem, Kimeldorf and Wahba, 1971). So let X X' = L L'. With the
orthonormal basis Q = X' L^-T of the rows, W = B Q' loses nothing, and B is the minimum of softmax
regression on the rows X Q = L with the same penalty: n_samples features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..arrays import (
    Array,
    block_values,
    cholesky,
    compute_dtype,
    computed_once,
    device,
    from_host,
    has_float64,
    indices_from_host,
    namespace,
    row_slices,
    to_list,
)
from ..model.network import Layer, Network
from ..sources import RowsLike, SparseRows, changed, in_dtype, is_source
from .features import Features
from .policy import Policy

#: A row is like others if the square of its distance from their space is so little of the median.
ALIKE = 1e-4
#: Features that vary by less than 2^-10 or by more than 2^10 are computed in another unit.
MIN_BINARY_EXPONENT = 10
#: Require L_ii^2 >= so many times the rounding error, else solve in the original coordinates.
MIN_DIAGONAL_IN_ROUNDING = 1e6


@dataclass(frozen=True)
class Coordinates:
    """Those that a network has."""

    full: Network
    X: RowsLike  #: (n_samples, n_features)

    @property
    def network(self) -> Network:
        """The network in these coordinates."""
        return self.full

    @property
    def penalty_factor(self) -> float:
        """By which a penalty of squared weights is larger in these coordinates."""
        return 1.0

    @property
    def has_rows_alike(self) -> bool:
        """Whether rows are known that are nearly combinations of others.

        What tells them apart curves the loss by next to nothing, and may be worth much.
        """
        return False

    def rows(self, dtype: Any) -> RowsLike:
        """X in these coordinates; `dtype` is what they are computed in."""
        return self.see(self.X)

    def see(self, X: RowsLike) -> RowsLike:
        """Any rows X in these coordinates."""
        return X

    def project(self, parameters: Array) -> Array:
        """These coordinates of parameters (n_problems, n_parameters) of the full network."""
        return parameters

    def expand(self, parameters: Array) -> Array:
        """Parameters of the full network with the same logits, or that less an offset.

        `project` undoes it.
        """
        return parameters

    def then(self, inner: Coordinates) -> Coordinates:
        """The coordinates `inner` of the network that is in these."""
        if type(inner) is Coordinates:
            return self
        return inner if type(self) is Coordinates else Chained(self.full, self.X, self, inner)

    def layers(self, parameters: Array) -> list[Layer]:
        """The layers of the full network, in the dtype of X."""
        xp, dtype = namespace(parameters), compute_dtype(self.X)
        return self.full.unpack(xp.astype(self.expand(parameters), dtype, copy=False))


@dataclass(frozen=True)
class FromOrigin(Coordinates):
    """Parameters seen from others, the `origin`."""

    origin: Array  #: (1, n_parameters)

    def project(self, parameters: Array) -> Array:
        """The difference."""
        return parameters - self._origin(parameters)

    def expand(self, parameters: Array) -> Array:
        """The sum."""
        return parameters + self._origin(parameters)

    def _origin(self, like: Array) -> Array:
        return namespace(like).astype(self.origin, like.dtype, copy=False)


@dataclass(frozen=True)
class Chained(Coordinates):
    """The coordinates `inner` of a network that is in the coordinates `outer`."""

    outer: Coordinates
    inner: Coordinates

    @property
    def network(self) -> Network:
        """The network in the inner coordinates."""
        return self.inner.network

    @property
    def penalty_factor(self) -> float:
        """That of both."""
        return self.outer.penalty_factor * self.inner.penalty_factor

    @property
    def has_rows_alike(self) -> bool:
        """In the inner ones."""
        return self.inner.has_rows_alike

    def rows(self, dtype: Any) -> RowsLike:
        """X in the inner coordinates."""
        return self.inner.rows(dtype)

    def see(self, X: RowsLike) -> RowsLike:
        """In the inner coordinates."""
        return self.inner.see(self.outer.see(X))

    def project(self, parameters: Array) -> Array:
        """First to the outer ones."""
        return self.inner.project(self.outer.project(parameters))

    def expand(self, parameters: Array) -> Array:
        """First to the outer ones."""
        return self.outer.expand(self.inner.expand(parameters))


def coordinates(
    features: Features, network: Network, policy: Policy, many_passes: bool
) -> Coordinates:
    """Those in which a linear `network` is solved best on the rows of `features`.

    With `many_passes`, features that are 0 throughout are left out where a copy of X pays.
    """
    varying = _varying_features(features, network, policy, many_passes)
    centered = varying.then(_near_features(features, varying))
    scaled = centered.then(_features_of_unit_size(features, centered))
    return scaled.then(row_space(scaled.network, scaled.rows(None), policy))


@dataclass(frozen=True)
class VaryingFeatures(Coordinates):
    """Without features that have one value in all rows, whose weights are 0."""

    varying: Array  #: indices of features, ascending
    position: Array  #: (n_features,), where in `varying`, or its length for none
    values: Array  #: (n_features,), of those that do not vary; 0 for the others

    @property
    def network(self) -> Network:
        """The network of the features that vary."""
        return replace(self.full, layer_sizes=(self.varying.shape[0], self.full.layer_sizes[-1]))

    def see(self, X: RowsLike) -> RowsLike:
        """A copy with these features."""
        return changed(X, self.of_block, self.varying.shape[0], X.dtype)

    @property
    def of_block(self) -> Callable[[Any], Any]:
        """From a block of rows to these features of it."""
        return partial(_columns, indices=self.varying)

    def project(self, parameters: Array) -> Array:
        """The intercept takes over what the other weights add to every row."""
        xp, ((W, b),) = namespace(parameters), self.full.unpack(parameters)
        if b is not None:
            b = b + xp.matmul(W, xp.astype(self.values, W.dtype, copy=False))
        return self.network.pack([(xp.take(W, self.varying, axis=2), b)])

    def expand(self, parameters: Array) -> Array:
        """The other weights are 0."""
        xp, ((W, b),) = namespace(parameters), self.network.unpack(parameters)
        W = xp.concat([W, xp.zeros_like(W[:, :, :1])], axis=2)
        return self.full.pack([(xp.take(W, self.position, axis=2), b)])


class NoFeatures(VaryingFeatures):
    """Where no feature varies: the first stands for all, as if it were 0 in every row."""

    @property
    def of_block(self) -> Callable[[Any], Any]:
        """From a block of rows to one feature of zeros."""
        return _zeros


def _columns(X: Any, indices: Array) -> Any:
    is_sparse = isinstance(X, SparseRows)
    return X.columns(indices) if is_sparse else namespace(X).take(X, indices, axis=1)


def _zeros(X: Any) -> Array:
    return namespace(X).zeros((X.shape[0], 1), dtype=compute_dtype(X), device=device(X))


def _from_center(X: Any, center: Array) -> Any:
    return in_dtype(X, center.dtype) - center


def _varying_features(
    features: Features, network: Network, policy: Policy, many_passes: bool
) -> Coordinates:
    """Without constant features where they would do harm, or where to leave them out pays."""
    X, low = features.X, to_list(features.low)
    constant = [
        one_value and (network.fit_intercept or value == 0)
        for one_value, value in zip(features.is_constant, low, strict=True)
    ]
    varying = [j for j, left_out in enumerate(constant) if not left_out]
    harm = any(left_out and value != 0 for left_out, value in zip(constant, low, strict=True))
    pays = (
        many_passes
        and not is_source(X)
        and len(varying) <= (1 - policy.min_unseen_features) * len(constant)
    )
    if not (harm or (pays and varying)):
        return Coordinates(network, X)
    kind = VaryingFeatures if varying else NoFeatures
    varying = varying or [0]
    where = {j: at for at, j in enumerate(varying)}
    position = [where.get(j, len(varying)) for j in range(len(constant))]
    values = [value if left_out else 0.0 for value, left_out in zip(low, constant, strict=True)]
    indices = indices_from_host(varying, like=X), indices_from_host(position, like=X)
    held = from_host(values, like=X, dtype=features.dtype)
    return kind(network, X, *indices, held)


@dataclass(frozen=True)
class NearFeatures(Coordinates):
    """Features seen from their center, for which the intercepts make up.

    Far from 0 a change of a weight moves all rows alike, thousands of times as much as it tells
    them apart: no solver without curvature gets far there.
    """

    center: Array  #: (n_features,)

    @computed_once
    def moved(self) -> RowsLike:
        """A copy of X, if it is an array."""
        return self.see(self.X)

    def rows(self, dtype: Any) -> RowsLike:
        """X from its center."""
        return self.moved

    def see(self, X: RowsLike) -> RowsLike:
        """From the center."""
        of_block = partial(_from_center, center=self.center)
        return changed(X, of_block, X.shape[1], self.center.dtype)

    def project(self, parameters: Array) -> Array:
        """The intercepts are those at the center."""
        return self._with_intercepts_moved(parameters, 1.0)

    def expand(self, parameters: Array) -> Array:
        """The intercepts are those at 0."""
        return self._with_intercepts_moved(parameters, -1.0)

    def _with_intercepts_moved(self, parameters: Array, sign: float) -> Array:
        xp, ((W, b),) = namespace(parameters), self.full.unpack(parameters)
        moved = xp.matmul(W, xp.astype(sign * self.center, W.dtype, copy=False))
        return self.full.pack([(W, b + moved)])


def _near_features(features: Features, space: Coordinates) -> Coordinates:
    """Those of the features that vary, where some are far from 0 and intercepts can make up."""
    rows, center = space.rows(None), features.center
    if not (space.network.fit_intercept and features.are_far):
        return Coordinates(space.network, rows)
    if isinstance(space, VaryingFeatures):
        center = namespace(center).take(center, space.varying)
    return NearFeatures(space.network, rows, center)


@dataclass(frozen=True)
class RescaledFeatures(Coordinates):
    """All features times one power of two, which rounds nothing.

    Weights then have the size of intercepts. Where features are 1e-8, a step along the gradient
    would change f by less than rounding shows.
    """

    factor: float

    @property
    def penalty_factor(self) -> float:
        """Weights are so many times smaller."""
        return self.factor**2

    @computed_once
    def rescaled(self) -> RowsLike:
        """A copy of X, if it is an array."""
        return self.see(self.X)

    def rows(self, dtype: Any) -> RowsLike:
        """X times the factor."""
        return self.rescaled

    def see(self, X: RowsLike) -> RowsLike:
        """Times the factor."""
        of_block = partial(_times, factor=self.factor, dtype=compute_dtype(self.X))
        return changed(X, of_block, X.shape[1], compute_dtype(self.X))

    def project(self, parameters: Array) -> Array:
        """Smaller weights."""
        return self._with_weights_times(1.0 / self.factor, parameters)

    def expand(self, parameters: Array) -> Array:
        """The weights of X itself."""
        return self._with_weights_times(self.factor, parameters)

    def _with_weights_times(self, factor: float, parameters: Array) -> Array:
        ((W, b),) = self.full.unpack(parameters)
        return self.full.pack([(factor * W, b)])


def _times(X: Any, factor: float, dtype: Any) -> Any:
    return in_dtype(X, dtype) * factor


def _features_of_unit_size(features: Features, space: Coordinates) -> Coordinates:
    """Rescaled features, where they vary by less than 1 / 1000 or by more than 1000."""
    rows, exponent = space.rows(None), features.binary_exponent
    if abs(exponent) < MIN_BINARY_EXPONENT:
        return Coordinates(space.network, rows)
    return RescaledFeatures(space.network, rows, 2.0**-exponent)


@dataclass(frozen=True)
class RowSpace(Coordinates):
    """As many as there are rows."""

    L: Array  #: (n_samples, n_samples), float64

    @computed_once
    def has_rows_alike(self) -> bool:
        """Whether a row is so much nearer to the space of those before it than others are."""
        xp = namespace(self.L)
        squares = xp.sort(xp.linalg.diagonal(self.L) ** 2)
        found: bool = to_list(squares[0] < ALIKE * squares[squares.shape[0] // 2])
        return found

    @property
    def network(self) -> Network:
        """The network in these coordinates."""
        return replace(self.full, layer_sizes=(self.L.shape[0], self.full.layer_sizes[-1]))

    def rows(self, dtype: Any) -> Array:
        """L."""
        return namespace(self.L).astype(self.L, dtype, copy=False)

    def see(self, X: RowsLike) -> RowsLike:
        """Other rows lie outside of the space of these."""
        raise ValueError("only the rows that span this space have coordinates in it")

    def project(self, parameters: Array) -> Array:
        """L^-1 of the logits without intercepts."""
        xp, ((W, b),) = namespace(parameters), self.full.unpack(parameters)
        logits: Any = 0.0
        for columns, part in _in_double(self.X):
            logits = logits + xp.matmul(xp.astype(W[:, :, columns], part.dtype, copy=False), part.T)
        B = xp.astype(self._divided(logits), W.dtype, copy=False)
        return self.network.pack([(B, b)])

    def expand(self, parameters: Array) -> Array:
        """The inverse of `project` on the span of the rows."""
        xp, ((B, b),) = namespace(parameters), self.network.unpack(parameters)
        # Large numbers that nearly cancel, where rows are alike.
        combination = self._divided(B, transposed=True)
        parts = [xp.matmul(combination, part) for _, part in _in_double(self.X)]
        W = xp.astype(xp.concat(parts, axis=2), B.dtype, copy=False)
        return self.full.pack([(W, b)])

    def _divided(self, rows: Array, transposed: bool = False) -> Array:
        """L^-1 or L'^-1 times each of the last axis, in float64."""
        xp, (*batch, n) = namespace(rows), rows.shape
        columns = xp.astype(xp.reshape(rows, (-1, n)), xp.float64, copy=False).T
        return xp.reshape(_solved(self.L, columns, transposed).T, (*batch, n))


class WithRowsAlike(Coordinates):
    """The features as they are, of rows that rounding would blur in their own space."""

    @property
    def has_rows_alike(self) -> bool:
        """They are."""
        return True


def _in_double(X: Array) -> Iterator[tuple[slice, Array]]:
    """Some columns of X after others, in float64, and which they are."""
    xp, (n_samples, n_features) = namespace(X), X.shape
    for columns in row_slices(n_features, max(1, block_values(X) // n_samples)):
        yield columns, xp.astype(X[:, columns], xp.float64, copy=False)


def _solved(L: Array, B: Array, transposed: bool) -> Array:
    """L^-1 B or L'^-1 B, by halves: `solve` would take L for any matrix, and factor it."""
    xp, half = namespace(L), L.shape[0] // 2
    if half < 32:
        return xp.linalg.solve(L.T if transposed else L, B)
    upper, lower, corner = L[:half, :half], L[half:, half:], L[half:, :half]
    if transposed:
        bottom = _solved(lower, B[half:, :], True)
        top = _solved(upper, B[:half, :] - xp.matmul(corner.T, bottom), True)
    else:
        top = _solved(upper, B[:half, :], False)
        bottom = _solved(lower, B[half:, :] - xp.matmul(corner, top), False)
    return xp.concat([top, bottom])


def row_space(network: Network, X: RowsLike, policy: Policy) -> Coordinates:
    """Coordinates for rows X (n_samples, n_features).

    The Gram matrix squares the rows' condition, so it is made in float64. The features stay as they
    are where a library has none, where there is little to save, and where rounding blurs the rows:
    where some are nearly combinations of others, or one feature outweighs all.
    """
    xp, (n_samples, n_features) = namespace(X), X.shape
    as_it_is = Coordinates(network, X)
    pays = n_samples <= policy.max_rows_of_row_space and n_features >= 1.5 * n_samples
    if is_source(X) or not (network.is_linear and pays and has_float64(X)):
        return as_it_is
    gram = xp.zeros((n_samples, n_samples), dtype=xp.float64, device=device(X))
    for _, part in _in_double(X):
        gram += xp.matmul(part, part.T)
    largest = xp.max(xp.linalg.diagonal(gram))
    if not to_list(xp.isfinite(largest)):
        return as_it_is  # squares overflow, of which the solver will tell
    # Jitter on the diagonal, so that the Cholesky factor exists.
    rounding = n_samples * xp.finfo(xp.float64).eps * largest + xp.finfo(xp.float64).smallest_normal
    gram += rounding * xp.eye(n_samples, dtype=xp.float64, device=device(X))
    L = cholesky(gram)
    clear = xp.all(xp.linalg.diagonal(L) ** 2 >= MIN_DIAGONAL_IN_ROUNDING * rounding)
    # A factorisation may fail without a word: the squares of a row of L sum to what L L' has.
    differences = xp.abs(xp.sum(L * L, axis=1) - xp.linalg.diagonal(gram))
    is_factor = xp.all(differences <= MIN_DIAGONAL_IN_ROUNDING * rounding)
    is_clear, is_right = to_list(xp.stack([clear, is_factor]))
    if is_clear and is_right:
        return RowSpace(network, X, L)
    return as_it_is if is_clear else WithRowsAlike(network, X)
