"""What L-BFGS has learnt of the Hessian: pairs of changes of parameters and gradient.

The update of Broyden, Fletcher, Goldfarb and Shanno by a pair s, y, scaled so that s'y = 1, is
(I - s y') H (I - y s') + s s'. That of all pairs, the rows of S and Y, from H_0 is

    H = (I - S'U'Y) H_0 (I - Y'U S) + S'U'U S

with U the inverse of the upper triangle of S Y' (Byrd, Nocedal and Schnabel, 1994,
"Representations of quasi-Newton matrices"). It takes four products with the pairs, where the
two-loop recursion takes four with every pair.
"""

from __future__ import annotations

from typing import NamedTuple

from ..arrays import (
    Array,
    block_values,
    compiled,
    compiles_every_shape,
    namespace,
    row_slices,
    vecdot,
)
from ..curvature.inverse_hessian import InverseHessian


class Pairs(NamedTuple):
    """The last pairs, newest last. A pair without curvature, and one not yet made, is 0.

    P is the approximate inverse Hessian from which H_0 is made.
    """

    S: Array  #: (n_problems, n_pairs, n_parameters), changes of the parameters
    Y: Array  #: the same, of the gradient
    PY: Array  #: the same, of the product of P with the gradient
    U: Array  #: (n_problems, n_pairs, n_pairs), the inverse of the upper triangle of S Y'
    curvature: Array  #: (n_problems,), y'Py of the newest pair, where s'y = 1

    @classmethod
    def none(cls, like: Array, memory: int) -> Pairs:
        """No pairs yet, of parameters `like` (n_problems, n_parameters)."""
        xp, (n_problems, n_parameters) = namespace(like), like.shape
        n_pairs = memory if compiles_every_shape(like) else 0
        kind = {"dtype": like.dtype, "device": like.device}
        zeros = xp.zeros((n_problems, n_pairs, n_parameters), **kind)
        U = xp.zeros((n_problems, n_pairs, n_pairs), **kind) + xp.eye(n_pairs, **kind)
        return cls(zeros, zeros, zeros, U, xp.zeros(n_problems, **kind))

    def select(self, problems: Array) -> Pairs:
        """Those of only some of the problems, by an array of indices."""
        return Pairs(*(namespace(x).take(x, problems, axis=0) for x in self))

    @compiled
    def with_pair(self, s: Array, y: Array, Py: Array, memory: int) -> Pairs:
        """With a new pair, (n_problems, n_parameters) each, and at most `memory` in all."""
        xp = namespace(s)
        sy, lengths = vecdot(s, y), xp.sqrt(vecdot(s, s)) * xp.sqrt(vecdot(y, y))
        is_usable = sy > xp.finfo(s.dtype).eps * lengths  # else rounding may have made all of it
        scale = xp.where(is_usable, 1.0 / xp.sqrt(xp.where(is_usable, sy, 1.0)), 0.0)[:, None]
        known = self._newest(memory - 1)
        S, Y = _with_row(known.S, scale * s), _with_row(known.Y, scale * y)
        PY = Y if Py is y else _with_row(known.PY, scale * Py)
        # The inverse of [[R, S y], [0, 1]], where R is the upper triangle of the known pairs.
        column = -xp.matmul(known.U, xp.matmul(known.S, Y[:, -1, :][:, :, None]))
        U, corner = xp.concat([known.U, column], axis=2), xp.ones_like(scale)[:, None, :]
        row = xp.concat([xp.zeros_like(xp.matrix_transpose(column)), corner], axis=2)
        U = xp.concat([U, row], axis=1)
        return Pairs(S, Y, PY, U, vecdot(Y[:, -1, :], PY[:, -1, :]))

    def _newest(self, memory: int) -> Pairs:
        """At most so many of them."""
        first = max(self.S.shape[1] - memory, 0)
        S, Y, PY = (x[:, first:, :] for x in (self.S, self.Y, self.PY))
        return Pairs(S, Y, PY, self.U[:, first:, first:], self.curvature)

    def with_more_penalty(self, more: Array) -> Pairs:
        """The same, where the penalty is `more` (n_problems, n_parameters) than it was."""
        n_pairs = self.S.shape[1]
        pairs = Pairs.none(more, n_pairs)
        for i in range(n_pairs):
            s, y = self.S[:, i, :], self.Y[:, i, :]
            y = y + more * s
            pairs = pairs.with_pair(s, y, y, n_pairs)
        return pairs

    def under(self, inverse: InverseHessian, strength: Array) -> Pairs:
        """The same, with P another inverse Hessian.

        A product with one gradient reads all of the inverse; one with many reads it once.
        """
        xp, (n_problems, n_pairs, n_parameters) = namespace(self.Y), self.Y.shape
        if n_pairs == 0:
            return self
        size = max(1, block_values(self.Y) // (n_problems * n_parameters))
        products = []
        for some in row_slices(n_pairs, size):
            Y = xp.permute_dims(self.Y[:, some, :], (1, 0, 2))
            PY = inverse.solve(xp.reshape(Y, (-1, n_parameters)), strength)
            products.append(xp.permute_dims(xp.reshape(PY, Y.shape), (1, 0, 2)))
        PY = xp.concat(products, axis=1)
        return self._replace(PY=PY, curvature=vecdot(self.Y[:, -1, :], PY[:, -1, :]))

    @compiled
    def inverse_hessian_product(self, g: Array, Pg: Array) -> Array:
        """H g, where H_0 is P scaled to the curvature of the newest pair."""
        xp = namespace(g)
        scale = xp.where(self.curvature > 0, self.curvature, 1.0)[:, None]
        known = xp.matmul(self.U, xp.matmul(self.S, g[:, :, None]))  # U S g
        h = (Pg - _combined(known, self.PY)) / scale
        known = known - xp.matmul(self.Y, h[:, :, None])
        return h + _combined(xp.matmul(xp.matrix_transpose(self.U), known), self.S)


def _with_row(rows: Array, row: Array) -> Array:
    """Rows (n_problems, n_rows, n), and another last."""
    return namespace(rows).concat([rows, row[:, None, :]], axis=1)


def _combined(weights: Array, rows: Array) -> Array:
    """(n_problems, n), sums of rows (n_problems, n_rows, n) by weights (n_problems, n_rows, 1)."""
    xp = namespace(rows)
    return xp.matmul(xp.matrix_transpose(weights), rows)[:, 0, :]
