"""Approximate inverse Hessians: where they are the Hessian's, and what they do elsewhere."""

from dataclasses import replace

import numpy as np
import pytest

from xsoftmax.curvature.approximate import (
    ClassInverses,
    Diagonal,
    Spectrum,
    approximate_inverse,
)
from xsoftmax.curvature.covariances import ClassCovariances
from xsoftmax.objective.policy import DEFAULT

from ..problems import blobs, objective_on, start, zeros_of
from .hessians import a_gradient, dense, differences, times

#: One spectrum for all classes.
POOLED = replace(DEFAULT, inverts_classes=False)


def check_inverse(objective, parameters, at_zero=False, atol=1e-6):
    iterate = objective.evaluate(parameters)
    inverse = approximate_inverse(objective, iterate, 10**6, at_zero)
    gradient = a_gradient(objective, iterate.parameters)
    step = inverse.solve(gradient, objective.strength)
    back = times(differences(objective, parameters), step)
    np.testing.assert_allclose(back, gradient, atol=atol * np.abs(gradient).max())


@pytest.mark.parametrize("C", [1e-3, 1.0, 1e9])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_approximate_inverse_at_zero_is_that_of_the_hessian(n_classes, C):
    X, y = blobs(n_samples=40, n_features=3, n_classes=n_classes, spread=1.5)
    objective = objective_on(np.asarray, X, y, Cs=(C,))
    check_inverse(objective, zeros_of(objective), at_zero=True)


def test_approximate_inverse_of_two_classes_is_that_of_the_hessian_where_rows_are_right():
    X, y = blobs(n_samples=40, n_features=3, n_classes=2, spread=1.5)
    objective = objective_on(np.asarray, X, y, Cs=(0.5,))
    # In the mean: there squares of residuals are about p (1 - p).
    small = objective.network.centered(1e-4 * start(objective))
    check_inverse(objective, small, atol=1e-3)


@pytest.mark.parametrize(("policy", "kind"), [(DEFAULT, ClassInverses), (POOLED, Spectrum)])
def test_approximate_inverse_is_symmetric_positive_and_keeps_classes_that_sum_to_zero(
    xp, policy, kind
):
    X, y = blobs(n_samples=200, n_features=6, n_classes=4, spread=2.0)
    objective = objective_on(xp, X, y, policy=policy)
    inverse = approximate_inverse(objective, objective.evaluate(start(objective)), 1000)
    assert isinstance(inverse.weights, kind)
    rng = np.random.default_rng(0)
    vectors = objective.network.centered(xp(rng.standard_normal((8, 28))))
    product = inverse.solve(vectors, objective.strength)
    gram = xp.host(vectors) @ xp.host(product).T
    np.testing.assert_allclose(gram, gram.T, rtol=1e-8, atol=1e-10)
    assert np.linalg.eigvalsh(gram)[0] > 0
    again = xp.host(objective.network.centered(product))
    np.testing.assert_allclose(again, xp.host(product), atol=1e-10)


def test_inverses_of_classes_are_nearer_than_one_spectrum_for_all(rng):
    """Where classes see features of other scales."""
    X, y = blobs(n_samples=400, n_features=5, n_classes=4, spread=1.0)
    X = X * (1.0 + 20.0 * np.eye(5)[y])
    objective = objective_on(np.asarray, X, y, Cs=(0.01,))
    iterate = objective.evaluate(objective.network.centered(0.3 * start(objective)))
    hessian = dense(objective, iterate.parameters)
    gradient = a_gradient(objective, iterate.parameters)

    def error(policy, kind):
        inverse = approximate_inverse(replace(objective, policy=policy), iterate, 1000)
        assert isinstance(inverse.weights, kind)
        back = times(hessian, inverse.solve(gradient, objective.strength))
        return np.linalg.norm(back - gradient) / np.linalg.norm(gradient)

    assert error(DEFAULT, ClassInverses) < error(POOLED, Spectrum)


