"""Sparse rows: blocks, samples, products, and what they say of features."""

import numpy as np
import pytest
import scipy.sparse as sp

from xsoftmax.objective.features import Features
from xsoftmax.sources import (
    SparseRows,
    dense,
    in_dtype,
    rows_outer,
    rows_product,
    squares_outer,
    value_range,
)


@pytest.fixture(params=[sp.csr_matrix, sp.csr_array])
def matrix(request, rng):
    X = np.where(rng.random((40, 7)) < 0.3, rng.standard_normal((40, 7)), 0.0)
    X[11] = 0.0
    return request.param(X)


@pytest.fixture(params=[False, True], ids=["", "centered"])
def rows(request, matrix, rng):
    center = rng.standard_normal(7) if request.param else None
    return SparseRows(matrix, center)


def test_blocks_cover_all_rows_in_order(rows):
    whole, stop = rows.dense(), 0
    for span, block in rows.blocks(9):
        assert span.start == stop
        stop = span.stop
        np.testing.assert_array_equal(dense(block), whole[span])
    assert stop == 40


def test_a_block_shares_the_memory_of_all_rows(rows):
    for _, block in rows.blocks(9):
        assert np.shares_memory(block.matrix.data, rows.matrix.data)


def test_taken_rows_and_columns_are_those_of_dense_rows(rows):
    whole = rows.dense()
    np.testing.assert_array_equal(
        rows.take(np.asarray([3, 0, 3, 39])).dense(), whole[[3, 0, 3, 39]]
    )
    np.testing.assert_array_equal(rows.columns(np.asarray([6, 2])).dense(), whole[:, [6, 2]])


def test_rows_one_after_another_are_those_of_all(rows):
    parts = [block for _, block in rows.blocks(15)]
    np.testing.assert_array_equal(SparseRows.concat(parts).dense(), rows.dense())


def test_products_are_those_of_dense_rows(rows, rng):
    X, W, Z = rows.dense(), rng.standard_normal((3, 7)), rng.standard_normal((3, 40))
    for product, left, right in (
        (rows_product, W, W @ X.T),
        (rows_outer, Z, Z @ X),
        (squares_outer, Z, Z @ X**2),
    ):
        np.testing.assert_allclose(product(left, rows), right, atol=1e-12)
        np.testing.assert_allclose(product(left, X), right, atol=1e-12)
        assert product(left, rows).flags.c_contiguous


def test_features_are_those_of_dense_rows(rows):
    found, expected = Features(rows), Features(rows.dense())
    for name in ("low", "high", "center"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-15)
    np.testing.assert_array_equal(found.is_constant, expected.is_constant)


def test_the_scale_of_a_rare_feature_is_that_of_all_its_values(rng):
    n = 30_000
    X = sp.random(n, 20, density=0.5, format="lil", random_state=0)
    X[:, 19] = 0.0
    X[7, 19], X[n - 2, 19] = 2.0, 8.0
    features = Features(SparseRows(X.tocsr()))
    assert features.scale[19] == pytest.approx(4.0)
    assert not features.has_large_cells
    X[5, 3] = 1e6
    assert Features(SparseRows(X.tocsr())).has_large_cells


def test_rows_in_another_dtype(rows):
    single = in_dtype(rows, np.float32)
    assert single.dtype == single.dense().dtype == np.float32
    np.testing.assert_allclose(single.dense(), rows.dense(), rtol=1e-5, atol=1e-6)
    assert in_dtype(rows, np.float64) is rows


def test_the_range_of_values_is_that_of_those_that_are_not_zero(matrix):
    low, high = value_range(SparseRows(matrix))
    assert (low, high) == (matrix.data.min(), matrix.data.max())
    assert value_range(SparseRows(0.0 * matrix[:0])) == (0.0, 0.0)


def test_a_row_has_as_many_values_as_the_mean_of_all(matrix):
    assert SparseRows(matrix).row_values == 1 + matrix.nnz // 40
