"""Small products are made by one thread."""

import os
import subprocess
import sys
from threading import Barrier, Event, Thread

import array_api_strict
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from xsoftmax import BatchedGridSearchCV, MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV
from xsoftmax.arrays import computed_once, threads, threads_that_pay
from xsoftmax.arrays.threads import SMALL

from ..problems import blobs


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture
def two_threads():
    with threadpool_limits(2, user_api="blas"):
        if blas_threads() != {2}:
            pytest.skip("NumPy's products have one thread here")
        yield


@pytest.mark.parametrize(("n_samples", "n_columns", "n_threads"), [
    (SMALL // 64, 3, 1), (SMALL // 64 + 1, 3, 2), (SMALL // 128, 16, 1), (SMALL // 128 + 1, 16, 2),
])  # fmt: skip
def test_threads_that_pay_is_one_for_small_products(two_threads, n_samples, n_columns, n_threads):
    X = np.broadcast_to(0.0, (n_samples, 8))
    with threads_that_pay(X, n_columns):
        assert blas_threads() == {n_threads}
    assert blas_threads() == {2}


@pytest.mark.parametrize(("n_readers", "n_threads"), [(0, 2), (1, 2), (2, 1), (9, 1)])
def test_threads_that_pay_leaves_readers_their_cores(two_threads, n_readers, n_threads):
    class Rows:
        shape, like = (SMALL, 8), np.zeros(1)

    Rows.n_readers = n_readers
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "n_cores", lambda: 3)
        with threads_that_pay(Rows(), 3):
            assert blas_threads() == {n_threads}
    assert blas_threads() == {2}


def test_fits_within_fits_give_the_threads_back(two_threads):
    X, y = blobs()
    seen = []

    def monitor(*_):
        SoftmaxRegression().fit(X, y)
        seen.append(blas_threads())

    SoftmaxRegression(max_iter=1, tol=0).fit(X, y, monitor=monitor)
    assert seen == [{1}]
    assert blas_threads() == {2}


def test_fits_beside_other_python_threads_change_no_limit(two_threads):
    """They may limit threads themselves, and restore what they saw, in any order."""
    (X, y), seen = blobs(), set()
    start = Barrier(9)

    def fit(seed):
        start.wait()
        for i in range(seed % 3 + 1):
            model = SoftmaxRegression(C=10.0 ** (seed - i), max_iter=1 + 3 * seed, tol=0)
            model.fit(X, y, monitor=lambda *_: seen.update(blas_threads()))

    def limit():
        start.wait()
        for _ in range(20):
            with threadpool_limits(1, user_api="blas"):
                SoftmaxRegression(max_iter=2, tol=0).fit(X, y)

    workers = [Thread(target=fit, args=(seed,)) for seed in range(8)]
    workers.append(Thread(target=limit))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert blas_threads() == {2}


def test_a_limit_that_outlives_a_fit_beside_it_is_restored(two_threads):
    X, y = blobs()
    entered, leave = Event(), Event()

    def limit():
        with threadpool_limits(1, user_api="blas"):
            entered.set()
            leave.wait()

    def monitor(*_):
        if not other.is_alive():
            other.start()
            entered.wait()

    other = Thread(target=limit)
    idle = Thread(target=leave.wait)  # so that the fit is not the only Python thread
    idle.start()
    SoftmaxRegression(max_iter=1, tol=0).fit(X, y, monitor=monitor)
    leave.set()
    other.join()
    idle.join()
    assert blas_threads() == {2}


FORKS = """
import os, signal
import numpy as np
from threadpoolctl import threadpool_info
from xsoftmax import SoftmaxRegression

X = np.random.default_rng(0).standard_normal((50, 3))
y = (X[:, 0] > 0) * 1
child = None

def monitor(*_):
    global child
    if child is None:
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            SoftmaxRegression().fit(X, y)
            os._exit(7)

before = threadpool_info()
SoftmaxRegression().fit(X, y, monitor=monitor)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert threadpool_info() == before
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_fork_during_a_fit_can_fit():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", FORKS], check=True, timeout=60, env=environment)


def test_computed_once_lets_several_threads_compute_at_once():
    class Sum:
        both = Barrier(2, timeout=20)

        @computed_once
        def value(self):
            """Documented."""
            self.both.wait()
            return object()

    found = []
    one, other = Sum(), Sum()
    threads = [Thread(target=lambda x=x: found.append(x.value)) for x in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {*found} == {one.value, other.value}
    assert len({*found}) == 2
    assert Sum.value.__doc__ == "Documented."


def test_threads_that_pay_leaves_other_libraries_alone(two_threads):
    with threads_that_pay(array_api_strict.zeros((10, 2)), 3):
        assert blas_threads() == {2}


@pytest.mark.parametrize("model", [SoftmaxRegression(), SoftmaxRegressionCV(Cs=2, cv=2)])
def test_a_fit_gives_the_threads_back(two_threads, model):
    X, y = blobs()
    seen = []
    model.fit(X, y, monitor=lambda *_: seen.append(blas_threads()) and None)
    assert seen[0] == {1}
    assert blas_threads() == {2}


class Noting(np.random.RandomState):
    """Notes how many threads products have when rows are shuffled; no clone has its own."""

    def __init__(self, seed):
        super().__init__(seed)
        self.seen = []

    def __deepcopy__(self, memo):
        return self

    def permutation(self, n):
        self.seen.append(blas_threads())
        return super().permutation(n)


def test_a_search_over_networks_gives_the_threads_back(two_threads):
    (X, y), noting = blobs(), Noting(0)
    network = MLPClassifier((3,), random_state=noting, max_iter=2, tol=0)
    BatchedGridSearchCV(network, {"alpha": [0.1, 1.0]}, cv=2, refit=False).fit(X, y)
    assert noting.seen == [{1}] * 2
    assert blas_threads() == {2}


def test_a_fit_that_fails_gives_the_threads_back(two_threads):
    X, y = blobs()

    def monitor(*_):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        SoftmaxRegression().fit(X, y, monitor=monitor)
    assert blas_threads() == {2}
