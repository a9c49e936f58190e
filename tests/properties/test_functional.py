"""What holds of softmax and its losses for any logits."""

import math
import os

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xsoftmax import functional as F

from .drawing import dtypes, examples, logits, seeds


def gradient_of(xp, z, targets, **options):
    value, gradient = F.softmax_cross_entropy(xp(z), xp(targets), **options)
    return float(xp.host(value)), xp.host(gradient)


@examples
@given(z=logits(1e4), dtype=dtypes)
def test_rows_of_probabilities_sum_to_1_within_a_few_ulp(xp, z, dtype):
    probabilities = xp.host(F.softmax(xp(z, dtype)))
    sums = [math.fsum(row) for row in probabilities.tolist()]
    assert np.max(np.abs(np.asarray(sums) - 1)) <= 4 * np.finfo(dtype).eps
    assert np.all(probabilities >= 0)


@examples
@given(z=logits(1e6), shift=st.floats(-1e6, 1e6))
def test_a_shift_of_the_logits_changes_nothing(xp, z, shift):
    rounding = 8 * np.spacing(np.abs(z).max() + abs(shift)) + 1e-14
    for function in (F.softmax, F.log_softmax):
        found, expected = (xp.host(function(xp(x))) for x in (z + shift, z))
        np.testing.assert_allclose(found, expected, rtol=rounding, atol=rounding)


@examples
@given(z=logits(50.0), seed=seeds)
def test_classes_and_rows_in_another_order_give_the_same_in_that_order(xp, z, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, z.shape[1], len(z))
    rows, classes = rng.permutation(len(z)), rng.permutation(z.shape[1])
    value, gradient = gradient_of(xp, z, labels)
    moved = gradient_of(xp, z[rows][:, classes], np.argsort(classes)[labels[rows]])
    assert moved[0] == pytest.approx(value, rel=1e-13, abs=1e-15)
    np.testing.assert_allclose(moved[1], gradient[rows][:, classes], rtol=1e-12, atol=1e-15)


@examples
@given(z=logits(1e4), seed=seeds, dtype=dtypes)
def test_the_gradient_sums_to_0_over_classes(xp, z, seed, dtype):
    labels = np.random.default_rng(seed).integers(0, z.shape[1], len(z))
    _, gradient = gradient_of(xp, z.astype(dtype), labels)
    sums = np.asarray([math.fsum(row) for row in gradient.tolist()])
    assert np.max(np.abs(sums)) <= 8 * np.finfo(dtype).eps / len(z)


@examples
@given(z=logits(50.0), seed=seeds)
def test_a_weight_is_a_repeated_row(xp, z, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, z.shape[1], len(z))
    repeats = rng.permutation(1 + np.arange(len(z)) % 3)
    value, gradient = gradient_of(xp, z, labels, sample_weight=xp(repeats.astype(float)))
    of_each = np.repeat(np.arange(len(z)), repeats)
    again, parts = gradient_of(xp, z[of_each], labels[of_each])
    assert again == pytest.approx(value, rel=1e-13, abs=1e-15)
    summed = np.zeros_like(z)
    np.add.at(summed, of_each, parts)
    np.testing.assert_allclose(summed, gradient, atol=1e-15)


@examples
@given(z=logits(20.0), seed=seeds, is_soft=st.booleans())
def test_the_gradient_is_the_slope_of_the_value(xp, z, seed, is_soft):
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, z.shape[1], len(z))
    if is_soft:
        targets = rng.dirichlet(np.ones(z.shape[1]), len(z))
    weight, direction = xp(rng.random(len(z)) + 0.01), rng.standard_normal(z.shape)
    _, gradient = gradient_of(xp, z, targets, sample_weight=weight)
    slope = slope_at(lambda t: gradient_of(xp, z + t * direction, targets, sample_weight=weight)[0])
    assert np.sum(gradient * direction) == pytest.approx(slope, rel=1e-7, abs=1e-10)


def slope_at(value_at, step=2e-3):
    """The derivative at 0, to the sixth power of the step (Fornberg 1988)."""
    near, middle, far = (value_at(k * step) - value_at(-k * step) for k in (1, 2, 3))
    return (45 * near - 9 * middle + far) / (60 * step)


def test_log_softmax_is_mpmaths_to_4_ulp_in_10000_rows(xp, rng):
    """Logits up to 1e4, near each other and far apart, with ties."""
    n = 10_000
    spread = 10.0 ** rng.uniform(-3, 4, size=(n, 1))
    z = np.clip(spread * rng.standard_normal((n, 3)), -1e4, 1e4)
    z[::7, 1] = z[::7, 0]
    found = xp.host(F.log_softmax(xp(z)))
    with mpmath.workdps(60):
        expected = np.asarray([exact_log_softmax(row) for row in z.tolist()])
    subnormal = np.finfo(float).tiny  # for JAX such numbers are 0
    ulps = 100 if os.environ.get("CUPY_DOUBLE_NOISE") else 4  # which rounds as no library does
    assert np.all(np.abs(found - expected) <= ulps * np.spacing(np.abs(expected)) + subnormal)


def exact_log_softmax(row):
    """log(p), by log1p of the others, of which some digits would go far below 1e-60."""
    top = max(row)
    k = row.index(top)
    others = mpmath.fsum(mpmath.exp(mpmath.mpf(z) - top) for j, z in enumerate(row) if j != k)
    log_total = mpmath.log1p(others)
    return [float(mpmath.mpf(z) - top - log_total) for z in row]
