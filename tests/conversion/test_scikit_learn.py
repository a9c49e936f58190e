"""`to_sklearn` and `from_sklearn`: the same predictions there and back."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, LogisticRegressionCV
from sklearn.neural_network import MLPClassifier as SklearnMLP
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.utils.validation import check_is_fitted

import xsoftmax
from xsoftmax import (
    BatchedGridSearchCV,
    MLPClassifier,
    MultiOutputSoftmaxRegression,
    SoftmaxRegression,
    from_sklearn,
    to_onnx,
    to_sklearn,
)

from .models import ACTIVATIONS, LABELS, MODELS, fitted, network, regression, samples

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*best C_", "ignore:.*did not converge", "ignore:.*Maximum iterations"
)


def check(model, other, X, ulp=8):
    check_is_fitted(other)
    expected, eps = model.predict_proba(X), np.finfo(X.dtype).eps
    np.testing.assert_allclose(other.predict_proba(X), expected, atol=ulp * eps, rtol=0)
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    np.testing.assert_array_equal(other.classes_, model.classes_)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("activation", ACTIVATIONS[:-1])
def test_networks_there_and_back(activation, n_classes, dtype):
    model, X = network(n_classes, activation, dtype=dtype)
    there = to_sklearn(model)
    assert type(there) is SklearnMLP
    check(model, there, X)
    back = from_sklearn(there)
    assert type(back) is MLPClassifier
    check(model, back, X)
    assert back.get_params()["alpha"] == model.alpha
    assert (back.n_iter_, back.loss_curve_) == (model.n_iter_, model.loss_curve_)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("labels", LABELS)
def test_regressions_there_and_back(labels, n_classes, dtype):
    model, X = regression(n_classes, labels, dtype, C=0.3, class_weight="balanced")
    there = to_sklearn(model)
    assert type(there) is LogisticRegression
    check(model, there, X)
    back = from_sklearn(there)
    check(model, back, X)
    np.testing.assert_array_equal(back.coef_, model.coef_)
    assert (back.C, back.class_weight) == (0.3, "balanced")


@pytest.mark.parametrize("kind", MODELS)
def test_every_kind_of_model(kind):
    model, X = fitted(kind)
    there = to_sklearn(model)
    assert type(there).__module__.startswith("sklearn.")
    check(model, there, X)


def test_models_go_on_training_there_and_here():
    X, y = samples()
    model = SoftmaxRegression(warm_start=True, tol=1e-8).fit(X, y)
    there = to_sklearn(model)
    cold = clone(there).fit(X, y)
    assert there.fit(X, y).n_iter_[0] < cold.n_iter_[0]
    assert from_sklearn(there).fit(X, y).n_iter_ < model.n_iter_


@pytest.mark.parametrize("n_classes", [2, 4])
def test_models_of_scikit_learn(n_classes):
    X, y = samples(n_classes)
    models = [
        LogisticRegression(C=0.5),
        LogisticRegression(fit_intercept=False),
        SklearnMLP((5,), max_iter=5, random_state=0),
        make_pipeline(PolynomialFeatures(2), StandardScaler(), LogisticRegression()),
    ]
    if n_classes == 2:
        models.append(LogisticRegression(solver="liblinear"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what scikit-learn will change
        models.append(LogisticRegressionCV(Cs=[0.1, 1.0], cv=3))
        for known in models:
            check(known.fit(X, y), from_sklearn(known), X)
    assert np.ravel(models[-1].C_)[0] == from_sklearn(models[-1]).C


def test_arrays_follow_like(xp):
    X, y = samples(labels="integers", dtype="float32")
    known = LogisticRegression().fit(X, y)
    model = from_sklearn(known, like=xp(0.0))
    found = xp.host(model.predict_proba(xp(X)))
    np.testing.assert_allclose(found, known.predict_proba(X), atol=1e-6)


def test_a_model_on_any_device_comes_to_the_host(xp):
    X, y = samples(labels="integers", dtype="float32")
    model = SoftmaxRegression().fit(xp(X), xp(y))
    there = to_sklearn(model)
    assert all(type(array) is np.ndarray for array in (there.coef_, there.classes_))
    np.testing.assert_allclose(
        there.predict_proba(X), xp.host(model.predict_proba(xp(X))), atol=1e-6
    )


def test_names_of_features_come_along():
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    X, y = samples()
    X = pd.DataFrame(X, columns=list("abcdef"))
    model = SoftmaxRegression().fit(X, y)
    for other in (to_sklearn(model), from_sklearn(to_sklearn(model))):
        np.testing.assert_array_equal(other.feature_names_in_, list("abcdef"))


def test_what_cannot_be_converted_is_refused_with_a_remedy():
    X, y = samples()
    several = MultiOutputSoftmaxRegression().fit(X, np.stack([y, y], axis=1))
    with pytest.raises(TypeError, match=r"got MultiOutputSoftmaxRegression\. Convert each of its"):
        to_onnx(several)
    with pytest.raises(TypeError, match="to_sklearn needs a fitted classifier of xsoftmax"):
        to_sklearn(LogisticRegression().fit(X, y))
    search = BatchedGridSearchCV(MLPClassifier((3,), max_iter=2, tol=0), {}, cv=2, refit=False)
    with pytest.raises(TypeError, match="Fit it with refit=True"):
        to_sklearn(search.fit(X, y))
    steps = make_pipeline(PolynomialFeatures(), SoftmaxRegression()).fit(X, y)
    with pytest.raises(TypeError, match="got PolynomialFeatures"):
        to_sklearn(steps)
    with pytest.raises(NotFittedError):
        to_sklearn(SoftmaxRegression())
    with pytest.raises(ValueError, match=r"no activation 'gelu'.*Use to_torch or to_onnx"):
        to_sklearn(network(activation="gelu")[0])
    with pytest.raises(TypeError, match="got LinearRegression"):
        from_sklearn(LinearRegression().fit(X, X[:, 0]))
    with pytest.raises(NotFittedError):
        from_sklearn(LogisticRegression())
    many = SklearnMLP((3,), max_iter=2).fit(X, np.stack([X[:, 0] > 0, X[:, 1] > 0], axis=1))
    with pytest.raises(ValueError, match="2 labels for each row"):
        from_sklearn(many)


def test_one_classifier_for_each_class_is_no_softmax():
    X, y = samples()
    known = LogisticRegression().fit(X, y).set_params(solver="liblinear")
    with pytest.raises(ValueError, match="one classifier for each of 4 classes"):
        from_sklearn(known)


def test_models_of_an_older_scikit_learn(monkeypatch):
    """Before 1.8 `multi_class` said what was fitted."""
    X, y = samples(2)
    known = LogisticRegression(C=0.5).fit(X, y)
    decision = known.decision_function(X)
    known.multi_class = "multinomial"  # where the probability is that of twice the decision
    found = from_sklearn(known).predict_proba(X)[:, 1]
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-2 * decision)), rtol=1e-12)
    known.multi_class = "ovr"  # of two classes the same as a softmax
    np.testing.assert_allclose(from_sklearn(known).predict_proba(X), known.predict_proba(X))
    several = LogisticRegression().fit(*samples())
    several.multi_class = "ovr"
    with pytest.raises(ValueError, match="one classifier for each of 4 classes"):
        from_sklearn(several)


def test_a_network_from_a_file_and_one_that_trains_on(tmp_path):
    model, X = network()
    there = to_sklearn(xsoftmax.load(xsoftmax.save(model, tmp_path / "m.safetensors")))
    check(model, there, X)
    _, y = samples()
    shuffled = np.random.default_rng(0).permutation(y)  # whose loss does not fall
    for _ in range(3):
        there.partial_fit(X, shuffled)
