"""From an estimator's parameters to its objective and solver, and what is told of the end."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier as TheirMLPClassifier

from xsoftmax import BatchedGridSearchCV, MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV
from xsoftmax.classifiers.samples import Samples, hold_out
from xsoftmax.classifiers.validation import check_y
from xsoftmax.objective.policy import DEFAULT

from ..array_library import Library
from ..conftest import Place
from ..problems import blobs

X, Y = blobs(n_samples=12)


@pytest.fixture
def foreign():
    """An array library that is not NumPy."""
    return Place("strict-device1")


def samples_of(X, labels):
    return Samples(X, check_y(SoftmaxRegression(), X, labels), np.ones(len(X)))


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


def test_a_fit_that_diverges_is_an_error_that_says_what_to_change():
    X, y = blobs()
    with pytest.raises(ValueError, match="Lower learning_rate_init"):
        MLPClassifier((4,), "identity", solver="gd", learning_rate_init=1e200).fit(1e3 * X, y)


def test_tol_zero_runs_all_iterations():
    X, y = blobs()
    for solver in ("sgd", "adam"):
        model = SoftmaxRegression(
            solver=solver, learning_rate_init=0.5, tol=0, max_iter=60, random_state=0
        )
        assert model.fit(X, y).n_iter_ == 60


def test_class_weight_takes_batches_that_lack_a_class():
    X, y = blobs()
    model = SoftmaxRegression(solver="sgd", class_weight={1: 3.0})
    model.partial_fit(X[y == 0], y[y == 0], classes=[0, 1, 2])
    balanced = SoftmaxRegression(class_weight="balanced")
    balanced.fit(X, y, sample_weight=(y != 2).astype(float))
    assert np.all(np.isfinite(balanced.coef_))


@pytest.mark.parametrize("solver", ["lbfgs", "gd", "adam"])
@pytest.mark.parametrize("kind", [SoftmaxRegression, MLPClassifier])
def test_block_rows_change_only_the_rounding(kind, solver):
    sizes = set()  # of what exponentials are taken of: samples come last
    library = Library(lambda name, *args: name == "exp" and sizes.add(args[0].shape[-1]))
    X, y = blobs(n_samples=50)
    X, y = library.array(X), y.tolist()
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


def test_hold_out_takes_many_classes_and_few_rows():
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


def test_hold_out_leaves_every_class_a_row_to_train_on():
    X, _ = blobs(n_samples=12)
    labels = np.asarray(["a"] * 2 + ["b"] * 2 + ["c"] * 7 + ["d"])
    for seed in range(10):
        train, held = hold_out(samples_of(X, labels), 0.4, seed)
        assert set(train.labels) == set("abcd")
        assert len(held.labels) == 5
        assert len(train.labels) == 7


def test_early_stopping_explains_rows_that_cannot_be_held_out():
    X, y = blobs(n_samples=12)
    labels = np.asarray([*"aabcdefghijk"])
    with pytest.raises(ValueError, match=r"hold 2 of 12 .* 11 classes .* leaves 1.*: 'b', 'c'"):
        MLPClassifier(early_stopping=True).fit(X, labels)
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping:"):
        MLPClassifier(early_stopping=True).partial_fit(X, y, classes=[0, 1, 2])


def test_class_weight_refuses_soft_labels():
    with pytest.raises(ValueError, match="class_weight needs labels"):
        SoftmaxRegression(class_weight={0: 2.0}).fit(X, np.eye(3)[Y])


def test_class_weight_refuses_weights_that_cancel_and_unknown_labels():
    with pytest.raises(ValueError, match=r"sample_weight times class_weight .* not all zero"):
        SoftmaxRegression(class_weight={0: 0.0, 1: 0.0, 2: 0.0}).fit(X, Y)
    with pytest.raises(ValueError, match=r"labels that are not among the classes: 7"):
        SoftmaxRegression(class_weight={7: 1.0}).fit(X, Y)


def test_a_validation_set_that_does_not_fit_is_refused(foreign):
    model = SoftmaxRegression()
    with pytest.raises(ValueError, match=r"y_val does not fit: .*not among the classes"):
        model.fit(X, Y, X_val=X, y_val=Y + 5)
    with pytest.raises(ValueError, match="X is numpy on cpu and X_val is array_api_strict"):
        model.fit(X, Y, X_val=foreign(X), y_val=foreign(Y))
    with pytest.raises(ValueError, match="go together"):
        model.fit(X, Y, sample_weight_val=np.ones(12))
    model.fit(X, Y, X_val=X[Y == 1], y_val=Y[Y == 1])  # one class is enough to score


@pytest.mark.parametrize(
    ("dtype", "C", "wider"),
    [("float32", 1e-45, "or pass X as float64"), ("float32", 1e-320, "or pass"),
     ("float64", 1e-320, r"Choose a larger C\.$")],
)  # fmt: skip
def test_a_penalty_beyond_the_range_of_the_dtype_is_refused(xp, dtype, C, wider):
    X, y = blobs(
        n_samples=int(DEFAULT.min_values_in_float32) // 5 + 1
    )  # of fewer values double precision solves it
    rule = f"C={C} makes a penalty of .* beyond the range of .*{dtype}.*{wider}"
    with pytest.raises(ValueError, match=rule):
        SoftmaxRegression(C=C).fit(xp(X, dtype), xp(y))
    with pytest.raises(ValueError, match=rule):
        SoftmaxRegressionCV([1.0, C], cv=2).fit(xp(X, dtype), xp(y))


def test_alpha_beyond_the_range_of_the_dtype_is_refused():
    rule = r"alpha=1e\+40 makes a penalty .* Choose a smaller alpha"
    with pytest.raises(ValueError, match=rule):
        MLPClassifier(alpha=1e40).fit(X.astype("float32"), Y)
    grid = {"alpha": [1.0, 1e40]}
    search = BatchedGridSearchCV(MLPClassifier(max_iter=1, tol=0), grid, cv=2, error_score="raise")
    with pytest.raises(ValueError, match=rule):
        search.fit(X.astype("float32"), Y)


def test_a_penalty_that_rounds_to_0_warns_and_is_none():
    X, y = blobs(
        n_samples=int(DEFAULT.min_values_in_float32) // 5 + 1
    )  # of fewer values double precision solves it
    single = X.astype("float32")
    with pytest.warns(UserWarning, match=r"C=1e\+50 .* is 0 in float32.*Pass C=inf") as warned:
        model = SoftmaxRegression(C=1e50).fit(single, y)
    assert warned[0].filename == __file__
    np.testing.assert_array_equal(model.coef_, SoftmaxRegression(C=np.inf).fit(single, y).coef_)
    SoftmaxRegression(C=1e50).fit(X, y)
