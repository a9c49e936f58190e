"""Gradient descent on all rows."""

import numpy as np

from xsoftmax.solvers import GradientDescent, Status, WarmStart, minimize

from ..problems import Quadratic


def test_each_problem_has_its_own_learning_rate(xp):
    problem = Quadratic(xp([[1.0], [1.0]]), xp([[1.0], [1.0]]))
    solver = GradientDescent(xp([0.5, 0.25]), tol=0)
    solution = minimize(problem, WarmStart(xp(np.zeros((2, 1)))), solver, max_iter=2)
    np.testing.assert_allclose(xp.host(solution.parameters), [[0.75], [0.4375]])


def test_it_converges_where_no_component_of_the_gradient_exceeds_tol(xp):
    problem = Quadratic(xp(np.ones((1, 2))), xp([[1.0, -2.0]]))
    solver, begin = GradientDescent(0.5, tol=0.1), WarmStart(xp(np.zeros((1, 2))))
    solution = minimize(problem, begin, solver, max_iter=99)
    assert solution.statuses == [Status.CONVERGED]
    assert solution.n_iter == [6]  # 2 / 2^5 < 0.1, met before the 6th step
    assert solution.gradient_norms == [2 / 2**5]
