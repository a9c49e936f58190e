"""Arrays on a device that is not the current one, as CuPy has it.

CuPy makes arrays on the current device whatever is asked, and computes only there. The double below
treats array-api-strict so: what is not done with the device of the input entered ends in an error.
"""

import array_api_strict as strict
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

from ..problems import blobs

HERE, THERE = (strict.Device(name) for name in ("CPU_DEVICE", "device1"))
ARRAY = type(strict.asarray(0.0))
CREATION = {
    "arange", "asarray", "empty", "empty_like", "eye", "full", "full_like", "linspace", "ones",
    "ones_like", "zeros", "zeros_like",
}  # fmt: skip


class CurrentDevice:
    """Entered, it is where arrays are made."""

    stack = [HERE]  # noqa: RUF012

    def __init__(self, device):
        self.device = device

    def __enter__(self):
        self.stack.append(self.device)

    def __exit__(self, *_):
        self.stack.pop()

    def __eq__(self, other):
        return self.device == other.device

    __hash__ = None

    def __repr__(self):
        return str(self.device)


def check_current(*values):
    for value in values:
        if isinstance(value, (list, tuple)):
            check_current(*value)
        elif isinstance(value, ARRAY) and value.device != CurrentDevice.stack[-1]:
            raise ValueError(f"array on {value.device}, current {CurrentDevice.stack[-1]}")


class LikeCuPy:
    """A namespace of array-api-strict that minds the current device."""

    def __init__(self, module=strict):
        self.module = module

    def __getattr__(self, name):
        found = getattr(self.module, name)
        if name in ("linalg", "fft"):
            return LikeCuPy(found)
        if name == "__array_namespace_info__":
            return lambda: Info(found())
        if not callable(found) or isinstance(found, type) or name in ("isdtype", "finfo", "iinfo"):
            return found

        def function(*args, **kwargs):
            if name in CREATION:
                kwargs["device"] = CurrentDevice.stack[-1]
                if name == "asarray" and isinstance(args[0], ARRAY):
                    kwargs.pop("device")
            else:
                check_current(*args)
            return found(*args, **kwargs)

        return function


class Info:
    """What a namespace says of itself, for a device of ours."""

    def __init__(self, info):
        self.info = info

    def __getattr__(self, name):
        return lambda *, device=None, **kwargs: getattr(self.info, name)(device=None, **kwargs)


@pytest.fixture
def there(monkeypatch):
    """Makes an array on the device that is not current."""
    namespace = LikeCuPy()
    monkeypatch.setattr(arrays.namespaces, "_NAMESPACES", {})
    real = arrays.namespaces.array_namespace

    def array_namespace(*values):
        return namespace if any(isinstance(x, ARRAY) for x in values) else real(*values)

    def device(x):
        return CurrentDevice(x.device) if isinstance(x, ARRAY) else "cpu"

    monkeypatch.setattr(arrays.namespaces, "array_namespace", array_namespace)
    for module in (arrays, arrays.devices, arrays.namespaces, arrays.transfers):
        monkeypatch.setattr(module, "device", device)
    for module in (arrays.devices, arrays.transfers):
        monkeypatch.setattr(module, "is_cupy_array", lambda x: isinstance(x, ARRAY))
    monkeypatch.setattr(ARRAY, "get", lambda x: np.asarray(x.to_device(HERE)), raising=False)
    operands = ARRAY._check_type_device

    def check_operands(x, other):
        check_current(x)
        return operands(x, other)

    monkeypatch.setattr(ARRAY, "_check_type_device", check_operands)
    return lambda values, dtype=None: strict.asarray(np.asarray(values, dtype), device=THERE)


def on_the_other_device(*values):
    assert CurrentDevice.stack == [HERE]
    for value in values:
        assert isinstance(value, ARRAY)
        assert value.device == THERE


def test_the_double_refuses_what_cupy_refuses(there):
    x = there([1.0, 2.0])
    namespace = arrays.namespace(x)
    assert namespace.zeros(2, device=THERE).device == HERE
    with pytest.raises(ValueError, match="array on"):
        namespace.sum(x)
    with pytest.raises(ValueError, match="array on"):
        x + x
    with arrays.on_device_of(x):
        assert namespace.zeros(2).device == THERE
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
def test_functions(there, name, arguments):
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
def test_classifiers(there, model, shape, tmp_path):
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


def test_a_scorer_on_the_host(there):
    X, y = blobs(spread=2.0)
    model = SoftmaxRegressionCV([0.1, 1.0], cv=3, scoring="neg_log_loss")
    expected = model.fit(X, y).score(X, y)
    assert model.fit(there(X), y.tolist()).score(there(X), y.tolist()) == pytest.approx(expected)


def test_two_devices_are_refused(there):
    X, y = blobs()
    model = SoftmaxRegression().fit(there(X), y.tolist())
    with pytest.raises(ValueError, match=r"device1.*CPU_DEVICE|CPU_DEVICE.*device1"):
        model.predict(strict.asarray(X))
    with pytest.raises(ValueError, match=r"X and X_val must lie in one place"):
        SoftmaxRegression().fit(there(X), y.tolist(), X_val=strict.asarray(X), y_val=y.tolist())
