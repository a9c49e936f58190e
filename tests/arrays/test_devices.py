"""Arrays on a device that is not the current one, as CuPy has it."""

from functools import partial

import numpy as np
import pytest

import xsoftmax
from xsoftmax import (
    BatchedGridSearchCV,
    MLPClassifier,
    SoftmaxRegression,
    SoftmaxRegressionCV,
    arrays,
    functional,
)

from ..array_library import HERE, THERE, Library
from ..problems import blobs


@pytest.fixture
def library():
    return Library()


@pytest.fixture
def there(library):
    """Makes an array on the device that is not current."""
    return library.array


def on_the_other_device(*arrays):
    for x in arrays:
        assert x.value.device == THERE
        assert x.library.current == [HERE]


def test_on_device_of_makes_the_device_of_an_array_current(library, there):
    x = there([1.0, 2.0])
    namespace = arrays.namespace(x)
    assert namespace is library
    assert namespace.zeros(2, device=THERE).value.device == HERE
    with pytest.raises(ValueError, match="array on"):
        namespace.sum(x)
    with pytest.raises(ValueError, match="array on"):
        x + x
    with arrays.on_device_of(x):
        assert namespace.zeros(2).value.device == THERE
        on_sum = namespace.sum(x + x)
    on_the_other_device(on_sum)


LOGITS = np.random.default_rng(0).standard_normal((4, 3))
PROBABILITIES = functional.softmax(LOGITS)
LABELS = np.asarray([0, 2, 1, 1])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("softmax", [LOGITS]),
        ("log_softmax", [LOGITS]),
        ("logsumexp", [LOGITS]),
        ("one_hot", [LABELS]),
        ("cross_entropy", [PROBABILITIES, LABELS]),
        ("softmax_cross_entropy", [LOGITS, LABELS]),
        ("softmax_cross_entropy", [LOGITS, PROBABILITIES]),
        *((name, [LOGITS]) for name in functional.__all__ if name.startswith("gelu")),
        *((name, [LOGITS]) for name in functional.__all__ if name.startswith("sigmoid")),
        *((name, [LOGITS]) for name in functional.__all__ if name.startswith("tanh")),
        *((name, [LOGITS]) for name in functional.__all__ if name.startswith("relu")),
    ],
)
def test_functions_return_arrays_on_the_device_of_their_input(there, name, arguments):
    function = getattr(functional, name)
    results = function(*map(there, arguments))
    expected = function(*arguments)
    results, expected = (x if isinstance(x, tuple) else (x,) for x in (results, expected))
    on_the_other_device(*results)
    for result, value in zip(results, expected, strict=True):
        np.testing.assert_allclose(arrays.to_host(result), value, rtol=1e-12)


@pytest.mark.parametrize(
    "model",
    [
        SoftmaxRegression(),
        SoftmaxRegression(solver="gd", max_iter=3, tol=0),
        SoftmaxRegression(solver="adam", max_iter=2, tol=0, random_state=0),
        SoftmaxRegressionCV([0.1, 1.0], cv=3),
        MLPClassifier((4,), max_iter=2, tol=0, random_state=0),
        MLPClassifier((4,), early_stopping=True, max_iter=2, tol=0, random_state=0),
        BatchedGridSearchCV(
            MLPClassifier((4,), max_iter=2, tol=0, random_state=0), {"alpha": [0.1, 1.0]}, cv=2
        ),
    ],
    ids=lambda model: f"{type(model).__name__}-{getattr(model, 'solver', '')}",
)
@pytest.mark.parametrize("shape", [(700, 3), (40, 60)])
def test_classifiers_answer_on_the_device_of_X(there, model, shape, tmp_path):
    X, y = blobs(*shape, spread=2.0)
    expected = model.fit(X, y).predict_proba(X)
    model.fit(there(X), y.tolist())
    on_the_other_device(model.predict_proba(there(X)), model.predict_log_proba(there(X)))
    result = arrays.to_host(model.predict_proba(there(X)))
    np.testing.assert_allclose(result, expected, atol=1e-3)
    assert model.score(there(X), y.tolist()) == np.mean(np.argmax(result, axis=1) == y)
    on_the_other_device(model.predict(there(X)))
    if isinstance(model, (SoftmaxRegression, MLPClassifier)):
        on_the_other_device(model.decision_function(there(X)))
        xsoftmax.save(model, tmp_path / "model.safetensors")
        loaded = xsoftmax.load(tmp_path / "model.safetensors", like=there(X))
        on_the_other_device(loaded.predict_proba(there(X)))
    if model.get_params().get("solver") == "adam":
        model.set_params(early_stopping=False).partial_fit(there(X), y.tolist())
        on_the_other_device(model.predict(there(X)))


def test_a_sweep_scores_on_the_host_what_lies_on_another_device(there):
    X, y = blobs(spread=2.0)
    model = SoftmaxRegressionCV([0.1, 1.0], cv=3, scoring="neg_log_loss")
    expected = model.fit(X, y).score(X, y)
    assert model.fit(there(X), y.tolist()).score(there(X), y.tolist()) == pytest.approx(expected)


def test_classifiers_refuse_two_devices(library, there):
    here = partial(library.array, device=HERE)
    X, y = blobs()
    model = SoftmaxRegression().fit(there(X), y.tolist())
    with pytest.raises(ValueError, match=r"device1.*CPU_DEVICE|CPU_DEVICE.*device1"):
        model.predict(here(X))
    with pytest.raises(ValueError, match=r"X and X_val must lie in one place"):
        SoftmaxRegression().fit(there(X), y.tolist(), X_val=here(X), y_val=y.tolist())
