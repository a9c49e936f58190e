"""Which rows tell the curvature of a class."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp

from xsoftmax.arrays import memory as blocks_module
from xsoftmax.curvature import covariances as curvature_module
from xsoftmax.curvature.covariances import Curvature, inclusion

from .problems import blobs, objective_on, start


def test_the_chance_of_a_row_is_in_proportion_to_its_weight_but_at_most_one(xp):
    weights = np.asarray([100.0, 50.0, 4.0, 3.0, 2.0, 1.0, 0.0])
    chances = xp.host(inclusion(xp(weights[None, :]), 4))[0]
    np.testing.assert_allclose(chances, [1, 1, 0.8, 0.6, 0.4, 0.2, 0], atol=1e-12)
    even = xp.host(inclusion(xp(np.ones((1, 10))), 4))
    np.testing.assert_allclose(even, 0.4)


def test_fewer_rows_with_weight_than_there_are_to_pick(xp):
    for weights in ([[5.0, 1.0, 0.0, 0.0]], [[1.0, 1.0, 0.0, 0.0]], [[500.0, 5.0, 0.0, 0.0]]):
        chances = xp.host(inclusion(xp(weights), 3))
        np.testing.assert_allclose(chances, [[1, 1, 0, 0]], atol=1e-12)


@pytest.mark.parametrize("decay", [0.0, 1e-3, 1e-2])
def test_picked_rows_estimate_the_covariance_of_all(decay):
    X, y = blobs(n_samples=3000, n_features=4, spread=2.0)
    weights = np.exp(-decay * np.arange(3000))[None, :]
    objective = objective_on(np.asarray, X, y, weights=weights)
    layers = objective.network.unpack(0 * objective.penalty)
    curvature = Curvature(objective.network, objective.rows, layers, 0.0)
    every, some = (curvature.picked(slice(0, 1), n)[0] for n in (3000, 600))
    assert every.shape[0] == 3000
    assert some.shape[0] == 600
    whole = every.T @ every
    np.testing.assert_allclose(some.T @ some, whole, atol=0.15 * np.abs(whole).max())
    # A heavy row is not picked again and again.
    assert len(np.unique(some, axis=0)) > 550


@pytest.mark.parametrize("n_picked", [500, 2000])
def test_of_many_rows_every_fourth_stands_for_all(monkeypatch, n_picked):
    monkeypatch.setattr(curvature_module, "SAMPLE_VALUES", 8000)
    X, y = blobs(n_samples=8000, n_features=4, n_classes=3, spread=2.0)
    X *= np.linspace(0.1, 2.0, 8000)[:, None]  # the first rows are unlike the last
    objective = objective_on(np.asarray, X, y)
    curvature = Curvature(objective.network, objective.rows, None)
    assert curvature.n_rows == 2000
    A, centred = curvature.picked(slice(0, 1), n_picked)[0], X - X.mean(axis=0)
    assert A.shape[0] == n_picked
    exact = centred.T @ centred / 8000 / 3
    np.testing.assert_allclose(A.T @ A, exact, atol=0.15 * np.abs(exact).max())


@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("soft", [False, True])
def test_known_logits_make_the_same_weights_without_the_rows(
    xp, monkeypatch, stride, n_classes, soft
):
    X, y = blobs(n_samples=300, n_features=4, n_classes=n_classes, spread=2.0)
    monkeypatch.setattr(curvature_module, "SAMPLE_VALUES", 300 * n_classes // stride + 1)
    monkeypatch.setattr(blocks_module, "BLOCK_VALUES", 1)  # so that blocks have 256 rows
    objective = objective_on(xp, X, y, Cs=(0.1, 10.0))
    if soft:
        t = xp(np.random.default_rng(1).dirichlet(np.ones(n_classes), 300).T)
        objective = replace(objective, rows=objective.rows._replace(targets=t))
    point = objective.at(start(objective))
    layers = objective.network.unpack(point.parameters)
    made = Curvature(objective.network, objective.rows, layers)
    known = Curvature(objective.network, objective.rows, layers, logits=point.logits)
    assert made.n_rows == 300 // stride
    np.testing.assert_allclose(xp.host(known.weights), xp.host(made.weights), rtol=1e-9)
    logits, t = (
        xp.host(x) for x in (objective.network.logits(layers, xp(X)), objective.rows.targets)
    )
    p = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    r = p - (t if soft else np.eye(n_classes)[:, t])
    factor = n_classes / (n_classes - 1) / 300
    weights = np.mean(np.maximum(p * (1 - p), r * r), axis=0) * factor
    np.testing.assert_allclose(xp.host(made.weights), weights[:, ::stride] * stride, rtol=1e-9)


@pytest.mark.parametrize("n_picked", [60, 1500])
def test_classes_are_the_same_one_by_one_or_all_at_once(xp, monkeypatch, n_picked):
    X, y = blobs(n_samples=2000, n_features=4, n_classes=5, spread=2.0)
    objective = objective_on(xp, X, y)
    parameters = xp(np.random.default_rng(0).standard_normal((1, 25)))
    layers = objective.network.unpack(parameters)
    curvature = Curvature(objective.network, objective.rows, layers, 0.1)
    (together,) = curvature.matrices(n_picked)
    monkeypatch.setattr(blocks_module, "BLOCK_VALUES", 1)
    for k, H in enumerate(curvature.matrices(n_picked)):
        assert H.shape == (1, 4, 4)
        np.testing.assert_allclose(xp.host(H)[0], xp.host(together)[k], rtol=1e-12)
    assert k == 4


def test_of_few_rows_a_matrix_takes_all_but_picks_as_many_as_are_asked():
    X, y = blobs(n_samples=300, n_features=4, spread=2.0)
    objective = objective_on(np.asarray, X, y)
    curvature, centred = Curvature(objective.network, objective.rows, None), X - X.mean(axis=0)
    (H,) = curvature.matrices(60)
    np.testing.assert_allclose(H[0], centred.T @ centred / 300 / 3)
    assert curvature.picked(slice(0, 1), 60).shape == (1, 60, 4)


@pytest.mark.parametrize(("decay", "pays"), [(1.0, False), (1e4, True)])
@pytest.mark.parametrize(("n_samples", "n_features"), [(300, 200), (4000, 300), (3000, 500)])
def test_uneven_curvature_is_foretold(xp, rng, n_samples, n_features, decay, pays):
    X = rng.standard_normal((n_samples, n_features)) * np.geomspace(1, decay**-0.5, n_features)
    objective = objective_on(xp, X, rng.integers(0, 4, n_samples), Cs=(100.0,))
    assert objective.curvature_pays == pays


def test_even_curvature_is_bought_where_it_costs_less_than_an_evaluation(rng):
    X, y = rng.standard_normal((20_000, 8)), rng.integers(0, 4, 20_000)
    assert objective_on(np.asarray, X, y).curvature_pays


def test_a_strong_penalty_makes_curvature_even(rng):
    X = rng.standard_normal((300, 200)) * np.geomspace(1, 1e-2, 200)
    assert not objective_on(np.asarray, X, rng.integers(0, 4, 300), Cs=(1e-4,)).curvature_pays
