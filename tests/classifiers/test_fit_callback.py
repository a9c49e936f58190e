"""After every iteration: held-out rows are scored, the monitor is called, a fit stops."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import xsoftmax
from xsoftmax import MLPClassifier, SoftmaxRegression

from ..problems import blobs


def test_early_stopping_stops_after_n_iter_no_change():
    X, y = blobs(n_samples=300, spread=3.0)
    for make in (SoftmaxRegression, MLPClassifier):
        model = make(
            solver="adam", learning_rate_init=0.1, early_stopping=True, n_iter_no_change=3,
            max_iter=200, random_state=0,
        ).fit(X, y)  # fmt: skip
        scores = model.validation_scores_
        assert len(scores) == model.n_iter_ < 200
        assert max(scores) not in scores[-4:]
        assert len(model.loss_curve_) == model.n_iter_


def test_early_stopping_returns_the_parameters_that_scored_best():
    X, y = blobs(n_samples=300, spread=3.0)
    model = MLPClassifier(
        learning_rate_init=0.1, early_stopping=True, n_iter_no_change=3, random_state=0
    ).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    assert model.score(X[200:], y[200:]) == max(model.validation_scores_)
    assert model.validation_scores_[-1] < max(model.validation_scores_)


def test_early_stopping_of_a_fit_without_iterations():
    model = SoftmaxRegression(early_stopping=True).fit(np.zeros((20, 3)), np.arange(20) % 2)
    assert model.n_iter_ == 0
    np.testing.assert_array_equal(model.coef_, np.zeros((1, 3)))


def test_fit_scores_a_validation_set_after_every_iteration(xp):
    X, y = blobs(n_samples=120, spread=2.0)
    model = SoftmaxRegression(solver="gd", max_iter=20, tol=0)
    model.fit(xp(X[:80]), xp(y[:80]), X_val=xp(X[80:]), y_val=xp(y[80:]))
    assert len(model.validation_scores_) == 20
    assert model.validation_scores_[-1] == model.score(xp(X[80:]), xp(y[80:]))
    model.set_params(early_stopping=True, n_iter_no_change=2, max_iter=1000)
    model.fit(xp(X[:80]), xp(y[:80]), X_val=xp(X[80:]), y_val=xp(y[80:]))
    assert model.n_iter_ < 1000
    assert model.score(xp(X[80:]), xp(y[80:])) == max(model.validation_scores_)
    with pytest.raises(ValueError, match="go together"):
        model.fit(xp(X), xp(y), X_val=xp(X))


def test_without_held_out_rows_there_are_no_scores():
    X, y = blobs()
    model = SoftmaxRegression().fit(X, y, X_val=X, y_val=y)
    assert model.validation_scores_
    assert model.fit(X, y).validation_scores_ is None
    assert SoftmaxRegression(solver="gd").partial_fit(X, y, [0, 1, 2]).validation_scores_ is None


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_n_iter_no_change_of_inf_never_stops(solver):
    X, y = blobs()
    for early_stopping in (False, True):
        model = SoftmaxRegression(
            solver=solver, n_iter_no_change=np.inf, max_iter=30, tol=10.0, random_state=0,
            early_stopping=early_stopping,
        )  # fmt: skip
        with pytest.warns(ConvergenceWarning):
            assert model.fit(X, y).n_iter_ == 30


def test_monitor_sees_a_usable_model_and_can_stop():
    X, y = blobs()
    seen = []

    def monitor(iteration, model):
        seen.append((iteration, model.n_iter_, len(model.loss_curve_), model.score(X, y)))
        return iteration == 4

    model = SoftmaxRegression(solver="gd", tol=0).fit(X, y, monitor=monitor)
    assert [row[:3] for row in seen] == [(i, i, i) for i in (1, 2, 3, 4)]
    assert model.n_iter_ == 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_log_loss_of_held_out_samples_is_recorded(xp, dtype):
    X, y = blobs(n_samples=150, spread=2.0)
    X, weights = X.astype(dtype), np.linspace(0, 2, 50)
    model = SoftmaxRegression(solver="gd", max_iter=7, tol=0)
    model.fit(
        xp(X[:100]),
        xp(y[:100]),
        X_val=xp(X[100:]),
        y_val=xp(y[100:]),
        sample_weight_val=xp(weights),
    )
    p = xp.host(model.predict_proba(xp(X[100:]))).astype(np.float64)
    expected = np.average(-np.log(p[np.arange(50), y[100:]]), weights=weights)
    assert len(model.validation_loss_curve_) == 7
    np.testing.assert_allclose(
        model.validation_loss_curve_[-1], expected, rtol=10 * np.finfo(dtype).eps
    )


def test_the_loss_of_soft_labels_is_their_cross_entropy():
    X, y = blobs(n_samples=150, spread=2.0)
    soft = np.full((150, 3), 0.1)
    soft[np.arange(150), y] = 0.8
    model = MLPClassifier((4,), max_iter=3, tol=0, random_state=0)
    model.fit(X[:100], soft[:100], X_val=X[100:], y_val=soft[100:])
    log_p = model.predict_log_proba(X[100:])
    expected = -(soft[100:] * log_p).sum(axis=1).mean()
    np.testing.assert_allclose(model.validation_loss_curve_[-1], expected, rtol=1e-12)


def test_many_held_out_rows_are_scored_in_blocks_and_with_their_offsets():
    X, y = blobs(n_samples=3000, n_classes=40, spread=2.0)
    offset = np.random.default_rng(0).standard_normal((3000, 40))
    model = SoftmaxRegression(solver="gd", max_iter=2, tol=0)
    model.fit(X, y, X_val=X, y_val=y, offset=offset, offset_val=offset)
    log_p = model.predict_log_proba(X, offset=offset)
    expected = -log_p[np.arange(3000), y].mean()
    np.testing.assert_allclose(model.validation_loss_curve_[-1], expected, rtol=1e-12)
    assert model.validation_scores_[-1] == model.score(X, y, offset=offset)


def test_early_stopping_by_the_loss_keeps_where_it_was_least():
    X, y = blobs(n_samples=300, spread=3.0)
    model = MLPClassifier(
        (50,), learning_rate_init=0.05, early_stopping="loss", n_iter_no_change=3, random_state=0
    ).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    losses = model.validation_loss_curve_
    assert model.n_iter_ == len(losses) < 200
    assert min(losses) == min(losses[:-3])
    log_p = model.predict_log_proba(X[200:])
    np.testing.assert_allclose(-log_p[np.arange(100), y[200:]].mean(), min(losses), rtol=1e-12)


def test_early_stopping_knows_two_things_to_watch():
    with pytest.raises(ValueError, match="must be True or False, or one of 'loss'; got 'score'"):
        SoftmaxRegression(early_stopping="score").fit(*blobs())


def test_a_file_keeps_the_curve(tmp_path):
    X, y = blobs()
    model = SoftmaxRegression(early_stopping="loss", random_state=0).fit(X, y)
    again = xsoftmax.load(xsoftmax.save(model, tmp_path / "m.safetensors"))
    assert again.validation_loss_curve_ == model.validation_loss_curve_
    assert again.early_stopping == "loss"
    assert again.fit(X, y).validation_loss_curve_ == model.validation_loss_curve_
    plain = xsoftmax.load(xsoftmax.save(SoftmaxRegression().fit(X, y), tmp_path / "m.safetensors"))
    assert plain.validation_loss_curve_ is None
