"""Fewer features than samples, always: a penalised linear model only looks where its rows lie.

The weights of the minimum are combinations of the rows of X, because what is orthogonal to all rows
changes no logit and costs penalty (the representer theorem, Kimeldorf and Wahba, 1971). So let
X X' = L L'. With the orthonormal basis Q = X' L^-T of the rows, W = B Q' loses nothing, and B is
the minimum of softmax regression on the rows X Q = L with the same penalty: n_samples features.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from .arrays import Array, has_float64, namespace, to_list
from .network import Layer, Network
from .rows import block_values, row_slices

#: Up to so many rows the Gram matrix and its factor pay.
MAX_ROWS = 2048
#: What a row has beyond the rows before it must exceed what rounding blurs so many times.
CLEAR = 1e6


@dataclass(frozen=True)
class RowSpace:
    """Coordinates in which a linear network is solved; without L those that it has."""

    full: Network
    X: Array  #: (n_samples, n_features)
    L: Array | None = None  #: (n_samples, n_samples), float64

    @property
    def network(self) -> Network:
        """The network in these coordinates."""
        if self.L is None:
            return self.full
        return replace(self.full, layer_sizes=(self.L.shape[0], self.full.layer_sizes[-1]))

    def rows(self, dtype: Any) -> Array:
        """X in these coordinates."""
        if self.L is None:
            return self.X
        return namespace(self.L).astype(self.L, dtype, copy=False)

    def project(self, parameters: Array) -> Array:
        """These coordinates of parameters (n_problems, n_parameters) of the full network."""
        if self.L is None:
            return parameters
        xp, ((W, b),) = namespace(parameters), self.full.unpack(parameters)
        logits: Any = 0.0
        for columns, part in _in_double(self.X):
            logits = logits + xp.matmul(xp.astype(W[:, :, columns], part.dtype, copy=False), part.T)
        B = xp.astype(self._divided(logits), W.dtype, copy=False)
        return self.network.pack([(B, b)])

    def expand(self, parameters: Array) -> Array:
        """The parameters of the full network; inverse of `project` on the span of the rows."""
        if self.L is None:
            return parameters
        xp, ((B, b),) = namespace(parameters), self.network.unpack(parameters)
        # Large numbers that nearly cancel, where rows are alike.
        combination = self._divided(B, transposed=True)
        parts = [xp.matmul(combination, part) for _, part in _in_double(self.X)]
        W = xp.astype(xp.concat(parts, axis=2), B.dtype, copy=False)
        return self.full.pack([(W, b)])

    def layers(self, parameters: Array) -> list[Layer]:
        """The layers of the full network."""
        return self.full.unpack(self.expand(parameters))

    def _divided(self, rows: Array, transposed: bool = False) -> Array:
        """L^-1 or L'^-1 times each of the last axis, in float64."""
        xp, (*batch, n) = namespace(rows), rows.shape
        columns = xp.astype(xp.reshape(rows, (-1, n)), xp.float64, copy=False).T
        return xp.reshape(_solved(self.L, columns, transposed).T, (*batch, n))


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


def row_space(network: Network, X: Array) -> RowSpace:
    """Coordinates for rows X (n_samples, n_features).

    The Gram matrix squares the rows' condition, so it is made in float64. The features stay as they
    are where a library has none, where there is little to save, and where rounding blurs the rows:
    where some are nearly combinations of others, or one feature outweighs all.
    """
    xp, (n_samples, n_features) = namespace(X), X.shape
    as_it_is = RowSpace(network, X)
    pays = network.is_linear and n_samples <= MAX_ROWS and n_features >= 1.5 * n_samples
    if not (pays and has_float64(X)):
        return as_it_is
    gram = xp.zeros((n_samples, n_samples), dtype=xp.float64, device=X.device)
    for _, part in _in_double(X):
        gram += xp.matmul(part, part.T)
    largest = xp.max(xp.linalg.diagonal(gram))
    if not to_list(xp.isfinite(largest)):
        return as_it_is  # squares overflow, of which the solver will tell
    # As if each row had a feature of its own, too small to matter, so that there is a factor.
    blur = n_samples * xp.finfo(xp.float64).eps * largest + xp.finfo(xp.float64).smallest_normal
    gram += blur * xp.eye(n_samples, dtype=xp.float64, device=X.device)
    L = xp.linalg.cholesky(gram)
    clear = xp.all(xp.linalg.diagonal(L) ** 2 >= CLEAR * blur)
    return RowSpace(network, X, L) if to_list(clear) else as_it_is
