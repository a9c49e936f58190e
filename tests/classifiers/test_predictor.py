"""What a fitted classifier answers: labels, probabilities, logits, a score."""

import numpy as np
import pytest

from xsoftmax import MLPClassifier, SoftmaxRegression

from ..problems import blobs


def test_predictions_are_where_X_is(xp):
    X, y = blobs()
    model = SoftmaxRegression().fit(xp(X), xp(y + 5))
    proba = xp.host(model.predict_proba(xp(X)))
    assert proba.shape == (60, 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_allclose(xp.host(model.predict_log_proba(xp(X))), np.log(proba))
    np.testing.assert_array_equal(xp.host(model.classes_), [5, 6, 7])
    logits = xp.host(model.decision_function(xp(X)))
    np.testing.assert_array_equal(xp.host(model.predict(xp(X))), logits.argmax(axis=1) + 5)
    assert xp.host(model.coef_).shape == (3, 5)
    assert model.n_features_in_ == 5
    assert isinstance(model.score(xp(X), xp(y + 5)), float)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "uint32", "uint64"])
def test_predict_and_score_take_unsigned_and_boolean_labels(xp, dtype):
    X, y = blobs(n_classes=2 if dtype == "bool" else 3)
    labels = xp(y, dtype)
    model = SoftmaxRegression().fit(xp(X), labels)
    predictions = xp.host(model.predict(xp(X)))
    assert predictions.dtype == xp.host(labels).dtype
    assert model.score(xp(X), labels) == np.mean(predictions == y) > 0.7


def test_binary_decision_function_is_one_number(xp):
    X, y = blobs(n_classes=2)
    for model in (SoftmaxRegression(), MLPClassifier((4,), solver="gd", max_iter=3, tol=0)):
        model.fit(xp(X), xp(y))
        decision = xp.host(model.decision_function(xp(X)))
        assert decision.shape == (60,)
        np.testing.assert_array_equal(xp.host(model.predict(xp(X))), decision > 0)
        proba = xp.host(model.predict_proba(xp(X)))
        np.testing.assert_allclose(proba[:, 1], 1 / (1 + np.exp(-decision)), rtol=1e-12)
