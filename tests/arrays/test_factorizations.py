"""Factorisations, which fail alike in every library."""

import numpy as np
import pytest

from xsoftmax.arrays import cholesky, eigh, inverse


def symmetric(rng, n, batch=()):
    A = rng.standard_normal((*batch, n, n + 3))
    return A @ np.swapaxes(A, -1, -2)


@pytest.mark.parametrize("batch", [(), (1,), (3,)])
def test_cholesky_and_inverse_of_one_matrix_or_many(xp, rng, batch):
    A = symmetric(rng, 5, batch)
    np.testing.assert_allclose(xp.host(cholesky(xp(A))), np.linalg.cholesky(A), rtol=1e-9)
    np.testing.assert_allclose(xp.host(inverse(xp(A))), np.linalg.inv(A), rtol=1e-9, atol=1e-12)


def test_what_has_no_factor_gives_no_finite_one(xp):
    """Where a library says nothing, the result is not the factor."""
    A = np.asarray([[[1.0, 2.0], [2.0, 1.0]]])
    L = xp.host(cholesky(xp(A)))
    assert not np.allclose(L @ np.swapaxes(L, 1, 2), A)
    assert not np.all(np.isfinite(xp.host(inverse(xp(np.ones((2, 2)))))))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_eigh_of_few_large_and_many_zero_eigenvalues(xp, rng, dtype):
    rows = rng.standard_normal((4, 30))
    A = (1e6 * rows.T @ rows).astype(dtype)
    e, V = (xp.host(x) for x in eigh(xp(A)))
    scale, eps = np.abs(A).max(), np.finfo(dtype).eps
    np.testing.assert_allclose((V * e) @ V.T, A, atol=300 * eps * scale)
    np.testing.assert_allclose(V.T @ V, np.eye(30), atol=100 * eps)
    np.testing.assert_allclose(e[:26], 0.0, atol=300 * eps * scale)


def test_eigh_of_zeros(xp):
    e, V = (xp.host(x) for x in eigh(xp(np.zeros((3, 3)))))
    np.testing.assert_array_equal(e, 0.0)
    np.testing.assert_allclose(V.T @ V, np.eye(3))


def test_eigh_of_what_is_not_finite_is_nan(xp):
    e, _ = (xp.host(x) for x in eigh(xp(np.full((3, 3), np.nan))))
    assert np.all(np.isnan(e))


def test_other_errors_are_raised():
    with pytest.raises(TypeError):
        cholesky("not an array")
