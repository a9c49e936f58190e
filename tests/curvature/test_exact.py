"""The exact Hessian, and how near its approximations come, against finite differences."""

import numpy as np
import pytest

from xsoftmax import SoftmaxRegression
from xsoftmax.curvature import hessian
from xsoftmax.curvature.hessian import contrasts, inverse_hessian
from xsoftmax.curvature.preconditioner import precondition
from xsoftmax.model.network import Network

from .problems import blobs, objective_on, start


def differences(objective, parameters, step=1e-5):
    """(n_problems, n_parameters, n_parameters), one column for each parameter."""
    columns = []
    for j in range(parameters.shape[1]):
        shift = np.zeros_like(parameters)
        shift[:, j] = step
        ahead = objective.value_and_gradient(parameters + shift)[1]
        behind = objective.value_and_gradient(parameters - shift)[1]
        columns.append((ahead - behind) / (2 * step))
    return np.stack(columns, axis=2)


def a_gradient(objective, parameters):
    """Some gradient whose classes sum to zero, as all of them do."""
    rng = np.random.default_rng(0)
    return objective.network.centered(rng.standard_normal(parameters.shape))


def batch(n_classes, dtype="float64"):
    X, y = blobs(n_samples=40, n_features=3, n_classes=n_classes, spread=1.5)
    weights = np.random.default_rng(0).uniform(size=(2, 40))
    return objective_on(np.asarray, X, y, Cs=(0.5, 20.0), weights=weights)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("known_logits", [True, False])
def test_newtons_step_solves_with_the_true_hessian(n_classes, known_logits):
    objective = batch(n_classes)
    network = objective.network
    parameters = network.centered(start(objective))
    logits = objective.at(parameters).logits if known_logits else None
    layers = network.unpack(parameters)
    frame = contrasts(network, objective.penalty)
    inverse = inverse_hessian(network, objective.rows, layers, logits, frame)
    gradient = a_gradient(objective, parameters)
    step = frame.times(inverse, gradient)
    back = np.einsum("kij,kj->ki", differences(objective, parameters), step)
    np.testing.assert_allclose(back, gradient, atol=1e-6)
    np.testing.assert_allclose(network.centered(step), step, atol=1e-12)


