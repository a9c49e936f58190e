"""The exact inverse Hessian, against finite differences."""

from dataclasses import replace

import numpy as np
import pytest

from xsoftmax import SoftmaxRegression
from xsoftmax.arrays import indices_from_host, near_values
from xsoftmax.curvature import exact
from xsoftmax.curvature.exact import SumToZeroBasis, exact_inverse, helmert, sampling_error
from xsoftmax.model.network import Network
from xsoftmax.objective.policy import DEFAULT

from ..problems import blobs, objective_on, start
from .hessians import a_gradient, dense, differences, times


def batch(n_classes, xp=np.asarray):
    X, y = blobs(n_samples=40, n_features=3, n_classes=n_classes, spread=1.5)
    weights = np.random.default_rng(0).uniform(size=(2, 40))
    return objective_on(xp, X, y, Cs=(0.5, 20.0), weights=weights)


def newtons_step(objective, of_few_rows=True):
    """H^-1 g where `start` is."""
    iterate = objective.evaluate(start(objective))
    inverse = exact_inverse(objective, iterate, of_few_rows)
    return inverse.solve(iterate.gradient, objective.strength)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("known_logits", [True, False])
def test_exact_inverse_solves_with_the_true_hessian(n_classes, known_logits):
    objective = batch(n_classes)
    network = objective.network
    iterate = objective.evaluate(network.centered(start(objective)))
    if not known_logits:
        iterate = iterate._replace(logits=None)
    gradient = a_gradient(objective, iterate.parameters)
    inverse = exact_inverse(objective, iterate, of_few_rows=False)
    step = inverse.solve(gradient, objective.strength)
    back = times(differences(objective, iterate.parameters), step)
    np.testing.assert_allclose(back, gradient, atol=1e-6)
    np.testing.assert_allclose(network.centered(step), step, atol=1e-12)


def test_exact_inverse_is_the_same_everywhere(xp):
    X, y = blobs(n_samples=30)
    expected = newtons_step(objective_on(np.asarray, X, y))
    found = newtons_step(objective_on(xp, X, y))
    np.testing.assert_allclose(xp.host(found), expected, rtol=1e-8, atol=1e-10)


