"""Scores of labelled rows, whether labels are numbers or text."""

import numpy as np
import pytest

from xsoftmax import SoftmaxRegression
from xsoftmax.evaluation import evaluate

from .problems import blobs

X, Y = blobs()


@pytest.mark.parametrize("labels", [Y + 9, (Y + 9).astype(str), (Y + 9).astype(str).astype(object)])
@pytest.mark.parametrize("asked", [Y + 9, (Y + 9).astype(str)])
def test_numbers_and_text_are_compared_as_text(labels, asked):
    model = SoftmaxRegression().fit(X, labels)
    result = evaluate(model, X, asked)
    assert result.accuracy == model.score(X, labels)
    assert result.accuracy == np.mean(result.predictions == result.labels)
    expected = -np.mean(
        model.predict_log_proba(X)[np.arange(len(X)), np.searchsorted(model.classes_, labels)]
    )
    assert result.loss == pytest.approx(expected)
    assert result.n_samples == len(X)


def test_a_label_that_was_never_seen_costs_inf():
    model = SoftmaxRegression().fit(X, Y)
    result = evaluate(model, X, np.where(np.arange(len(Y)) == 0, "new", Y.astype(str)))
    assert result.loss == np.inf
    assert result.accuracy > 0.5
