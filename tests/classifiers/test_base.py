"""The classifiers: scikit-learn's contract, and what goes beyond it."""

import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from xsoftmax import MLPClassifier, SoftmaxRegression

from ..conftest import BACKENDS, MISSING
from ..problems import blobs

MODELS = [
    SoftmaxRegression(),
    SoftmaxRegression(solver="sgd", random_state=0),
    MLPClassifier(hidden_layer_sizes=(8,), random_state=0),
]
ids = ["softmax-regression", "softmax-regression-sgd", "mlp"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@parametrize_with_checks([SoftmaxRegression(), MLPClassifier()])
def test_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0, np.inf])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_minimum_is_that_of_logistic_regression(n_classes, C, fit_intercept):
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


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_strings_as_labels(xp, model):
    X, y = blobs(spread=0.3)
    names = np.asarray(["cat", "dog", "eel"])[y]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = clone(model).fit(xp(X), names)
    assert fitted.classes_.tolist() == ["cat", "dog", "eel"]
    predictions = fitted.predict(xp(X))
    assert set(predictions) <= set(names)
    assert fitted.score(xp(X), names) == np.mean(predictions == names) > 0.8
    assert fitted.score(xp(X), names.tolist()) == fitted.score(xp(X), names)


def test_results_are_where_the_input_is(xp):
    X, y = blobs()
    model = SoftmaxRegression().fit(xp(X), xp(y + 5))
    proba = xp.host(model.predict_proba(xp(X)))
    assert proba.shape == (60, 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_allclose(xp.host(model.predict_log_proba(xp(X))), np.log(proba))
    np.testing.assert_array_equal(xp.host(model.classes_), [5, 6, 7])
    logits = xp.host(model.decision_function(xp(X)))
    np.testing.assert_array_equal(xp.host(model.predict(xp(X))), logits.argmax(axis=1) + 5)
    assert xp.host(model.coef_).shape == (3, 5)
    assert model.n_features_in_ == 5
    assert isinstance(model.score(xp(X), xp(y + 5)), float)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "uint32", "uint64"])
def test_unsigned_and_boolean_labels(xp, dtype):
    X, y = blobs(n_classes=2 if dtype == "bool" else 3)
    labels = xp(y, dtype)
    model = SoftmaxRegression().fit(xp(X), labels)
    predictions = xp.host(model.predict(xp(X)))
    assert predictions.dtype == xp.host(labels).dtype
    assert model.score(xp(X), labels) == np.mean(predictions == y) > 0.7


def test_binary_decision_function_is_one_number(xp):
    X, y = blobs(n_classes=2)
    for model in (SoftmaxRegression(), MLPClassifier((4,), solver="gd", max_iter=3, tol=0)):
        model.fit(xp(X), xp(y))
        decision = xp.host(model.decision_function(xp(X)))
        assert decision.shape == (60,)
        np.testing.assert_array_equal(xp.host(model.predict(xp(X))), decision > 0)
        proba = xp.host(model.predict_proba(xp(X)))
        np.testing.assert_allclose(proba[:, 1], 1 / (1 + np.exp(-decision)), rtol=1e-12)


def test_soft_labels(xp):
    X, y = blobs()
    hard = SoftmaxRegression(tol=1e-8).fit(xp(X), xp(y))
    soft = SoftmaxRegression(tol=1e-8).fit(xp(X), xp(np.eye(3)[y]))
    np.testing.assert_allclose(xp.host(soft.coef_), xp.host(hard.coef_), atol=1e-6)
    smooth = SoftmaxRegression(tol=1e-8).fit(xp(X), xp(0.8 * np.eye(3)[y] + 0.2 / 3))
    assert np.abs(xp.host(smooth.coef_)).sum() < np.abs(xp.host(hard.coef_)).sum()
    np.testing.assert_array_equal(xp.host(smooth.classes_), [0, 1, 2])


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16"])
def test_integers_and_half_precision_are_features_too(dtype):
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


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_pickle_and_clone(model):
    X, y = blobs()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = clone(model).fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    with pytest.raises(NotFittedError):
        clone(fitted).predict(X)


