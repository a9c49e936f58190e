"""Large fits in float64 start in float32."""

import numpy as np
import pytest

from xsoftmax import SoftmaxRegression
from xsoftmax.arrays import namespace, to_list
from xsoftmax.objective import objective as objective_module
from xsoftmax.objective.objective import Objective
from xsoftmax.solvers import LBFGS, Status, minimize, minimize_mixed
from xsoftmax.solvers import mixed_precision as mixed_module

from .problems import blobs, objective_on, zeros_of


@pytest.fixture
def dtypes(monkeypatch):
    """The dtype of every evaluation; the smallest fit is worth while and no Hessian is exact."""
    seen, along = [], Objective.along

    def spy(self, start, direction):
        seen.append(str(direction.dtype).rpartition(".")[2])
        return along(self, start, direction)

    monkeypatch.setattr(Objective, "along", spy)
    monkeypatch.setattr(objective_module, "CHEAP", 0)
    monkeypatch.setattr(mixed_module, "WORTHWHILE", 0)
    return seen


def problem(xp=np.asarray, n_samples=300, **options):
    return objective_on(xp, *blobs(n_samples, 6, 4, seed=1), **options)


@pytest.mark.parametrize("tol", [1e-3, 1e-10])
def test_single_precision_leads_and_double_has_the_last_word(dtypes, tol):
    objective = problem(Cs=(0.1, 1.0, 10.0))
    start = zeros_of(objective)
    best = minimize(objective, start, LBFGS(tol=1e-13), max_iter=500).values
    dtypes.clear()
    solution = minimize_mixed(objective, start, LBFGS(tol=tol), max_iter=500)
    assert dtypes == sorted(dtypes)
    assert 0 < dtypes.count("float64") < dtypes.count("float32") or tol < 1e-6
    assert solution.statuses == [Status.CONVERGED] * 3
    values, gradients = objective.value_and_gradient(solution.parameters)
    np.testing.assert_allclose(solution.values, values, rtol=1e-14)
    norms = np.abs(gradients).max(axis=1)
    np.testing.assert_allclose(solution.gradient_norms, norms, rtol=1e-6, atol=1e-15)
    gained = objective.null_value - np.asarray(best)
    assert np.all(np.asarray(solution.values) - best <= 2 * tol * gained)


def test_a_point_that_single_precision_has_reached_is_only_confirmed(dtypes):
    objective = problem()
    minimize_mixed(objective, zeros_of(objective), LBFGS(tol=1e-3), max_iter=100)
    assert dtypes.count("float64") == 1


@pytest.mark.parametrize("tol", [1e-3, 1e-10])
def test_what_single_precision_has_learnt_goes_along(dtypes, monkeypatch, tol):
    objective, solvers = problem(), []

    def spy(objective, parameters, solver, **options):
        solvers.append(solver)
        return minimize(objective, parameters, solver, **options)

    monkeypatch.setattr(mixed_module, "minimize", spy)
    minimize_mixed(objective, zeros_of(objective), LBFGS(tol=tol), max_iter=500)
    rough, exact = solvers
    assert (rough.tol, exact.tol) == (max(tol, mixed_module.SINGLE_TOL), tol)
    assert exact.led == (tol == rough.tol)
    assert exact.metric.preconditioner.mean.dtype == np.float64
    assert len(exact.pairs) > 1
    assert all(array.dtype == np.float64 for pair in exact.pairs for array in pair)


def test_iterations_of_both_are_counted_and_called_back(xp, dtypes):
    objective, calls = problem(xp), []

    def callback(iteration, state, reports):
        assert xp.host(state.parameters).dtype == np.float64
        calls.append((iteration, reports[0].value))

    solution = minimize_mixed(
        objective, zeros_of(objective), LBFGS(tol=1e-12), max_iter=100, callback=callback
    )
    assert [i for i, _ in calls] == list(range(1, solution.n_iter[0] + 1))
    assert [value for _, value in calls] == solution.curves[0]
    assert len({*dtypes}) == 2
    rounding = 4 * np.finfo("float32").eps  # by which a line search lets a value rise
    assert np.max(np.diff(solution.curves[0])) <= rounding * solution.curves[0][0]


def test_max_iter_counts_iterations_of_both(dtypes):
    objective = problem()
    whole = minimize_mixed(objective, zeros_of(objective), LBFGS(tol=1e-12), max_iter=100)
    for max_iter in range(1, whole.n_iter[0]):
        part = minimize_mixed(objective, zeros_of(objective), LBFGS(tol=1e-12), max_iter=max_iter)
        assert part.n_iter == [max_iter] == [len(part.curves[0])]
        assert part.statuses == [Status.MAX_ITER]
        assert part.parameters.dtype == np.float64


def test_a_callback_stops_single_precision(dtypes):
    objective = problem()
    solution = minimize_mixed(
        objective, zeros_of(objective), LBFGS(), max_iter=100, callback=lambda i, *_: i == 2
    )
    assert solution.statuses == [Status.STOPPED]
    assert solution.n_iter == [2]
    assert {*dtypes} == {"float32"}
    assert solution.parameters.dtype == np.float64


