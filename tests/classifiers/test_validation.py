"""Bad X, y and weights get an error that names the argument, the rule and the remedy."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from xsoftmax import SoftmaxRegression, SoftmaxRegressionCV
from xsoftmax.classifiers import validation

from ..conftest import MISSING, Place
from ..problems import blobs

X, Y = blobs(n_samples=12)
WITH_NAN, WITH_INF = X.copy(), X.copy()


WITH_NAN[3, 1], WITH_INF[4, 0] = np.nan, np.inf


@pytest.fixture
def foreign():
    """An array library that is not NumPy."""
    return Place("strict-device1")


@pytest.mark.parametrize("bad", [WITH_NAN, WITH_INF])
def test_fit_and_predict_refuse_features_that_are_not_finite(xp, bad):
    with pytest.raises(ValueError, match=r"(?i)X.*(contains NaN|infinity)"):
        SoftmaxRegression().fit(xp(bad), xp(Y))
    model = SoftmaxRegression().fit(xp(X), xp(Y))
    with pytest.raises(ValueError, match=r"(?i)X.*(contains NaN|infinity)"):
        model.predict(xp(bad))


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (3,), (3, 2, 2)])
def test_fit_refuses_features_of_a_wrong_shape(xp, shape):
    rule = r"X must be 2-dimensional|Found array with 0|Expected 2D array|array with dim 3"
    with pytest.raises(ValueError, match=rule):
        SoftmaxRegression().fit(xp(np.zeros(shape)), xp(np.arange(shape[0]) % 2))


def test_fit_refuses_complex_features(foreign):
    with pytest.raises(ValueError, match="real numbers; got dtype"):
        SoftmaxRegression().fit(foreign(X.astype(complex)), foreign(Y))


def test_fit_refuses_labels_of_one_class(xp):
    with pytest.raises(ValueError, match=r"at least 2 classes; y holds only one class: .*7"):
        SoftmaxRegression().fit(xp(X), xp(np.full(12, 7)))


def test_fit_refuses_X_y_and_weights_of_different_lengths(xp):
    with pytest.raises(ValueError, match=r"X has 12 rows and y has shape \(11,\)"):
        SoftmaxRegression().fit(xp(X), xp(Y[:-1]))
    with pytest.raises(ValueError, match=r"sample_weight must hold one weight per sample"):
        SoftmaxRegression().fit(xp(X), xp(Y), sample_weight=xp(np.ones(11)))


def test_fit_refuses_labels_that_are_no_classes():
    with pytest.raises(ValueError, match="Unknown label type"):
        SoftmaxRegression().fit(X, np.linspace(0, 1, 12))
    with pytest.raises(ValueError, match="requires y to be passed"):
        SoftmaxRegression().fit(X, None)
    with pytest.raises(ValueError, match="must be labels of shape"):
        SoftmaxRegression().fit(X, np.ones((12, 3)))
    with pytest.raises(ValueError, match="NaN"):
        SoftmaxRegression().fit(X, [np.nan, *Y[1:]])


def test_fit_refuses_arrays_of_objects():
    with pytest.raises(TypeError, match="must be a string or a real number"):
        SoftmaxRegression().fit(np.asarray([[{}, 1.0]] * 12, dtype=object), Y)
    with pytest.raises((TypeError, ValueError), match="label"):
        SoftmaxRegression().fit(X, np.asarray([{}, []] * 6, dtype=object))


@pytest.mark.parametrize("weight", [np.zeros(12), -np.ones(12), np.full(12, np.nan)])
def test_fit_refuses_weights_that_weigh_nothing(weight):
    with pytest.raises(ValueError, match=r"(?i)sample_weight"):
        SoftmaxRegression().fit(X, Y, sample_weight=weight)


def test_fit_refuses_two_libraries_or_devices(foreign):
    with pytest.raises(ValueError, match=r"X is array_api_strict on .*device1.* and y is numpy"):
        SoftmaxRegression().fit(foreign(X), Y)
    with pytest.raises(ValueError, match=r"X is numpy on cpu and y is array_api_strict"):
        SoftmaxRegression().fit(X, foreign(Y))
    other = Place("strict")
    with pytest.raises(ValueError, match=r"CPU_DEVICE.*device1"):
        SoftmaxRegression().fit(other(X), foreign(Y))
    with pytest.raises(ValueError, match="sample_weight is numpy"):
        SoftmaxRegression().fit(foreign(X), foreign(Y), sample_weight=np.ones(12))


def test_predict_refuses_X_elsewhere_or_with_other_features(foreign):
    model = SoftmaxRegression().fit(X, Y)
    with pytest.raises(ValueError, match=r"holds its parameters in numpy .* but X is array_api"):
        model.predict(foreign(X))
    with pytest.raises(ValueError, match="expecting 5 features"):
        model.predict(X[:, :3])
    moved = SoftmaxRegression().fit(foreign(X), foreign(Y))
    with pytest.raises(ValueError, match="expecting 5 features"):
        moved.predict(foreign(X[:, :3]))


def test_score_refuses_labels_of_another_number_than_rows():
    model = SoftmaxRegression().fit(X, Y)
    for labels in ([0], Y[:5], np.eye(3)[Y[:5]]):
        with pytest.raises(ValueError, match=r"y must hold one label per row of X, shape \(12,\)"):
            model.score(X, labels)


def test_fit_refuses_labels_that_a_library_would_narrow():
    if "jax" in MISSING:
        pytest.skip("JAX is not installed")
    import jax

    jax.config.update("jax_enable_x64", False)
    try:
        single = jax.numpy.asarray(X, dtype="float32")
        with pytest.raises(ValueError, match="do not fit the dtype"):
            SoftmaxRegression().fit(single, (Y + 2**40).tolist())
        assert SoftmaxRegression().fit(single, Y.tolist()).score(single, Y.tolist()) > 0.5
    finally:
        jax.config.update("jax_enable_x64", True)


def test_check_X_accepts_finite_numbers_whose_sum_overflows():
    X = np.full((4, 2), np.finfo(np.float32).max, dtype=np.float32)
    assert validation.check_X(SoftmaxRegression(), X, reset=True) is X


@pytest.mark.parametrize(
    "labels",
    [
        np.array([-128, 127, -128], np.int8),
        np.array([255, 0, 7], np.uint8),
        np.array([True, False, True]),
        np.array([2**63, 1], np.uint64),
        np.array([2**63 + 5, 2**63 + 4], np.uint64),
        np.array([-(2**63), 2**63 - 1]),
        np.array([2**63 - 1, 2**63 - 2, 2**63 - 2]),
        np.array([7, 7]),
        np.array([5, 1000, 5, 3]),
        np.array(["b", "a", "b"]),
    ],
)
def test_encoded_takes_labels_of_any_dtype(labels):
    classes, indices = validation.encoded(labels)
    assert classes.dtype == labels.dtype
    np.testing.assert_array_equal(classes, np.unique(labels))
    np.testing.assert_array_equal(classes[indices], labels)


def test_features_without_names_drop_those_of_the_last_fit():
    X, y = blobs()
    model = SoftmaxRegression().fit(X, y)
    model.feature_names_in_ = np.array(list("abcde"), dtype=object)  # as if X had been a data frame
    model.fit(X[:, :3], y)
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 3
    assert model.predict(X[:, :3]).shape == y.shape


@pytest.mark.parametrize("scoring", [None, "neg_log_loss"])
@pytest.mark.parametrize(
    ("labels", "rule"),
    [
        (["a", "b", "c"] * 4, "not among the classes 0, 1, 2: 'a', 'b', 'c'"),
        ([str(y) for y in Y], "not among the classes 0, 1, 2: '0', '1', '2'"),
        (Y + 0.5, "Unknown label type"),
        (None, "labels to score; got None"),
    ],
)
def test_score_and_fit_refuse_labels_of_another_kind(labels, rule, scoring):
    model = SoftmaxRegressionCV([1.0], cv=2, scoring=scoring).fit(X, Y)
    with pytest.raises(ValueError, match=rule):
        model.score(X, labels)
    if labels is not None:
        with pytest.raises(ValueError, match=rf"y_val does not fit: .*{rule}"):
            SoftmaxRegression().fit(X, Y, X_val=X, y_val=labels)


def test_score_does_not_take_numbers_for_strings():
    model = SoftmaxRegression().fit(X, np.asarray(["0", "1", "2"], dtype=object)[Y])
    with pytest.raises(ValueError, match="not among the classes '0', '1', '2': 0, 1, 2"):
        model.score(X, Y)


@pytest.mark.parametrize("kind", ["int64", "float64"])
def test_score_counts_a_label_that_is_no_class_as_wrong(kind):
    model = SoftmaxRegression(C=1e4).fit(X, Y)
    labels = np.where(np.arange(12) < 3, 7, model.predict(X)).astype(kind)
    assert model.score(X, labels) == 0.75


def test_score_takes_soft_labels_by_their_most_probable_class(xp):
    model = SoftmaxRegression().fit(xp(X), xp(Y))
    soft = 0.8 * np.eye(3)[Y] + 0.2 / 3
    assert model.score(xp(X), xp(soft)) == model.score(xp(X), xp(Y)) > 0.5
    with pytest.raises(ValueError, match="sum to 1 in each row"):
        model.score(xp(X), xp(2 * soft))
    with pytest.raises(ValueError, match="probabilities of 2 classes, but there are 3"):
        model.score(xp(X), xp(np.eye(2)[Y % 2]))


@pytest.mark.parametrize("method", ["predict", "predict_proba", "score"])
def test_features_beyond_the_range_of_the_models_dtype_are_refused(xp, method):
    far = X.copy()
    far[0, 0] = -1e39
    model = SoftmaxRegression().fit(xp(X, "float32"), Y.tolist())
    rule = (
        r"computes in .*float32, .* X \(.*float64\) holds values from -1e\+39 .*Scale the features"
    )
    more = (Y.tolist(),) if method == "score" else ()
    with pytest.raises(ValueError, match=rule):
        getattr(model, method)(xp(far), *more)
    assert np.all(np.isfinite(xp.host(model.predict_proba(xp(1e30 * X)))))
    rows = {"X_val": xp(far), "y_val": Y.tolist()}
    with pytest.raises(ValueError, match=r"X_val .* holds values from -1e"):
        SoftmaxRegression().fit(xp(X, "float32"), Y.tolist(), **rows)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_fit_takes_soft_labels_in_half_precision(torch, dtype):
    soft = np.random.default_rng(0).dirichlet(np.ones(30), 200)
    rows = np.random.default_rng(1).standard_normal((200, 4))
    rounded = torch.tensor(soft).to(getattr(torch, dtype))
    model = SoftmaxRegression().fit(torch.tensor(rows), rounded)
    expected = SoftmaxRegression().fit(torch.tensor(rows), torch.tensor(soft))
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-2)
    with pytest.raises(ValueError, match="sum to 1 in each row"):
        model.fit(torch.tensor(rows), 1.1 * rounded)
    if dtype == "float16":
        single = SoftmaxRegression().fit(rows, rounded.numpy())
        np.testing.assert_allclose(single.coef_, model.coef_, atol=1e-6)


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


def test_fit_leaves_torchs_graph_of_gradients_alone(torch):
    X, y = blobs()
    model = SoftmaxRegression().fit(torch.tensor(X, requires_grad=True), y.tolist())
    assert not model.coef_.requires_grad
