"""Fewer features than samples, always: a penalised linear model only looks where its rows lie.

The weights of the minimum are combinations of the rows of X, because what is orthogonal to all rows
changes no logit and costs penalty (the representer theorem, Kimeldorf and Wahba, 1971). So let
X X' = L L'. With the orthonormal basis Q = X' L^-T of the rows, W = B Q' loses nothing, and B is
the minimum of softmax regression on the rows X Q = L with the same penalty: n_samples features.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .arrays import Array, has_float64, namespace, to_list
from .network import Layer, Network
from .rows import block_values, row_slices

#: Up to so many rows the Gram matrix and its factor pay.
MAX_ROWS = 2048


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
        return self.X if self.L is None else namespace(self.L).astype(self.L, dtype)

    def project(self, parameters: Array) -> Array:
        """These coordinates of parameters (n_problems, n_parameters) of the full network."""
        if self.L is None:
            return parameters
        xp, ((W, b),) = namespace(parameters), self.full.unpack(parameters)
        logits = xp.matmul(W, xp.astype(self.X, W.dtype).T)
        return self.network.pack([(self._divided(logits), b)])

    def expand(self, parameters: Array) -> Array:
        """The parameters of the full network; inverse of `project` on the span of the rows."""
        if self.L is None:
            return parameters
        xp, ((B, b),) = namespace(parameters), self.network.unpack(parameters)
        combination = self._divided(B, transposed=True)
        return self.full.pack([(xp.matmul(combination, xp.astype(self.X, B.dtype)), b)])

    def layers(self, parameters: Array) -> list[Layer]:
        """The layers of the full network."""
        return self.full.unpack(self.expand(parameters))

    def _divided(self, rows: Array, transposed: bool = False) -> Array:
        """L^-1 or L'^-1 times each of the last axis, in float64."""
        xp, (*batch, n) = namespace(rows), rows.shape
        columns = xp.astype(xp.reshape(rows, (-1, n)), xp.float64).T
        solved = _solved(self.L, columns, transposed)
        return xp.reshape(xp.astype(solved.T, rows.dtype), (*batch, n))


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

    The Gram matrix squares the rows' condition, so it is made in float64; where a library has none,
    or there is little to save, the features stay as they are.
    """
    xp, (n_samples, n_features) = namespace(X), X.shape
    pays = network.is_linear and n_samples <= MAX_ROWS and n_features >= 1.5 * n_samples
    if not (pays and has_float64(X)):
        return RowSpace(network, X)
    gram = xp.zeros((n_samples, n_samples), dtype=xp.float64, device=X.device)
    for columns in row_slices(n_features, max(1, block_values(X) // n_samples)):
        part = xp.astype(X[:, columns], xp.float64)
        gram += xp.matmul(part, part.T)
    largest = xp.max(xp.linalg.diagonal(gram))
    if not to_list(xp.isfinite(largest)):
        return RowSpace(network, X)  # squares overflow, of which the solver will tell
    # As if each row had a feature of its own, too small to matter: rows may be alike.
    own = n_samples * xp.finfo(xp.float64).eps * largest
    own = own + xp.finfo(xp.float64).smallest_normal
    gram += own * xp.eye(n_samples, dtype=xp.float64, device=X.device)
    return RowSpace(network, X, xp.linalg.cholesky(gram))
