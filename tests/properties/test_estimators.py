"""What holds of fitted classifiers for any rows, on every backend and for every source of rows."""

import importlib.util
from contextlib import contextmanager

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings

from xsoftmax import SoftmaxRegression, StoredRows, fit_many
from xsoftmax.arrays import to_host

from .drawing import examples, seeds

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*did not converge"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed"),
]

#: (n_samples, n_features, n_classes): few, because JAX compiles anew for each.
SIZES = ((40, 3, 2), (60, 4, 3), (20, 30, 4))


def drawn(seed):
    """X, y, C and weights of a seed."""
    rng = np.random.default_rng(seed)
    n_samples, n_features, n_classes = SIZES[rng.integers(len(SIZES))]
    y = rng.permutation(np.arange(n_samples) % n_classes)
    X = rng.standard_normal((n_samples, n_features)) + y[:, None] * rng.standard_normal(n_features)
    return X, y, 10 ** rng.uniform(-2, 2), rng.permutation(1 + np.arange(n_samples) % 3)


def fitted(rows, X, y, C, sample_weight=None, **options):
    """The coefficients and intercepts of rows that `rows` places."""
    model = SoftmaxRegression(C, tol=1e-11, max_iter=10_000, **options)
    model.fit(rows(X), y.tolist(), sample_weight=sample_weight)
    return to_host(model.coef_), to_host(model.intercept_)


def assert_same(found, expected):
    scale = np.max(np.abs(expected[0]))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4 * scale)


def rows_in_another_order(rows, seed):
    X, y, C, weight = drawn(seed)
    order = np.random.default_rng(seed).permutation(len(y))
    found = fitted(rows, X[order], y[order], C, weight[order].tolist())
    assert_same(found, fitted(rows, X, y, C, weight.tolist()))


def classes_in_another_order(rows, seed):
    X, y, C, _ = drawn(seed)
    W, b = fitted(rows, X, y, C)
    back = fitted(rows, X, y.max() - y, C)
    if y.max() == 1:
        assert_same(back, (-W, -b))
    else:
        assert_same(back, (W[::-1], b[::-1]))


def a_weight_is_a_repeated_row(rows, seed):
    X, y, C, weight = drawn(seed)
    repeated = fitted(rows, np.repeat(X, weight, axis=0), np.repeat(y, weight), C)
    assert_same(repeated, fitted(rows, X, y, C, weight.tolist()))


def doubled_rows_are_a_doubled_C(rows, seed):
    X, y, C, _ = drawn(seed)
    twice = fitted(rows, np.concatenate([X, X]), np.concatenate([y, y]), C)
    assert_same(twice, fitted(rows, X, y, 2 * C))


def scaled_features_have_scaled_coefficients(rows, seed):
    X, y, C, _ = drawn(seed)
    W, b = fitted(rows, X, y, C)
    scaled, same = fitted(rows, 8.0 * X, y, C / 64)
    assert_same((8 * scaled, same), (W, b))


def blocks_of_rows_are_the_whole(rows, seed):
    X, y, C, _ = drawn(seed)
    assert_same(fitted(rows, X, y, C, block_rows=(3, 16)[seed % 2]), fitted(rows, X, y, C))


def many_problems_are_each_alone(rows, seed):
    X, y, C, weight = drawn(seed)
    weights = [weight.tolist(), weight[::-1].tolist()]
    model = SoftmaxRegression(C, tol=1e-11, max_iter=10_000)
    together = fit_many(model, rows(X), y.tolist(), weights)
    for model, of_one in zip(together, weights, strict=True):
        assert_same(map(to_host, (model.coef_, model.intercept_)), fitted(rows, X, y, C, of_one))


PROPERTIES = {
    function.__name__: function
    for function in (
        rows_in_another_order,
        classes_in_another_order,
        a_weight_is_a_repeated_row,
        doubled_rows_are_a_doubled_C,
        scaled_features_have_scaled_coefficients,
        blocks_of_rows_are_the_whole,
        many_problems_are_each_alone,
    )
}


@pytest.mark.parametrize("name", PROPERTIES)
def test_properties_hold_on_every_backend(xp, name):
    @settings(examples, max_examples=2 if xp.name == "jax" else 6)  # which compiles for minutes
    @given(seed=seeds)
    def holds(seed):
        PROPERTIES[name](xp, seed)

    holds()


@contextmanager
def sparse(folder):
    yield sp.csr_array


@contextmanager
def stored(folder):
    """Rows in two files of the folder."""

    def rows(X):
        paths = [folder / f"{k}.npy" for k in range(2)]
        for path, part in zip(paths, np.array_split(X, 2), strict=True):
            np.save(path, part)
        return StoredRows(paths)

    yield rows


@contextmanager
def cluster(folder):
    """Chunks of two workers in this process."""
    da = pytest.importorskip("dask.array", reason="Dask is not installed")
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with (
        distributed.LocalCluster(processes=False, **settings) as workers,
        distributed.Client(workers),
    ):
        yield lambda X: da.from_array(X, chunks=(17, X.shape[1]))


SOURCES = {
    "sparse": sparse,
    "stored": stored,
    "cluster": pytest.param(
        cluster,
        marks=pytest.mark.skipif(
            importlib.util.find_spec("dask") is None, reason="Dask is not installed"
        ),
    ),
}


@pytest.mark.parametrize("name", PROPERTIES)
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_properties_hold_for_every_source_of_rows(source, name, tmp_path):
    with source(tmp_path) as rows:
        for seed in range(3 if source is cluster else 10):
            PROPERTIES[name](rows, seed)
