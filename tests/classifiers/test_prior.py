"""Offsets of the logits, and classifiers to stay near."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.metrics import get_scorer

from xsoftmax import MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV

from ..problems import blobs

SOLVERS = {
    "lbfgs": {"tol": 1e-10},
    "gd": {"solver": "gd", "max_iter": 4000, "tol": 1e-7, "learning_rate_init": 0.3},
}


def case(n_classes, n_samples=90, seed=0):
    """Rows, labels and an offset that says something of them."""
    rng = np.random.default_rng(seed)
    X, y = blobs(n_samples=n_samples, n_features=4, n_classes=n_classes, spread=2.0)
    offset = rng.standard_normal((n_samples, n_classes)) + np.eye(n_classes)[y]
    return X, y, offset


def prior(n_classes, n_features=4):
    rng = np.random.default_rng(1)
    n_rows = 1 if n_classes == 2 else n_classes
    return rng.standard_normal((n_rows, n_features)), rng.standard_normal(n_rows)


def reference(X, y, offset, C, W0=0.0):
    """Parameters (n_classes, n_features + 1) of the least objective, by scipy."""
    n_classes, (n_samples, n_features) = offset.shape[1], X.shape
    T, rows = np.eye(n_classes)[y], np.column_stack([X, np.ones(n_samples)])

    def value_and_gradient(flat):
        W = np.reshape(flat, (n_classes, -1))
        logits = rows @ W.T + offset
        total = logsumexp(logits, axis=1, keepdims=True)
        V = W - W0
        V = np.column_stack([V[:, :n_features], np.zeros(n_classes)])
        value = np.sum(total) - np.sum(T * logits) + 0.5 * np.sum(V * V) / C
        return value, np.ravel((np.exp(logits - total) - T).T @ rows + V / C)

    zeros = np.zeros(n_classes * (n_features + 1))
    found = minimize(value_and_gradient, zeros, jac=True, method="BFGS", options={"gtol": 1e-9})
    return np.reshape(found.x, (n_classes, -1))


def probabilities(X, W, offset):
    logits = np.column_stack([X, np.ones(len(X))]) @ W.T + offset
    return np.exp(logits - logsumexp(logits, axis=1, keepdims=True))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("solver", SOLVERS)
def test_an_offset_is_added_to_the_logits(xp, n_classes, solver):
    X, y, offset = case(n_classes)
    model = SoftmaxRegression(C=0.5, **SOLVERS[solver])
    model.fit(xp(X), xp(y), offset=xp(offset))
    # Two rows that are opposite have half the squares of their difference.
    W = reference(X, y, offset, 0.5 if n_classes > 2 else 0.25)
    expected = probabilities(X, W, offset)
    found = xp.host(model.predict_proba(xp(X), offset=xp(offset)))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    logs = xp.host(model.predict_log_proba(xp(X), offset=xp(offset)))
    np.testing.assert_allclose(logs, np.log(found), rtol=1e-9, atol=1e-12)
    winners = xp.host(model.predict(xp(X), offset=xp(offset)))
    np.testing.assert_array_equal(winners, found.argmax(axis=1))
    score = model.score(xp(X), xp(y), offset=xp(offset))
    assert score == np.mean(winners == y)
    logits = xp.host(model.decision_function(xp(X), offset=xp(offset)))
    plain = xp.host(model.decision_function(xp(X)))
    added = offset[:, 1] - offset[:, 0] if n_classes == 2 else offset
    np.testing.assert_allclose(logits, plain + added, atol=1e-12)


def test_an_offset_is_added_to_the_logits_of_a_network(xp):
    X, y, _ = case(3)
    settings = {"max_iter": 20, "random_state": 0, "tol": 0, "learning_rate_init": 0.01}
    network = MLPClassifier((8,), solver="adam", **settings)
    plain = MLPClassifier((8,), solver="adam", **settings).fit(xp(X), xp(y))
    network.fit(xp(X), xp(y), offset=xp(3.0 * np.eye(3)[y]))
    assert network.loss_curve_[-1] < plain.loss_curve_[-1]
    assert network.score(xp(X), xp(y), offset=xp(3.0 * np.eye(3)[y])) > 0.9
    same = MLPClassifier((8,), solver="adam", **settings)
    same.fit(xp(X), xp(y), offset=xp(np.zeros((90, 3))))
    np.testing.assert_array_equal(xp.host(same.coefs_[0]), xp.host(plain.coefs_[0]))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("with_offset", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_penalty_is_on_the_difference_from_the_prior(xp, n_classes, with_offset, solver):
    X, y, offset = case(n_classes)
    W0, b0 = prior(n_classes)
    model = SoftmaxRegression(C=0.1, coef_prior=(xp(W0), xp(b0)), **SOLVERS[solver])
    given = {"offset": xp(offset)} if with_offset else {}
    model.fit(xp(X), xp(y), **given)
    both = np.concatenate([-W0 / 2, W0 / 2]) if n_classes == 2 else W0
    both = np.column_stack([both, np.zeros(n_classes)])
    C = 0.1 if n_classes > 2 else 0.05
    offset = offset if with_offset else np.zeros((90, n_classes))
    expected = probabilities(X, reference(X, y, offset, C, both), offset)
    found = xp.host(model.predict_proba(xp(X), **given))
    np.testing.assert_allclose(found, expected, atol=2e-4)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("wide", [False, True])
def test_a_small_c_gives_the_predictions_of_the_prior(xp, n_classes, wide):
    """Where intercepts are not fitted either."""
    X, y, _ = case(n_classes)
    if wide:
        X = np.random.default_rng(0).standard_normal((90, 200))
    W0, _ = prior(n_classes, X.shape[1])
    model = SoftmaxRegression(C=1e-9, coef_prior=(xp(W0), None), fit_intercept=False)
    found = xp.host(model.fit(xp(X), xp(y)).predict_proba(xp(X)))
    both = np.concatenate([-W0 / 2, W0 / 2]) if n_classes == 2 else W0
    expected = probabilities(X, np.column_stack([both, np.zeros(n_classes)]), 0.0)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("far", [0.0, 1e4])
def test_a_large_c_gives_the_predictions_without_the_prior(xp, wide, far):
    X, y, _ = case(3, n_samples=60 if wide else 200)
    if wide:
        X = np.hstack([X, np.random.default_rng(0).standard_normal((60, 140))])
    X = X + far
    W0, b0 = prior(3, X.shape[1])
    settings = {"C": 1e3, "tol": 1e-10}
    model = SoftmaxRegression(coef_prior=(xp(1e-4 * W0), xp(b0)), **settings).fit(xp(X), xp(y))
    free = SoftmaxRegression(**settings).fit(xp(X), xp(y))
    found, expected = (xp.host(each.predict_proba(xp(X))) for each in (model, free))
    np.testing.assert_allclose(found, expected, atol=0.02)


@pytest.mark.parametrize(("n_classes", "n_samples"), [(2, 90), (3, 90), (12, 2000)])
@pytest.mark.parametrize("C", [1e-3, 1.0, 1e3])
def test_a_prior_of_zeros_gives_the_same_parameters(xp, n_classes, n_samples, C):
    X, y, _ = case(n_classes, n_samples)
    zeros = xp(np.zeros((n_classes, 4))), xp(np.zeros(n_classes))
    found = SoftmaxRegression(C, coef_prior=zeros, tol=1e-8).fit(xp(X), xp(y))
    expected = SoftmaxRegression(C, tol=1e-8).fit(xp(X), xp(y))
    np.testing.assert_array_equal(xp.host(found.coef_), xp.host(expected.coef_))
    np.testing.assert_array_equal(xp.host(found.intercept_), xp.host(expected.intercept_))


def test_a_warm_start_goes_on_from_the_last_fit():
    X, y, _ = case(3)
    model = SoftmaxRegression(C=0.1, coef_prior=prior(3), warm_start=True, tol=1e-8).fit(X, y)
    first, n_iter = model.coef_, model.n_iter_
    model.fit(X, y)
    assert model.n_iter_ < n_iter
    np.testing.assert_allclose(model.coef_, first, atol=1e-4)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_held_out_rows_have_an_offset_of_their_own():
    X, y, offset = case(3)
    told = 9.0 * np.eye(3)[y]
    model = SoftmaxRegression(solver="sgd", max_iter=2, tol=0, random_state=0)
    model.fit(X, y, offset=offset, X_val=X, y_val=y, offset_val=told)
    assert model.validation_scores_[-1] == 1.0
    early = SoftmaxRegression(solver="sgd", early_stopping=True, max_iter=3, random_state=0)
    early.fit(X, y, offset=told)
    assert early.validation_scores_[-1] == 1.0


@pytest.mark.parametrize(
    ("offset", "message"),
    [
        (np.zeros((90, 2)), r"shape \(n_samples, n_classes\), \(90, 3\); got \(90, 2\)"),
        (np.zeros(90), r"got \(90,\)"),
        (np.full((90, 3), -np.inf), "finite numbers. To rule a class out"),
        (np.zeros((90, 3), dtype=complex), "real numbers; got dtype complex128"),
    ],
)
def test_an_offset_that_breaks_its_rule_is_refused(offset, message):
    X, y, _ = case(3)
    with pytest.raises(ValueError, match=f"SoftmaxRegression: offset must be .*{message}"):
        SoftmaxRegression().fit(X, y, offset=offset)
    model = SoftmaxRegression().fit(X, y)
    with pytest.raises(ValueError, match=message):
        model.predict(X, offset=offset)


@pytest.mark.parametrize(
    ("coef_prior", "settings", "message"),
    [
        (np.zeros((3, 4)), {}, r"a pair \(W0, b0\)"),
        ((np.zeros((3, 5)), None), {}, r"weights of shape \(3, 4\), .*; got \(3, 5\)"),
        ((np.zeros((3, 4)), np.zeros(2)), {}, r"intercepts of shape \(3,\), .*; got \(2,\)"),
        ((np.full((3, 4), np.nan), None), {}, "must be finite; its weights are not"),
        ((np.zeros((3, 4)), np.ones(3)), {"fit_intercept": False}, "need fit_intercept=True"),
    ],
)
def test_a_prior_that_breaks_its_rule_is_refused(coef_prior, settings, message):
    X, y, _ = case(3)
    with pytest.raises(ValueError, match=rf"SoftmaxRegression\(coef_prior=...\) .*{message}"):
        SoftmaxRegression(coef_prior=coef_prior, **settings).fit(X, y)


def test_offsets_of_training_and_held_out_rows_go_together():
    X, y, offset = case(3)
    with pytest.raises(ValueError, match="offset and offset_val go together"):
        SoftmaxRegression().fit(X, y, offset=offset, X_val=X, y_val=y)


def test_partial_fit_has_no_prior():
    X, y, _ = case(3)
    model = SoftmaxRegression(solver="sgd", coef_prior=prior(3))
    with pytest.raises(ValueError, match="partial_fit does not support coef_prior"):
        model.partial_fit(X, y, classes=[0, 1, 2])


@pytest.mark.filterwarnings("ignore:.*the best C_")
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_search_has_a_prior_and_an_offset(xp, n_classes):
    X, y, offset = case(n_classes, n_samples=120)
    W0, b0 = prior(n_classes)
    told = {"coef_prior": (xp(W0), xp(b0)), "tol": 1e-10}
    rows, Cs = np.arange(120), [1e-3, 0.1, 10.0]
    folds = [(rows[:80], rows[80:]), (rows[40:], rows[:40])]
    search = SoftmaxRegressionCV(Cs, cv=folds, scoring=["accuracy", "neg_log_loss"], **told)
    search.fit(xp(X), xp(y), offset=xp(offset))
    for k, (train, test) in enumerate(folds):
        for j, C in enumerate(Cs):
            one = SoftmaxRegression(C, **told)
            one.fit(xp(X[train]), xp(y[train]), offset=xp(offset[train]))
            p = xp.host(one.predict_proba(xp(X[test]), offset=xp(offset[test])))
            assert search.scores_["accuracy"][k, j] == np.mean(p.argmax(axis=1) == y[test])
            loss = np.mean(np.log(p[np.arange(40), y[test]]))
            assert search.scores_["neg_log_loss"][k, j] == pytest.approx(loss, abs=1e-4)
    best = SoftmaxRegression(search.C_, **told).fit(xp(X), xp(y), offset=xp(offset))
    np.testing.assert_allclose(xp.host(search.coef_), xp.host(best.coef_), atol=1e-3)
    assert search.best_estimator_.coef_prior is not None
    given = xp(X), xp(y), None, xp(offset)
    assert search.score(*given) == best.score(*given)


def test_a_scorer_on_the_host_knows_no_offset():
    X, y, offset = case(3)
    search = SoftmaxRegressionCV([1.0], cv=2, scoring=get_scorer("accuracy"))
    with pytest.raises(ValueError, match="scoring with an offset needs scores that are computed"):
        search.fit(X, y, offset=offset)


def test_a_prior_may_come_as_lists(xp):
    X, y, _ = case(2)
    W0, b0 = prior(2)
    lists = SoftmaxRegression(coef_prior=(W0.tolist(), b0.tolist())).fit(xp(X), xp(y))
    arrays = SoftmaxRegression(coef_prior=(xp(W0), xp(b0))).fit(xp(X), xp(y))
    np.testing.assert_array_equal(xp.host(lists.coef_), xp.host(arrays.coef_))