@pytest.mark.parametrize("moment", ["single", "between", "double"])
def test_an_interrupt_keeps_the_last_iteration(dtypes, monkeypatch, moment):
    objective = problem()
    whole = minimize_mixed(objective, zeros_of(objective), LBFGS(tol=1e-12), max_iter=100)
    n_single = dtypes.count("float32")
    due = {"single": n_single - 2, "between": n_single + 1, "double": n_single + 3}[moment]
    calls, along = [], Objective.along

    def interrupted(self, *args):
        calls.append(self)
        if len(calls) == due:
            raise KeyboardInterrupt
        return along(self, *args)

    monkeypatch.setattr(Objective, "along", interrupted)
    solution = minimize_mixed(objective, zeros_of(objective), LBFGS(tol=1e-12), max_iter=100)
    assert solution.statuses == [Status.INTERRUPTED]
    assert 0 < solution.n_iter[0] < whole.n_iter[0]
    assert solution.n_iter[0] == len(solution.curves[0])
    value = to_list(objective.value_and_gradient(solution.parameters)[0])[0]
    assert value == pytest.approx(solution.curves[0][-1], rel=1e-5)
    assert solution.parameters.dtype == np.float64


@pytest.mark.parametrize(
    "why", ["float32", "small", "not at 0", "exact Hessians", "a path", "a network", "far from 0"]
)
def test_single_precision_is_left_out(dtypes, monkeypatch, why):
    X, y = blobs(300, 6, 4, seed=1)
    objective = problem(dtype="float32") if why == "float32" else problem()
    start, solver = zeros_of(objective), LBFGS()
    if why == "small":
        monkeypatch.setattr(mixed_module, "WORTHWHILE", 300 * 6 * 4 + 1)
    elif why == "not at 0":
        start = start + 0.01
    elif why == "exact Hessians":
        monkeypatch.setattr(objective_module, "CHEAP", 1e9)
    elif why == "a path":
        solver = LBFGS(point=objective.start(start), metric=None)
    elif why == "a network":
        objective = objective_on(np.asarray, X, np.minimum(y, 2), hidden=(3,))
        start = zeros_of(objective)
    elif why == "far from 0":
        objective = objective_on(np.asarray, X + 1e3 * (np.arange(6) == 2), y)
    dtypes.clear()
    minimize_mixed(objective, start, solver, max_iter=100)
    assert {*dtypes} == {str(start.dtype)}


@pytest.mark.parametrize(
    ("column", "serves"),
    [
        (np.linspace(-1, 1, 300), True),
        (np.linspace(10, 12, 300), True),
        (np.linspace(1000, 1001, 300), False),
        (np.linspace(-1001, -1000, 300), False),
        (np.full(300, 100.0), True),
        (np.full(300, 1e8), False),
        (np.zeros(300), True),
        (np.arange(300) == 7, True),
        (1e12 * np.linspace(-1, 1, 300), False),
        (1e20 * np.linspace(-1, 1, 300), False),
        (1e20 * (np.arange(300) == 7), False),
        (1e-12 * np.linspace(-1, 1, 300), False),
        (1e4 * np.linspace(-1, 1, 300), False),
        (200 * np.linspace(-1, 1, 300), True),
    ],
)
def test_single_precision_serves_features_that_it_tells_apart(xp, column, serves):
    X, y = blobs(300, 6, 4, seed=1)
    single = objective_on(xp, np.column_stack([X, column]), y).in_single()
    assert (single is not None) == serves
    if serves:
        arrays = (single.penalty, single.rows.weights, next(single.rows.blocks(100)).X)
        assert all(array.dtype == namespace(array).float32 for array in arrays)
        assert single.rows.X.dtype == namespace(single.rows.X).float64  # expanded block by block
        assert single.rows.sample(single.rows.targets[:5]).X.dtype == single.penalty.dtype


def test_a_single_precision_that_leads_nowhere_is_dropped(dtypes, monkeypatch):
    objective, calls = problem(), []
    direct = minimize(objective, zeros_of(objective), LBFGS(), max_iter=100)

    def astray(objective, *args, **options):
        solution = minimize(objective, *args, **options)
        calls.append(str(objective.penalty.dtype))
        factor = 1e3 if len(calls) == 1 else 1
        return solution._replace(parameters=factor * solution.parameters)

    monkeypatch.setattr(mixed_module, "minimize", astray)
    solution = minimize_mixed(objective, zeros_of(objective), LBFGS(), max_iter=100)
    assert calls == ["float32", "float64"]
    np.testing.assert_array_equal(solution.parameters, direct.parameters)
    assert solution.curves == direct.curves


def test_a_fit_goes_both_ways_and_ends_where_double_precision_does(xp, dtypes, monkeypatch):
    X, y = blobs(300, 6, 4, seed=1)
    soft = np.eye(4)[y] * 0.9 + 0.025
    for targets in (y, soft):
        dtypes.clear()
        mixed = SoftmaxRegression(tol=1e-12).fit(xp(X), xp(targets))
        assert {*dtypes} == {"float32", "float64"}
        with monkeypatch.context() as patch:
            patch.setattr(mixed_module, "WORTHWHILE", np.inf)
            plain = SoftmaxRegression(tol=1e-12).fit(xp(X), xp(targets))
        np.testing.assert_allclose(xp.host(mixed.coef_), xp.host(plain.coef_), atol=1e-5)
        assert xp.host(mixed.coef_).dtype == np.float64
        assert mixed.n_iter_ == len(mixed.loss_curve_)
