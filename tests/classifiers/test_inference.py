"""What the Hessian tells: standard errors, and scores of rows that are left out."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.metrics import get_scorer
from sklearn.model_selection import LeaveOneOut

from xsoftmax import SoftmaxRegression, SoftmaxRegressionCV, fit_many
from xsoftmax.arrays import to_host
from xsoftmax.objective.policy import DEFAULT

from ..problems import blobs

TIGHT = {"tol": 1e-12, "max_iter": 5000}


def hessian_and_scores(X, y, model, weight, p=None):
    """By the textbook, for parameters class by class with the intercept last."""
    n_classes, rows = model.classes_.shape[0], np.column_stack([X, np.ones(len(X))])
    p = model.predict_proba(X) if p is None else p
    residual = p - np.eye(n_classes)[y]
    scores = (residual[:, :, None] * rows[:, None, :]).reshape(len(X), -1)
    S = np.einsum("ik,kl->ikl", p, np.eye(n_classes)) - p[:, :, None] * p[:, None, :]
    H = np.einsum("i,ikl,ia,ib->kalb", weight, S, rows, rows)
    penalty = np.zeros((n_classes, rows.shape[1]))
    penalty[:, :-1] = (2 if n_classes == 2 else 1) / model.C
    order = penalty.size
    return H.reshape(order, order) + np.diag(penalty.ravel()), scores


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("far", [0.0, 100.0])
def test_standard_errors_are_those_of_the_hessian(xp, n_classes, far):
    X, y = blobs(n_samples=120, n_features=3, n_classes=n_classes, spread=2.0)
    X, weight = X + far, np.random.default_rng(0).integers(1, 4, 120).astype(float)
    model = SoftmaxRegression(C=0.5, standard_errors=True, **TIGHT)
    model.fit(xp(X), xp(y), xp(weight))
    on_host = SoftmaxRegression(C=0.5, **TIGHT).fit(X, y, weight)
    H, scores = hessian_and_scores(X, y, on_host, weight)
    scores *= weight[:, None]
    inverse = np.linalg.pinv(H, rcond=1e-14 if far else 1e-15, hermitian=True)
    # Parameters whose classes sum to zero: all classes together are not determined.
    n_inputs = 4
    D = np.kron(np.eye(n_classes) - 1 / n_classes, np.eye(n_inputs))
    if n_classes == 2:
        D = np.kron([[-1.0, 1.0]], np.eye(n_inputs))
    expected = {
        "plain": D @ inverse @ D.T,
        "sandwich": D @ inverse @ scores.T @ scores @ inverse @ D.T,
    }
    assert list(model.standard_errors_) == list(model.covariances_) == list(expected)
    for kind, covariance in expected.items():
        errors = xp.host(model.standard_errors_[kind])
        n_rows = 1 if n_classes == 2 else n_classes
        assert errors.shape == (n_rows, n_inputs)
        rtol = 1e-4 if far else 1e-8
        np.testing.assert_allclose(errors.ravel(), np.sqrt(np.diag(covariance)), rtol=rtol)
        found = xp.host(model.covariances_[kind])
        assert found.shape == (n_rows, n_inputs, n_rows, n_inputs)
        scale = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
        found = found.reshape(covariance.shape)
        np.testing.assert_allclose(found / scale, covariance / scale, atol=10 * rtol)


def from_first(covariance):
    """The covariance of coefficients of the other classes, seen from those of the first."""
    n_classes, n_inputs, *_ = covariance.shape
    if n_classes == 1:
        return covariance.reshape(n_inputs, n_inputs)
    D = np.kron(np.column_stack([-np.ones(n_classes - 1), np.eye(n_classes - 1)]), np.eye(n_inputs))
    return D @ covariance.reshape(n_classes * n_inputs, -1) @ D.T


@pytest.mark.parametrize("n_classes", [2, 3])
def test_standard_errors_without_a_penalty_are_those_of_statsmodels(n_classes):
    discrete = pytest.importorskip("statsmodels.discrete.discrete_model")
    X, y = blobs(n_samples=400, n_features=3, n_classes=n_classes, spread=2.5)
    model = SoftmaxRegression(C=np.inf, standard_errors=True, **TIGHT).fit(X, y)
    theirs = discrete.MNLogit(y, np.column_stack([X, np.ones(400)]))
    fitted = theirs.fit(method="newton", disp=False, tol=1e-14, maxiter=100)
    found = from_first(model.covariances_["plain"])
    errors = np.sqrt(np.diag(found)).reshape(n_classes - 1, 4)
    np.testing.assert_allclose(errors, fitted.bse.T, rtol=1e-6)
    scores = theirs.score_obs(fitted.params.ravel(order="F"))
    H = np.linalg.inv(-theirs.hessian(fitted.params.ravel(order="F")))
    robust = np.sqrt(np.diag(H @ scores.T @ scores @ H)).reshape(n_classes - 1, 4)
    found = from_first(model.covariances_["sandwich"])
    errors = np.sqrt(np.diag(found)).reshape(n_classes - 1, 4)
    np.testing.assert_allclose(errors, robust, rtol=1e-6)


def test_standard_errors_see_the_weights_of_classes_and_the_prior():
    X, y = blobs(n_samples=120, n_features=3, spread=2.0)
    by_class = {0: 1.0, 1: 2.0, 2: 3.0}
    weighted = SoftmaxRegression(class_weight=by_class, standard_errors=True, **TIGHT).fit(X, y)
    told = SoftmaxRegression(standard_errors=True, **TIGHT).fit(X, y, 1.0 + y)
    for kind, errors in told.standard_errors_.items():
        np.testing.assert_allclose(weighted.standard_errors_[kind], errors, rtol=1e-6)
    # A prior at the minimum is the minimum, and leaves the penalty its curvature.
    plain = SoftmaxRegression(C=np.inf, **TIGHT).fit(X, y)
    prior = plain.coef_, plain.intercept_
    near = SoftmaxRegression(C=0.1, coef_prior=prior, standard_errors=True, **TIGHT).fit(X, y)
    np.testing.assert_allclose(near.coef_, plain.coef_, atol=1e-5)
    H, _ = hessian_and_scores(X, y, near, np.ones(120))
    D = np.kron(np.eye(3) - 1 / 3, np.eye(4))
    expected = np.sqrt(np.diag(D @ np.linalg.pinv(H, hermitian=True) @ D.T))
    np.testing.assert_allclose(near.standard_errors_["plain"].ravel(), expected, rtol=1e-5)


def test_another_fit_forgets_standard_errors():
    X, y = blobs()
    model = SoftmaxRegression(standard_errors=True).fit(X, y)
    model.set_params(standard_errors=False).fit(X, y)
    assert not hasattr(model, "standard_errors_")
    assert not hasattr(model, "covariances_")


def refitted(X, y, **settings):
    """(n_samples, n_classes): the log probabilities of each row by a fit without it."""
    models = fit_many(SoftmaxRegression(**settings, **TIGHT), X, y, 1.0 - np.eye(len(y)))
    rows = [model.predict_log_proba(X[i : i + 1, :]) for i, model in enumerate(models)]
    return np.concatenate([to_host(row) for row in rows])


@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
def test_leave_one_out_scores_are_those_of_fits_without_each_row(load):
    X, y = load(return_X_y=True)
    logs = refitted(X, y)
    model = SoftmaxRegression(**TIGHT).fit(X, y)
    names = ["neg_log_loss", "accuracy"]
    found = model.leave_one_out_scores(X, y, scoring=names)
    assert found["neg_log_loss"] == pytest.approx(np.mean(logs[np.arange(len(y)), y]), abs=1e-3)
    assert found["accuracy"] == pytest.approx(np.mean(logs.argmax(axis=1) == y), abs=0.01)
    plain = np.mean(model.predict_log_proba(X)[np.arange(len(y)), y])
    assert abs(found["neg_log_loss"] - plain) > 5e-3  # that of rows that were fitted is another


def one_step_without_each(X, y, model, weight, offset=0.0):
    """The mean log likelihood of rows by Newton's step without each, by the textbook."""
    n_classes, rows = model.classes_.shape[0], np.column_stack([X, np.ones(len(X))])
    told = {} if np.ndim(offset) == 0 else {"offset": offset}
    p, z = model.predict_proba(X, **told), model.predict_log_proba(X, **told)
    H, scores = hessian_and_scores(X, y, model, weight, p)
    found = []
    for i, row in enumerate(rows):
        S = weight[i] * (np.diag(p[i]) - np.outer(p[i], p[i]))
        without = H - np.kron(S, np.outer(row, row))
        step = np.linalg.lstsq(without, weight[i] * scores[i], rcond=1e-12)[0]
        logits = z[i] + step.reshape(n_classes, -1) @ row
        found.append(logits[y[i]] - np.logaddexp.reduce(logits))
    return np.average(found, weights=weight)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("far", [0.0, 100.0])
