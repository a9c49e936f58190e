"""The objective: blocks of rows, weights, minibatches, samples, storage, memory."""

from dataclasses import replace

import numpy as np
import pytest

from xsoftmax.arrays.memory import MIN_BLOCK_ROWS
from xsoftmax.model.network import Network
from xsoftmax.objective.objective import Objective
from xsoftmax.objective.policy import DEFAULT
from xsoftmax.objective.rows import Rows

from ..problems import blobs, objective_on, start, zeros_of

NO_LOGITS = replace(DEFAULT, max_kept_logits=0)


@pytest.mark.parametrize(("hidden", "kept"), [((), True), ((), False), ((4,), True)])
def test_block_rows_change_no_value_gradient_or_restriction(xp, hidden, kept):
    X, y = blobs(n_samples=700)
    policy = DEFAULT if kept else NO_LOGITS
    objective = objective_on(xp, X, y, Cs=(1.0, 5.0), hidden=hidden, policy=policy)
    parameters = start(objective)
    value, gradient = map(xp.host, objective.value_and_gradient(parameters))
    objective = replace(objective, block_rows=256)  # three blocks, the last one short
    assert objective.keeps_logits == (kept and not hidden)
    blocked_value, blocked_gradient = map(xp.host, objective.value_and_gradient(parameters))
    np.testing.assert_allclose(blocked_value, value, rtol=1e-13)
    np.testing.assert_allclose(blocked_gradient, gradient, atol=1e-14)
    direction = start(objective, seed=1)
    step = xp([0.5, 0.25])
    moved = parameters + step[:, None] * direction
    at_value, at_gradient = map(xp.host, objective.value_and_gradient(moved))
    line = objective.restrict(objective.evaluate(parameters), direction)
    for _ in range(2):  # the first trial reads the rows, the second may have their logits
        value, slope, iterate = line(step)
        np.testing.assert_allclose(xp.host(value), at_value, rtol=1e-13)
        np.testing.assert_allclose(xp.host(iterate().gradient), at_gradient, atol=1e-14)
        expected = np.sum(at_gradient * xp.host(direction), axis=1)
        np.testing.assert_allclose(xp.host(slope), expected, rtol=1e-11)
    # What an iterate carries to the next search is right as well.
    after = objective.restrict(iterate(), direction)(0 * step)
    np.testing.assert_allclose(xp.host(after[0]), at_value, rtol=1e-13)


@pytest.mark.parametrize(("n_classes", "n_logits"), [(2, 1), (3, 3)])
def test_keeps_logits_up_to_the_limit_of_the_policy(n_classes, n_logits):
    X, y = blobs(n_classes=n_classes)
    for less, kept in ((0, True), (1, False)):
        policy = replace(DEFAULT, max_kept_logits=2 * 60 * n_logits - less)
        objective = objective_on(np.asarray, X, y, Cs=(1.0, 5.0), policy=policy)
        assert objective.keeps_logits == kept


