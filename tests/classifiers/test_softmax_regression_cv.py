"""SoftmaxRegressionCV: scikit-learn's LogisticRegressionCV, folds as one batch."""

import tracemalloc
import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import check_scoring
from sklearn.model_selection import PredefinedSplit, StratifiedKFold
from sklearn.utils.estimator_checks import parametrize_with_checks

from xsoftmax import SoftmaxRegression, SoftmaxRegressionCV
from xsoftmax.classifiers.batch import BATCH_VALUES
from xsoftmax.classifiers.cross_validation import choice
from xsoftmax.classifiers.samples import Samples
from xsoftmax.classifiers.softmax_regression_cv import _few_parts
from xsoftmax.classifiers.validation import Targets
from xsoftmax.objective.policy import DEFAULT

from ..problems import blobs

CS = [1e-3, 0.1, 10.0]

#: For tests of something else, whose small grid happens to be best at its end.
edge_is_fine = pytest.mark.filterwarnings("ignore:.*a better one may lie beyond it:UserWarning")


@parametrize_with_checks([SoftmaxRegressionCV(Cs=3, cv=3, tol=1e-12)])
def test_estimators_pass_scikit_learns_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def reference(X, y, sample_weight=None, **parameters):
    model = LogisticRegressionCV(
        tol=1e-9, max_iter=10_000, l1_ratios=(0.0,), use_legacy_attributes=False, **parameters
    )
    return model.fit(X, y, sample_weight=sample_weight)


@edge_is_fine
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_paths_are_those_of_logistic_regression_cv(n_classes, fit_intercept):
    X, y = blobs(n_samples=150, n_classes=n_classes, spread=2.0)
    ours = SoftmaxRegressionCV(CS, cv=4, tol=1e-11, fit_intercept=fit_intercept).fit(X, y)
    theirs = reference(X, y, Cs=CS, cv=4, scoring="accuracy", fit_intercept=fit_intercept)
    n_rows = 1 if n_classes == 2 else n_classes
    assert ours.coefs_paths_.shape == (4, 3, n_rows, 5 + fit_intercept)
    their_paths = theirs.coefs_paths_.reshape(ours.coefs_paths_.shape)
    np.testing.assert_allclose(
        ours.coefs_paths_[..., :5], their_paths[..., :5], rtol=1e-3, atol=2e-4
    )
    np.testing.assert_allclose(ours.scores_, theirs.scores_.reshape(4, 3))
    assert ours.C_ == theirs.C_
    np.testing.assert_array_equal(ours.Cs_, theirs.Cs_)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-4)
    assert ours.n_iter_.shape == ours.gaps_.shape == (4, 3)
    assert ours.gaps_.max() <= 1e-11**0.5


def test_weights_and_scorers_are_those_of_logistic_regression_cv():
    X, y = blobs(n_samples=150, spread=2.0)
    weight = 1.0 + np.arange(150) % 3
    common = {"Cs": CS, "cv": StratifiedKFold(3), "scoring": "neg_log_loss"}
    for class_weight in (None, {0: 2.0, 1: 1.0, 2: 0.5}):
        ours = SoftmaxRegressionCV(**common, tol=1e-11, class_weight=class_weight)
        ours.fit(X, y, sample_weight=weight)
        theirs = reference(X, y, weight, class_weight=class_weight, **common)
        np.testing.assert_allclose(ours.scores_, theirs.scores_.reshape(3, 3), rtol=1e-5)
        assert ours.C_ == theirs.C_


def test_balanced_class_weights_come_from_the_training_rows():
    X, y = blobs(n_samples=90, spread=2.0)
    keep = (y > 0) | (np.arange(90) % 9 == 0)
    X, y = X[keep], y[keep]
    folds = list(StratifiedKFold(2).split(X, y))
    ours = SoftmaxRegressionCV([1.0], cv=folds, class_weight="balanced", tol=1e-11).fit(X, y)
    for path, (train, _) in zip(ours.coefs_paths_, folds, strict=True):
        alone = LogisticRegression(class_weight="balanced", tol=1e-10).fit(X[train], y[train])
        np.testing.assert_allclose(path[0, :, :-1], alone.coef_, atol=1e-4)


@edge_is_fine
def test_explicit_validation_rows_choose_c_and_join_the_refit():
    X, y = blobs(n_samples=120, spread=2.0)
    model = SoftmaxRegressionCV(CS, tol=1e-11)
    model.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    split = PredefinedSplit([-1] * 80 + [0] * 40)
    same = SoftmaxRegressionCV(CS, cv=split, tol=1e-11).fit(X, y)
    np.testing.assert_array_equal(model.scores_, same.scores_)
    np.testing.assert_allclose(model.coef_, same.coef_, atol=1e-6)
    scores = [
        SoftmaxRegression(C=C, tol=1e-11).fit(X[:80], y[:80]).score(X[80:], y[80:]) for C in CS
    ]
    np.testing.assert_allclose(model.scores_, [scores])


