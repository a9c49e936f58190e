"""Factorisations that fail in the same way in every library: with nan, or by what they return.

NumPy and torch raise where there is none, JAX returns nan, and CuPy whatever was left. So a result
is to be tried before it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .namespaces import Array, namespace


def cholesky(A: Array) -> Array:
    """The lower triangular L with A = L L' (..., n, n), or nan where a library refuses."""
    return _of_one_or_many(namespace(A).linalg.cholesky, A)


def inverse(A: Array) -> Array:
    """A^-1 (..., n, n), or nan where a library refuses."""
    return _of_one_or_many(namespace(A).linalg.inv, A)


def eigh(A: Array) -> tuple[Array, Array]:
    """Eigenvalues, ascending, and eigenvectors of a symmetric A (n, n), or nan.

    Of A between 0 and 2 times its largest diagonal, since cuSOLVER fails on zeros, and in single
    precision where many eigenvalues are 0 (CuPy's issues 6539 and 6789).
    """
    xp = namespace(A)
    largest = xp.max(xp.abs(xp.linalg.diagonal(A)))
    scale = xp.where(largest > 0, largest, 1.0)
    unit = xp.eye(A.shape[0], dtype=A.dtype, device=A.device)
    try:
        e, V = xp.linalg.eigh(A / scale + unit)
    except Exception as error:
        _check_refused(error)
        return xp.linalg.diagonal(A) + xp.nan, A + xp.nan
    return (e - 1.0) * scale, V


def _of_one_or_many(function: Callable[[Array], Any], A: Array) -> Array:
    """A stack of one is taken as a matrix: of stacks cuBLAS has slow routines for large ones."""
    try:
        if A.ndim == 3 and A.shape[0] == 1:
            return function(A[0, ...])[None, ...]
        found: Array = function(A)
        return found
    except Exception as error:
        _check_refused(error)
        return A + namespace(A).nan


def _check_refused(error: Exception) -> None:
    """Raise what is not the error of a matrix that cannot be factored."""
    if "LinAlgError" not in type(error).__name__:
        raise error
