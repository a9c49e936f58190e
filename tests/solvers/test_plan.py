"""Which solver, from where, and which stages along a path: by the policy."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from xsoftmax import curvature
from xsoftmax.objective.policy import DEFAULT, PLAIN
from xsoftmax.solvers import LBFGS, Newton, Status, WarmStart, fit, follow_path, minimize
from xsoftmax.solvers.plan import (
    curvature_pays,
    is_uneven,
    newton_pays,
    plan,
    start_from_zero,
)

from ..problems import blobs, objective_on, start, zeros_of
from .fakes import APPROXIMATE, MIXED, dtype_name, planned, problem, watched

# Which solver


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_fit_finds_scikit_learns_minimum(xp, dtype):
    X, y = blobs(n_samples=90, spread=2.0)
    Cs = (1e-3, 1.0, 100.0)
    objective = objective_on(xp, X, y, Cs=Cs, dtype=dtype)
    tol = 1e-13 if dtype == "float64" else 1e-6
    solution = fit(objective, zeros_of(objective), tol=tol, max_iter=500)
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


@pytest.mark.parametrize("policy", [DEFAULT, APPROXIMATE], ids=["exact", "approximate"])
def test_what_classes_share_is_dropped_from_a_start(policy):
    X, y = blobs(n_samples=60, spread=2.0)
    objective = objective_on(np.asarray, X, y, Cs=(10.0,), policy=policy)
    settings = {"tol": 1e-10, "max_iter": 100}
    best = fit(objective, zeros_of(objective), **settings)
    shifted = fit(objective, zeros_of(objective) + 3.0, **settings)
    np.testing.assert_allclose(shifted.parameters, best.parameters, atol=1e-4)


def test_newtons_method_is_used_where_exact_hessians_cost_no_more_than_the_policy_allows():
    objective = objective_on(np.asarray, *blobs(n_samples=200))
    solvers = {0.0: LBFGS, np.inf: Newton}
    for max_cost, kind in solvers.items():
        there = replace(objective, policy=replace(DEFAULT, max_cost_of_newton=max_cost))
        assert newton_pays(there) == (kind is Newton)
        solver, _, _ = planned(there)
        assert isinstance(solver, kind)
        assert solver.tol == 1e-4


def test_a_network_is_minimised_by_l_bfgs_alone():
    X, y = blobs(n_samples=200)
    policy = replace(MIXED, max_cost_of_newton=np.inf, min_anisotropy=0.0, min_work_of_sample=0.0)
    objective = objective_on(np.asarray, X, y, hidden=(3,), policy=policy)
    assert not newton_pays(objective)
    parameters, settings = start(objective), {"max_iter": 12}
    found = fit(objective, parameters, tol=1e-9, **settings)
    alone = minimize(objective, WarmStart(parameters), LBFGS(1e-9), **settings)
    assert found.curves == alone.curves


def test_l_bfgs_buys_by_the_policy():
    policy = replace(APPROXIMATE, iterations_before_curvature=5, curvature_share=0.3)
    solver, _, _ = planned(objective_on(np.asarray, *blobs(), policy=policy))
    assert solver == LBFGS(
        1e-4, curvature=curvature, iterations_before_curvature=5, curvature_share=0.3
    )


def test_newtons_steps_are_made_longer_where_the_policy_says_so():
    policy = replace(DEFAULT, lengthens_newton_steps=False)
    solver, _, _ = planned(objective_on(np.asarray, *blobs(), policy=policy))
    assert solver == Newton(1e-4, lengthens_steps=False)


@pytest.mark.parametrize("policy", [DEFAULT, APPROXIMATE], ids=["exact", "approximate"])
@pytest.mark.parametrize("has_large_cells", [False, True])
def test_solvers_certify_where_cells_are_large(policy, has_large_cells):
    objective = objective_on(np.asarray, *blobs(), policy=policy)
    rows = objective.rows._replace(has_large_cells=has_large_cells)
    solver, _, _ = planned(replace(objective, rows=rows))
    assert solver.certifies == has_large_cells


class NoCurvature:
    """Whoever buys here fails."""

    def __getattr__(self, name):
        raise AssertionError(f"{name} was bought")


def test_a_plain_policy_buys_nothing_and_takes_every_row_every_time():
    lines, objective = [], objective_on(np.asarray, *blobs(n_samples=66_000, spread=2.0))
    objective = watched(replace(objective, policy=PLAIN), lambda o: lines.append(o.n_samples))
    solver, stages, begin = planned(objective)
    assert isinstance(solver, LBFGS)
    assert [stage.objective for stage in stages] == [objective]
    assert begin(objective).inverse.is_identity
    solver = replace(solver, curvature=NoCurvature())
    lines.clear()
    alone = minimize(objective, begin(objective), solver, max_iter=100)
    assert alone.statuses == [Status.CONVERGED]
    lines.clear()
    solution = fit(objective, zeros_of(objective), tol=1e-4, max_iter=100)
    assert solution.curves == alone.curves
    assert solution.warm_start.inverse.is_identity
    assert set(lines) == {66_000}
    nearby = fit(objective, zeros_of(objective) + 1e-3, tol=1e-4, max_iter=100)
    assert nearby.warm_start.inverse.is_identity
    np.testing.assert_allclose(nearby.values, solution.values, rtol=1e-3)


# From where


@pytest.mark.parametrize("min_anisotropy", [0.0, np.inf])
def test_curvature_is_bought_before_the_first_step_where_it_is_uneven(min_anisotropy):
    # All eigenvectors of so many features cost more than an evaluation of so few rows.
    X, y = blobs(n_samples=300, n_features=150, spread=3.0)
    policy = replace(APPROXIMATE, min_anisotropy=min_anisotropy)
    objective = objective_on(np.asarray, X, y, policy=policy)
    pays = min_anisotropy == 0
    assert curvature_pays(objective) == pays
    begin = start_from_zero(objective, zeros_of(objective), uses_newton=False)
    assert begin.inverse.is_identity != pays
    _, _, from_there = planned(objective, zeros_of(objective) + 1e-3)
    assert from_there(objective).inverse.is_identity != pays


def test_eigenvectors_that_cost_next_to_nothing_are_bought_however_even_curvature_is():
    for max_cost in (1.0, 0.0):
        policy = replace(APPROXIMATE, min_anisotropy=np.inf, max_cost_of_eigenvectors=max_cost)
        assert curvature_pays(objective_on(np.asarray, *blobs(), policy=policy)) == (max_cost > 0)


@pytest.mark.parametrize(("n_features", "scale", "uneven"), [
    (4, 1.0, False), (4, 3.0, True), (12, 2.0, False), (12, 20.0, True),
])  # fmt: skip
def test_of_few_features_less_is_uneven(rng, n_features, scale, uneven):
    """The largest curvature is n_features times the mean at most."""
    X = rng.standard_normal((2000, n_features)) * np.r_[scale, np.ones(n_features - 1)]
    objective = objective_on(np.asarray, X, np.arange(2000) % 3, Cs=(1e4,))
    assert is_uneven(objective) == uneven


def test_the_first_inverse_costs_no_more_than_the_policy_allows():
    X, y = blobs(n_samples=1200, n_features=150, spread=3.0)
    costs = []
    for max_cost in (8.0, 20.0):
        policy = replace(APPROXIMATE, min_anisotropy=0.0, max_cost_at_zero=max_cost)
        objective = objective_on(np.asarray, X, y, policy=policy)
        start = start_from_zero(objective, zeros_of(objective), uses_newton=False)
        costs.append(start.inverse.cost)
        assert 0 < costs[-1] <= max_cost
    assert costs[0] < costs[1]


def test_a_start_that_is_not_0_is_evaluated_without_what_classes_share():
    objective = objective_on(np.asarray, *blobs(), policy=APPROXIMATE)
    parameters = start(objective)
    _, stages, begin = planned(objective, parameters + 2.0)
    assert [stage.objective for stage in stages] == [objective]
    found = begin(objective)
    np.testing.assert_allclose(found.parameters, objective.network.centered(parameters))
    expected = objective.evaluate(found.parameters)
    np.testing.assert_allclose(found.iterate.value, expected.value)


def test_an_inverse_from_nearby_is_taken_and_none_is_made():
    objective = objective_on(np.asarray, *blobs(), policy=APPROXIMATE)
    known = curvature.Identity(cost=3.0, is_identity=False)
    _, _, begin = planned(objective, start(objective), inverse=known)
    assert begin(objective).inverse is known


def test_newtons_method_makes_its_own_inverse_at_any_start():
    objective = objective_on(np.asarray, *blobs())
    for parameters in (zeros_of(objective), start(objective)):
        _, _, begin = planned(objective, parameters)
        assert begin(objective).inverse is None


# A path


def test_a_path_has_a_stage_for_each_value_of_c():
    objective = objective_on(np.asarray, *blobs(), policy=APPROXIMATE)
    weak = replace(objective, penalty=0.1 * objective.penalty)
    _, stages, _ = plan([objective, weak, weak], zeros_of(objective), 1e-4, 100)
    assert [stage.objective for stage in stages] == [objective, weak, weak]


@pytest.mark.parametrize("max_iter", [1, 3, 100])
def test_a_path_of_one_value_is_a_fit(max_iter):
    objective = problem()
    settings = {"tol": 1e-10, "max_iter": max_iter}
    (solution,) = follow_path([objective], zeros_of(objective), **settings)
    expected = fit(objective, zeros_of(objective), **settings)
    assert solution.curves == expected.curves
    assert solution.statuses == expected.statuses
    assert solution.n_iter == expected.n_iter


def test_a_path_of_one_value_that_is_interrupted_in_single_precision_says_so():
    calls = []

    def on_line(objective):
        calls.append(dtype_name(objective))
        if len(calls) == 4:
            raise KeyboardInterrupt

    objective = watched(problem(), on_line)
    (solution,) = follow_path([objective], zeros_of(objective), tol=1e-6, max_iter=99)
    assert solution.statuses == [Status.INTERRUPTED]
    assert calls == ["float32"] * 4
