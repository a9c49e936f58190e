"""SoftmaxRegressionCV: scikit-learn's LogisticRegressionCV, folds as one batch."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import check_scoring
from sklearn.model_selection import GroupKFold, PredefinedSplit, ShuffleSplit, StratifiedKFold
from sklearn.utils.estimator_checks import parametrize_with_checks

from xsoftmax import SoftmaxRegression, SoftmaxRegressionCV
from xsoftmax.classifiers import scoring as scoring_module
from xsoftmax.classifiers import softmax_regression_cv
from xsoftmax.classifiers.training import Samples
from xsoftmax.objective.policy import DEFAULT

from .problems import blobs

CS = [1e-3, 0.1, 10.0]
#: For tests of something else, whose small grid happens to be best at its end.
edge_is_fine = pytest.mark.filterwarnings("ignore:.*a better one may lie beyond it:UserWarning")


@parametrize_with_checks([SoftmaxRegressionCV(Cs=3, cv=3, tol=1e-12)])
def test_scikit_learns_contract(estimator, check):
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
@pytest.mark.parametrize(
    "cv",
    [3, ShuffleSplit(2, random_state=0), GroupKFold(3), [(range(40), range(40, 60))],
     [(np.arange(60) % 2 == 0, np.arange(60) % 2 == 1)]],
)  # fmt: skip
def test_any_splitter(cv):
    X, y = blobs()
    groups = np.arange(60) // 7 if isinstance(cv, GroupKFold) else None
    model = SoftmaxRegressionCV(CS, cv=cv).fit(X, y, groups=groups)
    assert model.scores_.shape[1] == 3
    assert np.all((model.scores_ >= 0) & (model.scores_ <= 1))


def test_a_row_named_twice_counts_twice():
    X, y = blobs()
    train = np.concatenate([np.arange(40), np.arange(10)])
    model = SoftmaxRegressionCV([1.0], cv=[(train, np.arange(40, 60))], tol=1e-11).fit(X, y)
    alone = SoftmaxRegression(tol=1e-11).fit(X[train], y[train])
    np.testing.assert_allclose(model.coefs_paths_[0, 0, :, :-1], alone.coef_, atol=1e-5)


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


def test_the_order_of_cs_does_not_matter():
    X, y = blobs(spread=2.0)
    one = SoftmaxRegressionCV(CS, cv=3).fit(X, y)
    other = SoftmaxRegressionCV(CS[::-1], cv=3).fit(X, y)
    np.testing.assert_array_equal(other.scores_, one.scores_[:, ::-1])
    np.testing.assert_array_equal(other.coefs_paths_, one.coefs_paths_[:, ::-1])


def test_folds_that_take_turns_give_the_same_answer(monkeypatch):
    X, y = blobs(spread=2.0)
    together = SoftmaxRegressionCV(CS, cv=5, tol=1e-11).fit(X, y)
    monkeypatch.setattr(softmax_regression_cv, "BATCH_VALUES", 1)
    in_turn = SoftmaxRegressionCV(CS, cv=5, tol=1e-11).fit(X, y)
    np.testing.assert_allclose(in_turn.coefs_paths_, together.coefs_paths_, atol=1e-4)
    np.testing.assert_allclose(in_turn.scores_, together.scores_)


def test_agrees_with_numpy(xp):
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


def test_strings_and_probabilities_as_targets():
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


@pytest.mark.parametrize(("copied_values", "n_taken"), [(4 * 30 * 5, 4), (4 * 30 * 5 - 1, 12)])
def test_held_out_rows_are_taken_once_if_they_are_few(monkeypatch, copied_values, n_taken):
    taken, take = [], Samples.take
    monkeypatch.setattr(Samples, "take", lambda *args: taken.append(1) or take(*args))
    X, y = blobs(n_samples=60, n_features=5)
    folds = ShuffleSplit(4, test_size=0.5, random_state=0)  # 4 times 30 rows
    model = SoftmaxRegressionCV(Cs=[0.1, 1.0, 10.0], cv=folds)
    model._policy = replace(DEFAULT, max_copied_values=copied_values)
    model.fit(X, y)
    assert len(taken) == n_taken
    assert np.all(model.scores_ > 0.5)


@edge_is_fine
def test_monitor_sees_every_problem_finish():
    seen = []
    X, y = blobs()
    SoftmaxRegressionCV(CS, cv=4).fit(X, y, monitor=lambda *progress: seen.append(progress))
    assert seen == [(0, 12), (4, 12), (8, 12), (12, 12)]


def test_problems_that_do_not_converge_share_one_warning():
    X, y = blobs(spread=2.0)
    with pytest.warns(ConvergenceWarning, match="of 6 problems did not reach tol") as caught:
        SoftmaxRegressionCV([1.0, 1e4], cv=3, max_iter=1, tol=1e-9).fit(X, y)
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"Cs": 0}, "Cs=...\\) must be an integer of at least 1"),
        ({"Cs": []}, "a sequence of finite numbers above 0"),
        ({"Cs": [1.0, -1.0]}, "a sequence of finite numbers above 0"),
        ({"refit": "yes"}, "refit=...\\) must be True or False"),
        ({"cv": []}, "yields no folds"),
        ({"cv": [(range(1), range(1, 60))]}, "fewer than 2 classes"),
        ({"scoring": "no such"}, "scoring"),
    ],
)
def test_bad_parameters(parameters, message):
    X, y = blobs()
    with pytest.raises(ValueError, match=message):
        SoftmaxRegressionCV(**parameters).fit(X, y)


def test_validation_rows_must_come_with_labels():
    X, y = blobs()
    with pytest.raises(ValueError, match="X_val and y_val"):
        SoftmaxRegressionCV().fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="X_val and y_val"):
        SoftmaxRegressionCV().fit(X, y, y_val=y)


def test_a_fold_that_cannot_score_is_refused():
    X, y = blobs(n_samples=30)
    weight = np.ones(30)
    weight[:10] = 0
    folds = [(np.arange(10, 30), np.arange(10))]
    with pytest.raises(ValueError, match="fold 0 has no test rows"):
        SoftmaxRegressionCV(cv=folds).fit(X, y, sample_weight=weight)


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


def test_a_scorer_that_asks_for_the_score_and_weights_that_break_a_rule():
    X, y = blobs(n_samples=60, spread=2.0)
    model = SoftmaxRegressionCV(CS, cv=3, scoring=lambda model, X, y: model.score(X, y)).fit(X, y)
    assert model.score(X, y) == np.mean(model.predict(X) == y)
    model = SoftmaxRegressionCV(CS, cv=3, scoring="neg_log_loss").fit(X, y)
    with pytest.raises(ValueError, match="sample_weight must be non-negative"):
        model.score(X, y, -np.ones(60))


def test_the_refit_takes_the_inverse_hessian_of_the_best_C(monkeypatch):
    X, y = blobs(n_samples=120, n_features=6, spread=2.0)
    taken, inverses = [], []
    fit, follow = softmax_regression_cv.fit, softmax_regression_cv.follow_path

    def watched(*args, inverse, **options):
        taken.append(inverse)
        return fit(*args, inverse=inverse, **options)

    def followed(*args, **options):
        for solution in follow(*args, **options):
            inverses.append(solution.warm_start.inverse)
            yield solution

    monkeypatch.setattr(softmax_regression_cv, "fit", watched)
    monkeypatch.setattr(softmax_regression_cv, "follow_path", followed)
    model = SoftmaxRegressionCV(CS, cv=3)
    model._policy = replace(DEFAULT, max_cost_of_newton=0.0)
    model.fit(X, y)
    (inverse,) = taken
    assert inverse is inverses[list(CS).index(model.C_)]
    assert inverse is not None
    assert not inverse.is_identity


@pytest.mark.parametrize(
    ("Cs", "means", "words"),
    [
        (
            [0.1, 1.0, 10.0, 100.0],
            [1, 2, 3, 4],
            r"C_=100 is the largest .*logspace\(2, 3.5, 4\), on the .* --Cs 100:3162:4\.",
        ),
        ([100.0, 1.0, 0.1], [1, 2, 3], r"C_=0.1 is the smallest .*np.logspace\(-2.5, -1, 3\)"),
        (10, range(10), r"C_=1e\+04 is the largest .*np.logspace\(4, 8, 10\)"),
        (10, range(10, 0, -1), r"C_=0.0001 is the smallest .*np.logspace\(-8, -4, 10\)"),
    ],
)
@pytest.mark.parametrize("refit", [True, False])
def test_a_best_c_at_the_edge_of_the_grid_warns(monkeypatch, Cs, means, words, refit):
    X, y = blobs()
    model = with_scores(monkeypatch, SoftmaxRegressionCV(Cs, cv=2, refit=refit), means)
    with pytest.warns(UserWarning, match=words) as warned:
        model.fit(X, y)
    assert warned[0].filename == __file__


@pytest.mark.parametrize(
    ("Cs", "means"),
    [
        ([0.1, 1.0, 10.0], [1, 3, 2]),  # inside
        ([0.1, 1.0, 10.0], [1, 2, 2]),  # flat up to the edge
        ([0.1, 1.0, 10.0], [2, 1, 2]),  # both ends
        ([10.0, 0.1, 1.0], [2, 1, 2]),  # unordered
        ([0.1, 0.1, 1.0], [1, 1, 2]),  # two values
        ([1.0], [1]),
        ([0.1, 1.0, 10.0], [np.nan] * 3),
    ],
)
@pytest.mark.parametrize("refit", [True, False])
def test_what_is_no_edge_does_not_warn(monkeypatch, Cs, means, refit):
    X, y = blobs()
    with_scores(monkeypatch, SoftmaxRegressionCV(Cs, cv=2, refit=refit), means).fit(X, y)


def with_scores(monkeypatch, model, means):
    """`model`, whose folds will all have these scores at each C, in the order of its grid."""
    Cs = np.logspace(-4, 4, model.Cs) if isinstance(model.Cs, int) else np.asarray(model.Cs)
    order = iter(np.argsort(Cs, kind="stable"))

    def scorer(self, network, parameters, problems, models):
        return [float(means[next(order)])] * len(problems)

    monkeypatch.setattr(scoring_module.Scorer, "__call__", scorer)
    return model
