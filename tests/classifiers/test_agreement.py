"""Every model with every solver in both precisions gives NumPy's answer on every backend."""

import numpy as np
import pytest

from xsoftmax import MLPClassifier, SoftmaxRegression

from ..problems import blobs

MODELS = {
    "softmax-regression": lambda solver: SoftmaxRegression(
        solver=solver, max_iter=ITERATIONS[solver], tol=0, random_state=0, batch_size=16
    ),
    "softmax-regression-binary": lambda solver: SoftmaxRegression(
        solver=solver, max_iter=ITERATIONS[solver], tol=0, random_state=0, batch_size=16
    ),
    "mlp": lambda solver: MLPClassifier(
        (7, 5), "tanh", solver=solver, max_iter=ITERATIONS[solver], tol=0, alpha=0.1,
        random_state=0, batch_size=16,
    ),
}  # fmt: skip
ITERATIONS = {"lbfgs": 8, "gd": 30, "sgd": 5, "adam": 5}

#: How far rounding errors may grow along the way, in eps of the dtype: measured, times about ten.
GROWTH = {"lbfgs": 1e4, "gd": 1e3, "sgd": 1e3, "adam": 1e4}


def parameters(model, host):
    arrays = [model.coef_, model.intercept_] if hasattr(model, "coef_") else [
        *model.coefs_, *model.intercepts_
    ]  # fmt: skip
    return np.concatenate([host(array).ravel() for array in arrays])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("solver", ITERATIONS)
@pytest.mark.parametrize("kind", MODELS)
def test_agrees_with_numpy(xp, kind, solver, dtype):
    X, y = blobs(n_samples=48, n_classes=2 if "binary" in kind else 3)
    X = X.astype(dtype)
    weight = 1 + np.arange(48) % 3
    reference = MODELS[kind](solver).fit(X, y, sample_weight=weight)
    model = MODELS[kind](solver).fit(xp(X), xp(y), sample_weight=xp(weight, dtype))

    tolerance = GROWTH[solver] * np.finfo(dtype).eps
    ours, theirs = parameters(model, xp.host), parameters(reference, np.asarray)
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(model.loss_curve_, reference.loss_curve_, rtol=tolerance)
    np.testing.assert_array_equal(xp.host(model.predict(xp(X))), reference.predict(X))
    np.testing.assert_allclose(
        xp.host(model.predict_proba(xp(X))),
        reference.predict_proba(X),
        rtol=10 * tolerance,
        atol=tolerance,
    )
    assert model.n_iter_ == reference.n_iter_
    assert model.score(xp(X), xp(y)) == reference.score(X, y)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_converged_fits_agree_with_numpy(xp, dtype):
    X, y = blobs(n_samples=48)
    X = X.astype(dtype)
    tol = 1e-9 if dtype == "float64" else 1e-5
    reference = SoftmaxRegression(tol=tol).fit(X, y)
    model = SoftmaxRegression(tol=tol).fit(xp(X), xp(y))
    # A gradient of tol leaves an error of tol over the curvature, here at least 1 / n_samples.
    atol = 4 * tol * 48
    np.testing.assert_allclose(xp.host(model.coef_), reference.coef_, atol=atol)
    np.testing.assert_allclose(xp.host(model.intercept_), reference.intercept_, atol=atol)
