"""What both classifiers share: scikit-learn's contract, fit and partial_fit."""

import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from xsoftmax import MLPClassifier, SoftmaxRegression

from ..conftest import BACKENDS, MISSING
from ..problems import blobs

MODELS = [
    SoftmaxRegression(),
    SoftmaxRegression(solver="sgd", random_state=0),
    MLPClassifier(hidden_layer_sizes=(8,), random_state=0),
]
ids = ["softmax-regression", "softmax-regression-sgd", "mlp"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@parametrize_with_checks([SoftmaxRegression(), MLPClassifier()])
def test_estimators_pass_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_fit_predict_and_score_take_strings_as_labels(xp, model):
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


@pytest.mark.parametrize("model", MODELS, ids=ids)
def test_a_pickled_model_predicts_and_a_clone_is_not_fitted(model):
    X, y = blobs()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = clone(model).fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    with pytest.raises(NotFittedError):
        clone(fitted).predict(X)


ARRAY_API_CHECKS = """
import warnings

import sklearn
import sklearn.utils.estimator_checks as checks
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from tests.conftest import Place
from tests.problems import blobs
from xsoftmax import BatchedGridSearchCV, MLPClassifier, SoftmaxRegression

warnings.simplefilter("ignore")
if sklearn.__version__.startswith("1.8."):  # takes a device, not its name
    DEVICE = Place(NAME).backend.device
network = MLPClassifier((4,), max_iter=5, random_state=0)
models = [SoftmaxRegression(), network, BatchedGridSearchCV(network, {"alpha": [0.1, 1.0]}, cv=2)]
for model in models:
    assert get_tags(model).array_api_support
    place = type(model).__name__, model, LIBRARY, DEVICE
    for weighted in (False, True):
        checks.check_array_api_input(*place, check_sample_weight=weighted)
        if hasattr(checks, "check_array_api_input_and_values"):
            checks.check_array_api_input_and_values(*place, check_sample_weight=weighted)
    if hasattr(checks, "check_array_api_same_namespace"):
        checks.check_array_api_same_namespace(*place)

xp, (X, y) = Place(NAME), blobs()
with sklearn.config_context(array_api_dispatch=True):
    model = make_pipeline(StandardScaler(), SoftmaxRegression()).fit(xp(X), xp(y))
    assert xp.host(model.predict(xp(X))).shape == (60,)
    assert model.score(xp(X), xp(y)) > 0.5
if NAME == "torch":
    try:
        make_pipeline(StandardScaler(), SoftmaxRegression()).fit(xp(X), xp(y))
    except ValueError as error:
        assert "sklearn.set_config(array_api_dispatch=True)" in str(error)
    else:
        raise AssertionError("y lies in torch, X does not")
"""


@pytest.mark.parametrize("name", ["strict", "strict-device1", "torch", "cupy"])
def test_estimators_pass_scikit_learns_checks_of_array_libraries(name):
    if name in MISSING:
        pytest.skip(f"{name} is {MISSING[name]}")
    library, device = BACKENDS[name]
    device = "cpu" if name == "torch" else device
    code = f"LIBRARY, DEVICE, NAME = {library!r}, {device!r}, {name!r}\n{ARRAY_API_CHECKS}"
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        env={**os.environ, "SCIPY_ARRAY_API": "1", "PYTHONPATH": root},
    )
    assert done.returncode == 0, done.stderr


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
    assert "one epoch" in SoftmaxRegression.partial_fit.__doc__


def test_partial_fit_goes_on_with_another_solver_rate_or_precision():
    X, y = blobs()
    model = SoftmaxRegression(solver="gd", random_state=0).partial_fit(X, y, classes=[0, 1, 2])
    for solver in ("sgd", "adam", "gd", "adam"):
        model.set_params(solver=solver).partial_fit(X, y)
    before = model.coef_
    model.set_params(learning_rate_init=1e-9).partial_fit(X, y)
    np.testing.assert_allclose(model.coef_, before, atol=1e-7)
    assert model.partial_fit(X.astype("float32"), y).coef_.dtype == np.float32


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


