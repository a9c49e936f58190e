"""What is known of features before a fit."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine

from xsoftmax.objective.features import Features
from xsoftmax.objective.policy import DEFAULT


@pytest.mark.parametrize("n_samples", [1, 7, 300, 5000])
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "uint8", "bool"])
def test_extremes_are_exact(xp, n_samples, dtype):
    if dtype == "float16" and "strict" in repr(xp):
        pytest.skip("array-api-strict has no half precision")
    X = (100 * np.random.default_rng(0).random((n_samples, 3))).astype(dtype)
    features = Features(xp(X))
    np.testing.assert_array_equal(xp.host(features.low), X.min(axis=0))
    np.testing.assert_array_equal(xp.host(features.high), X.max(axis=0))


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "uint64"])
@pytest.mark.parametrize("n_samples", [1, 300])
def test_extremes_of_unsigned_integers_are_exact(xp, n_samples, dtype):
    X = (1000 * np.random.default_rng(0).random((n_samples, 3))).astype(dtype)
    features = Features(xp(X))
    np.testing.assert_array_equal(xp.host(features.low), X.min(axis=0))
    np.testing.assert_array_equal(xp.host(features.high), X.max(axis=0))


def test_constant_features_are_found(xp):
    X = np.random.default_rng(0).standard_normal((50, 4))
    X[:, 1], X[:, 3] = 0.1, 0.0
    assert Features(xp(X)).is_constant == [False, True, False, True]


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer, load_digits])
def test_tables_of_the_real_world_have_no_large_cells(load):
    assert not Features(load().data).has_large_cells


@pytest.mark.parametrize(
    ("name", "draw"),
    [
        ("normal", lambda rng: rng.standard_normal((20_000, 5))),
        ("exponential", lambda rng: rng.exponential(size=(20_000, 5))),
        ("counts", lambda rng: rng.poisson(2.0, size=(20_000, 5)).astype(float)),
        ("rare", lambda rng: (rng.random((20_000, 5)) < 0.001) * rng.random((20_000, 5))),
        ("one-hot", lambda rng: np.eye(5)[rng.integers(0, 5, size=20_000)]),
    ],
)
def test_ordinary_features_have_no_large_cells(rng, name, draw):
    features = Features(draw(rng))
    assert not features.has_large_cells
    assert features.fits_float32


@pytest.mark.parametrize("n_samples", [30, 300, 30_000])
@pytest.mark.parametrize("cell", [1e4, -1e8])
def test_a_large_cell_is_seen_wherever_it_is(rng, n_samples, cell):
    X = rng.standard_normal((n_samples, 5))
    X[n_samples // 2 + 1, 3] = cell
    assert Features(X).has_large_cells


@pytest.mark.parametrize("share", [0.01, 0.3])
def test_a_code_for_missing_values_is_seen(rng, share):
    X = rng.standard_normal((1000, 5))
    X[rng.random(1000) < share, 2] = -999999
    assert Features(X).has_large_cells


def test_features_far_from_0_or_of_uneven_scales_need_double_precision(rng):
    X = rng.standard_normal((1000, 3))
    assert Features(X + 1000).are_far
    assert not Features(X + 1000).has_large_cells
    assert not Features(X + 1000).fits_float32
    assert not Features(X + 10).are_far
    assert not Features(X * [1.0, 1.0, 1e5]).fits_float32
    assert not Features(X * 1e-17).fits_float32  # whose squares it cannot hold
    assert Features(X * 1e-14).fits_float32
    assert not Features(X * [1.0, 1.0, 1e5]).has_large_cells


def test_few_rows_and_rows_that_it_would_blur_are_solved_in_double_precision(rng):
    X = rng.standard_normal((400_000, 3)).astype("float32")
    assert Features(X).working_dtype(DEFAULT, 1) == np.float32
    assert Features(X + 1000).working_dtype(DEFAULT, 1) == np.float64
    assert Features(np.where([True, True, False], X, 1e8)).working_dtype(DEFAULT, 1) == np.float64
    assert Features(X[:1000]).working_dtype(DEFAULT, 1) == np.float64


def test_working_dtype_of_so_few_values_as_the_policy_says_is_float64(rng):
    features = Features(rng.standard_normal((100, 3)).astype("float32"))
    for n_values, dtype in ((300, np.float32), (301, np.float64)):
        policy = replace(DEFAULT, min_values_in_float32=n_values)
        assert features.working_dtype(policy, 1) == dtype
        assert features.working_dtype(policy, 2) == np.float32
    assert Features(features.X.astype("float64")).working_dtype(policy, 1) == np.float64
