"""How many threads the products of a fit get on a CPU: one, where each is done in no time.

A small product takes less time than waking the threads of the BLAS library. Where another pool of
threads holds the cores (torch's, JAX's, another process), waiting for one of them takes many times
as long as the product.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache

from threadpoolctl import ThreadpoolController

from .arrays import Array, is_numpy

#: Multiplications of the largest products of a small fit.
SMALL = 1 << 26


def threads_that_pay(X: Array, n_columns: int) -> AbstractContextManager:
    """One thread for NumPy's products meanwhile, if those of X (n_samples, n_features) are small.

    `n_columns` is how many columns X is multiplied with: one for each class of each problem.
    """
    n_samples, n_features = X.shape
    if not is_numpy(X) or n_samples * n_features * max(n_features, n_columns) > SMALL:
        return nullcontext()
    return _blas().limit(limits=1)


@lru_cache(1)
def _blas() -> ThreadpoolController:
    """What sets the threads of the BLAS libraries; to find them takes some milliseconds."""
    return ThreadpoolController().select(user_api="blas")
