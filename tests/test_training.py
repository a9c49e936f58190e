"""How the classifiers train: resuming, stopping, watching, failing."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as TheirMLPClassifier

from xsoftmax import BatchedGridSearchCV, MLPClassifier, SoftmaxRegression
from xsoftmax.classifiers.training import Samples, hold_out
from xsoftmax.classifiers.validation import check_y
from xsoftmax.objective.rows import ArrayRows

from .problems import blobs


def samples_of(X, labels):
    return Samples(X, check_y(SoftmaxRegression(), X, labels), np.ones(len(X)))


@pytest.mark.parametrize("solver", ["gd", "sgd", "adam"])
@pytest.mark.parametrize("make", [SoftmaxRegression, MLPClassifier])
def test_partial_fit_is_fit_one_epoch_at_a_time(make, solver):
    X, y = blobs()
    settings = {"solver": solver, "random_state": 0, "batch_size": 16}
    whole = make(**settings, max_iter=4, tol=0).fit(X, y)
    parts = make(**settings)
    for _ in range(4):
        parts.partial_fit(X, y, classes=[0, 1, 2])
    np.testing.assert_array_equal(parts.predict_proba(X), whole.predict_proba(X))
    assert parts.n_iter_ == 4
    assert parts.loss_curve_ == whole.loss_curve_


def test_partial_fit_knows_its_classes_from_the_first_call():
    X, y = blobs()
    model = SoftmaxRegression(solver="sgd", random_state=0)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        model.partial_fit(X, y)
    model.partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])
    model.partial_fit(X[y == 2], y[y == 2])
    assert model.coef_.shape == (3, 5)
    with pytest.raises(ValueError, match=r"not among the classes 0, 1, 2: 7"):
        model.partial_fit(X, np.full(60, 7))
    with pytest.raises(ValueError, match="not the same as on last call"):
        model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="balanced"):
        SoftmaxRegression(solver="sgd", class_weight="balanced").partial_fit(
            X, y, classes=[0, 1, 2]
        )


def test_partial_fit_is_not_offered_for_lbfgs():
    assert not hasattr(SoftmaxRegression(), "partial_fit")
    with pytest.raises(AttributeError) as caught:
        SoftmaxRegression().partial_fit  # noqa: B018
    assert "solver='lbfgs') has no partial_fit" in str(caught.value)
    assert "choose solver='sgd'" in str(caught.value)
    assert callable(SoftmaxRegression.partial_fit)
    assert "One epoch" in SoftmaxRegression.partial_fit.__doc__


def test_warm_start_goes_on():
    X, y = blobs(spread=2.0)
    model = SoftmaxRegression(warm_start=True, tol=1e-6).fit(X, y)
    first = model.n_iter_
    assert model.fit(X, y).n_iter_ < first / 2
    cold = SoftmaxRegression(tol=1e-6).fit(X, y)
    assert cold.fit(X, y).n_iter_ == first
    with pytest.raises(ValueError, match="not among the classes"):
        model.fit(X, y + 1)
    with pytest.raises(ValueError, match="features"):
        model.fit(X[:, :2], y)
    network = MLPClassifier((4,), warm_start=True, max_iter=2, tol=0, random_state=0).fit(X, y)
    before = network.loss_curve_[-1]
    assert network.fit(X, y).loss_curve_[0] < before


def test_early_stopping_keeps_the_best():
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


def test_a_validation_set_of_ones_own(xp):
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


def test_monitor_sees_a_usable_model_and_can_stop():
    X, y = blobs()
    seen = []

    def monitor(iteration, model):
        seen.append((iteration, model.n_iter_, len(model.loss_curve_), model.score(X, y)))
        return iteration == 4

    model = SoftmaxRegression(solver="gd", tol=0).fit(X, y, monitor=monitor)
    assert [row[:3] for row in seen] == [(i, i, i) for i in (1, 2, 3, 4)]
    assert model.n_iter_ == 4


def test_an_interrupt_leaves_the_last_finished_iteration():
    X, y = blobs()

    def impatient(iteration, model):
        if iteration == 3:
            raise KeyboardInterrupt

    reference = MLPClassifier((4,), max_iter=3, tol=0, random_state=0).fit(X, y)
    model = MLPClassifier((4,), max_iter=9, tol=0, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y, monitor=impatient)
    np.testing.assert_array_equal(model.predict_proba(X), reference.predict_proba(X))
    assert model.n_iter_ == 3


def test_a_fit_that_does_not_converge_warns_once():
    X, y = blobs(spread=2.0)
    for model in (
        SoftmaxRegression(max_iter=2),
        SoftmaxRegression(solver="gd", max_iter=2),
        MLPClassifier(max_iter=2),
    ):
        with pytest.warns(ConvergenceWarning) as caught:
            model.fit(X, y)
        assert len(caught) == 1
        message = str(caught[0].message)
        assert caught[0].filename == __file__
        for part in (type(model).__name__, "max_iter after 2", "max_iter above 2"):
            assert part in message
        first_order = model.solver != "lbfgs"
        assert ("gradient is" if first_order else "above its minimum") in message
        assert ("learning_rate_init" in message) == first_order


def test_divergence_is_an_error_that_says_what_to_change():
    X, y = blobs()
    with pytest.warns(RuntimeWarning), pytest.raises(ValueError, match="Lower learning_rate_init"):
        MLPClassifier((4,), "identity", solver="gd", learning_rate_init=1e200).fit(1e3 * X, y)


def test_early_stopping_with_nothing_to_do():
    model = SoftmaxRegression(early_stopping=True).fit(np.zeros((20, 3)), np.arange(20) % 2)
    assert model.n_iter_ == 0
    np.testing.assert_array_equal(model.coef_, np.zeros((1, 3)))


def test_early_stopping_returns_the_parameters_that_scored_best():
    X, y = blobs(n_samples=300, spread=3.0)
    model = MLPClassifier(
        learning_rate_init=0.1, early_stopping=True, n_iter_no_change=3, random_state=0
    ).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    assert model.score(X[200:], y[200:]) == max(model.validation_scores_)
    assert model.validation_scores_[-1] < max(model.validation_scores_)


def test_an_interrupt_in_the_last_iteration_is_not_swallowed():
    X, y = blobs()
    n_iter = SoftmaxRegression().fit(X, y).n_iter_

    def impatient(iteration, model):
        if iteration == n_iter:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SoftmaxRegression().fit(X, y, monitor=impatient)


def test_partial_fit_goes_on_with_another_solver_rate_or_precision():
    X, y = blobs()
    model = SoftmaxRegression(solver="gd", random_state=0).partial_fit(X, y, classes=[0, 1, 2])
    for solver in ("sgd", "adam", "gd", "adam"):
        model.set_params(solver=solver).partial_fit(X, y)
    before = model.coef_
    model.set_params(learning_rate_init=1e-9).partial_fit(X, y)
    np.testing.assert_allclose(model.coef_, before, atol=1e-7)
    assert model.partial_fit(X.astype("float32"), y).coef_.dtype == np.float32


def test_partial_fit_of_probabilities_takes_the_classes():
    X, y = blobs()
    model = SoftmaxRegression(solver="sgd").partial_fit(X, np.eye(3)[y], classes=["a", "b", "c"])
    assert model.classes_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="probabilities of 3 classes, but there are 4"):
        SoftmaxRegression(solver="sgd").partial_fit(X, np.eye(3)[y], classes=[0, 1, 2, 3])


def test_changed_parameters_do_not_change_a_fitted_model():
    X, y = blobs()
    model = SoftmaxRegression().fit(X, y)
    before = model.predict_proba(X)
    np.testing.assert_array_equal(model.set_params(fit_intercept=False).predict_proba(X), before)
    network = MLPClassifier((4,), max_iter=1, tol=0, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"cannot go on from layers of shapes .*\(4, 5\)"):
        network.set_params(hidden_layer_sizes=(7,)).fit(X, y)


def test_tol_zero_runs_all_iterations():
    X, y = blobs()
    for solver in ("sgd", "adam"):
        model = SoftmaxRegression(
            solver=solver, learning_rate_init=0.5, tol=0, max_iter=60, random_state=0
        )
        assert model.fit(X, y).n_iter_ == 60


def test_torchs_graph_of_gradients_is_left_alone(torch):
    X, y = blobs()
    model = SoftmaxRegression().fit(torch.tensor(X, requires_grad=True), y.tolist())
    assert not model.coef_.requires_grad


def test_batches_may_lack_a_class_that_has_a_weight():
    X, y = blobs()
    model = SoftmaxRegression(solver="sgd", class_weight={1: 3.0})
    model.partial_fit(X[y == 0], y[y == 0], classes=[0, 1, 2])
    balanced = SoftmaxRegression(class_weight="balanced")
    balanced.fit(X, y, sample_weight=(y != 2).astype(float))
    assert np.all(np.isfinite(balanced.coef_))


@pytest.mark.filterwarnings("ignore:.*overflow|.*invalid value|.*divide by zero:RuntimeWarning")
def test_features_whose_squares_overflow_are_an_error_that_says_what_to_change():
    X, y = blobs()
    with pytest.raises(ValueError, match="cale the features to about one"):
        SoftmaxRegression().fit(X * 1e200, y)


def test_squares_that_single_precision_cannot_hold_are_computed_in_double():
    X, y = blobs()
    X = (X * 1e25).astype(np.float32)
    model, double = (SoftmaxRegression().fit(rows, y) for rows in (X, X.astype(float)))
    assert model.coef_.dtype == np.float32
    np.testing.assert_allclose(model.coef_, double.coef_, rtol=1e-5)


@pytest.mark.parametrize("solver", ["lbfgs", "gd", "adam"])
@pytest.mark.parametrize("kind", [SoftmaxRegression, MLPClassifier])
def test_block_rows_change_only_the_rounding(kind, solver, monkeypatch):
    X, y = blobs(n_samples=50)
    sizes, blocks = [], ArrayRows.segmented_blocks
    monkeypatch.setattr(
        ArrayRows, "segmented_blocks", lambda rows, size: sizes.append(size) or blocks(rows, size)
    )
    settings = {"solver": solver, "max_iter": 5, "tol": 0, "random_state": 0}
    whole = kind(**settings).fit(X, y)
    assert 7 not in sizes
    parts = kind(block_rows=7, **settings).fit(X, y)
    assert 7 in sizes
    np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-10)
    with pytest.raises(ValueError, match="block_rows"):
        kind(block_rows=0).fit(X, y)


@pytest.mark.parametrize("make", [SoftmaxRegression, MLPClassifier])
def test_invscaling_divides_the_rate_by_a_power_of_the_rows_seen(make):
    X, y = blobs()
    settings = {"solver": "sgd", "random_state": 0, "batch_size": 16}
    model = make(**settings, learning_rate="invscaling", power_t=0.3, max_iter=5, tol=0).fit(X, y)
    parts = make(**settings)
    for epoch in range(5):
        parts.set_params(learning_rate_init=0.01 / (60 * epoch + 1) ** 0.3)
        parts.partial_fit(X, y, classes=[0, 1, 2])
    np.testing.assert_allclose(model.loss_curve_, parts.loss_curve_, rtol=1e-12)
    assert model.t_ == parts.t_ == 300


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


@pytest.mark.filterwarnings("ignore:.*did not converge")
@pytest.mark.parametrize(("schedule", "tol"), [("invscaling", 0), ("adaptive", 1e9)])
def test_partial_fit_goes_on_with_the_schedule(schedule, tol):
    X, y = blobs()
    settings = {
        "solver": "sgd", "learning_rate": schedule, "tol": tol, "n_iter_no_change": 1,
        "random_state": 0,
    }  # fmt: skip
    whole = SoftmaxRegression(max_iter=8, **settings).fit(X, y)
    parts = SoftmaxRegression(**settings)
    for _ in range(8):
        parts.partial_fit(X, y, classes=[0, 1, 2])
    np.testing.assert_array_equal(parts.loss_curve_, whole.loss_curve_)


def test_each_network_of_a_batch_has_its_own_schedule():
    X, y = blobs()
    grid = {"learning_rate_init": [1e-4, 0.05], "learning_rate": ["adaptive", "invscaling"]}
    network = MLPClassifier(
        (4,), solver="sgd", tol=1e9, n_iter_no_change=1, shuffle=False, random_state=0
    )
    everything = [(np.arange(60), np.arange(60))]
    search = BatchedGridSearchCV(network, grid, cv=everything, scoring="neg_log_loss").fit(X, y)
    for params, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    ):
        p = network.set_params(**params).fit(X, y).predict_proba(X)
        assert np.mean(np.log(p[np.arange(60), y])) == pytest.approx(score, rel=1e-9)


def test_early_stopping_of_many_classes_and_few_rows():
    X, y = blobs(n_samples=60, n_classes=10)
    settings = {"early_stopping": True, "max_iter": 5, "random_state": 0}
    with pytest.warns(ConvergenceWarning):
        TheirMLPClassifier((4,), tol=0, **settings).fit(X, y)
    model = MLPClassifier((4,), tol=0, **settings).fit(X, y)
    assert np.unique(np.multiply(model.validation_scores_, 6) % 1).tolist() == [0]  # of 6 rows
    names = np.asarray(["common", "rare"])[(np.arange(60) == 7).astype(int)]
    model = MLPClassifier((4,), tol=0, **settings).fit(X, names)
    assert model.classes_.tolist() == ["common", "rare"]
    assert len(model.validation_scores_) == 5


def test_rows_held_out_leave_every_class_one_to_train_on():
    X, _ = blobs(n_samples=12)
    labels = np.asarray(["a"] * 2 + ["b"] * 2 + ["c"] * 7 + ["d"])
    for seed in range(10):
        train, held = hold_out(samples_of(X, labels), 0.4, seed)
        assert set(train.labels) == set("abcd")
        assert len(held.labels) == 5
        assert len(train.labels) == 7


def test_rows_that_cannot_be_held_out_are_explained():
    X, y = blobs(n_samples=12)
    labels = np.asarray([*"aabcdefghijk"])
    with pytest.raises(ValueError, match=r"hold 2 of 12 .* 11 classes .* leaves 1.*: 'b', 'c'"):
        MLPClassifier(early_stopping=True).fit(X, labels)
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        MLPClassifier(early_stopping=True).partial_fit(X, y, classes=[0, 1, 2])


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_patience_without_end(solver):
    X, y = blobs()
    for early_stopping in (False, True):
        model = SoftmaxRegression(
            solver=solver, n_iter_no_change=np.inf, max_iter=30, tol=10.0, random_state=0,
            early_stopping=early_stopping,
        )  # fmt: skip
        with pytest.warns(ConvergenceWarning):
            assert model.fit(X, y).n_iter_ == 30


def test_sizes_of_hidden_layers_as_an_array():
    X, y = blobs()
    settings = {"max_iter": 2, "tol": 0, "random_state": 0}
    model = MLPClassifier(np.asarray([4, 3]), **settings).fit(X, y)
    expected = MLPClassifier((4, 3), **settings).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        MLPClassifier(np.asarray([[4, 3]])).fit(X, y)


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


def test_without_held_out_rows_there_are_no_scores():
    X, y = blobs()
    model = SoftmaxRegression().fit(X, y, X_val=X, y_val=y)
    assert model.validation_scores_
    assert model.fit(X, y).validation_scores_ is None
    assert SoftmaxRegression(solver="gd").partial_fit(X, y, [0, 1, 2]).validation_scores_ is None
