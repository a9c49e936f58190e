"""The loop that all solvers share, on problems whose answer is known."""

import numpy as np
import pytest

from xsoftmax.solvers import (
    LBFGS,
    SGD,
    Adam,
    GradientDescent,
    Status,
    WarmStart,
    fit,
    minimize,
)

from ..problems import Quadratic, blobs, objective_on, start, zeros_of


def test_finished_problems_leave_the_batch():
    sizes = []

    class Watching(Quadratic):
        def value_and_gradient(self, x):
            sizes.append(len(x))
            return super().value_and_gradient(x)

    d = np.asarray([[1.0, 1.0], [1.0, 50.0], [2.0, 2.0]])
    problem, begin = Watching(d, np.ones((3, 2))), WarmStart(np.zeros((3, 2)))
    solution = minimize(problem, begin, GradientDescent(0.03, tol=1e-6), max_iter=3000)
    assert solution.statuses == [Status.CONVERGED] * 3
    assert len(set(solution.n_iter)) > 1
    assert sum(sizes) == sum(solution.n_iter) < 3 * max(solution.n_iter)
    assert [len(curve) for curve in solution.curves] == solution.n_iter
    np.testing.assert_allclose(solution.parameters, 1 / d, rtol=1e-4)


SOLVERS = {
    "lbfgs": lambda rng: LBFGS(tol=1e-6),
    "gd": lambda rng: GradientDescent(0.5, tol=1e-4),
    "sgd": lambda rng: SGD(0.02, batch_size=20, random_state=rng, tol=1e-6),
    "sgd-plain": lambda rng: SGD(0.2, batch_size=60, momentum=0.0, random_state=rng, tol=1e-7),
    "sgd-heavy-ball": lambda rng: SGD(
        0.02, batch_size=20, nesterovs_momentum=False, random_state=rng, tol=1e-6
    ),
    "adam": lambda rng: Adam(0.02, batch_size=20, random_state=rng, tol=1e-6),
}


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("hidden", [(), (6,)])
def test_every_solver_comes_near_the_minimum(name, hidden):
    X, y = blobs(spread=1.5)
    objective = objective_on(np.asarray, X, y, Cs=(0.05, 0.5), hidden=hidden)
    parameters = start(objective) if hidden else zeros_of(objective)
    best = fit(objective, parameters, tol=1e-8, max_iter=2000).values
    solver = SOLVERS[name](np.random.RandomState(0))
    solution = minimize(objective, WarmStart(parameters), solver, max_iter=1500)
    values, _ = objective.value_and_gradient(solution.parameters)
    np.testing.assert_allclose(values, best, rtol=0.02)


def test_divergence_is_a_status_of_that_problem_alone():
    problem = Quadratic(np.asarray([[1.0], [1.0]]), np.ones((2, 1)))
    solver = GradientDescent(np.asarray([0.5, 1e6]), tol=1e-8)
    with pytest.warns(RuntimeWarning):
        solution = minimize(problem, WarmStart(np.zeros((2, 1))), solver, max_iter=500)
    assert solution.statuses == [Status.CONVERGED, Status.DIVERGED]
    np.testing.assert_allclose(solution.parameters[0], 1)


def test_a_callback_sees_every_iteration_and_stops():
    problem, begin = Quadratic(np.ones((1, 1)), np.ones((1, 1))), WarmStart(np.zeros((1, 1)))
    seen = []

    def stop_at_three(iteration, parameters, reports):
        seen.append((iteration, float(parameters[0, 0]), reports[0].value))
        return iteration == 3

    solver = GradientDescent(0.5, tol=0)
    solution = minimize(problem, begin, solver, max_iter=9, callback=stop_at_three)
    assert solution.statuses == [Status.STOPPED]
    assert solution.n_iter == [3]
    assert [iteration for iteration, _, _ in seen] == [1, 2, 3]
    assert [x for _, x, _ in seen] == [0.5, 0.75, 0.875]
    assert [value for _, _, value in seen] == solution.curves[0]


def test_an_interrupt_keeps_the_last_iteration():
    class Interrupting(GradientDescent):
        def update(self, objective, state, reports):
            if float(state.parameters[0, 0]) > 0.8:
                raise KeyboardInterrupt
            return super().update(objective, state, reports)

    problem, begin = Quadratic(np.ones((1, 1)), np.ones((1, 1))), WarmStart(np.zeros((1, 1)))
    solution = minimize(problem, begin, Interrupting(0.5, tol=0), max_iter=9)
    assert solution.statuses == [Status.INTERRUPTED]
    assert solution.n_iter == [3]
    assert solution.parameters[0, 0] == 0.875
    assert len(solution.curves[0]) == 3


def test_a_solution_is_a_start_for_all_problems_though_some_left_early():
    d = np.asarray([[1.0, 1.0, 1.0], [1.0, 7.0, 50.0]])
    problem, begin = Quadratic(d, np.ones((2, 3))), WarmStart(np.zeros((2, 3)))
    solution = minimize(problem, begin, LBFGS(tol=1e-12), max_iter=99)
    assert solution.n_iter[0] < solution.n_iter[1]
    np.testing.assert_array_equal(solution.warm_start.parameters, solution.parameters)
    assert solution.warm_start.iterate is None
    assert solution.warm_start.pairs.S.shape[0] == 2
    again = minimize(problem, solution.warm_start, LBFGS(tol=1e-12), max_iter=99)
    assert max(again.n_iter) <= 2


class OnlyTheProtocol:
    """A function that has what solvers may ask of it, and nothing else."""

    MEMBERS = (
        "values_at_zero",
        "strength",
        "n_samples",
        "evaluate",
        "restrict",
        "minibatches",
        "select",
        "retry_on_out_of_memory",
    )

    def __init__(self, problem):
        self._problem = problem

    def __getattr__(self, name):
        if name not in self.MEMBERS:
            raise AssertionError(f"a solver asked for {name}")
        return getattr(self._problem, name)

    def select(self, problems):
        return OnlyTheProtocol(self._problem.select(problems))

    def minibatches(self, batch_size, random_state):
        return map(OnlyTheProtocol, self._problem.minibatches(batch_size, random_state))

    def retry_on_out_of_memory(self, step):
        return step(self), self


@pytest.mark.parametrize("name", SOLVERS)
def test_solvers_ask_an_objective_for_no_more_than_the_protocol(name):
    d = np.asarray([[1.0, 1.0], [0.5, 2.0]])
    problem, begin = Quadratic(d, np.ones((2, 2))), WarmStart(np.zeros((2, 2)))
    solver = SOLVERS[name](np.random.RandomState(0))
    solution = minimize(OnlyTheProtocol(problem), begin, solver, max_iter=1500)
    assert solution.statuses == [Status.CONVERGED] * 2
    assert np.all(solution.values <= 0.9 * np.sum(-0.5 / d, axis=1))  # nine tenths of the way
