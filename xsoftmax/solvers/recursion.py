"""The two-loop recursion of L-BFGS: from pairs of changes to a direction of descent."""

from __future__ import annotations

from collections.abc import Callable

from ..arrays import Array, namespace

Precondition = Callable[[Array], Array]
#: s, y (n_problems, n_parameters), and 1/s'y (n_problems,), 0 if the pair is unused
Pair = tuple[Array, Array, Array]


def descent(
    gradient: Array, pairs: tuple[Pair, ...], precondition: Precondition
) -> tuple[Array, Array, Array]:
    """-H g and its slope, and where P was 1; steepest descent where rounding has spoilt H."""
    xp = namespace(gradient)
    direction, plain = _apply_inverse_hessian(gradient, pairs, precondition)
    direction = -direction
    slope = xp.vecdot(direction, gradient)
    uphill = ~(slope < 0)
    direction = xp.where(uphill[:, None], -gradient, direction)
    return direction, xp.where(uphill, -xp.vecdot(gradient, gradient), slope), plain


def _apply_inverse_hessian(
    gradient: Array, pairs: tuple[Pair, ...], precondition: Precondition
) -> tuple[Array, Array]:
    """H g, and where P was 1."""
    xp = namespace(gradient)
    q, alphas = gradient, []
    for s, y, inverse_sy in reversed(pairs):
        alpha = inverse_sy * xp.vecdot(s, q)
        q = q - alpha[:, None] * y
        alphas.append(alpha)
    r, plain = precondition(q), xp.zeros_like(gradient[:, 0]) > 0
    if pairs:
        s, y, inverse_sy = pairs[-1]
        Py = precondition(y)
        plain = _alignment(s, y) > _alignment(s, Py)
        r = xp.where(plain[:, None], q, r)
        curvature = inverse_sy * xp.vecdot(y, xp.where(plain[:, None], y, Py))  # y'Py / s'y
        r = r / xp.where(curvature > 0, curvature, 1.0)[:, None]
    for (s, y, inverse_sy), alpha in zip(pairs, reversed(alphas), strict=True):
        beta = inverse_sy * xp.vecdot(y, r)
        r = r + (alpha - beta)[:, None] * s
    return r, plain


def _alignment(s: Array, x: Array) -> Array:
    """(n_problems,): the cosine between s and x, times the length of s."""
    xp = namespace(s)
    square = xp.vecdot(x, x)
    return xp.vecdot(s, x) / xp.sqrt(xp.where(square > 0, square, 1.0))


def new_pair(s: Array, y: Array) -> Pair:
    """A pair without curvature counts as none."""
    xp = namespace(s)
    sy = xp.vecdot(s, y)
    usable = sy > xp.finfo(s.dtype).eps * xp.vecdot(y, y)
    return s, y, xp.where(usable, 1.0 / xp.where(usable, sy, 1.0), 0.0)