@pytest.mark.parametrize("policy", [DEFAULT, POOLED], ids=["classes", "spectrum"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_solve_of_k_gradients_of_each_problem_is_k_times_solve(xp, n_classes, policy):
    X, y = blobs(n_samples=100, n_features=4, n_classes=n_classes, spread=2.0)
    objective = objective_on(xp, X, y, Cs=(1e-3, 1.0, 1e3), policy=policy)
    inverse = approximate_inverse(objective, objective.evaluate(start(objective)), 1000)
    gradients = [start(objective, seed=seed) for seed in range(4)]
    expected = [xp.host(inverse.solve(g, objective.strength)) for g in gradients]
    together = xp(np.concatenate([xp.host(g) for g in gradients]))
    found = xp.host(inverse.solve(together, objective.strength))
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-11, atol=1e-13)


def test_one_spectrum_serves_every_penalty():
    X, y = blobs(n_samples=100, n_features=4, spread=2.0)
    objective = objective_on(np.asarray, X, y, Cs=(1.0,))
    zeros = zeros_of(objective)
    inverse = approximate_inverse(objective, objective.evaluate(zeros), 100, at_zero=True)
    for C in (1e-4, 1e-2, 1e4):
        other = replace(objective, penalty=objective.penalty / C)
        gradient = a_gradient(other, zeros)
        back = times(dense(other, zeros), inverse.solve(gradient, other.strength))
        np.testing.assert_allclose(back, gradient, atol=1e-9)


def test_scaled_is_the_inverse_where_rows_curve_the_loss_less():
    X, y = blobs(n_samples=100, n_features=4, spread=2.0)
    objective = objective_on(np.asarray, X, y, Cs=(1.0,))
    zeros = zeros_of(objective)
    inverse = approximate_inverse(objective, objective.evaluate(zeros), 100, at_zero=True)
    scaled = inverse.scaled(np.asarray([0.1]), 7.0)
    assert inverse.error_factor == 1.0
    assert scaled.error_factor == 7.0
    penalty = np.diag(objective.penalty[0])
    hessian = 0.1 * (dense(objective, zeros)[0] - penalty) + penalty
    gradient = a_gradient(objective, zeros)
    back = times(hessian[None], scaled.solve(gradient, objective.strength))
    np.testing.assert_allclose(back, gradient, atol=1e-9)


def test_select_and_of_more_rows_of_an_approximate_inverse():
    X, y = blobs(n_samples=100, n_features=4, spread=2.0)
    objective = objective_on(np.asarray, X, y, Cs=(0.1, 10.0))
    inverse = approximate_inverse(objective, objective.evaluate(start(objective)), 1000)
    assert inverse.serves_all_problems
    assert not inverse.is_identity
    assert inverse.select(np.asarray([1])) is inverse
    more = inverse.of_more_rows(4.0)
    assert more.cost == inverse.cost / 4 > 0
    gradient = a_gradient(objective, objective.penalty)
    np.testing.assert_array_equal(
        more.solve(gradient, objective.strength), inverse.solve(gradient, objective.strength)
    )


@pytest.mark.filterwarnings("ignore:.*overflow|.*invalid value:RuntimeWarning")
@pytest.mark.parametrize(("dtype", "large"), [("float64", 1e160), ("float32", 1e20)])
@pytest.mark.parametrize("at_zero", [True, False])
def test_there_is_no_approximate_inverse_where_squares_overflow(xp, at_zero, dtype, large):
    X, y = blobs(n_samples=60, n_features=4)
    for factor, is_none in ((1.0, False), (large, True)):
        scaled = X * np.asarray([1.0, 1.0, factor, 1.0])
        objective = objective_on(xp, scaled, y, dtype=dtype)
        iterate = objective.evaluate(zeros_of(objective))
        assert (approximate_inverse(objective, iterate, 1000, at_zero) is None) == is_none


def test_without_intercepts_rows_are_seen_from_0():
    X, y = blobs(n_samples=60, n_features=4)
    objective = objective_on(np.asarray, X + 3.0, y)
    network = replace(objective.network, fit_intercept=False)
    penalty = np.full((1, network.n_parameters), objective.penalty.max())
    objective = replace(objective, network=network, penalty=penalty)
    check_inverse(objective, zeros_of(objective), at_zero=True)


@pytest.mark.parametrize(
    "failed",
    [lambda A: (np.full(len(A), np.nan), np.full_like(A, np.nan)), lambda A: (np.diag(A), A)],
    ids=["nan", "as it came"],
)
def test_eigenvectors_that_a_library_failed_to_find_are_not_bought(monkeypatch, failed):
    X, y = blobs(n_samples=100, n_features=4, spread=2.0)
    objective = objective_on(np.asarray, 3.0 * X, y)
    origin = objective.evaluate(zeros_of(objective))
    assert approximate_inverse(objective, origin, 1000, at_zero=True) is not None
    monkeypatch.setattr("xsoftmax.curvature.approximate.eigh", failed)
    assert approximate_inverse(objective, origin, 1000, at_zero=True) is None


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_of_many_features_the_inverse_is_that_of_the_diagonal(xp, fit_intercept):
    X, y = blobs(n_samples=40, n_features=20, n_classes=3)
    objective = objective_on(xp, X, y, policy=replace(DEFAULT, max_curvature_values=200))
    network = replace(objective.network, fit_intercept=fit_intercept)
    objective = replace(
        objective, network=network, penalty=objective.penalty[:, : network.n_parameters]
    )
    zeros = zeros_of(objective)
    inverse = approximate_inverse(objective, objective.evaluate(zeros), 100, at_zero=True)
    seen = X - X.mean(axis=0) if fit_intercept else X
    # At 0 each of c classes weighs 1 / c of a row, and n rows weigh 1 / n each.
    expected = (seen**2).mean(axis=0) / 3
    np.testing.assert_allclose(xp.host(inverse.weights.diagonal)[0], expected, rtol=1e-9)
    gradient = np.zeros((1, network.n_parameters))
    gradient[0, [0, 20]] = 1.0, -1.0  # of the first feature, for the first two classes
    step = xp.host(inverse.solve(xp(gradient), objective.strength))
    length = 1.0 / (expected[0] + xp.host(objective.strength)[0])
    np.testing.assert_allclose(step[0, [0, 20]], [length, -length], rtol=1e-9)


def test_inverses_have_no_more_values_than_the_policy_allows(rng):
    X, y = rng.standard_normal((300, 20)), np.arange(300) % 3
    for max_values, kind in ((3 * 400, ClassInverses), (400, Spectrum), (399, Diagonal)):
        policy = replace(DEFAULT, max_curvature_values=max_values)
        objective = objective_on(np.asarray, X, y, policy=policy)
        inverse = approximate_inverse(objective, objective.evaluate(start(objective)), 100)
        assert isinstance(inverse.weights, kind)


@pytest.mark.parametrize(("policy", "kind"), [(DEFAULT, ClassInverses), (POOLED, Spectrum)])
def test_intercepts_have_the_mass_of_their_own_class(xp, policy, kind):
    X, y = blobs(n_samples=200, n_features=6, n_classes=4, spread=2.0)
    objective = objective_on(xp, X, y, policy=policy)
    parameters = start(objective)
    network, rows = objective.network, objective.rows
    iterate = objective.evaluate(parameters)
    inverse = approximate_inverse(objective, iterate, 1000)
    assert isinstance(inverse.weights, kind)
    mass = xp.host(ClassCovariances.of(network, rows, iterate).mass)
    assert mass.max() > 1.2 * mass.min()
    np.testing.assert_allclose(xp.host(inverse.mass), mass, rtol=1e-12)
