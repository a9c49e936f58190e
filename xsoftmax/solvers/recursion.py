"""The two-loop recursion of L-BFGS: from pairs of changes to a direction of descent.

The metric P is linear, so that its product with every gradient is all that is needed of it: a
change of gradient has the change of those products, and the recursion turns g and P g alike.

Where the loss grows straighter on the way, old pairs tell of curvature that is no longer there. So
much of the gradient may lie along them that hardly a step is left: pairs are stale if they take
away nearly all that the metric promises, g'H_0 g, since what they know well they have minimised.
"""

from __future__ import annotations

from typing import NamedTuple

from ..arrays import Array, namespace
from .metric import Pair
from .steps import downhill

#: Pairs are stale if the metric alone promises so many times as much; the last few never are.
STALE, N_FRESH = 20.0, 3


class Descent(NamedTuple):
    """A direction, and what was found on the way; all but it have shape (n_problems,)."""

    direction: Array  #: (n_problems, n_parameters), -H g
    slope: Array
    plain: Array  #: whether P was 1
    stale: Array  #: whether the pairs are


def descent(g: Array, Pg: Array, pairs: tuple[Pair, ...]) -> Descent:
    """-H g; steepest descent where rounding has spoilt H."""
    xp = namespace(g)
    if not pairs:
        no = xp.zeros_like(g[:, 0]) > 0
        return Descent(*downhill(g, Pg), no, no)
    s, y, Py, inverse_sy = pairs[-1]
    plain = _alignment(s, y) > _alignment(s, Py)
    curvature = inverse_sy * xp.vecdot(y, xp.where(plain[:, None], y, Py))  # y'Py / s'y
    scale = 1.0 / xp.where(curvature > 0, curvature, 1.0)
    direction, slope = downhill(g, _apply_inverse_hessian(g, Pg, plain, scale, pairs))
    promised = scale * xp.vecdot(g, xp.where(plain[:, None], g, Pg))
    stale = (promised > -STALE * slope) & (len(pairs) > N_FRESH)
    return Descent(direction, slope, plain, stale)


def forget(pairs: tuple[Pair, ...], problems: Array) -> tuple[Pair, ...]:
    """The pairs, of which the old ones say nothing of `problems`, a mask."""
    xp = namespace(problems)
    old = [
        Pair(*(xp.where(problems[:, None] if x.ndim == 2 else problems, 0.0, x) for x in pair))
        for pair in pairs[:-N_FRESH]
    ]
    return (*old, *pairs[-N_FRESH:])


def _apply_inverse_hessian(
    q: Array, Pq: Array, plain: Array, scale: Array, pairs: tuple[Pair, ...]
) -> Array:
    """H q, where H_0 is `scale` P, or `scale` where it is `plain`."""
    xp, alphas = namespace(q), []
    for s, y, Py, inverse_sy in reversed(pairs):
        alpha = (inverse_sy * xp.vecdot(s, q))[:, None]
        q, Pq = q - alpha * y, Pq - alpha * Py
        alphas.append(alpha)
    r = scale[:, None] * xp.where(plain[:, None], q, Pq)
    for (s, y, _, inverse_sy), alpha in zip(pairs, reversed(alphas), strict=True):
        beta = (inverse_sy * xp.vecdot(y, r))[:, None]
        r = r + (alpha - beta) * s
    return r


def _alignment(s: Array, x: Array) -> Array:
    """(n_problems,): the cosine between s and x, times the length of s."""
    xp = namespace(s)
    square = xp.vecdot(x, x)
    return xp.vecdot(s, x) / xp.sqrt(xp.where(square > 0, square, 1.0))
