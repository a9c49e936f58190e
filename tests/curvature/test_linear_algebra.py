"""Small pieces of linear algebra, against NumPy's."""

import numpy as np
import pytest

from xsoftmax.curvature.linear_algebra import (
    diagonal_matrix,
    floored,
    inverse_cholesky,
    inverse_of_unit_diagonal,
)


@pytest.mark.parametrize("n", [1, 32, 33, 100, 257])
def test_inverse_cholesky_is_the_inverse_of_the_factor(xp, rng, n):
    A = rng.standard_normal((2, n, n + 5))
    A = A @ A.transpose(0, 2, 1) + np.eye(n)
    F = xp.host(inverse_cholesky(xp(A)))
    expected = np.linalg.inv(np.linalg.cholesky(A))
    np.testing.assert_allclose(F, expected, rtol=1e-7, atol=1e-11 * np.abs(expected).max())
    assert not np.triu(F, 1).any()


@pytest.mark.parametrize("n", [1, 20, 70])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inverse_of_unit_diagonal(xp, rng, dtype, n):
    A = rng.standard_normal((2, n, n + 5))
    A = A @ A.transpose(0, 2, 1) + np.eye(n)
    scale = 1.0 / np.sqrt(np.diagonal(A, axis1=1, axis2=2))
    H = A * scale[:, None, :] * scale[:, :, None]
    found = xp.host(inverse_of_unit_diagonal(xp(H, dtype)))
    assert found.dtype == dtype
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(found @ H, np.broadcast_to(np.eye(n), H.shape), atol=1e4 * n * eps)


def test_what_rounding_took_from_eigenvalues_is_given_back(xp, rng):
    """Of a matrix of rank 1, and one that rounding has made indefinite."""
    v = rng.choice([-1.0, 1.0], 40)
    singular = np.stack([np.outer(v, v), np.outer(v, v) - 1e-12 * (1 - np.eye(40))])
    found = xp.host(inverse_of_unit_diagonal(xp(singular)))
    for inverse, H in zip(found, singular, strict=True):
        np.testing.assert_allclose(H @ inverse @ H, H, atol=0.05)


def test_more_is_given_to_the_diagonal_until_there_is_an_inverse(xp):
    H = np.asarray([[[1.0, 1.5], [1.5, 1.0]]])
    found = xp.host(inverse_of_unit_diagonal(xp(H)))
    np.testing.assert_allclose(found, np.linalg.inv(H + np.eye(2)))


@pytest.mark.parametrize("corner", [3.0, np.nan])
def test_where_nothing_helps_the_diagonal_stands_for_the_matrix(xp, corner):
    H = np.asarray([[[1.0, corner], [corner, 1.0]]])
    np.testing.assert_array_equal(xp.host(inverse_of_unit_diagonal(xp(H)))[0], np.eye(2))


def test_diagonal_matrix_of_each_row(xp, rng):
    values = rng.standard_normal((2, 3, 4))
    found = xp.host(diagonal_matrix(xp(values)))
    assert found.shape == (2, 3, 4, 4)
    for i in np.ndindex(2, 3):
        np.testing.assert_array_equal(found[i], np.diag(values[i]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floored_mass_can_be_divided_by(xp, dtype):
    mass = np.asarray([0.0, -1.0, 1e-30, 1.0, np.finfo(dtype).tiny], dtype=dtype)
    found = xp.host(floored(xp(mass)))
    assert found.dtype == dtype
    assert np.all(np.isfinite(1.0 / found**2))
    np.testing.assert_array_equal(found[3], 1.0)
    if dtype == "float64":
        np.testing.assert_array_equal(found[2], 1e-30)
