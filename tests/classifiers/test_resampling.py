"""One fit with many weightings of its rows."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import get_scorer

from xsoftmax import (
    MLPClassifier,
    SoftmaxRegression,
    bootstrap,
    bootstrap_scores,
    fit_many,
    learning_curve,
    metrics,
)
from xsoftmax.arrays import same_place

from ..problems import blobs

X, Y = blobs(n_samples=160, spread=1.5)
TRAIN, TEST = slice(0, 100), slice(100, 160)
PARTS = X[TRAIN], Y[TRAIN], X[TEST], Y[TEST]


def parts(xp, dtype="float64"):
    return xp(PARTS[0], dtype), xp(PARTS[1]), xp(PARTS[2], dtype), xp(PARTS[3])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_every_fit_is_the_one_with_its_weights(xp, dtype, class_weight):
    weights = np.random.default_rng(0).integers(0, 3, (4, 100)).astype(float)
    estimator = SoftmaxRegression(C=0.3, tol=1e-9, class_weight=class_weight)
    given = xp(X[TRAIN], dtype), xp(Y[TRAIN])
    models = fit_many(estimator, *given, xp(weights))
    assert not hasattr(estimator, "coef_")
    for model, weight in zip(models, weights, strict=True):
        alone = SoftmaxRegression(**estimator.get_params()).fit(*given, xp(weight))
        assert model.get_params() == estimator.get_params()
        np.testing.assert_allclose(xp.host(model.coef_), xp.host(alone.coef_), atol=1e-3)
        assert model.loss_curve_[-1] == pytest.approx(alone.loss_curve_[-1], rel=1e-5)
        assert same_place(model.coef_, given[0])


def test_bootstrap_scores_fits_of_resampled_rows(xp):
    estimator = SoftmaxRegression(tol=1e-8)
    found = bootstrap(estimator, *parts(xp), n_resamples=30, random_state=0)
    again = bootstrap(estimator, *parts(xp), n_resamples=30, random_state=0)
    np.testing.assert_array_equal(found.bootstrap_distribution, again.bootstrap_distribution)
    random_state = np.random.RandomState(0)
    for score in found.bootstrap_distribution[:4]:
        rows = random_state.randint(100, size=100)
        alone = SoftmaxRegression(tol=1e-8).fit(X[TRAIN][rows], Y[TRAIN][rows])
        assert score == pytest.approx(alone.score(X[TEST], Y[TEST]))
    values = found.bootstrap_distribution
    assert found.standard_error == pytest.approx(values.std(ddof=1))
    assert found.confidence_interval == pytest.approx(np.percentile(values, [2.5, 97.5]).tolist())


def test_a_bootstrap_result_has_the_fields_of_scipys():
    found = bootstrap(SoftmaxRegression(), *PARTS, n_resamples=5, random_state=0)
    theirs = stats.bootstrap((np.arange(9.0),), np.mean, n_resamples=5, random_state=0)
    for name in ("confidence_interval", "standard_error", "bootstrap_distribution"):
        assert hasattr(theirs, name)
        assert hasattr(found, name)
    assert found.confidence_interval._fields == ("low", "high")


def test_bootstrap_of_several_scores_is_a_dict_of_results():
    scoring = {"accuracy": "accuracy", "loss": "neg_log_loss", "asked": get_scorer("accuracy")}
    found = bootstrap(
        SoftmaxRegression(), *PARTS, n_resamples=6, scoring=scoring, random_state=1,
        confidence_level=0.5,
    )  # fmt: skip
    assert list(found) == list(scoring)
    there, asked = (found[name].bootstrap_distribution for name in ("accuracy", "asked"))
    np.testing.assert_allclose(there, asked)
    assert np.all(found["loss"].bootstrap_distribution < 0)
    low, high = np.percentile(there, [25, 75])
    assert found["accuracy"].confidence_interval == pytest.approx((low, high))


def test_a_resample_that_lacks_a_class_is_drawn_again():
    y = np.where(np.arange(100) < 98, np.arange(100) % 2, 2)
    found = bootstrap(SoftmaxRegression(), X[TRAIN], y, X[TEST], Y[TEST], 20, random_state=0)
    assert found.bootstrap_distribution.shape == (20,)


def test_labels_may_be_strings():
    words = np.asarray(["ash", "elm", "fir"])
    found = bootstrap(
        SoftmaxRegression(), X[TRAIN], words[Y[TRAIN]], X[TEST], words[Y[TEST]], 4, random_state=0
    )
    expected = bootstrap(SoftmaxRegression(), *PARTS, 4, random_state=0)
    np.testing.assert_array_equal(found.bootstrap_distribution, expected.bootstrap_distribution)


@pytest.mark.parametrize("per_class", [False, True])
def test_learning_curve_scores_ever_more_rows(xp, per_class):
    sizes = [2, 10, 30] if per_class else [0.1, 40, 1.0]
    if not per_class:
        sizes = [10, 40, 100]
    asked = {"train_sizes": sizes, "n_repeats": 3, "per_class": per_class, "random_state": 0}
    absolute, train, test = learning_curve(SoftmaxRegression(tol=1e-8), *parts(xp), **asked)
    np.testing.assert_array_equal(absolute, sizes)
    assert train.shape == test.shape == (3, 3)
    assert test.mean(axis=1)[0] < test.mean(axis=1)[2]
    if not per_class:  # all draws of all rows are the same
        whole = SoftmaxRegression(tol=1e-8).fit(X[TRAIN], Y[TRAIN])
        np.testing.assert_allclose(test[2], whole.score(X[TEST], Y[TEST]))
        np.testing.assert_allclose(train[2], whole.score(X[TRAIN], Y[TRAIN]))


def test_few_shot_draws_have_as_many_rows_of_each_class():
    seen = []

    def scoring(model, X_seen, y_seen):
        seen.append(np.bincount(y_seen).tolist())
        return 0.0

    asked = {"train_sizes": [1, 5], "n_repeats": 2, "per_class": True, "scoring": scoring}
    learning_curve(SoftmaxRegression(), *PARTS, **asked, random_state=0)
    of_train = [counts for counts in seen if sum(counts) < 60]
    assert of_train == [[1] * 3] * 2 + [[5] * 3] * 2


def test_draws_have_the_shares_of_the_classes_and_each_class():
    y = np.where(np.arange(100) < 4, 2, np.where(np.arange(100) < 34, 1, 0))
    seen = []

    def scoring(model, X_seen, y_seen):
        seen.append(np.bincount(y_seen, minlength=3).tolist())
        return 0.0

    asked = {"train_sizes": [0.03, 0.5, 1.0], "n_repeats": 1, "scoring": scoring}
    sizes, *_ = learning_curve(
        SoftmaxRegression(), X[TRAIN], y, X[TEST], Y[TEST], **asked, random_state=0
    )
    assert sizes.tolist() == [3, 50, 100]
    assert seen[3:] == [[1, 1, 1], [33, 15, 2], [66, 30, 4]]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(100), r"one weight per fit and sample, shape \(n_fits, 100\); got \(100,\)"),
        (np.ones((2, 99)), r"got \(2, 99\)"),
        (np.ones((0, 100)), r"got \(0, 100\)"),
        (np.where(np.arange(200).reshape(2, 100) == 150, -1.0, 1.0), "fit 1 has others"),
        (np.where(np.arange(200).reshape(2, 100) == 50, np.nan, 1.0), "fit 0 has others"),
        (np.stack([np.ones(100), Y[TRAIN] != 2]), "gives fit 1 no sample of the classes 2"),
    ],
)
def test_fit_many_names_the_fit_whose_weights_are_wrong(weights, message):
    with pytest.raises(ValueError, match=message):
        fit_many(SoftmaxRegression(), X[TRAIN], Y[TRAIN], weights)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"solver": "sgd"}, r"SoftmaxRegression\(solver='lbfgs'\); got 'sgd'"),
        ({"early_stopping": True}, r"early_stopping=False\); got True"),
        ({"warm_start": True}, r"warm_start=False\); got True"),
        ({"coef_prior": (np.zeros((3, 5)), None)}, r"coef_prior=None\); got"),
        ({"standard_errors": True}, r"standard_errors=False\); got True"),
        ({"C": -1}, r"SoftmaxRegression\(C=...\) must be a number above 0"),
    ],
)
def test_estimators_that_cannot_be_a_batch_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        fit_many(SoftmaxRegression(**settings), X[TRAIN], Y[TRAIN], np.ones((2, 100)))
    with pytest.raises(TypeError, match="must be a SoftmaxRegression; got MLPClassifier"):
        fit_many(MLPClassifier(), X[TRAIN], Y[TRAIN], np.ones((2, 100)))


@pytest.mark.parametrize(
    ("function", "settings", "message"),
    [
        (bootstrap, {"confidence_level": 95}, r"must lie in \(0, 1\); got 95"),
        (bootstrap, {"n_resamples": 1}, "n_resamples must be at least 2; got 1"),
        (learning_curve, {"n_repeats": 0}, "n_repeats must be at least 1"),
        (learning_curve, {"scoring": ["accuracy"]}, "takes one scoring; got"),
        (learning_curve, {"train_sizes": [2, 50]}, r"lie in 3 .. 100 rows: each class needs one"),
        (
            learning_curve,
            {"train_sizes": [1, 40], "per_class": True},
            r"lie in 1 .. 33 rows of each class: the rarest class has so many; got \[1, 40\]",
        ),
        (learning_curve, {"train_sizes": [0.5, 2.0]}, r"shares of all rows in \(0, 1\]"),
        (learning_curve, {"train_sizes": [0.5], "per_class": True}, "with per_class=True"),
        (learning_curve, {"train_sizes": 5}, "a sequence of numbers; got 5"),
    ],
)
def test_parameters_that_break_a_rule_are_named(function, settings, message):
    with pytest.raises(ValueError, match=message):
        function(SoftmaxRegression(), *PARTS, **settings)


def test_labels_to_score_must_be_known():
    with pytest.raises(ValueError, match=r"y_test does not fit: .* not among the classes"):
        bootstrap(SoftmaxRegression(), *PARTS[:3], PARTS[3] + 7)


def test_a_class_of_one_row_cannot_be_resampled():
    y = np.zeros(100, dtype=int)
    y[:40] = np.arange(1, 41)  # that all 40 are drawn does not happen
    with pytest.raises(ValueError, match="100 resamples in a row lacked a class; 1 has only 1 of"):
        bootstrap(SoftmaxRegression(), X[TRAIN], y, X[TEST], Y[TEST], random_state=0)


def test_warnings_of_many_fits_name_the_caller():
    slow = SoftmaxRegression(max_iter=1, C=1e4)
    with pytest.warns(match="of 2 problems did not reach tol") as warned:
        fit_many(slow, X[TRAIN], Y[TRAIN], np.ones((2, 100)))
    assert warned[0].filename == __file__


@pytest.mark.parametrize("n_classes", [2, 3])
def test_bootstrap_scores_resamples_the_rows_that_are_scored(xp, n_classes):
    X, y = blobs(n_samples=160, n_classes=n_classes, spread=1.5)
    model = SoftmaxRegression().fit(xp(X[:100]), xp(y[:100]))
    names = ["accuracy", "balanced_accuracy", "neg_log_loss", "roc_auc_ovr"]
    names += ["roc_auc"] if n_classes == 2 else []
    given = xp(X[100:]), xp(y[100:]), names, 12
    found = bootstrap_scores(model, *given, random_state=0)
    random_state = np.random.RandomState(0)
    for i in range(12):
        rows = random_state.randint(60, size=60)
        logits = xp.host(model.predict_log_proba(xp(X[100:][rows])))
        expected = metrics.score(logits, y[100:][rows], names)
        for name in names:
            value = found[name].bootstrap_distribution[i]
            assert value == pytest.approx(expected[name], rel=1e-9), name
    spread = found["accuracy"].bootstrap_distribution.std(ddof=1)
    assert found["accuracy"].standard_error == pytest.approx(spread)
    again = bootstrap_scores(model, xp(X[100:]), xp(y[100:]), "accuracy", 12, random_state=0)
    assert list(again) == ["accuracy"]


def test_bootstrap_scores_refuses_what_it_cannot_resample():
    model = SoftmaxRegression().fit(*PARTS[:2])
    with pytest.raises(ValueError, match="n_resamples must be at least 2"):
        bootstrap_scores(model, *PARTS[2:], n_resamples=1)
    with pytest.raises(ValueError, match="not among the classes"):
        bootstrap_scores(model, PARTS[2], PARTS[3] + 5)
    with pytest.raises(ValueError, match="y holds probabilities"):
        bootstrap_scores(model, PARTS[2], np.eye(3)[PARTS[3]])


def test_bootstrap_scores_see_the_offset_of_the_rows():
    told = 5.0 * np.eye(3)[PARTS[3]]
    model = SoftmaxRegression().fit(*PARTS[:2], offset=5.0 * np.eye(3)[PARTS[1]])
    found = bootstrap_scores(model, *PARTS[2:], n_resamples=3, offset=told, random_state=0)
    assert found["accuracy"].confidence_interval == (1.0, 1.0)


def test_fits_of_a_data_frame_keep_the_names_of_its_features():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X[TRAIN], columns=list("abcde"))
    models = fit_many(SoftmaxRegression(), frame, Y[TRAIN], np.ones((2, 100)))
    for model in models:
        assert model.feature_names_in_.tolist() == list("abcde")
        model.predict(frame)
