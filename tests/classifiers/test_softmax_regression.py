"""SoftmaxRegression: the minimum, its inputs and its weights."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from xsoftmax import SoftmaxRegression

from ..problems import blobs


@pytest.mark.filterwarnings("ignore:Setting penalty=None")  # of scikit-learn 1.8
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0, np.inf])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_fit_finds_the_minimum_of_logistic_regression(n_classes, C, fit_intercept):
    X, y = blobs(n_samples=120, n_classes=n_classes, spread=3.0)
    weight = 1 + np.arange(120) % 4
    model = SoftmaxRegression(C=C, tol=1e-12, max_iter=5000, fit_intercept=fit_intercept)
    reference = LogisticRegression(C=C, tol=1e-12, max_iter=10000, fit_intercept=fit_intercept)
    model.fit(X, y, sample_weight=weight)
    reference.fit(X, y, sample_weight=weight)
    assert model.coef_.shape == reference.coef_.shape
    assert model.intercept_.shape == reference.intercept_.shape
    if np.inf == C:  # the minimiser is only unique up to a shift shared by all classes
        proba = reference.predict_proba(X)
        np.testing.assert_allclose(model.predict_proba(X), proba, atol=1e-5)
    else:
        np.testing.assert_allclose(model.coef_, reference.coef_, atol=1e-5)
    np.testing.assert_allclose(
        model.decision_function(X).shape, reference.decision_function(X).shape
    )


def test_fit_takes_soft_labels(xp):
    X, y = blobs()
    hard = SoftmaxRegression(tol=1e-8).fit(xp(X), xp(y))
    soft = SoftmaxRegression(tol=1e-8).fit(xp(X), xp(np.eye(3)[y]))
    np.testing.assert_allclose(xp.host(soft.coef_), xp.host(hard.coef_), atol=1e-6)
    smooth = SoftmaxRegression(tol=1e-8).fit(xp(X), xp(0.8 * np.eye(3)[y] + 0.2 / 3))
    assert np.abs(xp.host(smooth.coef_)).sum() < np.abs(xp.host(hard.coef_)).sum()
    np.testing.assert_array_equal(xp.host(smooth.classes_), [0, 1, 2])


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16"])
def test_fit_takes_integers_and_half_precision(dtype):
    X, y = load_digits(return_X_y=True)
    X, y = X[:300], y[:300]
    compact = SoftmaxRegression(max_iter=30, tol=0).fit(X.astype(dtype), y)
    assert compact.coef_.dtype == ("float32" if dtype == "float16" else "float64")
    reference = SoftmaxRegression(max_iter=30, tol=0).fit(X, y)
    agreement = np.mean(compact.predict(X.astype(dtype)) == reference.predict(X))
    assert agreement > (0.98 if dtype == "float16" else 0.999)


def test_class_weight_is_a_sample_weight():
    X, y = blobs(spread=2.0)
    y = np.where(y == 2, 1, y)  # 20 of class 0, 40 of class 1
    by_class = SoftmaxRegression(class_weight={0: 2.0, 1: 1.0}).fit(X, y)
    by_sample = SoftmaxRegression().fit(X, y, sample_weight=np.where(y == 0, 2.0, 1.0))
    np.testing.assert_allclose(by_class.coef_, by_sample.coef_, rtol=1e-10)
    balanced = SoftmaxRegression(class_weight="balanced", tol=1e-8).fit(X, y)
    by_sample.set_params(tol=1e-8).fit(X, y, sample_weight=np.where(y == 0, 1.5, 0.75))
    np.testing.assert_allclose(balanced.coef_, by_sample.coef_, rtol=1e-6)


def test_fit_in_pipelines_and_searches():
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), SoftmaxRegression())
    assert cross_val_score(pipeline, X, y).mean() > 0.93
    search = GridSearchCV(SoftmaxRegression(), {"C": [0.1, 1.0, 10.0]}).fit(X, y)
    assert search.best_score_ > 0.95


@pytest.mark.filterwarnings("ignore:.*overflow|.*invalid value|.*divide by zero:RuntimeWarning")
def test_features_whose_squares_overflow_are_an_error_that_says_what_to_change():
    X, y = blobs()
    with pytest.raises(ValueError, match="cale the features to about one"):
        SoftmaxRegression().fit(X * 1e300, y)


def test_squares_that_single_precision_cannot_hold_are_computed_in_double():
    X, y = blobs()
    X = (X * 1e25).astype(np.float32)
    model, double = (SoftmaxRegression().fit(rows, y) for rows in (X, X.astype(float)))
    assert model.coef_.dtype == np.float32
    np.testing.assert_allclose(model.coef_, double.coef_, rtol=1e-5)
