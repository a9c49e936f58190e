"""Rows in memory: blocks, samples, the center."""

from dataclasses import replace

import numpy as np
import pytest

from xsoftmax.objective.policy import DEFAULT
from xsoftmax.solvers import fit
from xsoftmax.sources import MemoryRows, Stacked

from ..problems import blobs, objective_on, zeros_of


def test_select_takes_the_weights_of_the_problems_that_stay():
    weights = 1.0 + np.arange(3 * 90.0).reshape(3, 90)
    objective = objective_on(np.asarray, *blobs(n_samples=90), Cs=(1.0,) * 3, weights=weights)
    rows = objective.rows
    np.testing.assert_array_equal(rows.select([2, 0]).weights, rows.weights[[2, 0]])
    shared = objective_on(np.asarray, *blobs(n_samples=90)).rows
    assert shared.select([0]).weights is shared.weights


def test_blocks_cover_all_rows_in_order(xp):
    X, y = blobs(n_samples=90)
    weights = 1.0 + np.arange(3 * 90.0).reshape(3, 90)
    rows, stop = objective_on(xp, X, y, Cs=(1.0,) * 3, weights=weights).rows, 0
    for block in rows.blocks(7):
        assert block.span.start == stop
        assert block.X.shape[0] == block.span.stop - stop <= 7
        np.testing.assert_array_equal(xp.host(block.X), X[block.span])
        np.testing.assert_array_equal(xp.host(block.targets)[0], y[block.span])
        expected = xp.host(rows.weights)[:, block.span]
        np.testing.assert_array_equal(xp.host(block.weights)[:, 0], expected)
        stop = block.span.stop
    assert stop == 90


def test_block_size_is_what_memory_allows():
    rows = objective_on(np.asarray, *blobs()).rows
    assert rows.block_size(50) == 50
    assert rows._replace(max_block_rows=20).block_size(50) == 20
    assert rows._replace(max_block_rows=70).block_size(50) == 50


@pytest.mark.parametrize("stride", [1, 3, 4])
def test_strided_rows_weigh_as_many_times_as_they_stand_for(xp, stride):
    X, y = blobs(n_samples=90)
    rows = objective_on(xp, X, y, weights=1.0 + np.arange(180.0).reshape(2, 90), Cs=(1.0, 1.0)).rows
    found = rows.strided(stride)
    np.testing.assert_array_equal(xp.host(found.X), X[::stride])
    np.testing.assert_array_equal(xp.host(found.targets)[0], y[::stride])
    expected = xp.host(rows.weights)[:, ::stride] * stride
    np.testing.assert_allclose(xp.host(found.weights), expected, rtol=1e-15)


def test_subsample_of_float64_rows_is_kept_in_the_dtype_that_is_computed_in(xp):
    X, y = blobs(n_samples=90)
    rows = objective_on(xp, X, y).rows.to_float32()
    assert str(rows.X.dtype).endswith("float64")
    assert str(rows.subsample(xp(np.arange(9))).X.dtype).endswith("float32")
    small = rows._replace(X=xp(np.round(X), "int8"))
    assert str(small.subsample(xp(np.arange(9))).X.dtype).endswith("int8")


def test_the_center_is_the_median_of_some_rows_for_every_source_of_them(xp):
    X, y = blobs(n_samples=200)
    rows = objective_on(xp, X, y, Cs=(1.0, 2.0)).rows.centered()
    # A few large cells do not move the median.
    few = X[::7]
    center = np.sort(few, axis=0)[len(few) // 2]
    np.testing.assert_allclose(xp.host(rows.center), center)
    sources = [rows.strided(3), rows.subsample(xp(np.arange(9))), rows.select([1])]
    assert all(source.center is rows.center for source in sources)
    single = rows.to_float32()
    assert str(single.center.dtype).endswith("float32")
    np.testing.assert_allclose(xp.host(single.center), center, rtol=1e-5)


def test_subtract_center_leaves_rows_as_they_are_where_there_is_none(xp):
    X, y = blobs(n_samples=50)
    rows = objective_on(xp, X, y).rows
    assert rows.subtract_center(rows.X) is rows.X
    centered = rows.centered()
    expected = X - xp.host(centered.center)
    np.testing.assert_allclose(xp.host(centered.subtract_center(rows.X)), expected, rtol=1e-14)


def test_to_float32_of_soft_targets_is_float32(xp, rng):
    X, y = blobs(n_samples=50)
    soft = xp(rng.dirichlet(np.ones(3), 50).T[None])
    rows = objective_on(xp, X, y).rows._replace(targets=soft)
    single = rows.to_float32()
    for values in (single.targets, single.weights, next(single.blocks(10)).X):
        assert str(values.dtype).endswith("float32")
    assert single.X is rows.X  # which is read in single precision, block by block
    assert rows._replace(fits_float32=False).to_float32() is None


def stacked_and_whole(xp, sizes=(40, 7, 53), **settings):
    """The same rows in several arrays, and in one."""
    X, y = blobs(n_samples=sum(sizes))
    weights = 1.0 + np.arange(2.0 * len(y)).reshape(2, -1)
    whole = objective_on(xp, X, y, Cs=(0.5, 2.0), weights=weights, **settings)
    ends = np.cumsum(sizes)
    parts = [MemoryRows(xp(X[end - n : end])) for n, end in zip(sizes, ends, strict=True)]
    return replace(whole, rows=whole.rows._replace(X=Stacked(parts))), whole


def test_rows_in_several_arrays_are_those_of_one(xp):
    stacked, whole = stacked_and_whole(xp)
    assert stacked.n_samples == 100
    stop = 0
    for block in stacked.rows.blocks(25):
        assert block.span.start == stop
        stop = block.span.stop
        for name in ("X", "targets", "weights"):
            found, expected = getattr(block, name), xp.host(getattr(whole.rows, name))
            expected = expected[block.span] if name == "X" else expected[:, block.span]
            np.testing.assert_array_equal(np.squeeze(xp.host(found)), np.squeeze(expected))
    assert stop == 100
    chosen = xp([99, 0, 39, 40, 46, 47, 47])
    for found, expected in (
        (stacked.rows.take(chosen), whole.rows.take(chosen)),
        (stacked.gathered.rows.X, whole.rows.X),
        (stacked.subsample(30).rows.X, whole.subsample(30).rows.X),
    ):
        np.testing.assert_array_equal(xp.host(found), xp.host(expected))


@pytest.mark.parametrize("policy", [DEFAULT, replace(DEFAULT, max_cost_of_newton=0.0)])
def test_rows_in_several_arrays_have_the_same_minimum(xp, policy):
    stacked, whole = stacked_and_whole(xp, (2000, 900), policy=policy)
    zeros = zeros_of(whole)
    found, expected = (fit(each, zeros, tol=1e-10, max_iter=200) for each in (stacked, whole))
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-9)
