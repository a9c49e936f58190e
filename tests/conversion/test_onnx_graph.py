"""`to_onnx`: what a runtime of ONNX finds is what the model does."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from xsoftmax import SoftmaxRegression, to_onnx

from .models import ACTIVATIONS, LABELS, MODELS, fitted, network, regression, samples

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

EPS = {"float32": np.finfo(np.float32).eps, "float64": np.finfo(np.float64).eps}

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*best C_", "ignore:.*did not converge", "ignore:.*Maximum iterations"
)


def run(model, X):
    session = runtime.InferenceSession(to_onnx(model).SerializeToString())
    return session.run(["label", "probabilities"], {"X": X})


def check(model, X, ulp=8):
    labels, probabilities = run(model, X)
    expected = model.predict_proba(X)
    assert probabilities.dtype == expected.dtype
    np.testing.assert_allclose(probabilities, expected, atol=ulp * EPS[X.dtype.name], rtol=0)
    np.testing.assert_array_equal(labels, model.predict(X))
    return labels


@pytest.mark.parametrize("dtype", EPS)
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_networks(activation, n_classes, dtype):
    model, X = network(n_classes, activation, dtype=dtype)
    check(model, X)


@pytest.mark.parametrize("dtype", EPS)
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("labels", LABELS)
def test_labels_of_every_kind(labels, n_classes, dtype):
    model, X = regression(n_classes, labels, dtype)
    found = check(model, X)
    assert found.dtype == model.classes_.dtype or model.classes_.dtype.kind in "UO"


def test_labels_that_are_true_or_false():
    _, X = regression()
    check(SoftmaxRegression().fit(X, X[:, 0] > 0), X)


@pytest.mark.parametrize("kind", MODELS)
def test_every_kind_of_model(kind):
    check(*fitted(kind))


def test_rows_of_zeros_have_no_norm():
    for kind in ("norm l1", "norm l2", "norm max"):
        model, X = fitted(kind)
        check(model, np.zeros_like(X))


def test_any_number_of_rows_and_a_file(tmp_path):
    model, X = regression()
    onnx.save(to_onnx(model), tmp_path / "m.onnx")
    session = runtime.InferenceSession(tmp_path / "m.onnx")
    for n in (1, 3):
        assert session.run(None, {"X": X[:n]})[1].shape == (n, 4)
    assert [(i.name, i.shape) for i in session.get_inputs()] == [("X", ["n_samples", 6])]


def test_rows_that_scikit_learn_takes_for_zero_are_not_divided():
    X, y = samples(dtype="float32")
    X[0] *= 1e-8
    for norm in ("l1", "l2", "max"):
        check(make_pipeline(Normalizer(norm), SoftmaxRegression(C=100.0)).fit(X, y), X)
