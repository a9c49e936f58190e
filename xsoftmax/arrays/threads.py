"""Threads: how many the products of a fit get, and properties that are computed without a lock.

A small product takes less time than waking the threads of the BLAS library. Where another pool of
threads holds the cores (torch's, JAX's, another process), waiting for one of them takes many times
as long as the product. So small products get one thread.

The number of threads belongs to the whole process. Another Python thread that limits it for a while
(scikit-learn does) would take our limit for what it must restore, and the limit would outlive the
fit. So it is only changed while there is no other Python thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from threading import active_count
from typing import Any, Generic, Self, TypeVar, overload

from threadpoolctl import ThreadpoolController

from .namespaces import Array, is_numpy

Value = TypeVar("Value")

#: Multiplications of the largest products of a small fit.
SMALL = 1 << 26


def threads_that_pay(X: Array, n_columns: int) -> AbstractContextManager[Any]:
    """One thread for NumPy's products meanwhile, if those of X (n_samples, n_features) are small.

    `n_columns` is how many columns X is multiplied with: one for each class of each problem. Where
    X is read while it is computed with, its readers keep their cores.
    """
    n_samples, n_features = X.shape
    is_small = n_samples * n_features * max(n_features, n_columns) <= SMALL
    n_readers = getattr(X, "n_readers", 0)
    of_numpy = is_numpy(X.like if n_readers else X)
    if not (of_numpy and (is_small or n_readers) and active_count() == 1):
        return nullcontext()
    n_threads = 1 if is_small else max(1, n_cores() - n_readers)
    limited: AbstractContextManager[Any] = _blas().limit(limits=n_threads)
    return limited


def n_cores() -> int:
    """How many cores the process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _blas() -> ThreadpoolController:
    """The BLAS libraries of the process; to find them takes some milliseconds."""
    return ThreadpoolController().select(user_api="blas")


class computed_once(Generic[Value]):  # noqa: N801 - a decorator
    """`functools.cached_property` without the lock that it has before Python 3.12.

    That lock is held while the value is computed, and is one for all objects: fits in several
    threads wait for each other, and a process that is forked meanwhile waits for ever.
    """

    def __init__(self, function: Callable[[Any], Value]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type | None = None) -> Value: ...

    def __get__(self, instance: object | None, owner: type | None = None) -> Self | Value:
        if instance is None:
            return self
        # Where two threads compute it at once, both go on with the first value.
        value: Value = vars(instance).setdefault(self.name, self.function(instance))
        return value
