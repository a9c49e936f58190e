"""With which chances rows are picked."""

import numpy as np
import pytest

from xsoftmax.curvature.sampling import inclusion, pick


def test_inclusion_is_in_proportion_to_weights_but_at_most_one(xp):
    weights = np.asarray([100.0, 50.0, 4.0, 3.0, 2.0, 1.0, 0.0])
    chances = xp.host(inclusion(xp(weights[None, :]), 4))[0]
    np.testing.assert_allclose(chances, [1, 1, 0.1, 0.075, 0.05, 0.025, 0], atol=1e-12)
    even = xp.host(inclusion(xp(np.ones((1, 10))), 4))
    np.testing.assert_allclose(even, 0.4)


def test_inclusion_of_rows_without_weight_is_positive(xp):
    chances = xp.host(inclusion(xp(np.zeros((1, 5))), 3))
    assert np.all((chances > 0) & (chances < 1e-300))


@pytest.mark.parametrize("weights", [[5.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0, 0], [0, 500.0, 0, 5.0]])
def test_pick_takes_no_rows_without_weight(xp, weights):
    chosen, factor = map(xp.host, pick(xp([weights]), 3))
    assert chosen.shape == factor.shape == (1, 3)
    assert np.all(np.asarray(weights)[chosen[0]] > 0)


@pytest.mark.parametrize("n_picked", [3, 40, 200])
def test_pick_stands_for_all_rows(xp, rng, n_picked):
    weights = rng.random((2, 300)) ** 4
    chosen, factor = map(xp.host, pick(xp(weights), n_picked))
    assert chosen.shape == (2, n_picked)
    chances = xp.host(inclusion(xp(weights), n_picked))
    for k in range(2):
        # A row with chance p is picked n p / sum(p) times, up to one more or less.
        times = np.bincount(chosen[k], minlength=300)
        expected = n_picked * chances[k] / chances[k].sum()
        assert np.all(np.abs(times - expected) < 1)
        picked = np.bincount(chosen[k], weights=factor[k], minlength=300)
        assert np.all(np.abs(picked * chances[k] - chances[k].sum() / n_picked * times) < 1e-12)
    # With weights divided by chances a sum over the picked estimates that over all.
    total = np.sum(np.take_along_axis(weights, chosen, axis=1) * factor, axis=1)
    np.testing.assert_allclose(total, weights.sum(axis=1), rtol=0.5 / n_picked**0.5)


def test_pick_of_even_weights_is_every_few_rows(xp):
    chosen, factor = map(xp.host, pick(xp(np.ones((1, 12))), 4))
    np.testing.assert_array_equal(np.diff(chosen[0]), 3)
    np.testing.assert_allclose(factor, 3.0)