def test_newtons_step_is_the_same_everywhere(xp):
    X, y = blobs(n_samples=30)
    here, there = objective_on(np.asarray, X, y), objective_on(xp, X, y)
    point, other = here.at(start(here)), there.at(start(there))
    expected = here.contrasts.times(here.inverse_hessian(point, True), point.gradient)
    found = there.contrasts.times(there.inverse_hessian(other, True), other.gradient)
    np.testing.assert_allclose(xp.host(found), expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_without_features_that_vary_a_step_is_finite(fit_intercept):
    X, y = np.zeros((6, 2)), np.arange(6) % 3
    objective = objective_on(np.asarray, X, y, Cs=(np.inf,))
    network = Network((2, 3), "identity", fit_intercept)
    penalty = np.zeros((1, network.n_parameters))
    layers = network.unpack(penalty)
    frame = contrasts(network, penalty)
    inverse = inverse_hessian(network, objective.rows, layers, None, frame)
    assert np.all(np.isfinite(frame.times(inverse, np.ones_like(penalty))))


@pytest.mark.parametrize("most", [None, 7])
def test_pairs_of_classes_may_be_made_one_by_one(xp, monkeypatch, most):
    objective = objective_on(xp, *blobs(n_samples=40, n_classes=4), Cs=(0.5, 20.0))
    point = objective.at(start(objective))
    at_once = xp.host(objective.inverse_hessian(point, False))
    monkeypatch.setattr(hessian, "AT_ONCE", 0)
    short = objective if most is None else objective.in_blocks(most)
    assert (short.design is None) == (most is not None)
    one_by_one = xp.host(short.inverse_hessian(point, False))
    np.testing.assert_allclose(one_by_one, at_once, rtol=1e-9, atol=1e-12)


def test_the_penalty_does_not_see_where_the_rows_lie():
    network, penalty = Network((2, 3)), np.ones((1, 9), dtype="float32")
    far = contrasts(network, penalty, np.full(2, 1e30, dtype="float32"))
    np.testing.assert_array_equal(far.strength, contrasts(network, penalty).strength)


@pytest.mark.parametrize("n_kept", [1 << 23, 60_000])
def test_few_rows_stand_for_many(monkeypatch, n_kept):
    """Two problems of one batch, of which each weighs half of the rows and sees no others."""
    monkeypatch.setattr(hessian, "SAMPLE_VALUES", n_kept)
    X, y = blobs(n_samples=30_000, n_features=4, n_classes=3, spread=1.5)
    half = np.random.default_rng(0).integers(0, 2, len(X))
    weights = np.stack([half, 1 - half])
    objective = objective_on(np.asarray, X, y, Cs=(1.0, 1.0), weights=weights)
    point = objective.at(objective.network.centered(start(objective)))
    inverse = objective.inverse_hessian(point, True)
    step = objective.contrasts.times(inverse, a_gradient(objective, point.parameters))
    back = np.einsum("kij,kj->ki", differences(objective, point.parameters), step)
    wrong = np.linalg.norm(back - a_gradient(objective, point.parameters), axis=1)
    right = np.linalg.norm(a_gradient(objective, point.parameters), axis=1)
    assert np.all((1e-6 * right < wrong) & (wrong < 0.3 * right))


@pytest.mark.parametrize("C", [1e-3, 1.0, 1e9])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_at_zero_the_preconditioner_is_the_hessian(n_classes, C):
    X, y = blobs(n_samples=40, n_features=3, n_classes=n_classes, spread=1.5)
    objective = objective_on(np.asarray, X, y, Cs=(C,))
    _check_inverse(objective, np.zeros_like(objective.penalty))


def test_for_two_classes_the_preconditioner_is_the_hessian_where_rows_are_right_in_the_mean():
    X, y = blobs(n_samples=40, n_features=3, n_classes=2, spread=1.5)
    objective = objective_on(np.asarray, X, y, Cs=(0.5,))
    small = objective.network.centered(1e-4 * start(objective))  # residuals are about p (1 - p)
    _check_inverse(objective, small, atol=1e-3)


def _check_inverse(objective, parameters, atol=1e-6):
    point = objective.at(parameters)
    P = objective.preconditioner(point, 10**6, 0.0, True)
    gradient = a_gradient(objective, point.parameters)
    step = P.apply(gradient, objective.strength)
    back = np.einsum("kij,kj->ki", differences(objective, parameters), step)
    np.testing.assert_allclose(back, gradient, atol=atol * np.abs(gradient).max())


def test_a_rare_class_keeps_its_rows():
    """Of 50 rows in 50,000 that curve a class more of them are picked than their share."""
    rng = np.random.default_rng(0)
    y = np.where(np.arange(50_000) < 50, 2, rng.integers(0, 2, 50_000))
    X = rng.standard_normal((50_000, 2)) + 6.0 * (y == 2)[:, None]
    objective = objective_on(np.asarray, X, y)
    W = np.asarray([[[0.0, 0.0], [0.1, 0.0], [2.0, 2.0]]])
    layers = [(W, np.asarray([[0.0, 0.0, -14.0]]))]
    rows, _ = hessian._most_curved(objective.network, objective.rows, layers, None, 1024)
    assert np.sum(rows.targets == 2) >= 8


def test_few_eigenvectors_serve_many_features():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 8)) @ rng.standard_normal((8, 5000)) / 50
    objective = objective_on(np.asarray, X, np.arange(60) % 3, Cs=(1.0,))
    parameters = np.zeros_like(objective.penalty)
    network, layers = objective.network, objective.network.unpack(parameters)
    P = precondition(network, objective.rows, objective.strength, layers, 8)
    assert P.core.V.shape[0] == 5000 > 10 * P.core.V.shape[1]
    gradient = objective.value_and_gradient(parameters)[1]
    step = P.apply(gradient, objective.strength)
    ahead, _ = objective.along(objective.at(parameters), -step)(np.ones(1))[:2]
    plain, _ = objective.along(objective.at(parameters), -gradient)(np.ones(1))[:2]
    assert ahead < plain < np.log(3)


def test_few_eigenvectors_leave_no_direction_without_a_step():
    """Of all rows, which are as many as features, float32 does not tell all eigenvectors."""
    rng, n = np.random.default_rng(0), 600
    basis = np.linalg.qr(rng.standard_normal((n, n)))[0]
    X = rng.standard_normal((n, n)) * np.geomspace(1.0, 1e-4, n) @ basis.T
    objective = objective_on(np.asarray, X, np.arange(n) % 3, dtype="float32")
    layers = objective.network.unpack(np.zeros_like(objective.penalty))
    P = precondition(objective.network, objective.rows, objective.strength, layers, 8)
    flattest = np.stack([basis[:, -1], -basis[:, -1], 0 * basis[:, -1]])[None, ...]
    gradient = objective.network.pack([(flattest.astype("float32"), np.zeros((1, 3), "float32"))])
    promised = np.sum(gradient * P.apply(gradient, objective.strength))
    assert P.core.rest is not None
    assert 0.1 < promised * objective.penalty.max() / 2 <= 1.001


@pytest.mark.parametrize(("dtype", "C"), [("float64", 1e-100), ("float32", 1e-30)])
def test_the_strongest_penalty_leaves_the_intercepts_alone(dtype, C):
    X, _ = blobs(n_samples=300)
    y = np.repeat([0, 1, 2], [60, 210, 30])
    model = SoftmaxRegression(C=C).fit(X.astype(dtype), y)
    shares = np.asarray([0.2, 0.7, 0.1])
    np.testing.assert_allclose(model.predict_proba(X.astype(dtype))[0], shares, atol=0.01)
