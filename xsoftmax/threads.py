"""How many threads the products of a fit get on a CPU: one, where each is done in no time.

A small product takes less time than waking the threads of the BLAS library. Where another pool of
threads holds the cores (torch's, JAX's, another process), waiting for one of them takes many times
as long as the product.

The number of threads belongs to the whole process. Another Python thread that limits it for a while
(scikit-learn does) would take our limit for what it must restore, and the limit would outlive the
fit. So it is only changed while there is no other Python thread.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from threading import active_count

from threadpoolctl import ThreadpoolController

from .arrays import Array, is_numpy

#: Multiplications of the largest products of a small fit.
SMALL = 1 << 26


def threads_that_pay(X: Array, n_columns: int) -> AbstractContextManager:
    """One thread for NumPy's products meanwhile, if those of X (n_samples, n_features) are small.

    `n_columns` is how many columns X is multiplied with: one for each class of each problem.
    """
    n_samples, n_features = X.shape
    is_small = n_samples * n_features * max(n_features, n_columns) <= SMALL
    if not (is_numpy(X) and is_small and active_count() == 1):
        return nullcontext()
    return _blas().limit(limits=1)


@cache
def _blas() -> ThreadpoolController:
    """The BLAS libraries of the process; to find them takes some milliseconds."""
    return ThreadpoolController().select(user_api="blas")
