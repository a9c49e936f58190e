"""Small pieces of linear algebra that several inverse Hessians need."""

from __future__ import annotations

from ..arrays import Array, compiled, device, namespace


def diagonal_matrix(values: Array) -> Array:
    """Square matrices with `values` (..., n) on their diagonals."""
    xp = namespace(values)
    return values[..., None] * xp.eye(values.shape[-1], dtype=values.dtype, device=device(values))


def floored(mass: Array) -> Array:
    """`mass`, but not so near 0 that dividing by it overflows."""
    xp = namespace(mass)
    return xp.maximum(mass, float(xp.finfo(mass.dtype).smallest_normal) ** 0.5)


def inverse_cholesky(A: Array) -> Array:
    """L^-1 with A = L L' (k, n, n), by halves: nearly all of the work is products of matrices."""
    xp, n = namespace(A), A.shape[1]
    if n <= 32:
        return xp.linalg.inv(xp.linalg.cholesky(A))
    F = inverse_cholesky(A[:, : n // 2, : n // 2])
    L, rest = _eliminated(A, F)
    return _joined(F, L, inverse_cholesky(rest))


@compiled
def _eliminated(A: Array, F: Array) -> tuple[Array, Array]:
    """The rows of L below those of which F is the inverse, and what they leave of A."""
    xp, half = namespace(A), F.shape[1]
    L = xp.matmul(A[:, half:, :half], xp.matrix_transpose(F))
    return L, A[:, half:, half:] - xp.matmul(L, xp.matrix_transpose(L))


@compiled
def _joined(F: Array, L: Array, G: Array) -> Array:
    """The inverse of [[F^-1, 0], [L, G^-1]]."""
    xp = namespace(F)
    corner = -xp.matmul(G, xp.matmul(L, F))
    upper = xp.concat([F, xp.zeros_like(xp.matrix_transpose(corner))], axis=2)
    return xp.concat([upper, xp.concat([corner, G], axis=2)], axis=1)