@pytest.mark.parametrize("n_classes", [2, 3])
def test_evaluate_at_zero_is_evaluate_of_zeros(xp, rng, n_classes):
    X, y = blobs(n_classes=n_classes)
    objective = objective_on(xp, X, y, Cs=(1.0, 5.0), weights=rng.random((2, len(y))))
    objective = objective.subsample(20)  # whose weights do not sum to 1
    zeros = zeros_of(objective)
    pairs = zip(objective.evaluate_at_zero(zeros), objective.evaluate(zeros), strict=True)
    for found, other in pairs:
        np.testing.assert_allclose(xp.host(found), xp.host(other), rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("hidden", [(), (7,)])
def test_values_at_zero_are_those_of_equal_probabilities(xp, hidden):
    objective = objective_on(xp, *blobs(n_classes=3), hidden=hidden)
    found = xp.host(objective.value_and_gradient(zeros_of(objective))[0])
    np.testing.assert_allclose(found, xp.host(objective.values_at_zero), rtol=1e-14)


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


def test_minibatches_keep_no_logits(xp):
    objective = objective_on(xp, *blobs(n_samples=30))
    assert objective.keeps_logits
    assert objective.evaluate(start(objective)).logits is not None
    batches = list(objective.minibatches(8, np.random.RandomState(0)))
    assert len(batches) == 4
    for batch in batches:
        assert not batch.keeps_logits
        assert batch.evaluate(start(batch)).logits is None
        restored = replace(batch, policy=objective.policy)
        for found, other in zip(
            batch.evaluate(start(batch))[1:3], restored.evaluate(start(batch))[1:3], strict=True
        ):
            np.testing.assert_allclose(xp.host(found), xp.host(other), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("n_rows", [1, 7, 250, 999])
def test_subsample_spreads_rows_evenly(xp, n_rows):
    X = np.arange(1000.0)[:, None] * np.ones(2)
    objective = objective_on(xp, X, np.arange(1000) % 3)
    sample = objective.subsample(n_rows)
    chosen = xp.host(sample.rows.X)[:, 0]
    assert sample.n_samples == len(chosen) == n_rows
    # The i-th row meets the i-th of n_rows intervals of the same length.
    ends = np.arange(n_rows + 1) * 1000 / n_rows
    assert np.all((chosen < ends[1:]) & (chosen + 1 > ends[:-1]))
    assert np.all(np.diff(chosen) >= 0)
    assert chosen.max() <= 999
    np.testing.assert_array_equal(xp.host(sample.rows.targets)[0], chosen % 3)


def test_subsample_of_as_many_rows_is_the_objective(xp):
    objective = objective_on(xp, *blobs(n_samples=60))
    assert objective.subsample(60) is objective
    assert objective.subsample(61) is objective
    assert objective.subsample(59) is not objective


def test_subsample_weighs_rows_as_many_times_as_they_stand_for(xp, rng):
    X, y = blobs(n_samples=600)
    weights = rng.random((2, 600))
    objective = objective_on(xp, X, y, Cs=(0.5, 2.0), weights=weights)
    sample = objective.subsample(150)
    np.testing.assert_array_equal(xp.host(sample.penalty), xp.host(objective.penalty))
    lookup = {tuple(row): i for i, row in enumerate(X)}
    rows = [lookup[tuple(row)] for row in xp.host(sample.rows.X)]
    expected = weights[:, rows] / weights.sum(axis=1, keepdims=True) * 4
    np.testing.assert_allclose(xp.host(sample.rows.weights), expected, rtol=1e-13)
    np.testing.assert_allclose(expected.sum(axis=1), 1.0, atol=0.1)


@pytest.mark.parametrize("period", [2, 3, 4, 5, 8, 10])
def test_subsample_meets_rows_of_a_period_as_often_as_they_occur(period):
    n_samples, n_rows = 2000, 500  # every fourth row would meet one row of a period of 4
    X = np.arange(float(n_samples))[:, None]
    objective = objective_on(np.asarray, X, np.arange(n_samples) % period)
    counts = np.bincount(objective.subsample(n_rows).rows.targets[0], minlength=period)
    np.testing.assert_allclose(counts / n_rows, 1 / period, atol=0.02)


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


def test_to_float32_is_the_same_where_single_precision_tells_the_rows_apart(xp):
    objective = objective_on(xp, *blobs(), Cs=(0.5, 2.0))
    single = objective.to_float32()
    parameters = start(objective)
    value, gradient = single.value_and_gradient(xp(xp.host(parameters), "float32"))
    assert str(value.dtype).endswith("float32")
    expected = map(xp.host, objective.value_and_gradient(parameters))
    for found, other in zip((value, gradient), expected, strict=True):
        np.testing.assert_allclose(xp.host(found), other, rtol=1e-4, atol=1e-6)
    blurred = replace(objective, rows=objective.rows._replace(fits_float32=False))
    assert blurred.to_float32() is None


def test_select_takes_problems_with_their_weights_and_penalties(xp, rng):
    X, y = blobs()
    objective = objective_on(xp, X, y, Cs=(0.1, 1.0, 10.0), weights=rng.random((3, len(y))))
    parameters = start(objective)
    whole = [xp.host(x) for x in objective.value_and_gradient(parameters)]
    some = objective.select([2, 0])
    assert some.n_problems == 2
    found = some.value_and_gradient(xp(xp.host(parameters)[[2, 0]]))
    for part, expected in zip(found, whole, strict=True):
        np.testing.assert_allclose(xp.host(part), expected[[2, 0]], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(xp.host(some.strength), xp.host(objective.strength)[[2, 0]])


def limited(n_rows, error):
    """Rows that are not read more than `n_rows` at a time, and the sizes that were asked for."""
    asked = []

    class Limited(Rows):
        def blocks(self, size):
            asked.append(size)
            if size > n_rows:
                raise error
            return super().blocks(size)

    return Limited, asked


def test_retry_on_out_of_memory_halves_the_rows_at_a_time(xp):
    objective = objective_on(xp, *blobs(n_samples=500))
    kind, asked = limited(100, MemoryError())
    short = replace(objective, rows=kind(*objective.rows))
    parameters = start(objective)

    (value, gradient), smaller = short.retry_on_out_of_memory(
        lambda tried: tried.value_and_gradient(parameters)
    )
    assert asked == [500, 500, 250, 125, 62]  # without kept logits first
    assert smaller.block_size == smaller.rows.max_block_rows == 62
    expected = objective.value_and_gradient(parameters)
    for found, other in zip((value, gradient), expected, strict=True):
        np.testing.assert_allclose(xp.host(found), xp.host(other), rtol=1e-12, atol=1e-14)


def test_kept_logits_that_do_not_fit_are_given_up_and_nothing_else():
    class Full(Objective):
        def _logits_at_zero(self, like):
            raise MemoryError

    objective = objective_on(np.asarray, *blobs(n_samples=500))
    full = Full(objective.network, objective.rows, objective.penalty)
    parameters = start(objective)
    iterate, smaller = full.retry_on_out_of_memory(lambda tried: tried.evaluate(parameters))
    assert iterate.logits is None
    assert not smaller.keeps_logits
    assert smaller.block_size == objective.block_size
    known = objective.evaluate(parameters)
    np.testing.assert_allclose(iterate.gradient, known.gradient, rtol=1e-12, atol=1e-15)
    # What was kept before is not used, so that no more is.
    _, _, end = smaller.restrict(known, start(objective, seed=1))(np.ones(1))
    assert end().logits is None


def test_retry_on_out_of_memory_returns_the_objective_where_nothing_ran_out():
    objective = objective_on(np.asarray, *blobs())
    assert objective.retry_on_out_of_memory(lambda tried: tried) == (objective, objective)


def test_retry_on_out_of_memory_says_what_is_too_large():
    objective = objective_on(np.asarray, *blobs(n_samples=150))
    kind, asked = limited(0, MemoryError())
    short = replace(objective, rows=kind(*objective.rows))
    words = r"X of shape \(150, 5\) .*1 problem\(s\) of 18 parameters.* about 50 copies of 0.0 MB"
    with pytest.raises(MemoryError, match=words):
        short.retry_on_out_of_memory(lambda tried: tried.value_and_gradient(start(tried)))
    assert asked[-1] == MIN_BLOCK_ROWS


def test_retry_on_out_of_memory_passes_other_errors_on():
    objective = objective_on(np.asarray, *blobs(n_samples=150))
    kind, asked = limited(0, ZeroDivisionError())
    short = replace(objective, rows=kind(*objective.rows))
    with pytest.raises(ZeroDivisionError):
        short.retry_on_out_of_memory(lambda tried: tried.value_and_gradient(start(tried)))
    assert asked == [150]


class CountingNetwork(Network):
    """Counts pairs of a problem and a row of which logits are made."""

    reads = 0

    def forward(self, layers, X):
        CountingNetwork.reads += layers[0][0].shape[0] * X.shape[0]
        return super().forward(layers, X)


def test_evaluate_reads_every_row_once_for_each_problem():
    objective = objective_on(np.asarray, *blobs(), Cs=(1.0, 2.0))
    objective = replace(objective, network=CountingNetwork(objective.network.layer_sizes))
    objective.evaluate(start(objective))
    assert CountingNetwork.reads == 2 * 60
