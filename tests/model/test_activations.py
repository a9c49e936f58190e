"""Activations: values against scipy and mpmath, derivatives against finite differences."""

import mpmath
import numpy as np
import pytest
import scipy.special

from xsoftmax import functional as F
from xsoftmax.model.activations import ACTIVATIONS

NAMES = sorted(ACTIVATIONS)


def exact_gelu(z):
    """To 600 digits, because 1 + tanh cancels as many as it must."""
    with mpmath.workdps(600):
        u = mpmath.sqrt(2 / mpmath.pi) * (z + mpmath.mpf("0.044715") * mpmath.mpf(z) ** 3)
        return float(z * (1 + mpmath.tanh(u)) / 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_derivatives_are_those_of_finite_differences(xp, name, dtype):
    z = np.linspace(-6, 6, 49) + 0.01  # away from relu's kink
    function, derivative = ACTIVATIONS[name]
    slope = (xp.host(function(xp(z + 1e-6))) - xp.host(function(xp(z - 1e-6)))) / 2e-6
    at = xp(z.astype(dtype))
    result = xp.host(derivative(at, None))
    assert result.dtype == dtype
    np.testing.assert_allclose(result, slope, atol=1e-8 if dtype == "float64" else 1e-5)
    np.testing.assert_array_equal(xp.host(derivative(at, function(at))), result)


def test_sigmoid_is_scipys_expit(xp):
    z = np.concatenate([np.linspace(-700, 700, 1401), [-1e4, 1e4, 0.0, -0.0]])
    np.testing.assert_allclose(xp.host(F.sigmoid(xp(z))), scipy.special.expit(z), rtol=1e-15)


def test_gelu_is_mpmaths(xp):
    z = np.asarray([-19.0, -8.0, -3.0, -0.5, 0.0, 1e-8, 0.7, 4.0, 30.0])
    expected = [exact_gelu(value) for value in z]
    np.testing.assert_allclose(xp.host(F.gelu(xp(z))), expected, rtol=1e-13, atol=1e-200)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_activations_of_huge_input_are_finite_and_warn_of_nothing(xp, name, dtype):
    z = xp(np.asarray([-1e30, -1e4, 1e4, 1e30], dtype=dtype))
    function, derivative = ACTIVATIONS[name]
    assert np.all(np.isfinite(xp.host(function(z))))
    assert np.all(np.isfinite(xp.host(derivative(z, None))))
    if name == "gelu":
        np.testing.assert_array_equal(xp.host(function(z))[:2], [0, 0])


def test_derivatives_are_torchs(torch):
    pairs = {
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": torch.relu,
        "gelu": lambda z: torch.nn.functional.gelu(z, approximate="tanh"),
    }
    for name, reference in pairs.items():
        z = torch.linspace(-5, 5, 41, dtype=torch.float64, requires_grad=True)
        reference(z).sum().backward()
        result = getattr(F, f"{name}_derivative")(z.detach().numpy())
        np.testing.assert_allclose(result, z.grad.numpy(), rtol=1e-12, atol=1e-14, err_msg=name)


@pytest.mark.parametrize("name", ["identity", "relu", "tanh", "sigmoid", "gelu"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64"])
def test_activations_cast_integers_and_booleans_as_softmax_does(xp, name, dtype):
    z = np.asarray([0, 1, 3], dtype=dtype)
    floating = xp.host(F.softmax(xp(z))).dtype
    for function in (getattr(F, name), getattr(F, f"{name}_derivative")):
        result = xp.host(function(xp(z)))
        assert result.dtype == floating
        np.testing.assert_array_equal(result, xp.host(function(xp(z.astype(floating)))))


@pytest.mark.parametrize("name", ["identity", "relu", "tanh", "sigmoid", "gelu"])
def test_activations_of_training_do_not_cast(name):
    function, derivative = ACTIVATIONS[name]
    z = np.ones(3, dtype="float16")  # which the functions of users cast to single precision
    assert function(z).dtype == derivative(z, None).dtype == "float16"
    assert getattr(F, name)(z).dtype == getattr(F, f"{name}_derivative")(z).dtype == "float32"