def test_partial_fit_of_probabilities_takes_the_classes():
    X, y = blobs()
    model = SoftmaxRegression(solver="sgd").partial_fit(X, np.eye(3)[y], classes=["a", "b", "c"])
    assert model.classes_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="probabilities of 3 classes, but there are 4"):
        SoftmaxRegression(solver="sgd").partial_fit(X, np.eye(3)[y], classes=[0, 1, 2, 3])


def test_warm_start_goes_on_from_the_last_fit():
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


def test_an_interrupt_in_the_last_iteration_is_not_swallowed():
    X, y = blobs()
    n_iter = SoftmaxRegression().fit(X, y).n_iter_

    def impatient(iteration, model):
        if iteration == n_iter:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SoftmaxRegression().fit(X, y, monitor=impatient)


def test_changed_parameters_do_not_change_a_fitted_model():
    X, y = blobs()
    model = SoftmaxRegression().fit(X, y)
    before = model.predict_proba(X)
    np.testing.assert_array_equal(model.set_params(fit_intercept=False).predict_proba(X), before)
    network = MLPClassifier((4,), max_iter=1, tol=0, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"cannot go on from layers of shapes .*\(4, 5\)"):
        network.set_params(hidden_layer_sizes=(7,)).fit(X, y)


KINDS = {
    "softmax-regression": lambda solver: SoftmaxRegression(
        solver=solver, max_iter=ITERATIONS[solver], tol=0, random_state=0, batch_size=16
    ),
    "softmax-regression-binary": lambda solver: SoftmaxRegression(
        solver=solver, max_iter=ITERATIONS[solver], tol=0, random_state=0, batch_size=16
    ),
    "mlp": lambda solver: MLPClassifier(
        (7, 5), "tanh", solver=solver, max_iter=ITERATIONS[solver], tol=0, alpha=0.1,
        random_state=0, batch_size=16,
    ),
}  # fmt: skip


ITERATIONS = {"lbfgs": 8, "gd": 30, "sgd": 5, "adam": 5}

#: How far rounding errors may grow along the way, in eps of the dtype: measured, times about ten.
GROWTH = {"lbfgs": 1e4, "gd": 1e3, "sgd": 1e3, "adam": 1e4}


def parameters(model, host):
    arrays = [model.coef_, model.intercept_] if hasattr(model, "coef_") else [
        *model.coefs_, *model.intercepts_
    ]  # fmt: skip
    return np.concatenate([host(array).ravel() for array in arrays])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("solver", ITERATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_fit_gives_numpys_answer_on_every_backend_with_every_solver(xp, kind, solver, dtype):
    X, y = blobs(n_samples=48, n_classes=2 if "binary" in kind else 3)
    X = X.astype(dtype)
    weight = 1 + np.arange(48) % 3
    reference = KINDS[kind](solver).fit(X, y, sample_weight=weight)
    model = KINDS[kind](solver).fit(xp(X), xp(y), sample_weight=xp(weight, dtype))

    tolerance = GROWTH[solver] * np.finfo(dtype).eps
    ours, theirs = parameters(model, xp.host), parameters(reference, np.asarray)
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(model.loss_curve_, reference.loss_curve_, rtol=tolerance)
    np.testing.assert_array_equal(xp.host(model.predict(xp(X))), reference.predict(X))
    np.testing.assert_allclose(
        xp.host(model.predict_proba(xp(X))),
        reference.predict_proba(X),
        rtol=10 * tolerance,
        atol=tolerance,
    )
    assert model.n_iter_ == reference.n_iter_
    assert model.score(xp(X), xp(y)) == reference.score(X, y)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_fit_converges_to_numpys_answer_on_every_backend(xp, dtype):
    X, y = blobs(n_samples=48)
    X = X.astype(dtype)
    tol = 1e-9 if dtype == "float64" else 1e-5
    reference = SoftmaxRegression(tol=tol).fit(X, y)
    model = SoftmaxRegression(tol=tol).fit(xp(X), xp(y))
    # A gradient of tol leaves an error of tol over the curvature, here at least 1 / n_samples.
    atol = 4 * tol * 48
    np.testing.assert_allclose(xp.host(model.coef_), reference.coef_, atol=atol)
    np.testing.assert_allclose(xp.host(model.intercept_), reference.intercept_, atol=atol)