def test_exact_inverse_is_the_same_with_rows_seen_from_their_center(xp):
    X, y = blobs(n_classes=4)
    expected = newtons_step(objective_on(np.asarray, X, y, Cs=(0.5, 20.0)))
    objective = objective_on(xp, X, y, Cs=(0.5, 20.0))
    found = newtons_step(replace(objective, rows=objective.rows.centered()))
    np.testing.assert_allclose(xp.host(found), expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_exact_inverse_without_features_that_vary_is_finite(fit_intercept):
    X, y = np.zeros((6, 2)), np.arange(6) % 3
    network = Network((2, 3), "identity", fit_intercept)
    penalty = np.zeros((1, network.n_parameters))
    objective = objective_on(np.asarray, X, y, Cs=(np.inf,))
    objective = replace(objective, network=network, penalty=penalty)
    inverse = exact_inverse(objective, objective.evaluate(penalty), of_few_rows=False)
    assert np.all(np.isfinite(inverse.solve(np.ones_like(penalty), objective.strength)))


@pytest.mark.parametrize("max_block_rows", [None, 7])
def test_exact_inverse_is_the_same_in_blocks_of_few_rows(xp, max_block_rows):
    objective = batch(4, xp)
    parameters = start(objective)
    rows = objective.rows._replace(max_block_rows=max_block_rows)
    short = replace(objective, rows=rows, block_rows=max_block_rows)
    inverse = exact_inverse(short, short.evaluate(parameters), of_few_rows=False)
    assert (inverse.design is None) == (max_block_rows is not None)
    expected = exact_inverse(objective, objective.evaluate(parameters), of_few_rows=False)
    found, expected = xp.host(inverse.inverse), xp.host(expected.inverse)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_pairs_of_classes_may_be_made_some_after_others(xp):
    """Of many rows a block has so many values that 12 pairs of classes are not made at once."""
    X, y = blobs(n_samples=9000, n_features=4, n_classes=4, spread=2.0)
    objective = objective_on(xp, X, y, Cs=(0.5, 20.0))
    block_rows = exact._block_rows(objective.network, objective.rows)
    at_once = near_values(objective.penalty) // (block_rows * 5)
    if at_once >= 12:
        pytest.skip("an accelerator makes them at once")
    iterate = objective.evaluate(start(objective))
    found = exact_inverse(objective, iterate, of_few_rows=False)
    assert found.design is None
    on_host = objective_on(np.asarray, X, y, Cs=(0.5, 20.0))
    gradient = a_gradient(on_host, np.zeros_like(on_host.penalty))
    step = xp.host(found.solve(xp(gradient), objective.strength))
    back = times(dense(on_host, xp.host(iterate.parameters)), step)
    np.testing.assert_allclose(back, gradient, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n_samples", [40, 9000])
def test_exact_inverse_with_the_last_one_equals_one_made_afresh(xp, n_samples):
    X, y = blobs(n_samples=n_samples, n_features=3, n_classes=3, spread=2.0)
    objective = objective_on(xp, X, y, Cs=(0.5, 20.0))
    objective = replace(objective, rows=objective.rows.centered())
    first = objective.evaluate(start(objective))
    last = exact_inverse(objective, first, of_few_rows=False)
    iterate = objective.evaluate(start(objective, seed=1))
    for of_few_rows in (False, True):
        afresh = exact_inverse(objective, iterate, of_few_rows)
        renewed = exact_inverse(objective, iterate, of_few_rows, last=last)
        assert renewed.basis is last.basis
        assert renewed.design is last.design
        assert renewed.cost == afresh.cost > 0
        assert renewed.error_factor == 1.0
        np.testing.assert_array_equal(xp.host(renewed.inverse), xp.host(afresh.inverse))
        assert not np.allclose(xp.host(renewed.inverse), xp.host(last.inverse), rtol=0.01)


def test_exact_inverse_in_smaller_blocks_than_the_last_one_equals_one_made_afresh(xp):
    """Memory may have run out in between."""
    objective = batch(3, xp)
    iterate = objective.evaluate(start(objective))
    last = exact_inverse(objective, iterate, of_few_rows=False)
    assert last.design is not None
    short = replace(objective, rows=objective.rows._replace(max_block_rows=7))
    found = exact_inverse(short, iterate, of_few_rows=False, last=last)
    assert found.design is None
    expected = xp.host(last.inverse)
    np.testing.assert_allclose(xp.host(found.inverse), expected, rtol=1e-9, atol=1e-12)


def test_select_of_an_exact_inverse_takes_problems(xp):
    objective = batch(3, xp)
    iterate = objective.evaluate(start(objective))
    inverse = exact_inverse(objective, iterate, of_few_rows=False)
    whole = xp.host(inverse.solve(iterate.gradient, objective.strength))
    for problems in ([1], [1, 0]):
        indices = indices_from_host(problems, like=objective.penalty)
        gradient, strength = (
            xp(xp.host(x)[problems]) for x in (iterate.gradient, objective.strength)
        )
        found = inverse.select(indices).solve(gradient, strength)
        np.testing.assert_allclose(xp.host(found), whole[problems], rtol=1e-12, atol=1e-15)


def test_of_more_rows_of_an_exact_inverse_solves_the_same_and_forgets_the_design():
    objective = batch(3)
    iterate = objective.evaluate(start(objective))
    inverse = exact_inverse(objective, iterate, of_few_rows=False)
    more = inverse.of_more_rows(4.0).of_more_rows(2.5)
    assert inverse.design is not None
    assert more.design is None
    assert more.error_factor == 10.0
    assert more.cost == inverse.cost
    np.testing.assert_array_equal(
        more.solve(iterate.gradient, objective.strength),
        inverse.solve(iterate.gradient, objective.strength),
    )
    again = exact_inverse(objective, iterate, of_few_rows=False, last=more)
    assert again.error_factor == 1.0
    np.testing.assert_allclose(again.inverse, inverse.inverse, rtol=1e-12)


def test_the_penalty_does_not_see_where_the_rows_lie():
    network, penalty = Network((2, 3)), np.ones((1, 9), dtype="float32")
    far = SumToZeroBasis.of(network, penalty, np.full(2, 1e30, dtype="float32"))
    near = SumToZeroBasis.of(network, penalty)
    np.testing.assert_array_equal(far.is_penalized, near.is_penalized)


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_helmert_is_an_orthonormal_basis_of_vectors_that_sum_to_zero(xp, n_classes):
    Q = xp.host(helmert(xp(np.zeros(1)), n_classes))
    np.testing.assert_allclose(Q.T @ Q, np.eye(n_classes - 1), atol=1e-14)
    np.testing.assert_allclose(Q.sum(axis=0), 0, atol=1e-14)


@pytest.mark.parametrize("n_kept", [1 << 23, 60_000])
def test_few_rows_stand_for_many(n_kept):
    """Two problems of one batch, of which each weighs half of the rows and sees no others."""
    policy = replace(DEFAULT, max_curvature_values=n_kept)
    X, y = blobs(n_samples=30_000, n_features=4, n_classes=3, spread=1.5)
    half = np.random.default_rng(0).integers(0, 2, len(X))
    weights = np.stack([half, 1 - half])
    objective = objective_on(np.asarray, X, y, Cs=(1.0, 1.0), weights=weights, policy=policy)
    iterate = objective.evaluate(objective.network.centered(start(objective)))
    inverse = exact_inverse(objective, iterate, of_few_rows=True)
    gradient = a_gradient(objective, iterate.parameters)
    step = inverse.solve(gradient, objective.strength)
    back = times(differences(objective, iterate.parameters), step)
    wrong = np.linalg.norm(back - gradient, axis=1)
    right = np.linalg.norm(gradient, axis=1)
    assert np.all((1e-6 * right < wrong) & (wrong < 0.3 * right))


def test_sampling_error_is_parameters_over_rows_where_rows_are_many():
    X, y = blobs(n_samples=30_000, n_features=4, n_classes=3)
    assert sampling_error(objective_on(np.asarray, X, y)) == 10 / 1024
    policy = replace(DEFAULT, hessian_rows_per_parameter=200)
    assert sampling_error(objective_on(np.asarray, X, y, policy=policy)) == 1 / 200
    assert sampling_error(objective_on(np.asarray, X[:1500], y[:1500])) == 0.0


def test_a_rare_class_keeps_its_rows():
    """Of 50 rows in 50,000 that curve a class more of them are picked than their share."""
    rng = np.random.default_rng(0)
    y = np.where(np.arange(50_000) < 50, 2, rng.integers(0, 2, 50_000))
    X = rng.standard_normal((50_000, 2)) + 6.0 * (y == 2)[:, None]
    objective = objective_on(np.asarray, X, y)
    W = np.asarray([[[0.0, 0.0], [0.1, 0.0], [2.0, 2.0]]])
    parameters = objective.network.pack([(W, np.asarray([[0.0, 0.0, -14.0]]))])
    iterate = objective.evaluate(parameters)
    rows, _ = exact._most_curved(objective.network, objective.rows, iterate, 1024, 1 << 23)
    assert np.sum(rows.targets == 2) >= 8


@pytest.mark.parametrize(("dtype", "C"), [("float64", 1e-100), ("float32", 1e-30)])
def test_fit_with_the_strongest_penalty_leaves_the_intercepts_alone(dtype, C):
    X, _ = blobs(n_samples=300)
    y = np.repeat([0, 1, 2], [60, 210, 30])
    model = SoftmaxRegression(C=C).fit(X.astype(dtype), y)
    shares = np.asarray([0.2, 0.7, 0.1])
    np.testing.assert_allclose(model.predict_proba(X.astype(dtype))[0], shares, atol=0.01)
