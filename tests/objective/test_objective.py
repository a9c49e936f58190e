"""The objective: blocks, rays, weights, minibatches, storage."""

from dataclasses import replace

import numpy as np
import pytest

from xsoftmax.objective import objective as objective_module
from xsoftmax.objective.objective import Objective
from xsoftmax.objective.rows import ArrayRows

from .problems import blobs, objective_on, start


@pytest.mark.parametrize(("hidden", "kept"), [((), True), ((), False), ((4,), True)])
def test_blocks_do_not_change_the_answer(xp, monkeypatch, hidden, kept):
    X, y = blobs(n_samples=700)
    objective = objective_on(xp, X, y, Cs=(1.0, 5.0), hidden=hidden)
    parameters = start(objective)
    value, gradient = map(xp.host, objective.value_and_gradient(parameters))
    if not kept:
        monkeypatch.setattr(objective_module, "KEPT_VALUES", 0)
    objective = replace(objective, block_rows=256)  # three blocks, the last one short
    assert objective.keeps_logits == (kept and not hidden)
    blocked_value, blocked_gradient = map(xp.host, objective.value_and_gradient(parameters))
    np.testing.assert_allclose(blocked_value, value, rtol=1e-13)
    np.testing.assert_allclose(blocked_gradient, gradient, atol=1e-14)
    direction = start(objective, seed=1)
    step = xp([0.5, 0.25])
    moved = parameters + step[:, None] * direction
    at_value, at_gradient = map(xp.host, objective.value_and_gradient(moved))
    ray = objective.along(objective.at(parameters), direction)
    for _ in range(2):  # the first trial reads the rows, the second may have their logits
        value, slope, point = ray(step)
        np.testing.assert_allclose(xp.host(value), at_value, rtol=1e-13)
        np.testing.assert_allclose(xp.host(point().gradient), at_gradient, atol=1e-14)
        expected = np.sum(at_gradient * xp.host(direction), axis=1)
        np.testing.assert_allclose(xp.host(slope), expected, rtol=1e-11)
    # What a point carries to the next search is right as well.
    after = objective.along(point(), direction)(0 * step)
    np.testing.assert_allclose(xp.host(after[0]), at_value, rtol=1e-13)


def test_a_trial_step_of_a_linear_model_reads_no_row(rng):
    X, y = blobs()
    objective = objective_on(np.asarray, X, y)

    class Counting(ArrayRows):
        reads = 0

        def seen_blocks(self, size):
            Counting.reads += 1
            return super().seen_blocks(size)

    counting = Objective(objective.network, Counting(*objective.rows), objective.penalty)
    point = counting.at(start(objective))
    assert Counting.reads == 1
    ray = counting.along(point, start(objective, seed=1))
    _, _, first = ray(np.asarray([1.0]))
    first()
    assert Counting.reads == 2  # the only pass of an accepted first step
    for step in (0.1, 0.2, 0.4):
        _, _, later = ray(np.asarray([step]))
    assert Counting.reads == 2
    later()
    assert Counting.reads == 3  # for the gradient


def test_an_integer_weight_is_a_repeated_row(xp):
    X, y = blobs(n_samples=20)
    repeats = np.arange(20) % 3
    weighted = objective_on(xp, X, y, weights=repeats[None, :])
    repeated = objective_on(xp, np.repeat(X, repeats, axis=0), np.repeat(y, repeats))
    parameters = start(weighted)
    for a, b in zip(
        weighted.value_and_gradient(parameters),
        repeated.value_and_gradient(parameters),
        strict=True,
    ):
        np.testing.assert_allclose(xp.host(a), xp.host(b), rtol=1e-12, atol=1e-14)


def test_minibatches_average_to_the_whole(xp):
    X, y = blobs(n_samples=37)
    weights = np.random.default_rng(0).random((1, 37))
    objective = objective_on(xp, X, y, weights=weights)
    parameters = start(objective)
    value, gradient = map(xp.host, objective.value_and_gradient(parameters))
    sums = 0.0, 0.0
    for batch in objective.minibatches(10, np.random.RandomState(0)):
        share = batch.n_samples / 37
        part = map(xp.host, batch.value_and_gradient(parameters))
        sums = tuple(total + share * x for total, x in zip(sums, part, strict=True))
    np.testing.assert_allclose(sums[0], value, rtol=1e-13)
    np.testing.assert_allclose(sums[1], gradient, atol=1e-14)


def test_minibatches_are_the_same_rows_on_every_backend(xp):
    X, y = blobs(n_samples=30)
    first = [
        xp.host(batch.rows.X)
        for batch in objective_on(xp, X, y).minibatches(8, np.random.RandomState(3))
    ]
    order = np.random.RandomState(3).permutation(30)
    np.testing.assert_array_equal(np.concatenate(first), X[order])
    in_order = [xp.host(b.rows.X) for b in objective_on(xp, X, y).minibatches(8, None)]
    np.testing.assert_array_equal(np.concatenate(in_order), X)


@pytest.mark.parametrize("storage", ["uint8", "float16"])
def test_compact_storage_is_expanded_block_by_block(storage):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 5, (50, 4)).astype(storage)
    y = rng.integers(0, 3, 50)
    full = objective_on(np.asarray, X.astype("float64"), y)
    compact = Objective(full.network, full.rows._replace(X=X), full.penalty)
    assert compact.rows.X.dtype == storage
    parameters = start(full)
    np.testing.assert_array_equal(
        compact.value_and_gradient(parameters)[1], full.value_and_gradient(parameters)[1]
    )