def test_without_refit_coefficients_are_means_over_folds():
    X, y = blobs(spread=2.0)
    model = SoftmaxRegressionCV(CS, cv=3, refit=False).fit(X, y)
    best = model.scores_.argmax(axis=1)
    chosen = np.stack([model.coefs_paths_[k, j] for k, j in enumerate(best)])
    np.testing.assert_allclose(model.coef_, chosen[..., :-1].mean(axis=0))
    np.testing.assert_allclose(model.intercept_, chosen[..., -1].mean(axis=0))
    assert np.mean(model.Cs_[best]) == model.C_


def test_paths_do_not_depend_on_the_order_of_Cs():
    X, y = blobs(spread=2.0)
    one = SoftmaxRegressionCV(CS, cv=3).fit(X, y)
    other = SoftmaxRegressionCV(CS[::-1], cv=3).fit(X, y)
    np.testing.assert_array_equal(other.scores_, one.scores_[:, ::-1])
    np.testing.assert_array_equal(other.coefs_paths_, one.coefs_paths_[:, ::-1])


def test_folds_take_turns_where_all_do_not_fit_in_memory(rng):
    X, y = rng.standard_normal((30, BATCH_VALUES // 700)), np.arange(30) % 3
    folds, seen = list(StratifiedKFold(3).split(X, y)), []
    model = SoftmaxRegressionCV([1e-4, 1e-3], cv=folds, tol=1e-11, refit=False)
    model.fit(X, y, monitor=lambda *progress: seen.append(progress))
    assert seen == [(0, 6), (2, 6), (4, 6), (5, 6), (6, 6)]  # two folds, then one
    for path, (train, _) in zip(model.coefs_paths_, folds, strict=True):
        alone = SoftmaxRegression(C=1e-3, tol=1e-11).fit(X[train], y[train])
        np.testing.assert_allclose(path[1, :, :-1], alone.coef_, atol=1e-7)


def test_paths_and_scores_are_numpys_on_every_backend(xp):
    X, y = blobs(n_samples=60, spread=2.0)
    reference = SoftmaxRegressionCV([0.1, 10.0], cv=2, tol=1e-9).fit(X, y)
    model = SoftmaxRegressionCV([0.1, 10.0], cv=2, tol=1e-9).fit(xp(X), xp(y))
    paths = xp.host(model.coefs_paths_)
    np.testing.assert_allclose(paths, reference.coefs_paths_, atol=1e-4)
    np.testing.assert_allclose(xp.host(model.coef_), reference.coef_, atol=1e-4)
    np.testing.assert_allclose(model.scores_, reference.scores_)
    losses = SoftmaxRegressionCV([0.1], cv=2, scoring="neg_log_loss").fit(xp(X), xp(y)).scores_
    expected = SoftmaxRegressionCV([0.1], cv=2, scoring="neg_log_loss").fit(X, y).scores_
    np.testing.assert_allclose(losses, expected, rtol=1e-4)


def test_fit_takes_strings_and_probabilities_as_targets():
    X, y = blobs(spread=0.3)
    named = SoftmaxRegressionCV(CS, cv=2).fit(X, np.asarray(["cat", "dog", "eel"])[y])
    assert set(named.predict(X)) == {"cat", "dog", "eel"}
    soft = SoftmaxRegressionCV(CS, cv=2).fit(X, np.eye(3)[y] * 0.8 + 0.2 / 3)
    assert soft.scores_.mean() > 0.9


def test_scores_do_not_depend_on_where_the_solver_stopped(rng):
    X = rng.standard_normal((3000, 20))
    y = (X[:, :4] @ rng.standard_normal((4, 5)) + rng.standard_normal((3000, 5))).argmax(axis=1)
    Cs = np.logspace(-4, 4, 9)
    default = SoftmaxRegressionCV(Cs, cv=5).fit(X, y)
    tight = SoftmaxRegressionCV(Cs, cv=5, tol=1e-10).fit(X, y)
    np.testing.assert_allclose(default.scores_.mean(axis=0), tight.scores_.mean(axis=0), atol=0.003)


@edge_is_fine
def test_monitor_sees_every_problem_finish():
    seen = []
    X, y = blobs()
    SoftmaxRegressionCV(CS, cv=4).fit(X, y, monitor=lambda *progress: seen.append(progress))
    assert seen == [(0, 12), (4, 12), (8, 12), (12, 12)]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"Cs": 0}, "Cs=...\\) must be an integer of at least 1"),
        ({"Cs": []}, "a sequence of finite numbers above 0"),
        ({"Cs": [1.0, -1.0]}, "a sequence of finite numbers above 0"),
        (
            {"refit": "yes"},
            "refit='yes'\\) must be True, False, 'one_se' or one of the scores, 'accuracy'",
        ),
        ({"cv": []}, "yields no folds"),
        ({"cv": [(range(1), range(1, 60))]}, "fewer than 2 classes"),
        ({"scoring": "no such"}, "scoring"),
    ],
)
def test_fit_refuses_parameters_that_break_a_rule(parameters, message):
    X, y = blobs()
    with pytest.raises(ValueError, match=message):
        SoftmaxRegressionCV(**parameters).fit(X, y)


