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
    Hg, plain = _apply_inverse_hessian(g, Pg, pairs)
    return *downhill(g, Hg), plain


def _apply_inverse_hessian(q: Array, Pq: Array, pairs: tuple[Pair, ...]) -> tuple[Array, Array]:
    """H q, and 1 where P was 1."""
    if not pairs:
        return Pq, namespace(q).zeros_like(q[:, 0])
    alphas = []
    for pair in reversed(pairs):
        q, Pq, alpha = _before(q, Pq, pair)
        alphas.append(alpha)
    r, plain = _in_the_middle(q, Pq, pairs[-1])
    for pair, alpha in zip(pairs, reversed(alphas), strict=True):
        r = _after(r, pair, alpha)
    return r, plain


@compiled
def _before(q: Array, Pq: Array, pair: Pair) -> tuple[Array, Array, Array]:
    """q and P q without what the pair tells, and how much of it that is."""
    alpha = (pair.inverse_sy * namespace(q).vecdot(pair.s, q))[:, None]
    return q - alpha * pair.y, Pq - alpha * pair.Py, alpha


@compiled
def _after(r: Array, pair: Pair, alpha: Array) -> Array:
    """r with what the pair tells."""
    beta = (pair.inverse_sy * namespace(r).vecdot(pair.y, r))[:, None]
    return r + (alpha - beta) * pair.s


@compiled
def _in_the_middle(q: Array, Pq: Array, newest: Pair) -> tuple[Array, Array]:
    """P q or q, whichever suits the newest pair, in its length; and 1 where it is q."""
    xp, (s, y, Py, inverse_sy) = namespace(q), newest
    plain = _alignment(s, y) > _alignment(s, Py)
    curvature = inverse_sy * xp.vecdot(y, xp.where(plain[:, None], y, Py))  # y'Py / s'y
    r = xp.where(plain[:, None], q, Pq) / xp.where(curvature > 0, curvature, 1.0)[:, None]
    return r, xp.astype(plain, q.dtype)


def _alignment(s: Array, x: Array) -> Array:
    """(n_problems,): the cosine between s and x, times the length of s."""
    xp = namespace(s)
    square = xp.vecdot(x, x)
    return xp.vecdot(s, x) / xp.sqrt(xp.where(square > 0, square, 1.0))