def test_leave_one_out_scores_are_those_of_one_newton_step_per_row(xp, dtype, n_classes, far):
    X, y = blobs(n_samples=60, n_features=3, n_classes=n_classes, spread=2.0)
    weight = 0.5 + np.random.default_rng(0).random(60)
    X = np.round(64 * X) / 64 + far  # single precision holds these
    on_host = SoftmaxRegression(C=0.3, **TIGHT).fit(X, y, weight)
    expected = one_step_without_each(X, y, on_host, weight)
    model = SoftmaxRegression(C=0.3, tol=1e-10 if dtype == "float64" else 1e-6)
    model.fit(xp(X, dtype), xp(y), xp(weight))
    found = model.leave_one_out_scores(xp(X, dtype), xp(y), xp(weight))
    assert found == pytest.approx(expected, abs=1e-5 if dtype == "float64" else 2e-3)


def test_leave_one_out_scores_see_the_offset_and_the_prior():
    X, y = blobs(n_samples=60, n_features=3, spread=2.0)
    offset = np.random.default_rng(0).standard_normal((60, 3))
    prior = np.random.default_rng(1).standard_normal((3, 3)), None
    model = SoftmaxRegression(C=0.2, coef_prior=prior, **TIGHT).fit(X, y, offset=offset)
    expected = one_step_without_each(X, y, model, np.ones(60), offset)
    assert model.leave_one_out_scores(X, y, offset=offset) == pytest.approx(expected, abs=1e-6)


