"""MLPClassifier: layers, attributes and schedules as scikit-learn has them."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as TheirMLPClassifier

from xsoftmax import MLPClassifier

from ..problems import blobs


def test_fit_leaves_the_callers_arrays_and_random_state_alone():
    X, y = blobs()
    X_before, sizes = X.copy(), [4, 3]
    state = np.random.get_state()[1].copy()
    model = MLPClassifier(sizes, max_iter=2, tol=0, random_state=1).fit(X, y).fit(X, y)
    np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    assert sizes == [4, 3]
    assert [coef.shape for coef in model.coefs_] == [(5, 4), (4, 3), (3, 3)]


def test_hidden_layer_sizes_may_be_an_array():
    X, y = blobs()
    settings = {"max_iter": 2, "tol": 0, "random_state": 0}
    model = MLPClassifier(np.asarray([4, 3]), **settings).fit(X, y)
    expected = MLPClassifier((4, 3), **settings).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        MLPClassifier(np.asarray([[4, 3]])).fit(X, y)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_adaptive_lowers_the_rate_where_sgd_would_stop(early_stopping):
    X, y = blobs(n_samples=120)
    settings = {
        "solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.01, "tol": 1e9,
        "n_iter_no_change": 1, "early_stopping": early_stopping, "random_state": 0, "momentum": 0.0,
    }  # fmt: skip
    theirs = TheirMLPClassifier((4,), **settings).fit(X, y)
    ours = MLPClassifier((4,), **settings).fit(X, y)
    assert ours.n_iter_ == theirs.n_iter_ == 15  # 6 times a fifth of it is at most 1e-6
    assert ours.t_ == theirs.t_
    moves = np.abs(np.diff(ours.loss_curve_))
    assert moves[-1] < 1e-3 * moves[0]


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_attributes_are_those_of_scikit_learns_networks(solver, early_stopping):
    X, y = blobs(n_samples=120)
    settings = {"solver": solver, "early_stopping": early_stopping, "tol": 0, "random_state": 0}
    ours = MLPClassifier((4, 3), max_iter=4, **settings).fit(X, y)
    with pytest.warns(ConvergenceWarning):
        theirs = TheirMLPClassifier((4, 3), max_iter=4, **settings).fit(X, y)
    for name in ("n_layers_", "n_outputs_", "out_activation_", "t_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("best_loss_", "best_validation_score_", "validation_scores_"):
        found, expected = getattr(ours, name), getattr(theirs, name)
        assert (found is None) == (expected is None), name
        assert np.shape(found) == np.shape(expected), name
    assert ours.loss_ == ours.loss_curve_[-1]
    if early_stopping:
        assert ours.best_validation_score_ == max(ours.validation_scores_)
    else:
        assert ours.best_loss_ == min(ours.loss_curve_)
    ours.set_params(early_stopping=False).partial_fit(X, y)
    assert ours.t_ == theirs.t_ + 120