def test_validation_rows_must_come_with_labels():
    X, y = blobs()
    with pytest.raises(ValueError, match="X_val and y_val"):
        SoftmaxRegressionCV().fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="X_val and y_val"):
        SoftmaxRegressionCV().fit(X, y, y_val=y)


@pytest.mark.parametrize("scoring", [None, "accuracy", "neg_log_loss", "f1_macro"])
def test_score_is_what_scoring_says(xp, scoring):
    X, y = blobs(n_samples=60, spread=2.0)
    weight = 1.0 + np.arange(60) % 3
    ours = SoftmaxRegressionCV(CS, cv=3, scoring=scoring).fit(xp(X), xp(y))
    best = LogisticRegression(C=ours.C_, tol=1e-8, max_iter=1000).fit(X, y)
    scorer = check_scoring(best, scoring=scoring)
    for weights in ({}, {"sample_weight": weight}):
        expected = scorer(best, X, y, **weights)
        given = {name: xp(value) for name, value in weights.items()}
        np.testing.assert_allclose(ours.score(xp(X), xp(y), **given), expected, atol=2e-3)


def test_score_takes_a_scorer_that_asks_for_the_score_and_refuses_negative_weights():
    X, y = blobs(n_samples=60, spread=2.0)
    model = SoftmaxRegressionCV(CS, cv=3, scoring=lambda model, X, y: model.score(X, y)).fit(X, y)
    assert model.score(X, y) == np.mean(model.predict(X) == y)
    model = SoftmaxRegressionCV(CS, cv=3, scoring="neg_log_loss").fit(X, y)
    with pytest.raises(ValueError, match="sample_weight must be non-negative"):
        model.score(X, y, -np.ones(60))


@pytest.mark.parametrize("dtype", ["bool", "uint8", "float32"])
def test_rows_to_choose_on_keep_what_the_others_dtype_cannot_hold(dtype):
    X, y = blobs(n_samples=60, spread=2.0)
    X = np.abs(X).round() > 1 if dtype == "bool" else np.abs(X).round()
    held_out = {"X_val": 300.0 + np.random.default_rng(0).random((20, 5)), "y_val": y[:20]}
    model = SoftmaxRegressionCV([1.0], scoring="neg_log_loss", tol=1e-10)
    same = model.fit(X.astype("float64"), y, **held_out).scores_, model.coef_
    model.fit(X.astype(dtype), y, **held_out)
    np.testing.assert_allclose(model.scores_, same[0], rtol=1e-4)
    np.testing.assert_allclose(model.coef_, same[1], atol=1e-4)


@pytest.mark.parametrize(("one", "other"), [("uint8", "float32"), ("float32", "float64")])
def test_few_rows_of_two_dtypes_keep_the_values_of_two_dtypes(xp, one, other):
    values = {one: np.arange(6).reshape(3, 2), other: 300.25 + np.arange(4).reshape(2, 2)}
    parts = []
    for dtype, X in values.items():
        targets = Targets(np.arange(2), np.arange(len(X)) % 2)
        parts.append(Samples(xp(X, dtype), targets, np.ones(len(X))))
    (together,) = _few_parts(*parts, DEFAULT)
    np.testing.assert_array_equal(xp.host(together.X), np.concatenate([*values.values()]))
    assert together.weight.tolist() == [1.0] * 5


@pytest.mark.filterwarnings("ignore:.*the best C_")
@pytest.mark.parametrize("as_dict", [False, True])
def test_several_scores_are_told_by_name_and_one_chooses(xp, as_dict):
    X, y = blobs(n_samples=90, spread=2.0)
    names = ["accuracy", "neg_log_loss", "top_k_accuracy"]
    scoring = {f"my {name}": name for name in names} if as_dict else names
    keys = list(scoring)
    model = SoftmaxRegressionCV(CS, cv=3, scoring=scoring, refit=keys[1]).fit(xp(X), xp(y))
    assert list(model.scores_) == keys
    for key, name in zip(keys, names, strict=True):
        one = SoftmaxRegressionCV(CS, cv=3, scoring=name).fit(xp(X), xp(y))
        np.testing.assert_allclose(model.scores_[key], one.scores_, rtol=1e-12)
    of_loss = SoftmaxRegressionCV(CS, cv=3, scoring="neg_log_loss").fit(xp(X), xp(y))
    assert model.C_ == of_loss.C_
    assert model.score(xp(X), xp(y)) == pytest.approx(of_loss.score(xp(X), xp(y)), rel=1e-6)
    first = SoftmaxRegressionCV(CS, cv=3, scoring=scoring).fit(xp(X), xp(y))
    assert first.C_ == SoftmaxRegressionCV(CS, cv=3).fit(xp(X), xp(y)).C_


