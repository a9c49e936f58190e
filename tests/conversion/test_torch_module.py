"""`to_torch`: modules whose softmax is what the model predicts."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from xsoftmax import SoftmaxRegression, to_torch

from .models import ACTIVATIONS, MODELS, fitted, network, regression, samples

torch = pytest.importorskip("torch", reason="torch is not installed")

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*best C_", "ignore:.*did not converge", "ignore:.*Maximum iterations"
)


def check(model, X, ulp=8):
    module = to_torch(model)
    with torch.no_grad():
        logits = module(torch.asarray(X))
    assert logits.dtype == torch.asarray(X).dtype
    found, expected = torch.softmax(logits, 1).numpy(), model.predict_proba(X)
    np.testing.assert_allclose(found, expected, atol=ulp * np.finfo(X.dtype).eps, rtol=0)
    np.testing.assert_array_equal(model.classes_[logits.argmax(1).numpy()], model.predict(X))
    return module


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_networks(activation, n_classes, dtype):
    model, X = network(n_classes, activation, dtype=dtype)
    check(model, X)


@pytest.mark.parametrize("kind", MODELS)
def test_every_kind_of_model(kind):
    model, X = fitted(kind)
    module = check(model, X)
    if kind.startswith("norm"):
        check(model, np.zeros_like(X))
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_a_module_trains_on_and_leaves_the_model_as_it_was():
    model, X = regression()
    before = model.coef_.copy()
    module = to_torch(model)
    module(torch.asarray(X)).sum().backward()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter -= 1.0
    np.testing.assert_array_equal(model.coef_, before)


def test_scalers_are_in_the_state_of_a_module():
    state = to_torch(fitted("standard")[0]).state_dict()
    assert list(state) == ["scaler0.subtract", "scaler0.divide", "layer0.weight", "layer0.bias"]
    assert "Normalize('l2')" in repr(to_torch(fitted("norm l2")[0]))


def test_rows_that_scikit_learn_takes_for_zero_are_not_divided():
    X, y = samples(dtype="float32")
    X[0] *= 1e-8
    for norm in ("l1", "l2", "max"):
        check(make_pipeline(Normalizer(norm), SoftmaxRegression(C=100.0)).fit(X, y), X)
