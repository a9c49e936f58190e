"""What L-BFGS has learnt of the Hessian: pairs of changes of parameters and gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..arrays import Array, block_values, compiled, namespace, row_slices
from ..curvature.inverse_hessian import InverseHessian


class Pair(NamedTuple):
    """A change of parameters and what it changed. Vectors are (n_problems, n_parameters)."""

    s: Array  #: of the parameters
    y: Array  #: of the gradient
    Py: Array  #: of the product of the inverse Hessian P with the gradient
    inverse_sy: Array  #: (n_problems,), 1/s'y, or 0 if the pair is unused

    @classmethod
    def of(cls, s: Array, y: Array, Py: Array) -> Pair:
        """A pair without curvature counts as none."""
        return cls(s, y, Py, _inverse_sy(s, y))

    def select(self, problems: Array) -> Pair:
        """That of only some of the problems, by an array of indices."""
        return Pair(*(namespace(x).take(x, problems, axis=0) for x in self))


@compiled
def _inverse_sy(s: Array, y: Array) -> Array:
    """(n_problems,): 1/s'y, or 0 where rounding may have made all of that."""
    xp = namespace(s)
    sy, lengths = xp.vecdot(s, y), xp.sqrt(xp.vecdot(s, s)) * xp.sqrt(xp.vecdot(y, y))
    is_usable = sy > xp.finfo(s.dtype).eps * lengths
    return xp.where(is_usable, 1.0 / xp.where(is_usable, sy, 1.0), 0.0)


def pairs_under(
    inverse: InverseHessian, strength: Array, changes: Sequence[tuple[Array, Array]]
) -> tuple[Pair, ...]:
    """Pairs of changes s and y, with the products of `inverse`, of many at once.

    A product with one gradient reads all of the inverse; one with many reads it once.
    """
    if not changes:
        return ()
    xp, (n_problems, n_parameters) = namespace(changes[0][0]), changes[0][0].shape
    size = max(1, block_values(changes[0][0]) // (n_problems * n_parameters))
    pairs: list[Pair] = []
    for some in row_slices(len(changes), size):
        Py = inverse.solve(xp.concat([y for _, y in changes[some]]), strength)
        for rows, (s, y) in zip(row_slices(Py.shape[0], n_problems), changes[some], strict=True):
            pairs.append(Pair.of(s, y, Py[rows, ...]))
    return tuple(pairs)