def test_in_pipelines_and_searches():
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), SoftmaxRegression())
    assert cross_val_score(pipeline, X, y).mean() > 0.93
    search = GridSearchCV(SoftmaxRegression(), {"C": [0.1, 1.0, 10.0]}).fit(X, y)
    assert search.best_score_ > 0.95


def test_the_callers_arrays_and_random_state_are_left_alone():
    X, y = blobs()
    X_before, sizes = X.copy(), [4, 3]
    state = np.random.get_state()[1].copy()
    model = MLPClassifier(sizes, max_iter=2, tol=0, random_state=1).fit(X, y).fit(X, y)
    np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    assert sizes == [4, 3]
    assert [coef.shape for coef in model.coefs_] == [(5, 4), (4, 3), (3, 3)]


ARRAY_API_CHECKS = """
import warnings

import sklearn
import sklearn.utils.estimator_checks as checks
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from tests.conftest import Place
from tests.problems import blobs
from xsoftmax import BatchedGridSearchCV, MLPClassifier, SoftmaxRegression

warnings.simplefilter("ignore")
network = MLPClassifier((4,), max_iter=5, random_state=0)
models = [SoftmaxRegression(), network, BatchedGridSearchCV(network, {"alpha": [0.1, 1.0]}, cv=2)]
for model in models:
    assert get_tags(model).array_api_support
    place = type(model).__name__, model, LIBRARY, DEVICE
    for weighted in (False, True):
        checks.check_array_api_input(*place, check_sample_weight=weighted)
        if hasattr(checks, "check_array_api_input_and_values"):
            checks.check_array_api_input_and_values(*place, check_sample_weight=weighted)
    if hasattr(checks, "check_array_api_same_namespace"):
        checks.check_array_api_same_namespace(*place)

xp, (X, y) = Place(NAME), blobs()
with sklearn.config_context(array_api_dispatch=True):
    model = make_pipeline(StandardScaler(), SoftmaxRegression()).fit(xp(X), xp(y))
    assert xp.host(model.predict(xp(X))).shape == (60,)
    assert model.score(xp(X), xp(y)) > 0.5
if NAME == "torch":
    try:
        make_pipeline(StandardScaler(), SoftmaxRegression()).fit(xp(X), xp(y))
    except ValueError as error:
        assert "sklearn.set_config(array_api_dispatch=True)" in str(error)
    else:
        raise AssertionError("y lies in torch, X does not")
"""


@pytest.mark.parametrize("name", ["strict", "strict-device1", "torch", "cupy"])
def test_scikit_learns_checks_of_array_libraries_and_its_pipelines(name):
    if name in MISSING:
        pytest.skip(f"{name} is {MISSING[name]}")
    library, device = BACKENDS[name]
    device = "cpu" if name == "torch" else device
    code = f"LIBRARY, DEVICE, NAME = {library!r}, {device!r}, {name!r}\n{ARRAY_API_CHECKS}"
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        env={**os.environ, "SCIPY_ARRAY_API": "1", "PYTHONPATH": root},
    )
    assert done.returncode == 0, done.stderr


def test_labels_and_weights_follow_X_where_scikit_learn_dispatches():
    code = """
import array_api_strict, numpy as np
from sklearn import config_context
from xsoftmax import SoftmaxRegression
X, y = np.random.default_rng(0).standard_normal((60, 3)), np.arange(60) % 3
there, weight = array_api_strict.asarray(X), np.linspace(1, 2, 60)
with config_context(array_api_dispatch=True):
    model = SoftmaxRegression().fit(there, y, sample_weight=weight)
    assert 0 <= model.score(there, y) <= 1
assert "array_api_strict" in type(model.coef_).__module__
expected = SoftmaxRegression().fit(X, y, sample_weight=weight).coef_
np.testing.assert_allclose(np.from_dlpack(model.coef_), expected, atol=1e-10)
"""
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env={**os.environ, "SCIPY_ARRAY_API": "1", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
