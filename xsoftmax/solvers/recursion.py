"""The two-loop recursion of L-BFGS: from pairs of changes to a direction of descent.

The metric P is linear, so that its product with every gradient is all that is needed of it: a
change of gradient has the change of those products, and the recursion turns g and P g alike.
"""

from __future__ import annotations

from ..arrays import Array, namespace
from .metric import Pair
from .steps import downhill


def descent(g: Array, Pg: Array, pairs: tuple[Pair, ...]) -> tuple[Array, Array, Array]:
    """-H g and its slope, and 1 where P was 1; steepest descent where rounding has spoilt H."""
    Hg, plain = _apply_inverse_hessian(g, Pg, pairs)
    return *downhill(g, Hg), namespace(g).astype(plain, g.dtype)


def _apply_inverse_hessian(q: Array, Pq: Array, pairs: tuple[Pair, ...]) -> tuple[Array, Array]:
    """H q, and where P was 1."""
    xp = namespace(q)
    if not pairs:
        return Pq, xp.zeros_like(q[:, 0]) > 0
    alphas = []
    for s, y, Py, inverse_sy in reversed(pairs):
        alpha = (inverse_sy * xp.vecdot(s, q))[:, None]
        q, Pq = q - alpha * y, Pq - alpha * Py
        alphas.append(alpha)
    s, y, Py, inverse_sy = pairs[-1]
    plain = _alignment(s, y) > _alignment(s, Py)
    curvature = inverse_sy * xp.vecdot(y, xp.where(plain[:, None], y, Py))  # y'Py / s'y
    r = xp.where(plain[:, None], q, Pq) / xp.where(curvature > 0, curvature, 1.0)[:, None]
    for (s, y, _, inverse_sy), alpha in zip(pairs, reversed(alphas), strict=True):
        beta = (inverse_sy * xp.vecdot(y, r))[:, None]
        r = r + (alpha - beta) * s
    return r, plain


def _alignment(s: Array, x: Array) -> Array:
    """(n_problems,): the cosine between s and x, times the length of s."""
    xp = namespace(s)
    square = xp.vecdot(x, x)
    return xp.vecdot(s, x) / xp.sqrt(xp.where(square > 0, square, 1.0))
