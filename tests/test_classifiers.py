"""The classifiers: scikit-learn's contract, and what goes beyond it."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from xsoftmax import MLPClassifier, SoftmaxRegression

from .problems import blobs

MODELS = [
    SoftmaxRegression(),
    SoftmaxRegression(solver="sgd", random_state=0),
    MLPClassifier(hidden_layer_sizes=(8,), random_state=0),
]
ids = ["softmax-regression", "softmax-regression-sgd", "mlp"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@parametrize_with_checks([SoftmaxRegression(), MLPClassifier()])
def test_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("C", [0.01, 1.0, 100.0, np.inf])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_minimum_is_that_of_logistic_regression(n_classes, C, fit_intercept):
    X, y = blobs(n_samples=120, n_classes=n_classes, spread=3.0)
    weight = 1 + np.arange(120) % 4
    model = SoftmaxRegression(C=C, tol=1e-9, max_iter=5000, fit_intercept=fit_intercept)
    reference = LogisticRegression(C=C, tol=1e-12, max_iter=10000, fit_intercept=fit_intercept)
    model.fit(X, y, sample_weight=weight)
    reference.fit(X, y, sample_weight=weight)
    assert model.coef_.shape == reference.coef_.shape
    assert model.intercept_.shape == reference.intercept_.shape
    if np.inf == C:  # the minimiser is only unique up to a shift shared by all classes
        proba = reference.predict_proba(X)
        np.testing.assert_allclose(model.predict_proba(X), proba, atol=1e-5)
    else:
        np.testing.assert_allclose(model.coef_, reference.coef_, atol=1e-5)
    np.testing.assert_allclose(
        model.decision_function(X).shape, reference.decision_function(X).shape
    )


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_strings_as_labels(xp, model):
    X, y = blobs(spread=0.3)
    names = np.asarray(["cat", "dog", "eel"])[y]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = clone(model).fit(xp(X), names)
    assert fitted.classes_.tolist() == ["cat", "dog", "eel"]
    predictions = fitted.predict(xp(X))
    assert set(predictions) <= set(names)
    assert fitted.score(xp(X), names) == np.mean(predictions == names) > 0.8
    assert fitted.score(xp(X), names.tolist()) == fitted.score(xp(X), names)


def test_results_are_where_the_input_is(xp):
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


def test_binary_decision_function_is_one_number(xp):
    X, y = blobs(n_classes=2)
    for model in (SoftmaxRegression(), MLPClassifier((4,), solver="gd", max_iter=3, tol=0)):
        model.fit(xp(X), xp(y))
        decision = xp.host(model.decision_function(xp(X)))
        assert decision.shape == (60,)
        np.testing.assert_array_equal(xp.host(model.predict(xp(X))), decision > 0)
        proba = xp.host(model.predict_proba(xp(X)))
        np.testing.assert_allclose(proba[:, 1], 1 / (1 + np.exp(-decision)), rtol=1e-12)


def test_soft_labels(xp):
    X, y = blobs()
    hard = SoftmaxRegression(tol=1e-8).fit(xp(X), xp(y))
    soft = SoftmaxRegression(tol=1e-8).fit(xp(X), xp(np.eye(3)[y]))
    np.testing.assert_allclose(xp.host(soft.coef_), xp.host(hard.coef_), atol=1e-6)
    smooth = SoftmaxRegression(tol=1e-8).fit(xp(X), xp(0.8 * np.eye(3)[y] + 0.2 / 3))
    assert np.abs(xp.host(smooth.coef_)).sum() < np.abs(xp.host(hard.coef_)).sum()
    np.testing.assert_array_equal(xp.host(smooth.classes_), [0, 1, 2])


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16"])
def test_integers_and_half_precision_are_features_too(dtype):
    X, y = load_digits(return_X_y=True)
    X, y = X[:300], y[:300]
    compact = SoftmaxRegression(max_iter=30, tol=0).fit(X.astype(dtype), y)
    assert compact.coef_.dtype == ("float32" if dtype == "float16" else "float64")
    reference = SoftmaxRegression(max_iter=30, tol=0).fit(X, y)
    agreement = np.mean(compact.predict(X.astype(dtype)) == reference.predict(X))
    assert agreement > (0.98 if dtype == "float16" else 0.999)


def test_class_weight_is_a_sample_weight():
    X, y = blobs(spread=2.0)
    y = np.where(y == 2, 1, y)  # 20 of class 0, 40 of class 1
    by_class = SoftmaxRegression(class_weight={0: 2.0, 1: 1.0}).fit(X, y)
    by_sample = SoftmaxRegression().fit(X, y, sample_weight=np.where(y == 0, 2.0, 1.0))
    np.testing.assert_allclose(by_class.coef_, by_sample.coef_, rtol=1e-10)
    balanced = SoftmaxRegression(class_weight="balanced", tol=1e-8).fit(X, y)
    by_sample.set_params(tol=1e-8).fit(X, y, sample_weight=np.where(y == 0, 1.5, 0.75))
    np.testing.assert_allclose(balanced.coef_, by_sample.coef_, rtol=1e-6)


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
    assert "choose solver='sgd'" in str(caught.value.__cause__)


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
        for part in (type(model).__name__, "max_iter after 2", "gradient is", "max_iter above 2"):
            assert part in message
        assert ("learning_rate_init" in message) == (model.solver != "lbfgs")


def test_divergence_is_an_error_that_says_what_to_change():
    X, y = blobs()
    with pytest.warns(RuntimeWarning), pytest.raises(ValueError, match="Lower learning_rate_init"):
        MLPClassifier((4,), "identity", solver="gd", learning_rate_init=1e200).fit(1e3 * X, y)


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_pickle_and_clone(model):
    X, y = blobs()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = clone(model).fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    with pytest.raises(NotFittedError):
        clone(fitted).predict(X)


def test_in_pipelines_and_searches():
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), SoftmaxRegression())
    assert cross_val_score(pipeline, X, y).mean() > 0.93
    search = GridSearchCV(SoftmaxRegression(), {"C": [0.1, 1.0, 10.0]}).fit(X, y)
    assert search.best_score_ > 0.95


def test_the_callers_arrays_and_random_state_are_left_alone():
    X, y = blobs()
    X_before, sizes = X.copy(), [4, 3]
    state = np.random.get_state()[1].copy()
    model = MLPClassifier(sizes, max_iter=2, tol=0, random_state=1).fit(X, y).fit(X, y)
    np.testing.assert_array_equal(X, X_before)
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    assert sizes == [4, 3]
    assert [coef.shape for coef in model.coefs_] == [(5, 4), (4, 3), (3, 3)]


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
