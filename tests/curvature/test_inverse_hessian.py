"""What all inverse Hessians have in common, and the one of which nothing is known."""

import numpy as np
import pytest

from xsoftmax.arrays import indices_from_host
from xsoftmax.curvature import Identity, approximate_inverse, exact_inverse

from ..problems import blobs, objective_on, start


def test_identity_returns_the_gradient_and_itself(xp):
    identity, gradient = Identity(), xp(np.arange(6.0).reshape(2, 3))
    assert identity.solve(gradient, xp([1.0, 2.0])) is gradient
    assert identity.select(indices_from_host([1], like=gradient)) is identity
    assert identity.of_more_rows(4.0) is identity
    assert identity.is_identity
    assert identity.serves_all_problems
    assert (identity.cost, identity.error_factor) == (0.0, 1.0)


def test_identity_is_a_value():
    assert Identity() == Identity()
    assert hash(Identity()) == hash(Identity())


@pytest.mark.parametrize("n_classes", [2, 4])
def test_every_inverse_says_what_a_solver_asks(xp, n_classes):
    X, y = blobs(n_samples=80, n_features=3, n_classes=n_classes, spread=2.0)
    objective = objective_on(xp, X, y, Cs=(0.5, 20.0))
    iterate = objective.evaluate(start(objective))
    exact = exact_inverse(objective, iterate, of_few_rows=True)
    approximate = approximate_inverse(objective, iterate, 8)
    assert not exact.serves_all_problems  # it holds the penalty of each
    assert approximate.serves_all_problems
    second = indices_from_host([1], like=objective.penalty)
    for inverse in (exact, approximate):
        assert inverse.cost > 0
        assert inverse.error_factor == 1.0
        assert not inverse.is_identity
        gradient, strength = iterate.gradient, objective.strength
        whole = xp.host(inverse.solve(gradient, strength))
        assert np.all(np.sum(whole * xp.host(gradient), axis=1) > 0)
        alone = inverse.select(second).solve(gradient[1:, :], strength[1:])
        np.testing.assert_allclose(xp.host(alone), whole[1:], rtol=1e-11, atol=1e-14)
