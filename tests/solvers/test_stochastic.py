"""What solvers on minibatches share."""

import numpy as np
import pytest

from xsoftmax.solvers import SGD, Status, WarmStart, minimize

from ..problems import Quadratic, blobs, objective_on, zeros_of


def plain(rate, **settings):
    return SGD(rate, momentum=0.0, **settings)


def test_a_problem_has_converged_when_epochs_in_a_row_improve_too_little():
    problem = Quadratic(np.ones((1, 1)), np.ones((1, 1)))  # the value falls by 3/8 4^-k
    solver = plain(0.5, tol=0.01, n_iter_no_change=2)
    solution = minimize(problem, WarmStart(np.zeros((1, 1))), solver, max_iter=99)
    gains = -np.diff(solution.curves[0])
    assert solution.statuses == [Status.CONVERGED]
    assert (gains < 0.01).tolist() == [False] * (len(gains) - 3) + [True] * 3


def test_adaptive_divides_the_rate_of_a_problem_instead_of_ending_it():
    d = np.asarray([[1.0], [1.0]])
    rates = []

    class Noting(type(plain(0.5))):
        def update(self, objective, state, reports):
            rates.append(state.learning_rate[:, 0].tolist())
            return super().update(objective, state, reports)

    solver = Noting(
        np.asarray([2.0, 0.01]), momentum=0.0, tol=1e-6, n_iter_no_change=1, schedule="adaptive"
    )
    problem = Quadratic(d, np.ones((2, 1)))
    minimize(problem, WarmStart(np.zeros((2, 1))), solver, max_iter=9)  # a rate of 2 only jumps
    assert {second for _, second in rates} == {0.01}
    assert [first for first, _ in rates][:4] == [2.0, 2.0, 2.0, 0.4]


def test_invscaling_divides_the_rate_by_a_power_of_the_rows_seen():
    problem = Quadratic(np.ones((1, 1)), np.ones((1, 1)))  # of one row
    solver = plain(0.5, tol=-np.inf, schedule="invscaling", power_t=0.3)
    solution = minimize(problem, WarmStart(np.zeros((1, 1))), solver, max_iter=4)
    left = np.prod([1 - 0.5 / t**0.3 for t in range(1, 5)])
    np.testing.assert_allclose(solution.parameters, [[1 - left]])


def test_an_epoch_that_fails_takes_its_shuffle_back():
    class Failing(SGD):
        def step(self, moments, gradient, learning_rate, n_steps):
            if n_steps == 5:
                raise MemoryError
            return super().step(moments, gradient, learning_rate, n_steps)

    objective, random_state = objective_on(np.asarray, *blobs()), np.random.RandomState(3)
    solver = Failing(0.1, batch_size=20, random_state=random_state)  # 3 steps an epoch
    state, reports = solver.init(objective, WarmStart(zeros_of(objective)))
    state, reports = solver.update(objective, state, reports)
    before = random_state.get_state()[1].tolist(), random_state.get_state()[2]
    with pytest.raises(MemoryError):
        solver.update(objective, state, reports)
    assert (random_state.get_state()[1].tolist(), random_state.get_state()[2]) == before


def test_the_value_of_an_epoch_is_the_mean_over_all_rows():
    """The last minibatch has fewer rows than the others."""
    objective = objective_on(np.asarray, *blobs(n_samples=50))
    solver = plain(0.0, batch_size=15, tol=-np.inf)
    solution = minimize(objective, WarmStart(0.1 + zeros_of(objective)), solver, max_iter=2)
    value, _ = objective.value_and_gradient(0.1 + zeros_of(objective))
    np.testing.assert_allclose(solution.curves[0][-1], value[0], rtol=1e-12)