@pytest.mark.parametrize(
    ("scores", "Cs", "expected"),
    [
        ([[0.5, 0.8, 0.9], [0.7, 0.8, 0.7]], [0.1, 1.0, 10.0], 1.0),
        ([[0.5, 0.8, 0.81], [0.6, 0.8, 0.83]], [0.1, 1.0, 10.0], 10.0),
        ([[0.81, 0.815, 0.5], [0.81, 0.825, 0.5]], [10.0, 1.0, 0.1], 1.0),
        ([[0.8, 0.7], [0.8, 0.7]], [10.0, 1.0], 10.0),
        ([[np.nan, 0.7], [0.8, 0.7]], [0.1, 1.0], 1.0),
        ([[np.nan, np.nan], [0.8, np.nan]], [10.0, 1.0], 10.0),
    ],
)
def test_one_standard_error_below_the_best_the_strongest_penalty_is_chosen(scores, Cs, expected):
    scores, Cs = np.asarray(scores), np.asarray(Cs)
    assert Cs[choice(scores, Cs, "one_se")] == expected


def test_refit_says_which_score_it_may_name():
    X, y = blobs()
    several = SoftmaxRegressionCV([1.0], scoring=["accuracy", "f1_macro"], refit="neg_log_loss")
    with pytest.raises(ValueError, match="'one_se' or one of the scores, 'accuracy', 'f1_macro'"):
        several.fit(X, y)
    one_fold = SoftmaxRegressionCV([1.0], refit="one_se")
    with pytest.raises(ValueError, match=r"refit='one_se'\) needs at least two folds"):
        one_fold.fit(X, y, X_val=X, y_val=y)


def many_rows(far=0.0, seed=0):
    """Rows that are too many to be copied together, of which 2,000 choose C."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((7000, 160)) * np.linspace(2.0, 0.1, 160)
    y = np.argmax(X[:, :4] @ rng.standard_normal((4, 5)) + rng.gumbel(size=(7000, 5)), axis=1)
    X[:5000, 3] = 0.25  # which says something only in the rows that choose C
    X += far
    return (X[:5000], y[:5000]), (X[5000:], y[5000:])


@pytest.mark.filterwarnings("ignore:.*the best C_")
@pytest.mark.parametrize("far", [0.0, 1e3])
@pytest.mark.parametrize("dtypes", [("float64", "float64"), ("float32", "float64")])
def test_many_rows_to_choose_c_on_are_not_copied_to_the_others(xp, far, dtypes):
    (X, y), (X_val, y_val) = many_rows(far)
    given = {"X_val": xp(X_val, dtypes[1]), "y_val": xp(y_val)}
    model = SoftmaxRegressionCV([1e-3, 0.1], tol=1e-8).fit(xp(X, dtypes[0]), xp(y), **given)
    assert [len(_few_parts(*(Samples(x, None, None) for x in (X, X_val)), DEFAULT))] == [2]
    for j, C in enumerate([1e-3, 0.1]):
        one = SoftmaxRegression(C, tol=1e-8).fit(xp(X, dtypes[0]), xp(y))
        predicted = xp.host(one.predict(xp(X_val, dtypes[0])))
        assert model.scores_[0, j] == pytest.approx(np.mean(predicted == y_val), abs=2e-3)
    both = xp(np.concatenate([X, X_val]), dtypes[0]), xp(np.concatenate([y, y_val]))
    whole = SoftmaxRegression(model.C_, tol=1e-8).fit(*both)
    rtol = 1e-4 if dtypes[0] == "float64" else 0.02
    found, expected = (xp.host(each.coef_) for each in (model, whole))
    np.testing.assert_allclose(found, expected, atol=rtol * np.abs(expected).max())


@pytest.mark.filterwarnings("ignore:.*the best C_")
def test_rows_to_choose_c_on_take_no_memory_of_their_own():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60_000, 256), dtype=np.float32)
    y = (X[:, 0] + rng.logistic(size=60_000) > 0).astype(int)
    model = SoftmaxRegressionCV([1e-3], tol=1e-3)
    tracemalloc.start()
    try:
        model.fit(X[:30_000], y[:30_000], X_val=X[30_000:], y_val=y[30_000:])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.8 * X.nbytes
