"""Many label sets over the same rows."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from xsoftmax import MultiOutputSoftmaxRegression, SoftmaxRegression
from xsoftmax.arrays import same_place

from ..problems import blobs

N_SAMPLES = 150


def label_sets(seed=0):
    """X (150, 6), and labels of 2, 4 and 3 classes that depend on it."""
    rng = np.random.default_rng(seed)
    X, _ = blobs(n_samples=N_SAMPLES, n_features=6, spread=1.5)
    noisy = X @ rng.standard_normal((6, 3)) + rng.standard_normal((N_SAMPLES, 3))
    columns = [np.digitize(noisy[:, j], np.linspace(-1, 1, n)) for j, n in enumerate((1, 3, 2))]
    return X, np.stack(columns, axis=1)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_every_output_is_the_softmax_regression_of_its_labels(
    xp, dtype, class_weight, fit_intercept
):
    X, Y = label_sets()
    weight = 0.5 + np.random.default_rng(1).random(N_SAMPLES)
    settings = {
        "C": 0.7, "tol": 1e-8, "class_weight": class_weight, "fit_intercept": fit_intercept
    }  # fmt: skip
    model = MultiOutputSoftmaxRegression(**settings).fit(xp(X, dtype), xp(Y), xp(weight))
    assert [classes.shape[0] for classes in model.classes_] == [2, 4, 3]
    for j, found in enumerate(model.estimators_):
        alone = SoftmaxRegression(**settings).fit(xp(X, dtype), xp(Y[:, j]), xp(weight))
        assert type(found) is SoftmaxRegression
        assert found.coef_.shape == alone.coef_.shape
        assert found.get_params() == alone.get_params()
        np.testing.assert_allclose(xp.host(found.coef_), xp.host(alone.coef_), atol=2e-3)
        np.testing.assert_allclose(xp.host(found.intercept_), xp.host(alone.intercept_), atol=2e-3)
        np.testing.assert_array_equal(xp.host(found.classes_), xp.host(alone.classes_))
        assert found.loss_curve_[-1] == pytest.approx(alone.loss_curve_[-1], rel=1e-5)
        assert same_place(found.coef_, xp(X))


def test_predictions_are_those_of_the_estimators(xp):
    X, Y = label_sets()
    model = MultiOutputSoftmaxRegression().fit(xp(X), xp(Y))
    predicted = model.predict(xp(X))
    assert predicted.shape == (N_SAMPLES, 3)
    assert same_place(predicted, xp(X))
    probabilities, logs = model.predict_proba(xp(X)), model.predict_log_proba(xp(X))
    for j, one in enumerate(model.estimators_):
        np.testing.assert_array_equal(xp.host(predicted)[:, j], xp.host(one.predict(xp(X))))
        expected = xp.host(one.predict_proba(xp(X)))
        np.testing.assert_allclose(xp.host(probabilities[j]), expected, rtol=1e-12)
        np.testing.assert_allclose(xp.host(logs[j]), np.log(expected), rtol=1e-9, atol=1e-12)
    right = np.all(xp.host(predicted) == Y, axis=1)
    assert model.score(xp(X), xp(Y)) == np.mean(right)
    weight = np.arange(N_SAMPLES) + 1.0
    expected = np.average(right, weights=weight)
    assert model.score(xp(X), xp(Y), xp(weight)) == pytest.approx(expected)


def test_the_contract_is_that_of_scikit_learn():
    X, Y = label_sets()
    ours = MultiOutputSoftmaxRegression(tol=1e-8).fit(X, Y)
    theirs = MultiOutputClassifier(LogisticRegression(tol=1e-8, max_iter=1000)).fit(X, Y)
    for found, expected in zip(ours.classes_, theirs.classes_, strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    for found, expected in zip(ours.predict_proba(X), theirs.predict_proba(X), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)
    assert ours.score(X, Y) == theirs.score(X, Y)


@pytest.mark.parametrize("missing", [-1, np.nan, None])
def test_a_missing_label_is_as_if_the_row_were_not_there(missing):
    X, Y = label_sets()
    is_known = np.random.default_rng(2).random(Y.shape) < 0.7
    given = np.where(is_known, Y, missing)
    model = MultiOutputSoftmaxRegression(missing=missing, tol=1e-9).fit(X, given)
    for j, found in enumerate(model.estimators_):
        rows = is_known[:, j]
        alone = SoftmaxRegression(tol=1e-9).fit(X[rows], Y[rows, j])
        np.testing.assert_allclose(found.coef_, alone.coef_, atol=1e-4)
        np.testing.assert_array_equal(found.classes_, alone.classes_)
    predicted = model.predict(X)
    right = (predicted == Y) | ~is_known
    assert model.score(X, given) == np.mean(np.all(right, axis=1))


def test_labels_are_strings_or_numbers_of_any_kind_in_each_column():
    X, Y = label_sets()
    words = np.asarray(["ash", "elm", "fir", "oak"])[Y[:, 1]]
    model = MultiOutputSoftmaxRegression().fit(
        X, [list(row) for row in zip(Y[:, 0], words, strict=True)]
    )
    assert [classes.dtype.kind for classes in model.classes_] == ["i", "U"]
    predicted = model.predict(X)
    assert predicted.dtype == object
    assert set(predicted[:, 1]) <= set(words)
    of_words = MultiOutputSoftmaxRegression().fit(X, np.stack([words, words], axis=1))
    assert of_words.predict(X).dtype.kind == "U"


def test_labels_of_which_some_are_strings_are_predicted_on_the_host(xp):
    X, Y = label_sets()
    words = np.asarray(["ash", "elm", "fir", "oak"])[Y[:, 1]]
    both = [list(row) for row in zip(Y[:, 0].tolist(), words.tolist(), strict=True)]
    model = MultiOutputSoftmaxRegression().fit(xp(X), both)
    predicted = model.predict(xp(X))
    assert isinstance(predicted, np.ndarray)
    expected = MultiOutputSoftmaxRegression().fit(X, both).predict(X)
    np.testing.assert_array_equal(predicted, expected)
    assert model.score(xp(X), both) == np.mean(
        np.all(predicted == np.asarray(both, object), axis=1)
    )


def test_a_data_frame_has_a_label_set_in_each_column():
    pandas = pytest.importorskip("pandas")
    X, Y = label_sets()
    words = np.asarray(["ash", "elm", "fir", "oak"])[Y[:, 1]].astype(object)
    words[::5] = None
    answers = pandas.Series(Y[:, 0], dtype="Int64")
    answers[::7] = pandas.NA
    frame = pandas.DataFrame({"answers": answers, "trees": words})
    model = MultiOutputSoftmaxRegression(tol=1e-9).fit(X, frame)
    for j, rows in enumerate([np.arange(N_SAMPLES) % 7 > 0, np.arange(N_SAMPLES) % 5 > 0]):
        labels = np.asarray(frame.iloc[:, j][rows].tolist())
        alone = SoftmaxRegression(tol=1e-9).fit(X[rows], labels)
        np.testing.assert_allclose(model.estimators_[j].coef_, alone.coef_, atol=1e-4)
        np.testing.assert_array_equal(model.classes_[j], alone.classes_)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_class_without_weight_is_as_it_would_be_alone(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((30, 50)) * np.logspace(-3, 3, 50), rng.integers(7, size=30)
    y[:7] = np.arange(7)
    weight = np.where(y == 4, 0.0, 1.0)
    Y = np.stack([rng.integers(4, size=30), y], axis=1)
    both = MultiOutputSoftmaxRegression().fit(X, Y, weight).estimators_[1]
    alone = SoftmaxRegression().fit(X, y, weight)
    assert both.loss_curve_[-1] <= alone.loss_curve_[-1] + 1e-3
    assert both.gap_ < 0.1


def test_outputs_of_a_batch_that_does_not_fit_in_memory_take_turns(monkeypatch):
    X, Y = label_sets()
    together = MultiOutputSoftmaxRegression(tol=1e-9).fit(X, Y)
    monkeypatch.setattr("xsoftmax.classifiers.batch.BATCH_VALUES", 1)
    in_turns = MultiOutputSoftmaxRegression(tol=1e-9).fit(X, Y)
    for found, expected in zip(in_turns.estimators_, together.estimators_, strict=True):
        np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda Y: Y[:, 0], r"y must hold a column of labels.*y\[:, None\]"),
        (lambda Y: Y[:-1], r"shape \(n_samples, n_outputs\) with one row for each of the 150"),
        (lambda Y: None, "requires y"),
        (lambda Y: np.where([0, 0, 1], 7, Y), "output 2 of y .* only one class, 7"),
        (lambda Y: np.where([0, 1, 0], np.nan, Y), "output 1 of y .* no label"),
        (lambda Y: Y + 0.5, "Unknown label type"),
        (lambda Y: [[0, 1], ["a", 2]] * 75, "output 0 holds labels that cannot be sorted"),
    ],
)
def test_fit_names_the_output_whose_labels_are_wrong(change, message):
    X, Y = label_sets()
    with pytest.raises(ValueError, match=message):
        MultiOutputSoftmaxRegression().fit(X, change(Y))


def test_an_output_whose_known_rows_have_no_weight_is_named():
    X, Y = label_sets()
    Y[75:, 1] = -1
    weight = np.where(np.arange(N_SAMPLES) < 75, 0.0, 1.0)
    with pytest.raises(ValueError, match="output 1 of y needs 2 classes in rows whose sample"):
        MultiOutputSoftmaxRegression(missing=-1).fit(X, Y, weight)


def test_score_refuses_another_number_of_outputs():
    X, Y = label_sets()
    model = MultiOutputSoftmaxRegression().fit(X, Y)
    with pytest.raises(ValueError, match=r"each of the 3 outputs.*got 2 columns"):
        model.score(X, Y[:, :2])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_one_warning_tells_of_all_outputs_that_did_not_converge(monkeypatch):
    X, Y = label_sets()
    with pytest.warns(match=r"of 3 problems did not reach tol=0.0001.*max_iter above 1"):
        MultiOutputSoftmaxRegression(max_iter=1).fit(X, Y)
    monkeypatch.setattr("xsoftmax.classifiers.batch.BATCH_VALUES", 1)
    with pytest.warns(match="of 3 problems") as warned:  # which take turns
        MultiOutputSoftmaxRegression(max_iter=1).fit(X, Y)
    assert len(warned) == 1
    assert warned[0].filename == __file__


#: Checks that pass one column of labels, or take predict_proba for one array, to any classifier.
OF_ONE_OUTPUT = (
    "check_class_weight_classifiers",
    "check_classifiers_classes",
    "check_classifiers_one_label",
    "check_classifiers_one_label_sample_weights",
    "check_classifiers_regression_target",
    "check_classifiers_train",
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_methods_sample_order_invariance",
)


@parametrize_with_checks(
    [MultiOutputSoftmaxRegression()],
    expected_failed_checks=lambda _: dict.fromkeys(OF_ONE_OUTPUT, "is for one output"),
)
def test_estimators_pass_scikit_learns_checks(estimator, check):
    check(estimator)
