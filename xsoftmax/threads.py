"""How many threads the products of a fit get on a CPU: one, where each is done in no time.

A small product takes less time than waking the threads of the BLAS library. Where another pool of
threads holds the cores (torch's, JAX's, another process), waiting for one of them takes many times
as long as the product.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import Any

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
    return _ONE_THREAD


class OneThread(AbstractContextManager):
    """One thread for products while any fit is inside; the last to leave gives the others back."""

    def __init__(self) -> None:
        self.lock, self.n_inside = Lock(), 0
        self.blas: Any = None
        self.limits: Any = None

    def __enter__(self) -> None:
        with self.lock:
            if self.blas is None:  # to find the libraries takes some milliseconds
                self.blas = ThreadpoolController().select(user_api="blas")
            if self.n_inside == 0:
                self.limits = self.blas.limit(limits=1)
            self.n_inside += 1

    def __exit__(self, *_: Any) -> None:
        with self.lock:
            self.n_inside -= 1
            if self.n_inside == 0:
                self.limits.restore_original_limits()


#: The threads belong to the whole process.
_ONE_THREAD = OneThread()
