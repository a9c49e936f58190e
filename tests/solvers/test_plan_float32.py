"""Whether a fit begins in single precision, and what it takes along."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from xsoftmax import SoftmaxRegression
from xsoftmax.arrays import namespace, to_list
from xsoftmax.objective.objective import Objective
from xsoftmax.solvers import Status, fit, follow_path
from xsoftmax.solvers.plan import (
    float32_pays,
)

from ..problems import blobs, objective_on, zeros_of
from .fakes import (
    APPROXIMATE,
    MIXED,
    dtype_name,
    planned,
    problem,
    recorded_fit,
    watched,
)


def noting_dtypes(objective):
    """The objective, and the dtype of every line that is made from now on."""
    dtypes = []
    return watched(objective, lambda o: dtypes.append(dtype_name(o))), dtypes


@pytest.mark.parametrize("tol", [1e-3, 1e-10])
def test_single_precision_leads_and_double_has_the_last_word(tol):
    objective, dtypes = noting_dtypes(problem(Cs=(0.1, 1.0, 10.0)))
    zeros = zeros_of(objective)
    plain = replace(objective, policy=APPROXIMATE)
    best = fit(plain, zeros, tol=1e-13, max_iter=500).values
    dtypes.clear()
    solution = fit(objective, zeros, tol=tol, max_iter=500)
    assert dtypes == sorted(dtypes)
    assert 0 < dtypes.count("float64") < dtypes.count("float32") or tol < 1e-6
    assert solution.statuses == [Status.CONVERGED] * 3
    values, gradients = objective.value_and_gradient(solution.parameters)
    np.testing.assert_allclose(solution.values, values, rtol=1e-14)
    norms = np.abs(gradients).max(axis=1)
    np.testing.assert_allclose(solution.gradient_norms, norms, rtol=1e-6, atol=1e-15)
    gained = np.asarray(objective.values_at_zero) - best
    assert np.all(np.asarray(solution.values) - best <= 2 * tol * gained)


def test_an_iterate_that_single_precision_has_reached_is_only_confirmed():
    objective, dtypes = noting_dtypes(problem())
    fit(objective, zeros_of(objective), tol=1e-3, max_iter=100)
    assert dtypes.count("float64") == 1


@pytest.mark.parametrize("tol", [1e-3, 1e-10])
def test_what_single_precision_has_learnt_goes_along(tol):
    (rough, _, _), (exact, _, solver) = recorded_fit(problem(), tol=tol, max_iter=500)
    assert (rough.tol, exact.tol) == (max(tol, MIXED.float32_tol), tol)
    (began,) = solver.starts
    assert began.previously_converged == (tol == rough.tol)
    assert began.inverse.mean.dtype == np.float64
    assert len(began.pairs.places) > 1
    assert {array.dtype for array in began.pairs[:5]} == {np.dtype(np.float64)}


def test_iterations_of_both_are_counted_and_called_back(xp):
    objective, dtypes = noting_dtypes(problem(xp))
    calls = []

    def callback(iteration, parameters, reports):
        assert xp.host(parameters).dtype == np.float64
        calls.append((iteration, reports[0].value))

    solution = fit(objective, zeros_of(objective), tol=1e-12, max_iter=100, callback=callback)
    assert [i for i, _ in calls] == list(range(1, solution.n_iter[0] + 1))
    assert [value for _, value in calls] == solution.curves[0]
    assert len({*dtypes}) == 2
    rounding = 4 * np.finfo("float32").eps  # by which a line search lets a value rise
    assert np.max(np.diff(solution.curves[0])) <= rounding * solution.curves[0][0]


def test_max_iter_counts_iterations_of_both():
    objective = problem()
    whole = fit(objective, zeros_of(objective), tol=1e-12, max_iter=100)
    for max_iter in range(1, whole.n_iter[0]):
        part = fit(objective, zeros_of(objective), tol=1e-12, max_iter=max_iter)
        assert part.n_iter == [max_iter] == [len(part.curves[0])]
        assert part.statuses == [Status.MAX_ITER]
        assert part.parameters.dtype == np.float64


def test_a_callback_stops_single_precision():
    objective, dtypes = noting_dtypes(problem())
    solution = fit(
        objective, zeros_of(objective), tol=1e-4, max_iter=100, callback=lambda i, *_: i == 2
    )
    assert solution.statuses == [Status.STOPPED]
    assert solution.n_iter == [2]
    assert {*dtypes} == {"float32"}
    assert solution.parameters.dtype == np.float64


@pytest.mark.parametrize("moment", ["single", "between", "double"])
def test_an_interrupt_keeps_the_last_iteration(moment):
    objective, dtypes = noting_dtypes(problem())
    whole = fit(objective, zeros_of(objective), tol=1e-12, max_iter=100)
    n_single = dtypes.count("float32")
    due = {"single": n_single - 2, "between": n_single + 1, "double": n_single + 3}[moment]
    calls = []

    def on_line(objective):
        calls.append(objective)
        if len(calls) == due:
            raise KeyboardInterrupt

    interrupted = watched(problem(), on_line)
    solution = fit(interrupted, zeros_of(objective), tol=1e-12, max_iter=100)
    assert solution.statuses == [Status.INTERRUPTED]
    assert 0 < solution.n_iter[0] < whole.n_iter[0]
    assert solution.n_iter[0] == len(solution.curves[0])
    value = to_list(objective.value_and_gradient(solution.parameters)[0])[0]
    assert value == pytest.approx(solution.curves[0][-1], rel=1e-5)
    assert solution.parameters.dtype == np.float64


@pytest.mark.parametrize(
    "why", ["float32", "small", "not at 0", "exact Hessians", "a path", "a network", "far from 0"]
)
def test_single_precision_is_left_out(why):
    X, y = blobs(300, 6, 4, seed=1)
    objective = problem(dtype="float32") if why == "float32" else problem()
    zeros = zeros_of(objective)
    if why == "small":
        policy = replace(MIXED, min_values_in_float32=300 * 6 + 1)
        objective = replace(objective, policy=policy)
    elif why == "not at 0":
        zeros = zeros + 0.01
    elif why == "exact Hessians":
        objective = replace(objective, policy=replace(MIXED, max_cost_of_newton=1e9))
    elif why == "a network":
        objective = objective_on(np.asarray, X, np.minimum(y, 2), hidden=(3,), policy=MIXED)
        zeros = zeros_of(objective)
    elif why == "far from 0":
        objective = objective_on(np.asarray, X + 1e3 * (np.arange(6) == 2), y, policy=MIXED)
    objective, dtypes = noting_dtypes(objective)
    if why == "a path":
        weak = replace(objective, penalty=0.5 * objective.penalty)
        assert len(list(follow_path([objective, weak], zeros, tol=1e-4, max_iter=100))) == 2
    else:
        fit(objective, zeros, tol=1e-4, max_iter=100)
    assert {*dtypes} == {str(zeros.dtype)}


def test_single_precision_pays_from_so_many_values_of_x():
    objective = problem()
    for n_values in (300 * 6, 300 * 6 + 1):
        there = replace(objective, policy=replace(MIXED, min_values_in_float32=n_values))
        assert float32_pays(there, uses_newton=False) == (n_values == 300 * 6)
        assert not float32_pays(there, uses_newton=True)


def test_samples_are_in_single_precision_where_that_goes_first():
    policy = replace(MIXED, min_work_of_sample=0.0)
    _, stages, _ = planned(problem(n_samples=4000, policy=policy))
    kinds = [(stage.objective.n_samples, dtype_name(stage.objective)) for stage in stages]
    assert kinds == [
        (250, "float32"),
        (1000, "float32"),
        (4000, "float32"),
        (4000, "float64"),
    ]
    assert [stage.is_asked for stage in stages] == [False] * 3 + [True]
    assert [stage.is_sample for stage in stages] == [True] * 2 + [False] * 2


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
    objective = objective_on(xp, np.column_stack([X, column]), y, policy=MIXED)
    single = objective.to_float32()
    assert (single is not None) == serves
    _, stages, _ = planned(objective)
    assert len(stages) == 1 + serves
    if serves:
        arrays = (single.penalty, single.rows.weights, next(single.rows.blocks(100)).X)
        assert all(array.dtype == namespace(array).float32 for array in arrays)
        assert single.rows.X.dtype == namespace(single.rows.X).float64  # expanded block by block
        assert single.subsample(5).rows.X.dtype == single.penalty.dtype


@dataclass(frozen=True)
class Astray(Objective):
    """In single precision its labels are wrong."""

    def to_float32(self):
        single = super().to_float32()
        wrong = (single.rows.targets + 1) % 4
        return replace(single, rows=single.rows._replace(targets=wrong))


def test_a_single_precision_that_leads_nowhere_is_dropped():
    objective = problem()
    plain = replace(objective, policy=APPROXIMATE)
    direct = fit(plain, zeros_of(plain), tol=1e-4, max_iter=100)
    astray = Astray(objective.network, objective.rows, objective.penalty, policy=MIXED)
    stages = recorded_fit(astray, tol=1e-4)
    assert [dtype_name(stage.objective) for stage, _, _ in stages] == ["float32", "float64"]
    (_, first, _), (_, _, solver) = stages
    solution = fit(astray, zeros_of(astray), tol=1e-4, max_iter=100)
    assert np.all(solver.starts[0].parameters != first.parameters)
    np.testing.assert_array_equal(solution.parameters, direct.parameters)
    n_astray = first.n_iter[0]
    assert solution.n_iter == [n_astray + direct.n_iter[0]]
    assert solution.curves[0][n_astray:] == direct.curves[0]


class Mixed(SoftmaxRegression):
    _policy = MIXED


class InDouble(SoftmaxRegression):
    _policy = APPROXIMATE


def test_a_fit_goes_both_ways_and_ends_where_double_precision_does(xp):
    X, y = blobs(300, 6, 4, seed=1)
    soft = np.eye(4)[y] * 0.9 + 0.025
    for targets in (y, soft):
        mixed = Mixed(tol=1e-12).fit(xp(X), xp(targets))
        plain = InDouble(tol=1e-12).fit(xp(X), xp(targets))
        single, double = (float(np.float32(model.loss_curve_[0])) for model in (mixed, plain))
        assert mixed.loss_curve_[0] == single
        assert plain.loss_curve_[0] != double
        np.testing.assert_allclose(xp.host(mixed.coef_), xp.host(plain.coef_), atol=1e-5)
        assert xp.host(mixed.coef_).dtype == np.float64
        assert mixed.n_iter_ == len(mixed.loss_curve_)
