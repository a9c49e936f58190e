"""Scores of a batch on rows that its problems hold out."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import get_scorer

from xsoftmax import MultiOutputSoftmaxRegressionCV, SoftmaxRegression, SoftmaxRegressionCV
from xsoftmax.classifiers.held_out import HeldOut, Scorer
from xsoftmax.classifiers.scoring import Routing, scorings_of
from xsoftmax.classifiers.validation import Targets
from xsoftmax.model.network import Network
from xsoftmax.objective.policy import DEFAULT

from ..array_library import HERE, Library
from ..problems import blobs

NAMES = ["accuracy", "neg_log_loss", "balanced_accuracy", "f1_macro"]


def batch(xp, names, weight):
    """X, what three problems hold out, one of other labels, their network and parameters."""
    rng = np.random.default_rng(0)
    X, y = blobs(n_samples=64, n_features=4, spread=2.0)
    three = Targets(np.arange(3), y)
    others = Targets(np.asarray([5, 7, 9]), (y + (X[:, 0] > 0)) % 3)
    rows = [np.arange(40), np.arange(30, 64), np.r_[:20, 3]]
    held_out = [
        HeldOut(targets, weight**k, of_problem, scorings(names, targets, weight**k))
        for k, targets, of_problem in zip((1, 2, 3), (three, three, others), rows, strict=True)
    ]
    return X, held_out, Network((4, 3)), xp(rng.standard_normal((3, 15)))


def models_of(held_out):
    models = [SoftmaxRegression() for _ in held_out]
    for model, held in zip(models, held_out, strict=True):
        model.classes_, model.n_features_in_ = held.targets.classes, 4
    return models


def scorings(names, targets, weight):
    model = SoftmaxRegression()
    model.classes_, routing = targets.classes, Routing(None, None, None)
    return scorings_of(names, model, targets.classes, routing, weight)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kept", [1 << 23, 1])
def test_all_rows_at_once_score_as_copies_and_as_scorers_on_the_host(xp, weighted, kept):
    weight = np.random.default_rng(1).random(64) if weighted else np.ones(64)
    X, held_out, network, parameters = batch(xp, [*NAMES, "roc_auc_ovr"], weight)
    assert all(scoring.metric for scoring in held_out[0].scorings)
    policy = replace(DEFAULT, max_kept_logits=kept)
    asked = network, parameters, range(3), models_of(held_out)
    copied = Scorer(xp(X), held_out)(*asked)
    together = Scorer(xp(X), held_out, together=True, policy=policy)(*asked)
    np.testing.assert_allclose(together, copied, rtol=1e-12)
    _, held_out, *_ = batch(xp, {name: get_scorer(name) for name in NAMES}, weight)
    assert not any(scoring.metric for scoring in held_out[0].scorings)
    expected = Scorer(xp(X), held_out, together=True)(*asked)
    np.testing.assert_allclose(copied[:, :4], expected, rtol=1e-12)


@pytest.mark.parametrize(
    "search",
    [
        SoftmaxRegressionCV([0.1, 1.0], cv=3, scoring=[*NAMES, "roc_auc_ovr"]),
        SoftmaxRegressionCV([0.1, 1.0], cv=3, scoring="f1_macro", calibration="temperature"),
        MultiOutputSoftmaxRegressionCV([0.1, 1.0], cv=3, scoring="neg_log_loss"),
    ],
)
def test_a_search_moves_no_rows_and_no_logits_to_the_host(search):
    X, y = blobs(n_samples=200, n_features=3)
    if isinstance(search, MultiOutputSoftmaxRegressionCV):
        y = np.column_stack([y, y[::-1]])
    library = Library()
    search.fit(library.array(X, device=HERE), y.tolist())
    assert 0 < max(library.n_moved) <= 6 * 12  # parameters of a batch, not one value for each row


@pytest.mark.parametrize(("n_more", "is_kept"), [(0, True), (1, False)])
def test_copies_of_rows_are_kept_if_they_are_few(n_more, is_kept):
    X, (held, *_), _, _ = batch(np.asarray, NAMES, np.ones(64))
    policy = replace(DEFAULT, max_copied_values=5 * 40 * 4)
    scorer = Scorer(X, [held] * (5 + n_more), policy=policy)
    np.testing.assert_array_equal(scorer.copied(0), X[:40])
    assert (scorer.copied(0) is scorer.copied(0)) == is_kept
