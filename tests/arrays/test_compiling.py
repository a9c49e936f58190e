"""What JAX compiles: whole functions, once for arrays of the same shapes."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

from xsoftmax import SoftmaxRegression
from xsoftmax.arrays import compiled, namespace, without_compiling

from ..conftest import MISSING, Place


class Pair(NamedTuple):
    x: Any
    y: Any


@dataclass(frozen=True)
class Scaled:
    scale: Any
    power: int
    offset: Any = None


@pytest.fixture
def function():
    """A compiled function, and what its body was called with."""
    calls = []

    @compiled
    def scaled_sum(scaled, pairs, factor):
        calls.append(scaled.power)
        offset = 0.0 if scaled.offset is None else scaled.offset
        total = sum(pair.x * pair.y for pair in pairs)
        return Pair(factor * scaled.scale * total**scaled.power + offset, factor)

    return scaled_sum, calls


def test_compiled_returns_what_the_body_does(xp, function):
    scaled_sum, _ = function
    x, y = xp([1.0, 2.0]), xp([3.0, 4.0])
    for scaled, expected in ((Scaled(y, 2), [54.0, 768.0]), (Scaled(2.0, 1, x), [13.0, 50.0])):
        found = scaled_sum(scaled, [Pair(x, y)], x + 1.0)
        assert isinstance(found, Pair)
        np.testing.assert_allclose(xp.host(found.x), expected)
        np.testing.assert_allclose(xp.host(found.y), [2.0, 3.0])


@pytest.mark.skipif("jax" in MISSING, reason="JAX is not here")
def test_compiled_bodies_are_traced_once_for_each_shape_and_setting(function):
    (scaled_sum, calls), xp = function, Place("jax")
    for scale in (1.0, 2.0, 3.0):
        x = xp([1.0, scale])
        scaled_sum(Scaled(scale, 2), (Pair(x, x),), x)
    assert calls == [2]
    scaled_sum(Scaled(scale, 1), (Pair(x, x),), x)
    scaled_sum(Scaled(scale, 1), (Pair(x, x), Pair(x, x)), x)
    assert calls == [2, 1, 1]


@pytest.mark.skipif("jax" in MISSING, reason="JAX is not here")
def test_a_fit_of_another_size_compiles_few_computations(rng):
    import jax

    xp, found, count = Place("jax"), [], "/jax/core/compile/backend_compile_duration"
    X, y = rng.standard_normal((1100, 40)).astype(np.float32), rng.integers(0, 10, 1100).tolist()
    SoftmaxRegression().fit(xp(X), y)
    X = xp(X[:1000])
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, _, **__: found.append(event) if event == count else None
    )
    SoftmaxRegression().fit(X, y[:1000])
    assert 0 < len(found) <= 70


def test_without_compiling_numpy_computes_for_jax_on_a_cpu(xp):
    seen = []

    @without_compiling
    def doubled(x, factor):
        seen.append(namespace(x))
        return factor * x, x

    x = xp([1.0, 2.0])
    found = doubled(x, 2.0)
    np.testing.assert_array_equal([xp.host(values) for values in found], [[2.0, 4.0], [1.0, 2.0]])
    assert found[1].dtype == x.dtype
    assert seen == [namespace(np.zeros(1) if xp.name == "jax" else x)]
