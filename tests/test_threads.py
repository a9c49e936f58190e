"""Small products are made by one thread."""

import array_api_strict
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from xsoftmax import BatchedGridSearchCV, MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV
from xsoftmax.classifiers import batched_search
from xsoftmax.threads import SMALL, threads_that_pay

from .problems import blobs


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
def test_only_small_products_are_limited(two_threads, n_samples, n_columns, n_threads):
    X = np.broadcast_to(0.0, (n_samples, 8))
    with threads_that_pay(X, n_columns):
        assert blas_threads() == {n_threads}
    assert blas_threads() == {2}


def test_of_fits_at_once_the_last_to_end_gives_the_threads_back(two_threads):
    X = np.zeros((10, 2))
    first, second = threads_that_pay(X, 3), threads_that_pay(X, 3)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert blas_threads() == {1}
    second.__exit__(None, None, None)
    assert blas_threads() == {2}


def test_threads_of_other_libraries_are_left_alone(two_threads):
    with threads_that_pay(array_api_strict.zeros((10, 2)), 3):
        assert blas_threads() == {2}


@pytest.mark.parametrize("model", [SoftmaxRegression(), SoftmaxRegressionCV(Cs=2, cv=2)])
def test_a_fit_gives_the_threads_back(two_threads, model):
    X, y = blobs()
    seen = []
    model.fit(X, y, monitor=lambda *_: seen.append(blas_threads()) and None)
    assert seen[0] == {1}
    assert blas_threads() == {2}


def test_so_does_a_search_over_networks(two_threads, monkeypatch):
    X, y = blobs()
    seen, minimize = [], batched_search.minimize

    def recorded(*args, **kwargs):
        seen.append(blas_threads())
        return minimize(*args, **kwargs)

    monkeypatch.setattr(batched_search, "minimize", recorded)
    network = MLPClassifier((3,), solver="gd", max_iter=2, tol=0)
    BatchedGridSearchCV(network, {"alpha": [0.1, 1.0]}, cv=2, refit=False).fit(X, y)
    assert seen == [{1}]
    assert blas_threads() == {2}


def test_so_does_one_that_fails(two_threads):
    X, y = blobs()

    def monitor(*_):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        SoftmaxRegression().fit(X, y, monitor=monitor)
    assert blas_threads() == {2}
