"""Small pieces of linear algebra that several inverse Hessians need."""

from __future__ import annotations

from ..arrays import Array, cholesky, compiled, device, inverse, namespace, to_list


def diagonal_matrix(values: Array) -> Array:
    """Square matrices with `values` (..., n) on their diagonals."""
    xp = namespace(values)
    return values[..., None] * xp.eye(values.shape[-1], dtype=values.dtype, device=device(values))


def floored(mass: Array) -> Array:
    """`mass`, but not so near 0 that dividing by it overflows."""
    xp = namespace(mass)
    return xp.maximum(mass, float(xp.finfo(mass.dtype).smallest_normal) ** 0.5)


def inverse_of_unit_diagonal(H: Array) -> Array:
    """Inverses of symmetric positive definite matrices (k, n, n), whose diagonals are 1.

    What rounding may have taken from an eigenvalue is given back. Factorisations may fail without a
    word, so the trace of H^-1 H is looked at; while it is far from n, more is given to the
    diagonal. An inverse that stays wrong is that of the diagonal.
    """
    xp, n = namespace(H), H.shape[1]
    eps = float(xp.finfo(H.dtype).eps)
    unit = diagonal_matrix(xp.ones_like(H[:, 0, :]))
    for jitter in (n * eps, eps**0.5, 1.0):
        raised = H + jitter * unit
        F = inverse_cholesky(raised)
        found, is_right = _tried(raised, F)
        if to_list(xp.all(is_right)):
            return found
    return xp.where(is_right[:, None, None], found, unit)


@compiled
def _tried(H: Array, F: Array) -> tuple[Array, Array]:
    """F'F, and whether each seems to be H^-1."""
    xp, n = namespace(H), H.shape[1]
    found = xp.matmul(xp.matrix_transpose(F), F)
    return found, xp.abs(xp.sum(found * H, axis=(1, 2)) - n) <= 0.5 * n


def inverse_cholesky(A: Array) -> Array:
    """L^-1 with A = L L' (k, n, n), by halves: nearly all of the work is products of matrices."""
    n = A.shape[1]
    if n <= 32:
        return inverse(cholesky(A))
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
