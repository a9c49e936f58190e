"""The two-loop recursion of L-BFGS: from pairs of changes to a direction of descent.

The metric P is linear, so that its product with every gradient is all that is needed of it: a
change of gradient has the change of those products, and the recursion turns g and P g alike.
"""

from __future__ import annotations

from ..arrays import Array, compiled, namespace
from .metric import Pair
from .steps import downhill


def descent(g: Array, Pg: Array, pairs: tuple[Pair, ...]) -> tuple[Array, Array, Array]:
    """-H g and its slope, and 1 where P was 1; steepest descent where rounding has spoilt H."""
    xp = namespace(g)
    if not pairs:
        return *downhill(g, Pg), xp.zeros_like(g[:, 0])
    q, Pq, alphas = g, Pg, []
    for pair in reversed(pairs):
        q, Pq, alpha = _down(pair, q, Pq)
        alphas.append(alpha)
    r, plain = _scaled(pairs[-1], q, Pq)
    for pair, alpha in zip(pairs, reversed(alphas), strict=True):
        r = _up(pair, alpha, r)
    return *downhill(g, r), plain


@compiled
def _down(pair: Pair, q: Array, Pq: Array) -> tuple[Array, Array, Array]:
    """q and P q without what a pair says of them, and how much that is."""
    alpha = (pair.inverse_sy * namespace(q).vecdot(pair.s, q))[:, None]
    return q - alpha * pair.y, Pq - alpha * pair.Py, alpha


@compiled
def _scaled(pair: Pair, q: Array, Pq: Array) -> tuple[Array, Array]:
    """H_0 q by the newest pair, and 1 where P was 1."""
    xp, (s, y, Py, inverse_sy) = namespace(q), pair
    plain = _alignment(s, y) > _alignment(s, Py)
    curvature = inverse_sy * xp.vecdot(y, xp.where(plain[:, None], y, Py))  # y'Py / s'y
    r = xp.where(plain[:, None], q, Pq) / xp.where(curvature > 0, curvature, 1.0)[:, None]
    return r, xp.astype(plain, r.dtype)


@compiled
def _up(pair: Pair, alpha: Array, r: Array) -> Array:
    """r with what a pair says of H."""
    beta = (pair.inverse_sy * namespace(r).vecdot(pair.y, r))[:, None]
    return r + (alpha - beta) * pair.s


def _alignment(s: Array, x: Array) -> Array:
    """(n_problems,): the cosine between s and x, times the length of s."""
    xp = namespace(s)
    square = xp.vecdot(x, x)
    return xp.vecdot(s, x) / xp.sqrt(xp.where(square > 0, square, 1.0))
