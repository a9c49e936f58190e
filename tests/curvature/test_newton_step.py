"""The exact Newton step, against a dense solve in float64."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from xsoftmax.curvature import Identity, approximate_inverse, exact_inverse
from xsoftmax.curvature.newton_step import (
    gap_bound,
    hessian_product,
    inverse_diagonal,
    largest_logit_change,
    newton_step,
)
from xsoftmax.objective.policy import DEFAULT

from ..problems import blobs, objective_on, start, zeros_of
from .hessians import dense, times


def problem(xp, n_classes=3, Cs=(0.5, 20.0), far=0.0):
    X, y = blobs(n_samples=80, n_features=4, n_classes=n_classes, spread=2.0)
    objective = objective_on(xp, X + far, y, Cs=Cs)
    objective = replace(objective, rows=objective.rows.centered())
    return objective, part_of_the_way(objective)


def part_of_the_way(objective):
    """The iterate half a Newton step from 0, where something was gained."""
    iterate = objective.evaluate(zeros_of(objective))
    inverse = exact_inverse(objective, iterate, of_few_rows=False)
    step = inverse.solve(iterate.gradient, objective.strength)
    return objective.evaluate(-0.5 * step)


def dense_steps(objective, iterate, host):
    """-H^-1 g of parameters whose classes sum to zero, where H may be singular, and H."""
    rows = objective.rows._replace(X=host(objective.rows.X), weights=host(objective.rows.weights))
    on_host = replace(objective, rows=rows, penalty=host(objective.penalty))
    hessians = dense(on_host, host(iterate.parameters))
    pairs = zip(hessians, host(iterate.gradient), strict=True)
    return np.stack([-np.linalg.lstsq(H, g, rcond=1e-13)[0] for H, g in pairs]), hessians


def inverses(objective, iterate):
    yield Identity()
    yield exact_inverse(objective, iterate, of_few_rows=False)
    for inverts_classes in (False, True):
        policy = replace(DEFAULT, inverts_classes=inverts_classes)
        yield approximate_inverse(replace(objective, policy=policy), iterate, 1000)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_newton_step_is_that_of_a_dense_solve_whatever_preconditions_it(xp, n_classes):
    objective, iterate = problem(xp, n_classes)
    expected, hessians = dense_steps(objective, iterate, xp.host)
    gradient = xp.host(iterate.gradient)
    for inverse in inverses(objective, iterate):
        step = newton_step(objective, iterate, inverse, tol=1e-10)
        direction = xp.host(step.direction)
        assert step.is_exact == [True, True]
        error = direction - expected
        # In the norm of the Hessian, which is what a step is worth.
        energy = np.einsum("ki,kij,kj->k", error, hessians, error)
        decrement = -np.sum(gradient * expected, axis=1)
        assert np.all(energy < 1e-5 * decrement)
        np.testing.assert_allclose(xp.host(step.slope), np.sum(gradient * direction, axis=1))
        np.testing.assert_allclose(xp.host(step.slope), -decrement, rtol=1e-4)


def test_newton_step_of_an_exact_inverse_takes_no_more_products():
    objective, iterate = problem(np.asarray)
    inverse = exact_inverse(objective, iterate, of_few_rows=False)
    expected, _ = dense_steps(objective, iterate, np.asarray)
    step = newton_step(objective, iterate, inverse, tol=1e-10)
    np.testing.assert_allclose(step.direction, expected, rtol=1e-6, atol=1e-9)


def test_newton_step_where_one_cell_makes_nearly_all_curvature(rng):
    """The inverse of such a matrix loses what the other rows curve, but products do not."""
    X, y = blobs(n_samples=80, n_features=4, n_classes=3, spread=2.0)
    X[7, 2] = 1e7
    objective = objective_on(np.asarray, X, y, Cs=(10.0,))
    objective = replace(objective, rows=objective.rows.centered())
    iterate = part_of_the_way(objective)
    inverse = approximate_inverse(objective, iterate, 1000)
    step = newton_step(objective, iterate, inverse, tol=1e-6)
    assert step.is_exact == [True]
    H = dense(objective, iterate.parameters)
    residual = times(H, step.direction) + iterate.gradient
    scale = np.sqrt(np.einsum("kii->ki", H))
    gradient = iterate.gradient / scale
    assert np.linalg.norm(residual / scale) < 1e-2 * np.linalg.norm(gradient)


def test_newton_step_takes_directions_that_the_inverse_lacks_from_the_diagonal(rng):
    """Curvatures of 40 features from 1e-10 to 1, of which the identity knows none."""
    X, y = blobs(n_samples=300, n_features=40, n_classes=3, spread=4.0)
    objective = objective_on(np.asarray, X * np.geomspace(1e-5, 1.0, 40), y, Cs=(1e8,))
    objective = replace(objective, rows=objective.rows.centered())
    iterate = part_of_the_way(objective)
    expected, hessians = dense_steps(objective, iterate, np.asarray)
    step = newton_step(objective, iterate, Identity(), tol=1e-3)
    assert step.is_exact == [True]
    error = step.direction - expected
    decrement = -np.sum(iterate.gradient * expected)
    assert np.einsum("ki,kij,kj->", error, hessians, error) < 1e-5 * decrement


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("known_logits", [True, False])
def test_hessian_product_is_that_of_the_dense_hessian(xp, n_classes, known_logits):
    objective, iterate = problem(xp, n_classes)
    if not known_logits:
        iterate = iterate._replace(logits=None)
    objective = replace(objective, block_rows=30)
    _, hessians = dense_steps(objective, iterate, xp.host)
    vector = np.random.default_rng(0).standard_normal(objective.penalty.shape)
    found = xp.host(hessian_product(objective, iterate, xp(vector)))
    np.testing.assert_allclose(found, times(hessians, vector), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_inverse_diagonal_is_that_of_the_diagonal_of_the_hessian(xp, fit_intercept):
    objective, iterate = problem(xp, far=0.0 if not fit_intercept else 3.0)
    if not fit_intercept:
        network = replace(objective.network, fit_intercept=False)
        penalty = objective.penalty[:, : network.n_parameters]
        rows = objective.rows._replace(center=None)
        objective = replace(objective, network=network, penalty=penalty, rows=rows)
        iterate = objective.evaluate(iterate.parameters[:, : network.n_parameters])
    found = inverse_diagonal(objective, iterate)
    center = 0.0 if found.center is None else xp.host(found.center)
    X = xp.host(objective.rows.X) - center
    logits = xp.host(
        objective.network.logits(objective.network.unpack(iterate.parameters), objective.rows.X)
    )
    P = np.exp(logits - logits.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    curved = P * (1 - P) / len(X)
    strength = xp.host(objective.strength)[:, None, None]
    np.testing.assert_allclose(xp.host(found.squares), curved @ (X * X) + strength, rtol=1e-9)
    np.testing.assert_allclose(xp.host(found.mass), curved.sum(axis=2), rtol=1e-9)
    # Symmetric and positive, where classes sum to zero.
    network, host = objective.network, np.random.default_rng(1)
    vectors = [network.centered(xp(host.standard_normal(objective.penalty.shape))) for _ in "ab"]
    u, v = map(xp.host, vectors)
    Mu, Mv = (xp.host(found.solve(vector)) for vector in vectors)
    np.testing.assert_allclose(np.sum(u * Mv, axis=1), np.sum(v * Mu, axis=1), rtol=1e-9)
    assert np.all(np.sum(u * Mu, axis=1) > 0)


@pytest.mark.parametrize("far", [0.0, 50.0])
def test_gap_bound_is_never_too_small_and_tight_where_the_penalty_is_strong(xp, far):
    Cs = 1e-3, 20.0
    objective, _ = problem(xp, far=far, Cs=Cs)
    X, y = xp.host(objective.rows.X) - far, xp.host(objective.rows.targets)[0]
    W = 0.3 * np.random.default_rng(0).standard_normal((2, 3, 4))
    b = np.stack([best_intercepts(X, y, of_problem) for of_problem in W])
    network = objective.network
    parameters = network.pack([(xp(W), xp(b - far * W.sum(axis=2)))])
    iterate = objective.evaluate(network.centered(parameters))
    value, bound = xp.host(iterate.value), xp.host(gap_bound(objective, iterate))
    gap = value - [minimum(X, y, C) for C in Cs]
    assert np.all((gap > 0) & (gap <= bound) & (bound <= value))
    assert bound[0] <= 1.2 * gap[0] < value[0]


def best_intercepts(X, y, W):
    """Those that go with weights W (n_classes, n_features), by Newton's method."""
    n_classes = len(W)
    b, t = np.zeros(n_classes), np.eye(n_classes)[y]
    for _ in range(50):
        Z = X @ W.T + b
        P = np.exp(Z - Z.max(axis=1, keepdims=True))
        P /= P.sum(axis=1, keepdims=True)
        H = np.diag(P.mean(axis=0)) - P.T @ P / len(P)
        b = b - np.linalg.lstsq(H, (P - t).mean(axis=0), rcond=1e-10)[0]
    return b


