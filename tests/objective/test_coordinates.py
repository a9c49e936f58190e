"""Coordinates in which a linear model has the same minimum.

Those of the rows, where features are more, and those of the features that vary.
"""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from xsoftmax import SoftmaxRegression, SoftmaxRegressionCV
from xsoftmax.model.network import Network
from xsoftmax.objective.coordinates import (
    Chained,
    Coordinates,
    RescaledFeatures,
    RowSpace,
    coordinates,
    row_space,
)
from xsoftmax.objective.features import Features
from xsoftmax.objective.policy import DEFAULT

from ..problems import blobs


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n_samples", [12, 133])
def test_row_space_keeps_logits_and_penalty(xp, dtype, n_samples):
    X, _ = blobs(n_samples=n_samples, n_features=400)
    X = xp(X, dtype)
    space = row_space(Network((400, 3)), X, DEFAULT)
    assert isinstance(space, RowSpace)
    rng = np.random.default_rng(0)
    there = xp(rng.standard_normal((2, space.network.n_parameters)), dtype)
    here = space.expand(there)
    logits = space.full.logits(space.full.unpack(here), X)
    same = space.network.logits(space.network.unpack(there), space.rows(X.dtype))
    tolerance = 1e4 * np.finfo(dtype).eps
    np.testing.assert_allclose(xp.host(logits), xp.host(same), atol=tolerance)
    np.testing.assert_allclose(xp.host(space.project(here)), xp.host(there), atol=tolerance)
    (W, _), (B, _) = space.full.unpack(here)[0], space.network.unpack(there)[0]
    np.testing.assert_allclose(np.sum(xp.host(W) ** 2), np.sum(xp.host(B) ** 2), rtol=tolerance)


@pytest.mark.parametrize("C", [1e-2, 1.0, 1e3])
@pytest.mark.parametrize("n_copies", [1, 2])
def test_minimum_in_row_space_is_scikit_learns_even_with_equal_rows(C, n_copies):
    X, y = blobs(n_samples=30, n_features=100, spread=3.0)
    X, y = np.tile(X, (n_copies, 1)), np.tile(y, n_copies)
    y[0] = 2  # where there are two equal rows, they disagree
    reference = LogisticRegression(C=C, tol=1e-12, max_iter=10_000).fit(X, y)
    model = SoftmaxRegression(C=C, tol=1e-14).fit(X, y)

    def objective(fitted):
        loss = -np.log(fitted.predict_proba(X)[np.arange(len(y)), y]).sum()
        return loss + np.sum(fitted.coef_**2) / (2 * C)

    assert objective(model) <= objective(reference) * (1 + 1e-10)
    np.testing.assert_allclose(model.predict_proba(X), reference.predict_proba(X), atol=1e-4)


def test_a_warm_start_is_projected_to_row_space():
    X, y = blobs(n_samples=20, n_features=60)
    model = SoftmaxRegression(tol=1e-10, warm_start=True).fit(X, y)
    coef, n_iter = model.coef_, model.n_iter_
    model.fit(X, y)
    assert model.n_iter_ < n_iter
    np.testing.assert_allclose(model.coef_, coef, atol=1e-6)


