"""Every solver, on problems whose answer is known."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from xsoftmax.objective.objective import Objective
from xsoftmax.solvers import LBFGS, SGD, Adam, GradientDescent, Status, minimize

from .problem_table import Approximated
from .problems import Quadratic, Rosenbrock, blobs, objective_on, start, zeros_of


def test_lbfgs_solves_quadratics_of_any_condition(xp):
    d = np.asarray([[1.0, 10.0, 100.0], [1.0, 1.0, 1.0], [1e-3, 1.0, 1e3]])
    b = np.asarray([[1.0, 1.0, 1.0], [0.0, 5.0, -2.0], [1e-3, 2.0, 3e3]])
    problem = Quadratic(xp(d), xp(b))
    solution = minimize(problem, xp(np.zeros((3, 3))), LBFGS(tol=1e-14), max_iter=200)
    assert solution.statuses == [Status.CONVERGED] * 3
    np.testing.assert_allclose(xp.host(solution.parameters), b / d, rtol=1e-6, atol=1e-9)
    assert max(solution.gaps) <= 1e-14
    lowest = np.sum(-0.5 * b * b / d, axis=1)
    np.testing.assert_allclose(solution.values, lowest, rtol=1e-14)


def test_lbfgs_solves_rosenbrock(xp):
    problem = Rosenbrock(xp([[100.0, 0.0], [1.0, 0.0]]), xp(np.zeros((2, 2))))
    solution = minimize(problem, xp([[-1.2, 1.0], [3.0, -2.0]]), LBFGS(tol=1e-8), max_iter=200)
    assert solution.statuses == [Status.CONVERGED] * 2
    np.testing.assert_allclose(xp.host(solution.parameters), np.ones((2, 2)), atol=1e-6)
    assert all(curve[-1] <= curve[0] for curve in solution.curves)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lbfgs_finds_scikit_learns_minimum(xp, dtype):
    X, y = blobs(n_samples=90, spread=2.0)
    Cs = (1e-3, 1.0, 100.0)
    objective = objective_on(xp, X, y, Cs=Cs, dtype=dtype)
    tol = 1e-13 if dtype == "float64" else 1e-6
    solution = minimize(objective, zeros_of(objective), LBFGS(tol=tol), max_iter=500)
    assert all(status in (Status.CONVERGED, Status.STALLED) for status in solution.statuses)
    for k, C in enumerate(Cs):
        reference = LogisticRegression(C=C, tol=1e-10, max_iter=10000).fit(X, y)
        W, b = objective.network.unpack(solution.parameters)[0]
        atol = 1e-5 if dtype == "float64" else 2e-2
        np.testing.assert_allclose(xp.host(W)[k], reference.coef_, atol=atol)
        intercept = xp.host(b)[k] - xp.host(b)[k].mean()
        np.testing.assert_allclose(
            intercept, reference.intercept_ - reference.intercept_.mean(), atol=atol
        )


def test_float32_stops_where_its_precision_ends():
    X, y = blobs(spread=2.0)
    objective = objective_on(np.asarray, X, y, dtype="float32")
    solution = minimize(objective, zeros_of(objective), LBFGS(tol=1e-30), max_iter=1000)
    assert solution.statuses == [Status.STALLED]
    assert solution.gradient_norms[0] < 1e-5


def test_finished_problems_leave_the_batch():
    sizes = []

    class Watching(Quadratic):
        def value_and_gradient(self, x):
            sizes.append(len(x))
            return super().value_and_gradient(x)

    d = np.asarray([[1.0, 1.0], [1.0, 50.0], [2.0, 2.0]])
    problem = Watching(d, np.ones((3, 2)))
    solution = minimize(problem, np.zeros((3, 2)), GradientDescent(0.03, tol=1e-6), max_iter=3000)
    assert solution.statuses == [Status.CONVERGED] * 3
    assert len(set(solution.n_iter)) > 1
    assert sum(sizes) == sum(solution.n_iter) < 3 * max(solution.n_iter)
    assert [len(curve) for curve in solution.curves] == solution.n_iter
    np.testing.assert_allclose(solution.parameters, 1 / d, rtol=1e-4)


def test_a_learning_rate_for_each_problem(xp):
    problem = Quadratic(xp([[1.0], [1.0]]), xp([[1.0], [1.0]]))
    solver = GradientDescent(xp([0.5, 0.25]), tol=0)
    solution = minimize(problem, xp(np.zeros((2, 1))), solver, max_iter=2)
    np.testing.assert_allclose(xp.host(solution.parameters), [[0.75], [0.4375]])


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
    best = minimize(objective, parameters, LBFGS(tol=1e-8), max_iter=2000).values
    solver = SOLVERS[name](np.random.RandomState(0))
    solution = minimize(objective, parameters, solver, max_iter=1500)
    values, _ = objective.value_and_gradient(solution.parameters)
    np.testing.assert_allclose(values, best, rtol=0.02)


def test_adam_is_torchs(torch):
    X, y = blobs()
    objective = objective_on(np.asarray, X, y, Cs=(np.inf,))
    parameters = start(objective)
    solver = Adam(0.05, batch_size=60, random_state=None, tol=-np.inf)
    ours = minimize(objective, parameters, solver, max_iter=20).parameters
    theirs = _torch_steps(
        torch, objective, parameters, X, y, lambda p: torch.optim.Adam(p, lr=0.05)
    )
    np.testing.assert_allclose(ours[0], theirs, rtol=1e-12, atol=1e-13)


def test_nesterov_momentum_is_torchs(torch):
    X, y = blobs()
    objective = objective_on(np.asarray, X, y, Cs=(np.inf,))
    parameters = start(objective)
    solver = SGD(0.05, batch_size=60, random_state=None, tol=-np.inf)
    ours = minimize(objective, parameters, solver, max_iter=20).parameters
    theirs = _torch_steps(
        torch, objective, parameters, X, y,
        lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    )  # fmt: skip
    np.testing.assert_allclose(ours[0], theirs, rtol=1e-12, atol=1e-13)


def _torch_steps(torch, objective, parameters, X, y, make):
    W, b = (
        torch.tensor(part[0], requires_grad=True)
        for part in objective.network.unpack(parameters)[0]
    )
    optimizer = make([W, b])
    for _ in range(20):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(torch.tensor(X) @ W.T + b, torch.tensor(y))
        loss.backward()
        optimizer.step()
    return torch.cat([W.flatten(), b]).detach().numpy()


def test_divergence_is_a_status_of_that_problem_alone():
    problem = Quadratic(np.asarray([[1.0], [1.0]]), np.ones((2, 1)))
    solver = GradientDescent(np.asarray([0.5, 1e6]), tol=1e-8)
    with pytest.warns(RuntimeWarning):
        solution = minimize(problem, np.zeros((2, 1)), solver, max_iter=500)
    assert solution.statuses == [Status.CONVERGED, Status.DIVERGED]
    np.testing.assert_allclose(solution.parameters[0], 1)


def test_a_callback_stops_and_an_interrupt_keeps_the_last_iteration():
    problem = Quadratic(np.ones((1, 1)), np.ones((1, 1)))
    seen = []

    def stop_at_three(iteration, state, reports):
        seen.append((iteration, reports))
        return iteration == 3

    solver = GradientDescent(0.5, tol=0)
    solution = minimize(problem, np.zeros((1, 1)), solver, max_iter=9, callback=stop_at_three)
    assert solution.statuses == [Status.STOPPED]
    assert solution.n_iter == [3]
    assert [iteration for iteration, _ in seen] == [1, 2, 3]

    class Interrupting(GradientDescent):
        def update(self, objective, state, reports):
            if float(state.parameters[0, 0]) > 0.8:
                raise KeyboardInterrupt
            return super().update(objective, state, reports)

    solution = minimize(problem, np.zeros((1, 1)), Interrupting(0.5, tol=0), max_iter=9)
    assert solution.statuses == [Status.INTERRUPTED]
    assert solution.n_iter == [3]
    assert solution.parameters[0, 0] == 0.875
    assert len(solution.curves[0]) == 3


def test_every_status_has_a_message():
    assert all(status.message for status in Status)


def test_where_classes_are_well_apart_the_value_itself_is_near_the_minimum():
    X, y = blobs(n_samples=90, spread=0.1)
    objective = objective_on(np.asarray, X, y, Cs=(1e6,))
    for kind in (Objective, Approximated):
        objective = kind(objective.network, objective.rows, objective.penalty)
        rough, tight = (
            minimize(objective, zeros_of(objective), LBFGS(tol=tol), max_iter=500).values[0]
            for tol in (1e-4, 1e-14)
        )
        # A share of 1e-4 of what was gained would be many times the minimum.
        assert tight < 1e-5 * objective.null_value
        assert rough <= tight * (1 + 5 * 1e-4**0.5)


def test_an_approximate_metric_must_say_twice_that_it_is_done():
    X, y = blobs(n_samples=90, n_features=5, spread=2.0)
    objective, close = objective_on(np.asarray, X, y), []
    objective = Approximated(objective.network, objective.rows, objective.penalty)
    minimize(
        objective, zeros_of(objective), LBFGS(tol=1e-3), max_iter=50,
        callback=lambda iteration, state, reports: close.append(reports[0].close),
    )  # fmt: skip
    assert close[-2:] == [True, True]
    assert sum(close) == 2


@pytest.mark.parametrize("kind", [Objective, Approximated])
def test_what_classes_share_is_dropped_from_a_start(kind):
    X, y = blobs(n_samples=60, spread=2.0)
    objective = objective_on(np.asarray, X, y, Cs=(10.0,))
    objective = kind(objective.network, objective.rows, objective.penalty)
    best = minimize(objective, zeros_of(objective), LBFGS(tol=1e-10), max_iter=100)
    shifted = minimize(objective, zeros_of(objective) + 3.0, LBFGS(tol=1e-10), max_iter=100)
    np.testing.assert_allclose(shifted.parameters, best.parameters, atol=1e-4)
