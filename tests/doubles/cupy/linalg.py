"""cupy.linalg, which never raises unless `cupyx.errstate(linalg="raise")` says so.

`FAILURE` says what a Cholesky factor is where there is none: "nan"; "partial", what LAPACK has made
until then; or "kept", the matrix as it came. What cuSOLVER makes of it is not known.
"""

import itertools
import os

import numpy as np
from numpy.linalg import LinAlgError
from scipy.linalg import lapack

from ._core import EVENTS, LAUNCHES, made, ndarray, operand, rounded_otherwise
from ._functions import FUNCTIONS

FAILURE = os.environ.get("CUPY_DOUBLE_FAILURE", "nan")
#: Whether what fails raises.
RAISES = [False]

matmul, matrix_transpose = FUNCTIONS["matmul"], FUNCTIONS["matrix_transpose"]


def _matrices(a):
    if not isinstance(a, ndarray):
        raise LinAlgError("cupy.linalg only supports cupy.ndarray")
    values = operand(a)
    if values.ndim < 2 or values.shape[-1] != values.shape[-2]:
        raise LinAlgError("Last 2 dimensions of the array must be square")
    if values.dtype == np.float16:
        raise TypeError("float16 is unsupported in linalg")
    return values


def _of_each(function, spoilt, *stacks):
    """`function` of each matrix of a stack, or what `spoilt` makes of it where that fails."""
    LAUNCHES[function.__name__] += 1
    shape, found = stacks[0].shape[:-2], []
    for place in itertools.product(*map(range, shape)):
        parts = [stack[place] for stack in stacks]
        try:
            if not all(np.all(np.isfinite(part)) for part in parts):
                raise LinAlgError("not finite")
            found.append(function(*parts))
        except LinAlgError:
            if RAISES[0]:
                raise
            EVENTS.append(("linalg failed", function.__name__))
            found.append(spoilt(*parts))
    return rounded_otherwise(np.asarray(found).reshape(*shape, *np.shape(found[0])))


def _nan(*parts):
    return np.full(parts[-1].shape, np.nan, parts[-1].dtype)


def _spoilt_factor(a):
    if FAILURE == "nan":
        return _nan(a)
    potrf = lapack.spotrf if a.dtype == np.float32 else lapack.dpotrf
    return np.tril(a if FAILURE == "kept" else potrf(a, lower=1)[0])


def cholesky(a):
    return made(_of_each(np.linalg.cholesky, _spoilt_factor, _matrices(a)))


def inv(a):
    return made(_of_each(np.linalg.inv, _nan, _matrices(a)))


def _eigen(a):
    """Eigenvalues above eigenvectors; cuSOLVER's of zeros are nan (cupy issue 6539)."""
    if not np.any(a):
        raise LinAlgError("zeros")
    return np.vstack(np.linalg.eigh(a))


def eigh(a, UPLO="L"):
    found = _of_each(_eigen, lambda a: _nan(np.vstack([a[:1], a])), _matrices(a))
    return made(found[..., 0, :]), made(found[..., 1:, :])


def solve(a, b):
    A, B = _matrices(a), operand(b)
    columns = B[..., None] if B.ndim == 1 else B
    found = _of_each(
        np.linalg.solve, _nan, A, np.broadcast_to(columns, A.shape[:-1] + columns.shape[-1:])
    )
    return made(found[..., 0] if B.ndim == 1 else found)


def norm(x, ord=None, axis=None, keepdims=False):
    return made(rounded_otherwise(np.asarray(np.linalg.norm(operand(x), ord, axis, keepdims))))


def lstsq(a, b, rcond=None):
    raise NotImplementedError("the double has no lstsq")
