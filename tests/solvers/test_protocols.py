"""What one solve leaves to the next."""

import numpy as np

from xsoftmax import curvature
from xsoftmax.solvers import WarmStart

from ..problems import blobs, objective_on, zeros_of


def test_an_inverse_that_serves_all_problems_is_taken_of_a_later_start():
    early = WarmStart(np.zeros((2, 3)), inverse=curvature.Identity(), age=9, n_iter=9, pairs=1)
    inverse = curvature.Identity(cost=2.0, is_identity=False)
    later = WarmStart(np.ones((1, 3)), inverse=inverse, age=1, n_iter=12, pairs=2)
    taken = early.with_inverse_of(later)
    assert taken.inverse is inverse
    assert (taken.age, taken.n_iter) == (1, 12)
    assert taken.pairs == 1  # of all problems
    assert taken.parameters.shape == (2, 3)


def test_an_inverse_of_some_of_the_problems_is_not_taken():
    objective = objective_on(np.asarray, *blobs(), Cs=(1.0, 2.0))
    inverse = curvature.exact_inverse(objective, objective.evaluate(zeros_of(objective)), False)
    early = WarmStart(zeros_of(objective), inverse=inverse)
    some = WarmStart(zeros_of(objective)[:1], inverse=inverse.select(np.asarray([1])))
    assert early.with_inverse_of(some) is early
    assert early.with_inverse_of(WarmStart(zeros_of(objective)[:1])) is early
