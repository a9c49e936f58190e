"""Losses and curvatures of training, where one row of logits may stand for two classes."""

from dataclasses import replace

import numpy as np
import pytest

from xsoftmax import functional as F
from xsoftmax.model.losses import (
    class_curvatures,
    pair_curvatures,
    probabilities,
    weighted_cross_entropy,
)
from xsoftmax.objective.policy import DEFAULT

from ..problems import blobs, objective_on, start


@pytest.mark.parametrize("soft", [False, True])
def test_weighted_cross_entropy_of_one_row_is_that_of_two(xp, rng, soft):
    two, weights = 3 * rng.standard_normal((2, 2, 20)), rng.random((2, 1, 20))
    targets = rng.integers(0, 2, 20)
    if soft:
        targets = rng.dirichlet((1, 1), 20).T
    one = two[:, 1:] - two[:, :1]
    losses, gradient = weighted_cross_entropy(xp(one), xp(targets[None]), xp(weights))
    for k in range(2):
        value, expected = F.softmax_cross_entropy(
            xp(two[k]), xp(targets), sample_weight=xp(weights[k, 0]), axis=0
        )
        total = weights[k].sum()
        np.testing.assert_allclose(xp.host(losses)[k].sum() / total, xp.host(value), rtol=1e-13)
        found = xp.host(gradient)[k, 0] / total
        np.testing.assert_allclose(found, xp.host(expected)[1], rtol=1e-12, atol=1e-16)
    p = xp.host(F.softmax(xp(two), axis=1))
    np.testing.assert_allclose(xp.host(probabilities(xp(one))), p, rtol=1e-13)


@pytest.mark.parametrize("n_logits", [1, 2, 4])
def test_curvatures_are_products_of_probabilities(xp, rng, n_logits):
    logits, pairs = 2 * rng.standard_normal((2, n_logits, 9)), [(0, 0, 2), (1, 2, 3)]
    p = xp.host(probabilities(xp(logits)))
    if n_logits < 4:
        pairs = [(0,), (1,)]
    first, second = pairs
    found = xp.host(pair_curvatures(xp(logits), xp(pairs)))
    np.testing.assert_allclose(found, p[:, first] * p[:, second], rtol=1e-13)
    found = xp.host(class_curvatures(xp(logits)))
    np.testing.assert_allclose(found, (p * (1 - p))[:, :n_logits], rtol=1e-13)


@pytest.mark.parametrize("logit", [40.0, -40.0, 700.0])
def test_curvatures_of_two_classes_keep_their_digits_where_one_is_nearly_sure(xp, logit):
    """1 - p would be 0."""
    expected = np.exp(-abs(logit))
    for curvature in (
        class_curvatures(xp([[[logit]]])),
        pair_curvatures(xp([[[logit]]]), xp([[0], [1]])),
    ):
        np.testing.assert_allclose(xp.host(curvature), expected, rtol=1e-13)


@pytest.mark.parametrize("kept", [True, False])
def test_two_classes_train_as_many_do(xp, kept):
    X, y = blobs(n_classes=2)
    policy = DEFAULT if kept else replace(DEFAULT, max_kept_logits=0)
    objective = objective_on(xp, X, y, Cs=(1.0, 5.0), policy=policy)
    parameters = start(objective)
    point, penalty = objective.evaluate(parameters), xp.host(objective.penalty * parameters)
    layers = objective.network.unpack(parameters)
    ((dW, db),) = objective.network.unpack(point.gradient - objective.penalty * parameters)
    p = xp.host(F.softmax(objective.network.logits(layers, xp(X)), axis=1))
    for k in range(2):
        W, b = (xp.host(part)[k] for part in layers[0])
        value, gradient = F.softmax_cross_entropy(xp(X @ W.T + b), xp(y))
        value = xp.host(value) + 0.5 * penalty[k] @ xp.host(parameters)[k]
        np.testing.assert_allclose(xp.host(point.value)[k], value, rtol=1e-13)
        np.testing.assert_allclose(xp.host(dW)[k], xp.host(gradient).T @ X, atol=1e-14)
        np.testing.assert_allclose(xp.host(db)[k], xp.host(gradient).sum(axis=0), atol=1e-14)
        expected = xp.host(F.softmax(xp(X @ W.T + b), axis=1))
        np.testing.assert_allclose(p[k].T, expected, rtol=1e-12)
