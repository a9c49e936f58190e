"""Small pieces of linear algebra, against NumPy's."""

import numpy as np
import pytest

from xsoftmax.curvature.linear_algebra import diagonal_matrix, floored, inverse_cholesky


@pytest.mark.parametrize("n", [1, 32, 33, 100, 257])
def test_inverse_cholesky_is_the_inverse_of_the_factor(xp, rng, n):
    A = rng.standard_normal((2, n, n + 5))
    A = A @ A.transpose(0, 2, 1) + np.eye(n)
    F = xp.host(inverse_cholesky(xp(A)))
    expected = np.linalg.inv(np.linalg.cholesky(A))
    np.testing.assert_allclose(F, expected, rtol=1e-7, atol=1e-11 * np.abs(expected).max())
    assert not np.triu(F, 1).any()


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