def test_cross_validation_in_row_space_reports_coefficients_of_the_features():
    X, y = blobs(n_samples=40, n_features=80, spread=2.0)
    Cs = [1e-2, 1.0]
    model = SoftmaxRegressionCV(Cs, cv=4, tol=1e-10).fit(X, y)
    assert model.coefs_paths_.shape == (4, 2, 3, 81)
    reference = LogisticRegression(C=model.C_, tol=1e-12, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(model.coef_, reference.coef_, atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*overflow|.*invalid value|.*divide by zero:RuntimeWarning")
def test_features_whose_squares_overflow_are_an_error_in_row_space_too():
    X, y = blobs(n_samples=20, n_features=60)
    with pytest.raises(ValueError, match="Scale the features"):
        SoftmaxRegression().fit(1e300 * X, y)


def alike(rng):
    """30 rows and copies of them that differ a little, and in their labels."""
    X = np.tile(rng.standard_normal((30, 500)), (2, 1))
    return X + 1e-4 * rng.standard_normal(X.shape) + 10, (np.arange(60) + (np.arange(60) > 49)) % 3


def equal(rng):
    """Rows that occur several times, far from 0."""
    X = rng.standard_normal((60, 500)) + 100
    return X[rng.integers(60, size=60)], np.arange(60) % 3


def far(rng):
    """Rows much further from 0 than from each other."""
    return rng.standard_normal((60, 500)) + 1000, np.arange(60) % 3


def timestamp(rng):
    """One feature that outweighs all others."""
    X = rng.standard_normal((40, 100))
    X[:, 0] = 1.7e9 * (1 + 0.01 * rng.standard_normal(40))
    return X, np.arange(40) % 3


@pytest.mark.parametrize("C", [1.0, 1e4])
@pytest.mark.parametrize(
    ("rows", "dtype"),
    [(alike, "float32"), (equal, "float32"), (far, "float32"), (timestamp, "float64")],
)
def test_rounding_in_row_space_blurs_no_rows(rng, rows, dtype, C):
    X, y = rows(rng)
    X = X.astype(dtype)

    def objective(model):
        model.coef_, model.intercept_ = (x.astype(float) for x in (model.coef_, model.intercept_))
        loss = -model.predict_log_proba(X.astype(float))[np.arange(len(y)), y].sum()
        return loss + np.sum(model.coef_**2) / (2 * C)

    model = SoftmaxRegression(C=C).fit(X, y)
    reference = SoftmaxRegression(C=C, tol=1e-9, max_iter=10_000)
    reference._policy = replace(DEFAULT, max_rows_of_row_space=0)
    reference.fit(X.astype(float), y)
    null = len(y) * np.log(3)
    best = objective(reference)
    assert objective(model) - best <= 2e-3 * (null - best)


def test_a_factor_that_a_library_left_as_it_came_makes_no_row_space(monkeypatch, rng):
    X, network = rng.standard_normal((12, 40)), Network((40, 3))
    assert isinstance(row_space(network, X, DEFAULT), RowSpace)
    monkeypatch.setattr("xsoftmax.objective.coordinates.cholesky", np.tril)
    assert type(row_space(network, X, DEFAULT)) is Coordinates


def test_row_space_is_for_fewer_rows_than_the_policy_says_and_than_features():
    X = np.random.default_rng(0).standard_normal((20, 60))

    def kind(X, layer_sizes, n_rows=2048):
        policy = replace(DEFAULT, max_rows_of_row_space=n_rows)
        return type(row_space(Network(layer_sizes, "tanh"), X, policy))

    assert kind(X, (60, 3)) is kind(X, (60, 3), 20) is kind(X[:, :30], (30, 3)) is RowSpace
    assert kind(X, (60, 3), 19) is kind(X[:, :29], (29, 3)) is Coordinates
    assert kind(X, (60, 4, 3)) is Coordinates


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("n", [3, 64, 150])
def test_triangular_systems_are_solved_by_halves(xp, rng, n, transposed):
    X = rng.standard_normal((n, 2 * n))
    space = row_space(Network((2 * n, 3)), xp(X), DEFAULT)
    L, B = xp.host(space.L), rng.standard_normal((2, 3, n))
    np.testing.assert_allclose(L @ L.T, X @ X.T, rtol=1e-9, atol=1e-9)
    matrix = L.T if transposed else L
    expected = np.linalg.solve(matrix, B.reshape(-1, n).T).T.reshape(B.shape)
    found = xp.host(space._divided(xp(B), transposed))
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_varying_features_keep_logits(xp, dtype, fit_intercept):
    X = np.zeros((6, 5))
    X[:, [1, 3]] = np.arange(12).reshape(6, 2)
    X, network = xp(X, dtype), Network((5, 3), fit_intercept=fit_intercept)
    space = coordinates(Features(X), network, DEFAULT, many_passes=True)
    assert space.network.layer_sizes == (2, 3)
    real = "float64" if dtype == "int64" else dtype
    rng = np.random.default_rng(0)
    here = xp(rng.standard_normal((2, space.network.n_parameters)), real)
    there = space.expand(here)
    W = xp.host(network.unpack(there)[0][0])
    assert np.all(W[:, :, [0, 2, 4]] == 0)
    np.testing.assert_array_equal(xp.host(space.project(there)), xp.host(here))
    logits = space.network.logits(space.network.unpack(here), xp(xp.host(space.rows(None)), real))
    same = network.logits(network.unpack(there), xp(xp.host(X), real))
    np.testing.assert_allclose(xp.host(logits), xp.host(same), rtol=1e-5)


def test_projection_gives_the_intercepts_what_constant_features_added(xp, rng):
    X = rng.standard_normal((6, 4))
    X[:, 2] = 7.0
    network = Network((4, 3))
    space = coordinates(Features(xp(X)), network, DEFAULT, many_passes=False)
    assert space.network.layer_sizes == (3, 3)
    there = xp(rng.standard_normal((2, network.n_parameters)))
    here = space.project(there)
    logits = network.logits(network.unpack(there), xp(X))
    for parameters in (here, space.project(space.expand(here))):
        found = space.network.logits(space.network.unpack(parameters), space.rows(None))
        np.testing.assert_allclose(xp.host(found), xp.host(logits), rtol=1e-12)


def test_without_an_intercept_only_zeros_are_left_out(rng):
    X = rng.standard_normal((6, 4))
    X[:, 2], X[:, 3] = 7.0, 0.0
    network = Network((4, 3), fit_intercept=False)
    assert coordinates(Features(X), network, DEFAULT, many_passes=False).network is network
    space = coordinates(Features(X), network, DEFAULT, many_passes=True)
    np.testing.assert_array_equal(space.rows(None), X[:, :3])


def test_constant_features_are_solved_as_one_of_zeros(xp):
    X = xp(np.full((6, 3), 5.0))
    network = Network((3, 2))
    space = coordinates(Features(X), network, DEFAULT, many_passes=True)
    assert space.network.layer_sizes == (1, 2)
    np.testing.assert_array_equal(xp.host(space.rows(None)), np.zeros((6, 1)))
    here = xp([[0.0, 0.0, 1.0, 2.0]])
    ((W, b),) = network.unpack(space.expand(here))
    np.testing.assert_array_equal(xp.host(W), np.zeros((1, 2, 3)))
    np.testing.assert_array_equal(xp.host(b), [[1.0, 2.0]])


@pytest.mark.parametrize("n_samples", [60, 12])
def test_features_far_from_0_are_seen_from_their_center(xp, rng, n_samples):
    """Among those that vary, and where there are fewer, in the space of the rows."""
    X = rng.standard_normal((n_samples, 20)) + 1e4 * (np.arange(20) == 3)
    X[:, 7] = 5.0
    X, network = xp(X), Network((20, 3))
    space = coordinates(Features(X), network, DEFAULT, many_passes=False)
    assert space.network.layer_sizes == (min(19, n_samples), 3)
    rows = space.rows(X.dtype)
    assert np.abs(xp.host(rows)).max() < 50
    there = xp(rng.standard_normal((2, network.n_parameters)))
    here = space.project(there)
    if n_samples == 60:
        found = space.network.logits(space.network.unpack(here), rows)
        same = network.logits(network.unpack(there), X)
        np.testing.assert_allclose(xp.host(found), xp.host(same), atol=1e-9)
    back = space.expand(here)
    np.testing.assert_allclose(xp.host(space.project(back)), xp.host(here), atol=1e-7)
    found = network.logits(network.unpack(back), X)
    same = space.network.logits(space.network.unpack(here), rows)
    np.testing.assert_allclose(xp.host(found), xp.host(same), atol=1e-6)


def test_far_features_stay_where_no_intercepts_make_up(rng):
    X = rng.standard_normal((60, 5)) + 1e4
    network = Network((5, 3), fit_intercept=False)
    assert type(coordinates(Features(X), network, DEFAULT, many_passes=False)) is Coordinates


@pytest.mark.parametrize("solver", ["lbfgs", "newton"])
def test_far_features_take_no_more_iterations_than_near_ones(solver):
    X, y = blobs(n_samples=400, n_features=8, spread=2.0)
    models = []
    for far in (0.0, 1e4):
        model = SoftmaxRegression(tol=1e-6)
        model._policy = replace(DEFAULT, max_cost_of_newton=np.inf if solver == "newton" else 0.0)
        models.append(model.fit(X + far, y))
    near, far = models
    assert abs(far.n_iter_ - near.n_iter_) <= 1
    np.testing.assert_allclose(far.coef_, near.coef_, atol=1e-4)
    np.testing.assert_allclose(far.loss_curve_[-1], near.loss_curve_[-1], rtol=1e-6)


def test_row_space_of_the_features_that_vary(xp, rng):
    X = np.hstack([rng.standard_normal((12, 40)), np.full((12, 1), 3.0)])
    network = Network((41, 3))
    space = coordinates(Features(xp(X)), network, DEFAULT, many_passes=True)
    assert isinstance(space, Chained)
    assert space.network.layer_sizes == (12, 3)
    here = xp(rng.standard_normal((2, space.network.n_parameters)))
    there = space.expand(here)
    assert not xp.host(network.unpack(there)[0][0])[:, :, 40].any()
    np.testing.assert_allclose(xp.host(space.project(there)), xp.host(here), atol=1e-10)
    logits = space.network.logits(space.network.unpack(here), space.rows(xp(X).dtype))
    same = network.logits(network.unpack(there), xp(X))
    np.testing.assert_allclose(xp.host(logits), xp.host(same), atol=1e-10)


def is_as_it_was(X):
    network = Network((30, 3))
    return coordinates(Features(X), network, DEFAULT, many_passes=True).network is network


@pytest.mark.parametrize("unseen", [0, 1, 30])
def test_few_or_no_features_that_are_never_seen_are_not_worth_a_copy(unseen):
    X = np.ones((4, 30)) + np.arange(4)[:, None]
    X[:, :unseen] = 0.0
    assert is_as_it_was(X)
    assert is_as_it_was(np.zeros((4, 30)))
    X[:, :2] = 0.0
    assert is_as_it_was(X) == (unseen == 30)


def test_share_of_unseen_features_that_is_worth_a_copy_is_the_policys():
    X = np.random.default_rng(0).standard_normal((40, 10))
    X[:, :3] = 0.0
    network, features = Network((10, 3)), Features(X)
    for share, many_passes, left_out in ((0.3, True, 3), (0.31, True, 0), (0.3, False, 0)):
        policy = replace(DEFAULT, min_unseen_features=share)
        space = coordinates(features, network, policy, many_passes)
        assert space.network.layer_sizes[0] == 10 - left_out


@pytest.mark.parametrize("exponent", [-60, -30, -13, 13, 60])
def test_features_of_any_size_are_computed_in_units_of_their_own(xp, rng, exponent):
    X, network = xp(2.0**exponent * rng.standard_normal((60, 5))), Network((5, 3))
    space = coordinates(Features(X), network, DEFAULT, many_passes=False)
    assert isinstance(space, RescaledFeatures)
    rows = space.rows(X.dtype)
    assert 1 < np.abs(xp.host(rows)).max() < 50
    there = xp(rng.standard_normal((2, network.n_parameters)))
    here = space.project(there)
    found = space.network.logits(space.network.unpack(here), rows)
    same = network.logits(network.unpack(there), X)
    np.testing.assert_allclose(xp.host(found), xp.host(same), rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(xp.host(space.expand(here)), xp.host(there))
    (W, _), (V, _) = network.unpack(there)[0], space.network.unpack(here)[0]
    penalty = space.penalty_factor * np.sum(xp.host(V) ** 2)
    np.testing.assert_allclose(penalty, np.sum(xp.host(W) ** 2), rtol=1e-12)


def test_ordinary_features_are_not_copied(rng):
    for scale in (0.01, 1.0, 255.0):
        X, network = scale * rng.standard_normal((60, 5)), Network((5, 3))
        assert coordinates(Features(X), network, DEFAULT, many_passes=False).rows(None) is X


@pytest.mark.parametrize("shape", [(60, 4, 3), (40, 90, 3), (300, 60, 8)])
@pytest.mark.parametrize(
    ("dtype", "scales"), [("float32", (1e-14, 1e12)), ("float64", (1e-90, 1e-8, 1e4, 1e90))]
)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_unit_of_the_features_does_not_change_the_model(shape, dtype, scales, fit_intercept):
    """By Newton, by L-BFGS and in the space of the rows."""
    X, y = blobs(*shape, spread=3.0)
    options, Cs = {"tol": 1e-8, "fit_intercept": fit_intercept}, np.asarray([1.0, 10.0])
    expected = SoftmaxRegression(10.0, **options).fit(X, y)
    of_search = SoftmaxRegressionCV(Cs, cv=2, **options).fit(X, y)
    size = np.abs(expected.coef_).max()
    for scale in scales:
        scaled = (scale * X).astype(dtype)
        model = SoftmaxRegression(10.0 / scale**2, **options).fit(scaled, y)
        found = model.coef_.astype("float64") * scale
        np.testing.assert_allclose(found, expected.coef_, atol=5e-3 * size)
        np.testing.assert_allclose(model.intercept_, expected.intercept_, atol=5e-3 * size)
        search = SoftmaxRegressionCV(Cs / scale**2, cv=2, **options).fit(scaled, y)
        np.testing.assert_allclose(search.scores_, of_search.scores_, atol=0.04)


def test_features_without_squares_are_refused():
    X, y = blobs()
    with pytest.raises(ValueError, match=r"X varies by about .*e-201, .*Scale the features"):
        SoftmaxRegression().fit(1e-200 * X, y)
