"""Whether a fit begins on some of the rows, on how many, and what it takes along."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from xsoftmax import SoftmaxRegression
from xsoftmax.arrays import to_list
from xsoftmax.objective.objective import Objective
from xsoftmax.solvers import fit
from xsoftmax.solvers.plan import (
    samples,
)

from ..problems import blobs, objective_on, start, zeros_of
from .fakes import (
    SMALL_SAMPLES,
    planned,
    recorded_fit,
    watched,
)


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
    shares = np.bincount(xp.host(sample.rows.targets)[0], minlength=period) / 1200
    np.testing.assert_allclose(shares, 1 / period, rtol=0.1)
    np.testing.assert_allclose(xp.host(sample.rows.weights), 1 / 1200)


def test_a_sample_of_sorted_rows_keeps_shares():
    y = np.repeat([0, 1, 2], [400, 800, 1200])
    sample = objective_on(np.asarray, np.zeros((2400, 2)), y).subsample(600)
    np.testing.assert_allclose(np.bincount(sample.rows.targets[0]), [100, 200, 300], atol=1)


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
    assert len(began.pairs.places) > 1
    one, other = began.pairs.Y[:, began.pairs.places, :], kept.Y[:, kept.places, :]
    np.testing.assert_allclose(one, other, rtol=1e-12)


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
