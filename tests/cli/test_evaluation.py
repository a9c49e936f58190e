"""Scores of labelled rows, whether labels are numbers or text."""

import numpy as np
import pytest

from xsoftmax import SoftmaxRegression
from xsoftmax.cli.evaluation import evaluate

from ..problems import blobs

X, Y = blobs()


@pytest.mark.parametrize("labels", [Y + 9, (Y + 9).astype(str), (Y + 9).astype(str).astype(object)])
@pytest.mark.parametrize("asked", [Y + 9, (Y + 9).astype(str)])
def test_evaluate_compares_numbers_and_text_as_text(labels, asked):
    model = SoftmaxRegression().fit(X, labels)
    result = evaluate(model, X, asked)
    assert result.accuracy == model.score(X, labels)
    assert result.accuracy == np.mean(result.predictions == result.labels)
    expected = -np.mean(
        model.predict_log_proba(X)[np.arange(len(X)), np.searchsorted(model.classes_, labels)]
    )
    assert result.loss == pytest.approx(expected)
    assert result.n_samples == len(X)


def test_evaluate_counts_a_label_that_was_never_seen_as_a_loss_of_inf():
    model = SoftmaxRegression().fit(X, Y)
    asked = np.where(np.arange(len(Y)) == 0, "new", Y.astype(str))
    with pytest.warns(UserWarning, match=rf"of 1 of {len(Y)} rows are none of .* classes: 'new'\."):
        result = evaluate(model, X, asked)
    assert result.loss == np.inf
    assert result.accuracy > 0.5


@pytest.mark.parametrize("labels", [Y + 9.5, (Y + 9).astype(float).astype(str), np.full(3, "new")])
def test_evaluate_refuses_labels_of_which_none_was_seen(labels):
    model = SoftmaxRegression().fit(X, Y + 9)
    with pytest.raises(ValueError, match=r"none of the labels .* is among the model's classes"):
        evaluate(model, X[: len(labels)], labels)
