"""More features than rows: the same minimum, found in the space of the rows."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from xsoftmax import SoftmaxRegression, SoftmaxRegressionCV
from xsoftmax.model.network import Network
from xsoftmax.objective.coordinates import RowSpace, row_space

from .problems import blobs


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n_samples", [12, 133])
def test_coordinates_keep_logits_and_penalty(xp, dtype, n_samples):
    X, _ = blobs(n_samples=n_samples, n_features=400)
    X = xp(X, dtype)
    space = row_space(Network((400, 3)), X)
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
def test_minimum_is_scikit_learns_even_with_equal_rows(C, n_copies):
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


def test_a_warm_start_is_projected():
    X, y = blobs(n_samples=20, n_features=60)
    model = SoftmaxRegression(tol=1e-10, warm_start=True).fit(X, y)
    coef, n_iter = model.coef_, model.n_iter_
    model.fit(X, y)
    assert model.n_iter_ < n_iter
    np.testing.assert_allclose(model.coef_, coef, atol=1e-6)


def test_cross_validation_reports_coefficients_of_the_features():
    X, y = blobs(n_samples=40, n_features=80, spread=2.0)
    Cs = [1e-2, 1.0]
    model = SoftmaxRegressionCV(Cs, cv=4, tol=1e-10).fit(X, y)
    assert model.coefs_paths_.shape == (4, 2, 3, 81)
    reference = LogisticRegression(C=model.C_, tol=1e-12, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(model.coef_, reference.coef_, atol=1e-5)


@pytest.mark.filterwarnings("ignore:.*overflow|.*invalid value|.*divide by zero:RuntimeWarning")
def test_features_whose_squares_overflow_are_an_error_here_too():
    X, y = blobs(n_samples=20, n_features=60)
    with pytest.raises(ValueError, match="Scale the features"):
        SoftmaxRegression().fit(1e200 * X, y)


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
def test_rounding_blurs_no_rows(rng, monkeypatch, rows, dtype, C):
    X, y = rows(rng)
    X = X.astype(dtype)

    def objective(model):
        model.coef_, model.intercept_ = (x.astype(float) for x in (model.coef_, model.intercept_))
        loss = -model.predict_log_proba(X.astype(float))[np.arange(len(y)), y].sum()
        return loss + np.sum(model.coef_**2) / (2 * C)

    model = SoftmaxRegression(C=C).fit(X, y)
    monkeypatch.setattr("xsoftmax.objective.coordinates.MAX_ROWS", 0)
    reference = SoftmaxRegression(C=C, tol=1e-9, max_iter=10_000).fit(X.astype(float), y)
    null = len(y) * np.log(3)
    best = objective(reference)
    assert objective(model) - best <= 2e-3 * (null - best)
