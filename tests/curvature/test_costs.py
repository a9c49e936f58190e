"""What inverse Hessians cost, in evaluations."""

from dataclasses import replace

import numpy as np
import pytest

from xsoftmax.curvature.costs import (
    MIN_ROWS,
    are_many,
    eigenvectors_cost,
    evaluation_cost,
    exact_inverse_cost,
    hessian_order,
    hessian_rows,
)
from xsoftmax.curvature.exact import exact_inverse
from xsoftmax.model.network import Network
from xsoftmax.objective.policy import DEFAULT
from xsoftmax.solvers.plan import curvature_pays

from ..problems import blobs, objective_on, start


def test_even_curvature_is_bought_where_it_costs_less_than_an_evaluation(rng):
    X, y = rng.standard_normal((20_000, 8)), rng.integers(0, 4, 20_000)
    objective = objective_on(np.asarray, X, y)
    sizes = objective.network, objective.n_samples
    assert eigenvectors_cost(*sizes, DEFAULT) < evaluation_cost(*sizes, n_problems=1)
    assert curvature_pays(objective)


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
    assert hessian_rows(Network((4, 3)), DEFAULT) == MIN_ROWS
    assert hessian_rows(Network((99, 5)), DEFAULT) == 8 * 400
    policy = replace(DEFAULT, hessian_rows_per_parameter=20)
    assert hessian_rows(Network((99, 5)), policy) == 20 * 400


def test_are_many_where_to_pick_saves_more_than_it_costs():
    assert not are_many(MIN_ROWS, 10)
    assert are_many(MIN_ROWS + 1, 10)
    assert not are_many(3000, 2000)
    assert are_many(3001, 2000)


def test_costs_grow_with_what_there_is_to_do():
    """With rows, up to those that make a Hessian, with features, with classes, with problems."""

    def costs(n_features=10, n_classes=4, n_samples=2000, n_problems=2):
        network = Network((n_features, n_classes))
        return np.asarray(
            [
                evaluation_cost(network, n_samples, n_problems),
                exact_inverse_cost(network, n_samples, n_problems, DEFAULT),
                eigenvectors_cost(network, n_samples, DEFAULT),
            ]
        )

    base = costs()
    assert np.all(costs(n_features=20) > base)
    assert np.all((costs(n_classes=8) > base) == [True, True, False])
    assert np.all((costs(n_problems=4) > base) == [True, True, False])
    assert np.all((costs(n_samples=4000) > base) == [True, False, False])
    assert np.all((costs(n_samples=15) < base) == [True, True, True])


def test_cost_of_an_exact_inverse_is_counted_in_evaluations():
    objective = objective_on(np.asarray, *blobs(), Cs=(0.5, 2.0))
    inverse = exact_inverse(objective, objective.evaluate(start(objective)), of_few_rows=False)
    sizes = objective.network, 60, 2
    expected = exact_inverse_cost(*sizes, objective.policy) / evaluation_cost(*sizes)
    assert inverse.cost == expected