@pytest.mark.filterwarnings("ignore:.*the best C_")
def test_a_search_chooses_c_by_rows_left_out_with_one_path():
    X, y = load_iris(return_X_y=True)
    Cs = [0.01, 0.1, 1.0, 10.0]
    settings = {"scoring": ["neg_log_loss", "accuracy"], "tol": 1e-10}
    model = SoftmaxRegressionCV(Cs, cv="leave-one-out", **settings).fit(X, y)
    folds = SoftmaxRegressionCV(Cs, cv=LeaveOneOut(), **settings).fit(X, y)
    assert model.scores_["neg_log_loss"].shape == (1, 4)
    for name, atol in (("neg_log_loss", 1e-3), ("accuracy", 0.01)):
        expected = folds.scores_[name].mean(axis=0)
        np.testing.assert_allclose(model.scores_[name][0], expected, atol=atol)
    assert model.C_ == folds.C_
    np.testing.assert_allclose(model.coef_, folds.coef_, atol=1e-3)
    model.get_metadata_routing()


class Small(SoftmaxRegression):
    """Its Hessians have at most 10 rows."""

    _policy = DEFAULT.__class__(max_curvature_values=100)


def test_a_hessian_that_is_too_large_is_refused():
    X, y = blobs(n_samples=60, n_features=5)
    with pytest.raises(ValueError, match=r"of 5 features and 3 classes has 12 rows; .* at most 10"):
        Small(standard_errors=True).fit(X, y)
    with pytest.raises(ValueError, match="has 12 rows"):
        Small().fit(X, y).leave_one_out_scores(X, y)
    Small(standard_errors=True).fit(X[:, :3], y)


@pytest.mark.parametrize(
    ("settings", "told", "message"),
    [
        ({"scoring": get_scorer("accuracy")}, {}, "computed where X lies; 'score' is asked"),
        ({"calibration": "temperature"}, {}, "needs folds, not cv='leave-one-out'"),
        ({"refit": "one_se"}, {}, "at least two folds"),
        ({}, {"X_val": np.zeros((2, 5)), "y_val": [0, 1]}, "holds no X_val out"),
    ],
)
def test_leave_one_out_refuses_what_needs_folds(settings, told, message):
    X, y = blobs()
    with pytest.raises(ValueError, match=message):
        SoftmaxRegressionCV([1.0], cv="leave-one-out", **settings).fit(X, y, **told)
    with pytest.raises(ValueError, match=r"cv=...\) must be an int, a splitter"):
        SoftmaxRegressionCV([1.0], cv="leave-two-out").fit(X, y)