def minimum(X, y, C):
    """Of the objective, by scikit-learn's Newton's method."""
    model = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12).fit(X, y)
    Z = X @ model.coef_.T + model.intercept_
    loss = np.logaddexp.reduce(Z, axis=1) - Z[np.arange(len(y)), y]
    return loss.mean() + np.sum(model.coef_**2) / (2 * C * len(y))


def test_gap_bound_does_not_see_how_far_the_rows_are(xp):
    """Where intercepts are not at their best, which rows far from 0 would take for a slope."""
    bounds = []
    for far in (0.0, 50.0):
        objective, _ = problem(xp, far=far, Cs=(1e-2, 1e-3))
        ((W, b),) = objective.network.unpack(0.1 * start(objective))
        b = b + xp([0.02, 0.0, -0.02]) - far * xp(xp.host(W).sum(axis=2))
        iterate = objective.evaluate(objective.network.pack([(W, b)]))
        bounds.append(xp.host(gap_bound(objective, iterate)))
        assert np.all(bounds[-1] < xp.host(iterate.value))
    np.testing.assert_allclose(*bounds, rtol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_largest_logit_change_is_that_of_rows_that_are_curved(xp, n_classes):
    X, y = blobs(n_samples=60, n_features=4, n_classes=n_classes)
    X[5] *= 1e3  # classified for sure
    weights = np.ones((2, 60))
    weights[1, 9] = 0.0
    X[9] += 10.0
    objective = objective_on(xp, X, y, Cs=(1.0, 1.0), weights=weights)
    objective = replace(objective, block_rows=17)
    iterate, direction = objective.evaluate(start(objective)), start(objective, seed=1)
    changes = xp.host(objective.network.logits(objective.network.unpack(direction), xp(X)))
    spread = changes.max(axis=1) - changes.min(axis=1)
    found = xp.host(largest_logit_change(objective, iterate, direction, of_all_rows=True))
    np.testing.assert_allclose(found, spread.max(axis=1), rtol=1e-10)
    logits = xp.host(objective.network.logits(objective.network.unpack(iterate.parameters), xp(X)))
    first, second = np.sort(logits, axis=1)[:, ::-1].transpose(1, 0, 2)[:2]
    counts = (first - second < 60) & (weights > 0)  # e^-60 is 1e-26
    assert np.all((first - second < 60) | (first - second > 80))
    assert not counts[:, 5].any()
    found = xp.host(largest_logit_change(objective, iterate, direction))
    np.testing.assert_allclose(found, np.where(counts, spread, 0).max(axis=1), rtol=1e-10)
