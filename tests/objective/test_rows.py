"""Rows in memory: blocks, segments that a problem does not read, samples, the center."""

from dataclasses import replace

import numpy as np
import pytest

from xsoftmax.model.network import Network
from xsoftmax.objective.policy import DEFAULT
from xsoftmax.objective.rows import Block

from ..problems import blobs, objective_on, start
from ..segmented_rows import fold_weights, segmented


@pytest.mark.parametrize("staying", [[0, 2], [1]])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(("hidden", "kept"), [((), True), ((), False), ((4,), False)])
def test_segments_change_no_value_gradient_or_restriction(xp, hidden, kept, n_classes, staying):
    n_kept = DEFAULT.max_kept_logits if kept else 0
    policy = replace(DEFAULT, max_kept_logits=n_kept)
    X, y = blobs(n_samples=90, n_classes=n_classes)
    common = {"Cs": (0.5, 1.0, 2.0), "hidden": hidden, "weights": fold_weights(), "policy": policy}
    whole = objective_on(xp, X, y, **common)
    parts, _ = segmented(xp, whole, fold_weights())
    assert [segment.excluded_problem for segment in parts.rows.segments] == [0, 1, 2, None]
    whole, parts = whole.select(staying), parts.select(staying)
    parameters, direction = start(whole), start(whole, seed=1)
    step = xp(np.linspace(0.2, 0.6, len(staying)))
    for parts_in_blocks in (parts, replace(parts, block_rows=7)):
        found = parts_in_blocks.value_and_gradient(parameters)
        for a, b in zip(found, whole.value_and_gradient(parameters), strict=True):
            np.testing.assert_allclose(xp.host(a), xp.host(b), atol=1e-13)
        lines = [o.restrict(o.evaluate(parameters), direction) for o in (whole, parts_in_blocks)]
        for length in (step, 2 * step):
            (v1, s1, p1), (v2, s2, p2) = (line(length) for line in lines)
            np.testing.assert_allclose(xp.host(v2), xp.host(v1), atol=1e-13)
            np.testing.assert_allclose(xp.host(s2), xp.host(s1), atol=1e-13)
            np.testing.assert_allclose(xp.host(p2().gradient), xp.host(p1().gradient), atol=1e-13)
        # What the iterate carries to the next search is right as well.
        both = (whole, p1), (parts_in_blocks, p2)
        after = [o.restrict(p(), direction)(0 * step) for o, p in both]
        np.testing.assert_allclose(xp.host(after[1][0]), xp.host(after[0][0]), atol=1e-13)


def test_no_problem_reads_the_segment_that_it_is_excluded_from():
    reads = []

    class Counted(Network):
        def forward(self, layers, X):
            reads.append(layers[0][0].shape[0] * X.shape[0])
            return super().forward(layers, X)

    X, y = blobs(n_samples=90)
    weights = fold_weights()
    objective = objective_on(np.asarray, X, y, Cs=(1.0, 1.0, 1.0), weights=weights)
    objective, _ = segmented(np.asarray, objective, weights)
    objective = replace(objective, network=Counted(objective.network.layer_sizes))
    objective.evaluate(start(objective))
    n_held_out_by_all = (weights == 0).all(axis=0).sum()
    assert sum(reads) == (weights != 0).sum() + 3 * n_held_out_by_all


def test_subsample_and_strided_rows_have_no_segments():
    X, y = blobs(n_samples=90)
    weights = fold_weights(n_folds=2)
    objective = objective_on(np.asarray, X, y, Cs=(1.0, 1.0), weights=weights)
    rows = segmented(np.asarray, objective, weights)[0].rows
    assert rows.segments
    assert rows.strided(2).segments == rows.subsample(np.arange(0, 90, 2)).segments == ()


def test_select_keeps_the_segments_of_problems_that_stay():
    weights = fold_weights()
    objective = objective_on(np.asarray, *blobs(n_samples=90), Cs=(1.0,) * 3, weights=weights)
    rows = segmented(np.asarray, objective, weights)[0].rows
    excluded = [segment.excluded_problem for segment in rows.select([2, 0]).segments]
    assert excluded == [1, None, 0, None]
    assert rows.select([1]).segments == ()
    shared = objective_on(np.asarray, *blobs(n_samples=90)).rows
    assert shared.select([0]) is shared


def test_sort_by_segment_gathers_rows_targets_and_weights(xp):
    X, y = blobs(n_samples=90)
    weights = fold_weights()
    objective = objective_on(xp, X, y, Cs=(1.0,) * 3, weights=weights)
    rows, order = segmented(xp, objective, weights)
    rows = rows.rows
    np.testing.assert_array_equal(xp.host(rows.X), X[order])
    np.testing.assert_array_equal(xp.host(rows.targets), y[order])
    expected = xp.host(objective.rows.weights)[:, order]
    np.testing.assert_allclose(xp.host(rows.weights), expected, rtol=1e-15)


def test_segmented_blocks_cover_all_rows_in_order(xp):
    weights = fold_weights()
    objective = objective_on(xp, *blobs(n_samples=90), Cs=(1.0,) * 3, weights=weights)
    rows = segmented(xp, objective, weights)[0].rows
    stop = 0
    for block in rows.segmented_blocks(7):
        assert block.span.start == stop
        assert block.X.shape[0] == block.span.stop - stop <= 7
        expected = xp.host(rows.weights)[:, block.span]
        if block.excluded_problem is not None:
            assert not expected[block.excluded_problem].any()
            expected = np.delete(expected, block.excluded_problem, axis=0)
        np.testing.assert_array_equal(xp.host(block.weights)[:, 0], expected)
        stop = block.span.stop
    assert stop == 90


@pytest.mark.parametrize("excluded", [None, 0, 1, 2])
def test_restore_excluded_undoes_drop_excluded(xp, rng, excluded):
    block = Block(slice(0, 1), None, None, None, excluded)
    values = rng.standard_normal((3, 4))
    dropped = block.drop_excluded(xp(values))
    expected = values.copy()
    if excluded is not None:
        expected[excluded] = 0.0
        np.testing.assert_array_equal(xp.host(dropped), np.delete(values, excluded, axis=0))
    np.testing.assert_array_equal(xp.host(block.restore_excluded(dropped)), expected)


def test_block_size_is_what_memory_allows():
    rows = objective_on(np.asarray, *blobs()).rows
    assert rows.block_size(50) == 50
    assert rows._replace(max_block_rows=20).block_size(50) == 20
    assert rows._replace(max_block_rows=70).block_size(50) == 50


@pytest.mark.parametrize("stride", [1, 3, 4])
def test_strided_rows_weigh_as_many_times_as_they_stand_for(xp, stride):
    X, y = blobs(n_samples=90)
    rows = objective_on(xp, X, y, weights=fold_weights(n_folds=2), Cs=(1.0, 1.0)).rows
    found = rows.strided(stride)
    np.testing.assert_array_equal(xp.host(found.X), X[::stride])
    np.testing.assert_array_equal(xp.host(found.targets), y[::stride])
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
    soft = xp(rng.dirichlet(np.ones(3), 50).T)
    rows = objective_on(xp, X, y).rows._replace(targets=soft)
    single = rows.to_float32()
    for values in (single.targets, single.weights, next(single.blocks(10)).X):
        assert str(values.dtype).endswith("float32")
    assert single.X is rows.X  # which is read in single precision, block by block
    assert rows._replace(fits_float32=False).to_float32() is None
