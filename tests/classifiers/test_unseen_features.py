"""Features that are 0 in every row are left out of a sweep, and nothing else changes."""

import numpy as np
import pytest

from xsoftmax import SoftmaxRegressionCV
from xsoftmax.classifiers import softmax_regression_cv
from xsoftmax.classifiers.training import objective_of
from xsoftmax.model.network import Network
from xsoftmax.objective.coordinates import coordinates
from xsoftmax.objective.features import Features

from .problems import blobs


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_coordinates_keep_logits(xp, dtype, fit_intercept):
    X = np.zeros((6, 5))
    X[:, [1, 3]] = np.arange(12).reshape(6, 2)
    X, network = xp(X, dtype), Network((5, 3), fit_intercept=fit_intercept)
    space = coordinates(Features(X), network, many_passes=True)
    assert space.network.layer_sizes == (2, 3)
    real = "float64" if dtype == "int64" else dtype
    rng = np.random.default_rng(0)
    here = xp(rng.standard_normal((2, space.network.n_parameters)), real)
    there = space.expand(here)
    W = xp.host(network.unpack(there)[0][0])
    assert np.all(W[:, :, [0, 2, 4]] == 0)
    np.testing.assert_array_equal(xp.host(space.project(there)), xp.host(here))
    logits = space.network.logits(space.network.unpack(here), xp(xp.host(space.rows(None)), real))
    same = network.logits(network.unpack(there), xp(xp.host(X), real))
    np.testing.assert_allclose(xp.host(logits), xp.host(same), rtol=1e-5)


def is_as_it_was(X):
    network = Network((30, 3))
    return coordinates(Features(X), network, many_passes=True).network is network


@pytest.mark.parametrize("unseen", [0, 1, 30])
def test_few_or_no_features_that_are_never_seen_are_not_worth_a_copy(unseen):
    X = np.ones((4, 30)) + np.arange(4)[:, None]
    X[:, :unseen] = 0.0
    assert is_as_it_was(X)
    assert is_as_it_was(np.zeros((4, 30)))
    X[:, :2] = 0.0
    assert is_as_it_was(X) == (unseen == 30)


def test_a_sweep_reads_only_the_features_that_are_seen(monkeypatch):
    X, y = blobs(n_samples=60, n_features=4)
    widths = []

    def recorded(estimator, network, samples, *others, **named):
        widths.append(samples.X.shape[1])
        return objective_of(estimator, network, samples, *others, **named)

    monkeypatch.setattr(softmax_regression_cv, "objective_of", recorded)
    SoftmaxRegressionCV([1.0], cv=2).fit(np.hstack([X, np.zeros_like(X)]), y)
    assert widths == [4, 4]  # the folds and the refit


def test_a_sweep_is_the_same_with_features_that_are_never_seen():
    X, y = blobs(n_samples=60, n_features=4, spread=2.0)
    wide = np.zeros((60, 8))
    wide[:, ::2] = X
    Cs = [1e-2, 1.0]
    expected = SoftmaxRegressionCV(Cs, cv=3, tol=1e-10).fit(X, y)
    model = SoftmaxRegressionCV(Cs, cv=3, tol=1e-10).fit(wide, y)
    np.testing.assert_allclose(model.coef_[:, ::2], expected.coef_, atol=1e-5)
    np.testing.assert_array_equal(model.coef_[:, 1::2], 0.0)
    paths = model.coefs_paths_
    assert paths.shape == (3, 2, 3, 9)
    np.testing.assert_array_equal(paths[..., 1:8:2], 0.0)
    np.testing.assert_allclose(paths[..., 0:8:2], expected.coefs_paths_[..., :4], atol=1e-5)
    np.testing.assert_array_equal(model.scores_, expected.scores_)
