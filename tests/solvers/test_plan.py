"""Which solver, on which rows first, in which precision first and from where: by the policy."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from xsoftmax import SoftmaxRegression, curvature
from xsoftmax.arrays import namespace, to_list
from xsoftmax.objective.objective import Objective
from xsoftmax.objective.policy import DEFAULT, PLAIN
from xsoftmax.solvers import LBFGS, Newton, Status, WarmStart, fit, follow_path, minimize
from xsoftmax.solvers.plan import (
    curvature_pays,
    float32_pays,
    is_uneven,
    newton_pays,
    plan,
    samples,
    start_from_zero,
)

from ..problems import blobs, objective_on, start, zeros_of
from .fakes import APPROXIMATE, recorded_fit, watched

#: Samples are worth their calls, however few rows they have.
SMALL_SAMPLES = replace(DEFAULT, min_work_of_sample=0.0)
#: No Hessian is exact, and the smallest fit is worth while in single precision first.
MIXED = replace(APPROXIMATE, min_values_in_float32=0)


def planned(objective, parameters=None, tol=1e-4, **options):
    """The solver, the stages and what makes a start."""
    parameters = zeros_of(objective) if parameters is None else parameters
    solver_to, stages, start = plan([objective], parameters, tol, 100, **options)
    return solver_to(tol), list(stages), start


def dtype_name(objective):
    return str(objective.penalty.dtype).rpartition(".")[2]


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


# Samples


def first_sample(objective, uses_newton=False):
    return next(samples(objective, uses_newton), None)


@pytest.mark.parametrize("period", [2, 3, 4, 6, 8, 24, 100])
def test_a_sample_meets_every_class_as_often_as_it_occurs(xp, period):
    y = np.arange(4800) % period
    X = np.random.default_rng(0).standard_normal((4800, 2))
    objective = objective_on(xp, X, y, policy=SMALL_SAMPLES)
    found = list(samples(objective, False))
    if period * SMALL_SAMPLES.min_sample_rows > 1200:
        assert found == []
        return
    sample = found[-1]
    shares = np.bincount(xp.host(sample.rows.targets), minlength=period) / 1200
    np.testing.assert_allclose(shares, 1 / period, rtol=0.1)
    np.testing.assert_allclose(xp.host(sample.rows.weights), 1 / 1200)


def test_a_sample_of_sorted_rows_keeps_shares():
    y = np.repeat([0, 1, 2], [400, 800, 1200])
    sample = objective_on(np.asarray, np.zeros((2400, 2)), y).subsample(600)
    np.testing.assert_allclose(np.bincount(sample.rows.targets), [100, 200, 300], atol=1)


@pytest.mark.parametrize(("n_samples", "n_features"), [(190, 2), (1200, 20)])
def test_too_few_rows_for_the_classes_or_features_are_not_sampled(n_samples, n_features):
    X, y = blobs(n_samples=n_samples, n_features=n_features)
    assert first_sample(objective_on(np.asarray, X, y, policy=SMALL_SAMPLES)) is None
    X, y = blobs(n_samples=4 * n_samples, n_features=n_features)
    assert first_sample(objective_on(np.asarray, X, y, policy=SMALL_SAMPLES)) is not None


def test_samples_have_a_quarter_of_the_rows_of_the_next():
    X, y = blobs(n_samples=40_000, n_features=4)
    found = list(samples(objective_on(np.asarray, X, y, policy=SMALL_SAMPLES), False))
    assert [sample.n_samples for sample in found] == [156, 625, 2500, 10_000]
    every_tenth = replace(SMALL_SAMPLES, sample_stride=10)
    found = samples(objective_on(np.asarray, X, y, policy=every_tenth), False)
    assert [sample.n_samples for sample in found] == [400, 4000]


@pytest.mark.parametrize(("threshold", "value"), [
    ("min_sample_rows", 2501), ("min_work_of_sample", 1e9),
])  # fmt: skip
def test_each_threshold_of_a_sample_may_refuse_it(threshold, value):
    X, y = blobs(n_samples=40_000, n_features=4)
    policy = replace(SMALL_SAMPLES, **{threshold: value})
    assert first_sample(objective_on(np.asarray, X, y, policy=policy)) is None


@pytest.mark.parametrize(
    ("n_samples", "uses_newton", "pays"),
    [(16_384, True, True), (16_380, True, False), (16_380, False, True)],
)
def test_steps_on_a_sample_must_cost_less(n_samples, uses_newton, pays):
    """1024 rows make a Hessian, and where Hessians are dear, steps cost what rows do."""
    X, y = blobs(n_samples=n_samples)
    policy = replace(SMALL_SAMPLES, max_cost_of_newton=np.inf if uses_newton else 0.0)
    passes = []
    objective = watched(
        objective_on(np.asarray, X, y, policy=policy), lambda o: passes.append(o.n_samples)
    )
    assert (first_sample(objective, uses_newton) is not None) == pays
    fit(objective, zeros_of(objective), tol=1e-4, max_iter=1)
    assert (min(passes) < n_samples) == pays


def test_a_sample_must_be_worth_its_calls():
    few = objective_on(np.asarray, *blobs(n_samples=20_000))
    assert first_sample(few) is None
    many = objective_on(np.asarray, *blobs(n_samples=80_000, n_features=40))
    assert first_sample(many) is not None


def test_a_start_that_is_not_0_needs_no_sample():
    X, y = blobs(n_samples=4000)
    objective = objective_on(np.asarray, X, y, policy=replace(SMALL_SAMPLES, max_cost_of_newton=0))
    for parameters, n_stages in ((zeros_of(objective), 3), (start(objective), 1)):
        _, stages, _ = planned(objective, parameters)
        assert len(stages) == n_stages
        assert [stage.is_sample for stage in stages] == [True] * (n_stages - 1) + [False]


def test_samples_are_solved_to_a_looser_tolerance():
    X, y = blobs(n_samples=4000)
    policy = replace(SMALL_SAMPLES, max_cost_of_newton=0, sample_tol=0.02)
    objective = objective_on(np.asarray, X, y, policy=policy)
    for tol, expected in ((1e-4, [0.02, 0.02, 1e-4]), (0.1, [0.1] * 3)):
        _, stages, _ = planned(objective, tol=tol)
        assert [stage.tol for stage in stages] == expected


@dataclass(frozen=True)
class Unsampled(Objective):
    """There is no memory for some of its rows beside all."""

    def subsample(self, n_rows):
        raise MemoryError


def test_where_there_is_no_memory_for_a_sample_there_is_none():
    objective = objective_on(np.asarray, *blobs(n_samples=4000), policy=SMALL_SAMPLES)
    assert first_sample(objective) is not None
    full = Unsampled(objective.network, objective.rows, objective.penalty, policy=SMALL_SAMPLES)
    assert list(samples(full, False)) == []


def test_the_pairs_of_a_sample_are_carried_to_all_rows():
    X, y = blobs(n_samples=3000, n_features=30, n_classes=4)
    policy = replace(SMALL_SAMPLES, max_cost_of_newton=0)
    whole = objective_on(np.asarray, X, y, policy=policy)
    *_, (sample, solution, _), (_, _, solver) = recorded_fit(whole, tol=1e-4)
    assert sample.is_sample
    kept, (began,) = solution.warm_start.pairs, solver.starts
    assert began.pairs.Y.shape[1] > 1
    np.testing.assert_allclose(began.pairs.Y, kept.Y, rtol=1e-12)


@pytest.mark.parametrize("spread", [0.3, 2.0])
def test_most_of_the_way_costs_no_pass_over_all_rows(xp, spread):
    X, y = blobs(n_samples=66_000, n_features=6, n_classes=3, spread=spread)
    passes = []
    objective = watched(
        objective_on(xp, X, y, Cs=(1.0, 30.0), policy=SMALL_SAMPLES),
        lambda o: passes.append(o.n_samples),
    )
    settings = {"tol": 1e-6, "max_iter": 100}
    *_, (_, solution, solver) = recorded_fit(objective, tol=1e-6)
    sampled = passes.count(66_000) + len(solver.made)
    assert set(passes) == {4125, 16_500, 66_000}
    nearly_zero = zeros_of(objective) + 1e-9 * objective.penalty  # this is where to start
    passes.clear()
    ((_, whole, solver),) = recorded_fit(objective, tol=1e-6, parameters=nearly_zero)
    assert set(passes) == {66_000}
    assert sampled <= len(passes) + len(solver.made) - 2
    np.testing.assert_allclose(solution.values, whole.values, atol=2e-6)
    np.testing.assert_array_equal(
        fit(objective, zeros_of(objective), **settings).values, solution.values
    )


@dataclass(frozen=True)
class Biased(Objective):
    """A sample whose labels are wrong."""

    def subsample(self, n_rows):
        sample = super().subsample(n_rows)
        wrong = (sample.rows.targets + 1) % 3
        return replace(sample, rows=sample.rows._replace(targets=wrong))


def test_a_sample_that_misleads_is_not_followed():
    X, y = blobs(n_samples=17_000, spread=0.5)
    right = objective_on(np.asarray, X, y, policy=SMALL_SAMPLES)
    biased = Biased(right.network, right.rows, right.penalty, policy=right.policy)
    *before, (_, _, solver) = recorded_fit(biased, tol=1e-4, max_iter=1)
    assert before
    assert np.all(solver.starts[0].parameters == 0)
    *_, (_, _, solver) = recorded_fit(right, tol=1e-4, max_iter=30)
    best = fit(right, zeros_of(right), tol=1e-9, max_iter=100).values[0]
    began_at = to_list(solver.starts[0].iterate.value)[0]
    assert began_at < best * (1 + 2 * SMALL_SAMPLES.sample_tol**0.5)


def test_the_inverse_of_a_sample_serves_all_rows_until_another_pays(xp):
    X, y = blobs(n_samples=2400, n_features=20, n_classes=8, spread=2.0)
    policy = replace(SMALL_SAMPLES, max_cost_of_newton=0)
    objective = objective_on(xp, X, y, policy=policy)
    (sample, solution, _), (_, _, solver) = recorded_fit(objective, tol=1e-12)
    assert sample.objective.n_samples == 600
    (began,), known = solver.starts, solution.warm_start.inverse
    np.testing.assert_array_equal(xp.host(began.inverse.mean), xp.host(known.mean))
    assert (began.inverse.cost, began.age) == (known.cost / 4, 0)
    assert solver.made[-1] == 2400
    assert fit(objective, zeros_of(objective), tol=1e-12, max_iter=100).n_iter[0] < 30


def test_an_interrupted_sample_interrupts_the_fit():
    X, y = blobs(n_samples=17_000)

    def on_line(objective):
        if objective.n_samples < 17_000:
            raise KeyboardInterrupt

    objective = watched(objective_on(np.asarray, X, y, policy=SMALL_SAMPLES), on_line)
    with pytest.raises(KeyboardInterrupt):
        fit(objective, zeros_of(objective), tol=1e-4, max_iter=100)


class WithSmallSamples(SoftmaxRegression):
    _policy = SMALL_SAMPLES


def test_weights_that_leave_a_sample_empty_do_no_harm():
    X, y = blobs(n_samples=1200, spread=2.0)
    rows = np.arange(1200)[:, None] * np.ones(2)
    sampled = objective_on(np.asarray, rows, y).subsample(300).rows.X[:, 0].astype(int)
    weight = np.zeros(1200)
    weight[np.setdiff1d(np.arange(1200), sampled)[:60]] = 1.0
    model = WithSmallSamples(tol=1e-8).fit(X, y, sample_weight=weight)
    few = WithSmallSamples(tol=1e-8).fit(X[weight > 0], y[weight > 0])
    np.testing.assert_allclose(model.coef_, few.coef_, atol=1e-4)


# Single precision first


def problem(xp=np.asarray, n_samples=300, policy=MIXED, **options):
    return objective_on(xp, *blobs(n_samples, 6, 4, seed=1), policy=policy, **options)


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
    gained = objective.value_at_zero - np.asarray(best)
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
    assert began.pairs.S.shape[1] > 1
    assert {array.dtype for array in began.pairs} == {np.dtype(np.float64)}


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
