"""What inverse Hessians cost, in evaluations."""

from dataclasses import replace

import numpy as np
import pytest

from xsoftmax.curvature.costs import (
    Sizes,
    are_many,
    best_affordable,
    covariances_cost,
    decomposition_cost,
    evaluation_cost,
    exact_inverse_cost,
    hessian_order,
    hessian_rows,
    moments_cost,
    sizes_of,
)
from xsoftmax.curvature.exact import exact_inverse
from xsoftmax.model.network import Network
from xsoftmax.objective.policy import DEFAULT
from xsoftmax.solvers.plan import curvature_pays

from ..problems import blobs, objective_on, start


def test_even_curvature_is_bought_where_it_costs_less_than_an_evaluation(rng):
    X, y = rng.standard_normal((20_000, 8)), rng.integers(0, 10, 20_000)
    objective = objective_on(np.asarray, X, y)
    assert best_affordable(objective.network, sizes_of(objective), 1.0, DEFAULT, at_zero=True)
    assert curvature_pays(objective)
    even = rng.standard_normal((2000, 100)), rng.integers(0, 10, 2000)
    assert not curvature_pays(objective_on(np.asarray, *even))


SIZES = Network((100, 6)), Sizes(3000, 1, 100)


def test_inverses_of_classes_are_bought_before_one_spectrum():
    kinds = [
        best_affordable(*SIZES, max_cost, DEFAULT).of_classes
        for max_cost in (3.0, 4.0, 5.0, 10.0, 100.0)
    ]
    assert kinds == sorted(kinds)
    assert set(kinds) == {False, True}


def test_as_many_rows_are_bought_as_are_affordable():
    rows = [best_affordable(*SIZES, max_cost, DEFAULT).n_rows for max_cost in range(5, 12)]
    assert rows == sorted(rows)
    assert 2 * 100 <= rows[0] < rows[-1] == 8 * 100
    few = best_affordable(SIZES[0], Sizes(60, 1, 100), 1000.0, DEFAULT)
    assert few.n_rows == 60


@pytest.mark.parametrize("at_zero", [True, False])
@pytest.mark.parametrize("max_cost", [3.0, 10.0, 100.0])
def test_what_is_bought_costs_no_more_than_is_allowed(at_zero, max_cost):
    purchase = best_affordable(*SIZES, max_cost, DEFAULT, at_zero)
    spent = moments_cost(*SIZES, at_zero)
    made = covariances_cost(100, 6 if purchase.of_classes else 1, purchase.n_rows)
    if not purchase.of_classes:
        made += decomposition_cost(100)
    assert purchase.cost == pytest.approx((spent + made) / evaluation_cost(*SIZES))
    assert purchase.cost <= max_cost


def test_nothing_is_bought_for_nothing():
    assert best_affordable(*SIZES, 0.0, DEFAULT) is None
    assert best_affordable(*SIZES, 0.0, DEFAULT, at_zero=True) is None


def test_at_zero_one_class_stands_for_all():
    assert not best_affordable(*SIZES, 1000.0, DEFAULT, at_zero=True).of_classes
    assert best_affordable(*SIZES, 1000.0, DEFAULT).of_classes
    small = replace(DEFAULT, max_curvature_values=6 * 100 * 100 - 1)
    assert not best_affordable(*SIZES, 1000.0, small).of_classes


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_hessian_order_is_that_of_the_exact_inverse(n_classes, fit_intercept):
    network = Network((3, n_classes), fit_intercept=fit_intercept)
    objective = objective_on(np.asarray, *blobs(n_features=3, n_classes=n_classes))
    objective = replace(
        objective, network=network, penalty=objective.penalty[:, : network.n_parameters]
    )
    inverse = exact_inverse(objective, objective.evaluate(start(objective)), of_few_rows=False)
    n = hessian_order(network)
    assert inverse.inverse.shape == (1, n, n)


def test_hessian_rows_are_so_many_for_each_parameter_as_the_policy_says():
    assert hessian_rows(Network((4, 3)), DEFAULT) == DEFAULT.few_rows == 1024
    assert hessian_rows(Network((99, 5)), DEFAULT) == 8 * 400
    policy = replace(DEFAULT, hessian_rows_per_parameter=20)
    assert hessian_rows(Network((99, 5)), policy) == 20 * 400


def test_are_many_where_to_pick_saves_more_than_it_costs():
    assert not are_many(1024, 10, DEFAULT)
    assert are_many(1025, 10, DEFAULT)
    assert not are_many(3000, 2000, DEFAULT)
    assert are_many(3001, 2000, DEFAULT)
    assert are_many(11, 5, replace(DEFAULT, few_rows=10))


def test_costs_grow_with_what_there_is_to_do():
    """With rows, up to those that make a Hessian, with features, with classes, with problems."""

    def costs(n_features=10, n_classes=4, n_samples=2000, n_problems=2):
        network, sizes = (
            Network((n_features, n_classes)),
            Sizes(n_samples, n_problems, n_features),
        )
        return np.asarray(
            [
                evaluation_cost(network, sizes),
                exact_inverse_cost(network, sizes, DEFAULT),
                moments_cost(network, sizes, False),
            ]
        )

    base = costs()
    assert np.all(costs(n_features=20) > base)
    assert np.all(costs(n_classes=8) > base)
    assert np.all(costs(n_problems=4) > base)
    assert np.all(costs(n_samples=4000) > base)
    assert np.all((costs(n_samples=15) < base) == [True, True, True])


def test_cost_of_an_exact_inverse_is_counted_in_evaluations():
    objective = objective_on(np.asarray, *blobs(), Cs=(0.5, 2.0))
    inverse = exact_inverse(objective, objective.evaluate(start(objective)), of_few_rows=False)
    network, sizes = objective.network, Sizes(60, 2, 5)
    assert sizes == sizes_of(objective)
    expected = exact_inverse_cost(network, sizes, objective.policy)
    expected /= evaluation_cost(network, sizes)
    assert inverse.cost == expected
