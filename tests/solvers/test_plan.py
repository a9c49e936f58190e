"""A fit of many rows starts at the minimum on some of them."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from xsoftmax import SoftmaxRegression
from xsoftmax.objective import objective as objective_module
from xsoftmax.objective.objective import Objective
from xsoftmax.solvers import LBFGS, minimize
from xsoftmax.solvers.lbfgs import SAMPLE_TOL
from xsoftmax.solvers.metric import MetricKeeper

from .problem_table import Approximated
from .problems import blobs, objective_on, zeros_of


@pytest.fixture(autouse=True)
def small_samples_are_worth_their_calls(monkeypatch):
    monkeypatch.setattr(objective_module, "WORTH_A_SAMPLE", 0)


def test_a_sample_must_be_worth_its_calls(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(Objective, "hessian_is_cheap", False)
    assert not objective_on(np.asarray, *blobs(n_samples=20_000)).sample_is_cheap
    assert objective_on(np.asarray, *blobs(n_samples=80_000, n_features=40)).sample_is_cheap


@dataclass(frozen=True)
class Counting(Objective):
    """Counts the evaluations and Hessians, by how many rows they are of."""

    passes: ClassVar = []

    def along(self, start, direction):
        self.passes.append(self.n_samples)
        return super().along(start, direction)

    def inverse_hessian(self, point, few):
        self.passes.append(self.n_samples)
        return super().inverse_hessian(point, few)


def counting(objective):
    Counting.passes.clear()
    return Counting(objective.network, objective.rows, objective.penalty)


@pytest.mark.parametrize("period", [2, 3, 4, 6, 8, 60])
def test_a_sample_meets_every_class_as_often_as_it_occurs(xp, period):
    y = np.arange(4800) % period
    X = np.random.default_rng(0).standard_normal((4800, 2))
    sample = objective_on(xp, X, y).sample()
    if period * objective_module.SAMPLED_PER_CLASS > 1200:
        assert sample is None
        return
    shares = np.bincount(xp.host(sample.rows.targets), minlength=period) / 1200
    np.testing.assert_allclose(shares, 1 / period, rtol=0.1)
    np.testing.assert_allclose(xp.host(sample.rows.weights), 1 / 1200)


def test_a_sample_of_sorted_rows_keeps_shares():
    y = np.repeat([0, 1, 2], [400, 800, 1200])
    sample = objective_on(np.asarray, np.zeros((2400, 2)), y).sample()
    np.testing.assert_allclose(np.bincount(sample.rows.targets), [100, 200, 300], atol=1)


@pytest.mark.parametrize(("n_samples", "n_features"), [(590, 2), (1200, 20)])
def test_too_few_rows_for_the_classes_or_features_are_not_sampled(n_samples, n_features):
    X, y = blobs(n_samples=n_samples, n_features=n_features)
    assert objective_on(np.asarray, X, y).sample() is None
    X, y = blobs(n_samples=4 * n_samples, n_features=n_features)
    assert objective_on(np.asarray, X, y).sample() is not None
    assert objective_on(np.asarray, X, y, hidden=(3,)).sample() is None


@pytest.mark.parametrize(("n_features", "times"), [(2, 1), (30, 4)])
def test_few_rows_for_each_parameter_are_penalised_as_their_own(n_features, times):
    X, y = blobs(n_samples=3000, n_features=n_features, n_classes=4)
    objective = objective_on(np.asarray, X, y)
    assert (10 * objective.network.n_parameters > 750) == (times == 4)
    np.testing.assert_allclose(objective.sample().penalty, times * objective.penalty)


def test_the_pairs_of_a_sample_are_seen_with_the_penalty_of_all_rows(monkeypatch):
    X, y = blobs(n_samples=3000, n_features=30, n_classes=4)
    whole = objective_on(np.asarray, X, y)
    whole = Approximated(whole.network, whole.rows, whole.penalty)
    pairs_for, kept = MetricKeeper.pairs_for, []

    def recorded(keeper, objective, more):
        kept.append(keeper.pairs)
        return pairs_for(keeper, objective, more)

    monkeypatch.setattr(MetricKeeper, "pairs_for", recorded)
    state, _ = LBFGS().init(whole, zeros_of(whole))
    assert len(state.pairs) == len(kept[-1]) > 1
    for on_sample, pair in zip(kept[-1], state.pairs, strict=True):
        expected = on_sample.y - 3 * whole.penalty * pair.s  # there it was 4 times the penalty
        np.testing.assert_allclose(pair.y, expected, atol=1e-15)


@pytest.mark.parametrize("spread", [0.3, 2.0])
def test_most_of_the_way_costs_no_pass_over_all_rows(xp, spread):
    X, y = blobs(n_samples=66_000, n_features=6, n_classes=3, spread=spread)
    objective = counting(objective_on(xp, X, y, Cs=(1.0, 30.0)))
    solution = minimize(objective, zeros_of(objective), LBFGS(tol=1e-6), max_iter=100)
    sampled = Counting.passes.count(66_000)
    assert set(Counting.passes) == {4125, 16_500, 66_000}
    Counting.passes.clear()
    nearly_zero = zeros_of(objective) + 1e-9 * objective.penalty  # this is where to start
    whole = minimize(objective, nearly_zero, LBFGS(tol=1e-6), max_iter=100)
    assert set(Counting.passes) == {66_000}
    assert sampled <= len(Counting.passes) - 2
    np.testing.assert_allclose(solution.values, whole.values, atol=2e-6)


@pytest.mark.parametrize(("n_samples", "dear", "pays"), [
    (16_384, False, True), (16_380, False, False), (16_380, True, True),
])  # fmt: skip
def test_steps_on_a_sample_must_cost_less(monkeypatch, n_samples, dear, pays):
    """1024 rows make a Hessian, and where Hessians are dear, steps cost what rows do."""
    X, y = blobs(n_samples=n_samples)
    if dear:
        monkeypatch.setattr(Objective, "hessian_is_cheap", False)
    objective = counting(objective_on(np.asarray, X, y))
    assert objective.sample() is not None
    assert objective.sample_is_cheap == pays
    LBFGS().init(objective, zeros_of(objective))
    assert (min(Counting.passes) < n_samples) == pays


@dataclass(frozen=True)
class Biased(Counting):
    """A sample whose labels are wrong."""

    def sample(self):
        sample = super().sample()
        wrong = sample and (sample.rows.targets + 1) % 3
        return sample and replace(sample, rows=sample.rows._replace(targets=wrong))


def test_a_sample_that_misleads_is_not_followed():
    X, y = blobs(n_samples=17_000, spread=0.5)
    objective = objective_on(np.asarray, X, y)
    objective = Biased(objective.network, objective.rows, objective.penalty)
    state, _ = LBFGS().init(objective, zeros_of(objective))
    assert np.all(state.parameters == 0)
    right = Counting(objective.network, objective.rows, objective.penalty)
    _, (report,) = LBFGS().init(right, zeros_of(objective))
    best = minimize(right, zeros_of(objective), LBFGS(tol=1e-9), max_iter=100).values[0]
    assert report.value < best * (1 + 2 * SAMPLE_TOL**0.5)


def test_the_metric_of_a_sample_serves_all_rows_until_another_pays(xp, monkeypatch):
    X, y = blobs(n_samples=2400, n_features=20, n_classes=8, spread=2.0)
    objective, made = objective_on(xp, X, y), []
    precondition = objective_module.precondition

    def recorded(network, rows, *others):
        made.append((rows.n_samples, precondition(network, rows, *others)))
        return made[-1][1]

    monkeypatch.setattr(objective_module, "precondition", recorded)
    monkeypatch.setattr(Objective, "hessian_is_cheap", False)
    state, _ = LBFGS().init(objective, zeros_of(objective))
    assert {n_samples for n_samples, _ in made} == {600}
    metric, sampled = state.metric.preconditioner, made[-1][1]
    assert metric.core is sampled.core
    assert (metric.cost, state.metric.age) == (sampled.cost / 4, 0)
    solution = minimize(objective, zeros_of(objective), LBFGS(tol=1e-12), max_iter=100)
    assert made[-1][0] == 2400
    assert solution.n_iter[0] < 30


def test_an_interrupted_sample_leaves_nothing_behind(monkeypatch):
    X, y = blobs(n_samples=17_000)
    along = Objective.along

    def interrupted(objective, start, direction):
        if objective.n_samples < 17_000:
            raise KeyboardInterrupt
        return along(objective, start, direction)

    monkeypatch.setattr(Objective, "along", interrupted)
    model = SoftmaxRegression()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    assert not hasattr(model, "coef_")


def test_weights_that_leave_a_sample_empty_do_no_harm():
    X, y = blobs(n_samples=1200, spread=2.0)
    weight = np.zeros(1200)
    weight[np.setdiff1d(np.arange(1200), _sampled_rows(1200))[:60]] = 1.0
    model = SoftmaxRegression(tol=1e-8).fit(X, y, sample_weight=weight)
    few = SoftmaxRegression(tol=1e-8).fit(X[weight > 0], y[weight > 0])
    np.testing.assert_allclose(model.coef_, few.coef_, atol=1e-4)


def _sampled_rows(n_samples):
    X, y = np.arange(n_samples)[:, None] * np.ones(2), np.arange(n_samples) % 3
    sample = objective_on(np.asarray, X, y).sample()
    return sample.rows.X[:, 0].astype(int)
