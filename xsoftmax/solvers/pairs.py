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
    device,
    namespace,
    put_row,
    row_slices,
    vecdot,
)
from ..curvature.inverse_hessian import InverseHessian


class Pairs(NamedTuple):
    """The last pairs. A pair without curvature, and one not yet made, is 0.

    P is the approximate inverse Hessian from which H_0 is made. A new pair is written over the one
    that has left before it, so that none is ever moved: each array has room for one pair more than
    count, and in U the rows and columns of that one are 0.
    """

    S: Array  #: (n_problems, n_places, n_parameters), changes of the parameters
    Y: Array  #: the same, of the gradient
    PY: Array  #: the same, of the product of P with the gradient
    U: Array  #: (n_problems, n_places, n_places), the inverse of the upper triangle of S Y'
    curvature: Array  #: (n_problems,), y'Py of the newest pair, where s'y = 1
    n_made: int = 0  #: since the first one, which has the first place

    @classmethod
    def none(cls, like: Array, memory: int) -> Pairs:
        """No pairs yet, of parameters `like` (n_problems, n_parameters), and room for `memory`."""
        xp, (n_problems, n_parameters) = namespace(like), like.shape
        n_places, kind = memory + 1, {"dtype": like.dtype, "device": like.device}
        S, Y = (xp.zeros((n_problems, n_places, n_parameters), **kind) for _ in range(2))
        U = xp.zeros((n_problems, n_places, n_places), **kind)
        return cls(S, Y, Y, U, xp.zeros(n_problems, **kind))

    @property
    def places(self) -> list[int]:
        """Where the pairs that count are, the newest last."""
        n_places = self.U.shape[1]
        made = range(max(0, self.n_made - n_places + 1), self.n_made)
        return [i % n_places for i in made]

    @property
    def used(self) -> slice:
        """The places at which pairs have ever been; all of them where these are one computation."""
        n_places = self.U.shape[1]
        return slice(n_places if compiles_every_shape(self.U) else min(self.n_made, n_places))

    def select(self, problems: Array) -> Pairs:
        """Those of only some of the problems, by an array of indices."""
        S, Y, PY, U, curvature = (namespace(problems).take(x, problems, axis=0) for x in self[:5])
        return Pairs(S, Y, Y if self.PY is self.Y else PY, U, curvature, self.n_made)

    def copy(self) -> Pairs:
        """The same in memory of its own."""
        S, Y = (namespace(x).asarray(x, copy=True) for x in (self.S, self.Y))
        is_same = self.PY is self.Y
        PY = Y if is_same else namespace(self.PY).asarray(self.PY, copy=True)
        return self._replace(S=S, Y=Y, PY=PY)

    def with_pair(self, s: Array, y: Array, Py: Array) -> Pairs:
        """With a new pair, (n_problems, n_parameters) each; of too many the oldest leaves.

        It is written to the memory of these, where none of theirs is.
        """
        xp, n_places = namespace(s), self.U.shape[1]
        places = xp.arange(n_places, device=device(s))
        at = self.n_made % n_places
        is_new, leaves = places == at, places == (self.n_made + 1) % n_places
        rows, with_P = self.S[:, self.used, :], Py is not y
        s, y, Py, U, curvature = _new_pair(
            s, y, Py if with_P else None, rows, self.U, is_new, leaves
        )
        PY = self.PY
        if with_P and PY is self.Y:
            PY = xp.asarray(PY, copy=True)
        S, Y = put_row(self.S, at, s), put_row(self.Y, at, y)
        PY = Y if PY is self.Y else put_row(PY, at, Py)
        return Pairs(S, Y, PY, U, curvature, self.n_made + 1)

    def with_more_penalty(self, more: Array) -> Pairs:
        """The same, where the penalty is `more` (n_problems, n_parameters) than it was."""
        pairs = Pairs.none(more, self.U.shape[1] - 1)
        for at in self.places:
            s, y = self.S[:, at, :], self.Y[:, at, :]
            y = y + more * s
            pairs = pairs.with_pair(s, y, y)
        return pairs

    def under(self, inverse: InverseHessian, strength: Array) -> Pairs:
        """The same, with P another inverse Hessian.

        A product with one gradient reads all of the inverse; one with many reads it once.
        """
        if self.n_made == 0:
            return self
        xp, (n_problems, n_places, n_parameters) = namespace(self.Y), self.Y.shape
        size = max(1, block_values(self.Y) // (n_problems * n_parameters))
        products = []
        for some in row_slices(n_places, size):
            Y = xp.permute_dims(self.Y[:, some, :], (1, 0, 2))
            PY = inverse.solve(xp.reshape(Y, (-1, n_parameters)), strength)
            products.append(xp.permute_dims(xp.reshape(PY, Y.shape), (1, 0, 2)))
        PY, newest = xp.concat(products, axis=1), self.places[-1]
        return self._replace(PY=PY, curvature=vecdot(self.Y[:, newest, :], PY[:, newest, :]))

    def inverse_hessian_product(self, g: Array, Pg: Array) -> Array:
        """H g, where H_0 is P scaled to the curvature of the newest pair."""
        of = self.used
        S, Y, PY = (x[:, of, :] for x in (self.S, self.Y, self.PY))
        return _product(S, Y, PY, self.U[:, of, of], self.curvature, g, Pg)


@compiled
def _new_pair(
    s: Array,
    y: Array,
    Py: Array | None,
    S: Array,
    U: Array,
    is_new: Array,
    leaves: Array,
) -> tuple[Array, Array, Array, Array, Array]:
    """A pair scaled to s'y = 1, U with it and without the one that leaves, and y'Py."""
    xp = namespace(s)
    sy, lengths = vecdot(s, y), xp.sqrt(vecdot(s, s)) * xp.sqrt(vecdot(y, y))
    is_usable = sy > xp.finfo(s.dtype).eps * lengths  # else rounding may have made all of it
    scale = xp.where(is_usable, 1.0 / xp.sqrt(xp.where(is_usable, sy, 1.0)), 0.0)[:, None]
    s, y = scale * s, scale * y
    Py = y if Py is None else scale * Py
    # The inverse of [[R, S y], [0, 1]], where R is the upper triangle of the known pairs.
    column = -xp.matmul(U[:, :, : S.shape[1]], xp.matmul(S, y[:, :, None]))
    U = xp.where(is_new, column, U)
    U = xp.where(is_new[:, None], xp.astype(is_new, U.dtype), U)
    U = xp.where(leaves | leaves[:, None], 0.0, U)
    return s, y, Py, U, vecdot(y, Py)


@compiled
def _product(
    S: Array, Y: Array, PY: Array, U: Array, curvature: Array, g: Array, Pg: Array
) -> Array:
    """See `Pairs.inverse_hessian_product`."""
    xp = namespace(g)
    scale = xp.where(curvature > 0, curvature, 1.0)[:, None]
    known = xp.matmul(U, xp.matmul(S, g[:, :, None]))  # U S g
    h = (Pg - _combined(known, PY)) / scale
    known = known - xp.matmul(Y, h[:, :, None])
    return h + _combined(xp.matmul(xp.matrix_transpose(U), known), S)


def _combined(weights: Array, rows: Array) -> Array:
    """(n_problems, n), sums of rows (n_problems, n_rows, n) by weights (n_problems, n_rows, 1)."""
    xp = namespace(rows)
    return xp.matmul(xp.matrix_transpose(weights), rows)[:, 0, :]
