"""Many label sets over the same rows, each with a C of its own."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer
from sklearn.model_selection import GroupKFold, KFold, PredefinedSplit
from sklearn.utils.estimator_checks import parametrize_with_checks

from xsoftmax import MultiOutputSoftmaxRegressionCV, SoftmaxRegressionCV
from xsoftmax.arrays import same_place

from .test_multi_output import N_SAMPLES, OF_ONE_OUTPUT, label_sets

CS = [0.01, 1.0, 100.0, 0.1, 1e4]
SETTINGS = {"Cs": CS, "cv": 3, "tol": 1e-9}


def alone(X, labels, **settings):
    return SoftmaxRegressionCV(**{**SETTINGS, **settings}).fit(X, labels)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.filterwarnings("ignore:.*the best C_")
def test_every_output_is_the_search_over_its_labels(xp, dtype):
    X, y = label_sets()
    model = MultiOutputSoftmaxRegressionCV(**SETTINGS).fit(xp(X, dtype), xp(y))
    assert model.scores_.shape == (3, 3, 5)
    for j in range(3):
        one = alone(xp(X, dtype), xp(y[:, j]))
        np.testing.assert_allclose(model.scores_[j], one.scores_, atol=1e-12)
        assert model.C_[j] == one.C_ == model.estimators_[j].C
        found = model.estimators_[j]
        np.testing.assert_allclose(xp.host(found.coef_), xp.host(one.coef_), atol=1e-3)
        assert same_place(found.coef_, xp(X))
    assert model.predict(xp(X, dtype)).shape == (N_SAMPLES, 3)


@pytest.mark.parametrize("scoring", ["neg_log_loss", "balanced_accuracy", "f1_macro"])
@pytest.mark.filterwarnings("ignore:.*the best C_")
def test_scores_are_those_of_scorers_on_the_host(scoring):
    X, y = label_sets()
    weight = 0.5 + np.random.default_rng(3).random(N_SAMPLES)
    Cs = CS[:-1]  # with larger ones scikit-learn clips probabilities
    there = MultiOutputSoftmaxRegressionCV(Cs, cv=3, scoring=scoring).fit(X, y, weight)
    asked = MultiOutputSoftmaxRegressionCV(Cs, cv=3, scoring=get_scorer(scoring))
    on_host = asked.fit(X, y, weight)
    np.testing.assert_allclose(there.scores_, on_host.scores_, rtol=1e-9)
    np.testing.assert_array_equal(there.C_, on_host.C_)


@pytest.mark.filterwarnings("ignore:.*the best C_")
def test_several_scores_and_the_rule_of_one_standard_error():
    X, y = label_sets()
    names = ["accuracy", "neg_log_loss"]
    model = MultiOutputSoftmaxRegressionCV(**SETTINGS, scoring=names, refit="neg_log_loss")
    model.fit(X, y)
    assert list(model.scores_) == names
    simple = MultiOutputSoftmaxRegressionCV(**SETTINGS, scoring=names, refit="one_se").fit(X, y)
    for j in range(3):
        one = alone(X, y[:, j], scoring=names, refit="neg_log_loss")
        np.testing.assert_allclose(model.scores_["accuracy"][j], one.scores_["accuracy"])
        assert model.C_[j] == one.C_
        assert simple.C_[j] == alone(X, y[:, j], scoring=names, refit="one_se").C_


@pytest.mark.filterwarnings("ignore:.*the best C_")
def test_rows_whose_label_is_missing_are_in_no_fold():
    X, y = label_sets()
    is_known = np.random.default_rng(2).random(y.shape) < 0.7
    given = np.where(is_known, y, -1)
    model = MultiOutputSoftmaxRegressionCV(**SETTINGS, missing=-1).fit(X, given)
    for j in range(3):
        rows = is_known[:, j]
        one = alone(X[rows], y[rows, j])
        np.testing.assert_allclose(model.scores_[j], one.scores_, atol=1e-12)
        np.testing.assert_allclose(model.estimators_[j].coef_, one.coef_, atol=1e-3)


class BySign(KFold):
    """A splitter that looks at the rows."""

    def split(self, X, y=None, groups=None):
        side = X[:, 0] > 0
        yield np.flatnonzero(side), np.flatnonzero(~side)


@pytest.mark.filterwarnings("ignore:.*the best C_")
def test_splitters_are_given_the_rows_and_groups_of_known_labels():
    X, y = label_sets()
    y = y.astype(float)
    y[::4, 0] = np.nan
    by_sign = MultiOutputSoftmaxRegressionCV([0.1, 1.0], cv=BySign()).fit(X, y)
    rows = ~np.isnan(y[:, 0])
    expected = SoftmaxRegressionCV([0.1, 1.0], cv=BySign()).fit(X[rows], y[rows, 0])
    np.testing.assert_allclose(by_sign.scores_[0], expected.scores_)
    groups = np.arange(N_SAMPLES) // 10
    grouped = MultiOutputSoftmaxRegressionCV([0.1, 1.0], cv=GroupKFold(3))
    grouped.fit(X, y, groups=groups)
    of_one = SoftmaxRegressionCV([0.1, 1.0], cv=GroupKFold(3))
    expected = of_one.fit(X[rows], y[rows, 0], groups=groups[rows])
    np.testing.assert_allclose(grouped.scores_[0], expected.scores_)


def test_without_refit_there_are_choices_and_no_models():
    X, y = label_sets()
    model = MultiOutputSoftmaxRegressionCV([0.1, 1.0], cv=2, refit=False).fit(X, y)
    assert model.C_.shape == (3,)
    assert not hasattr(model, "estimators_")


def test_a_label_that_is_too_rare_for_the_folds_is_told_with_its_output():
    X, y = label_sets()
    y[:, 1] = 0
    y[0, 1] = 1
    model = MultiOutputSoftmaxRegressionCV(**SETTINGS, missing=np.nan)
    hold = pytest.raises(ValueError, match=r"Output 1: cv=3: the training rows of fold \d hold")
    with pytest.warns(UserWarning, match="least populated"), hold:
        model.fit(X, y)


def test_progress_counts_all_problems():
    X, y = label_sets()
    calls = []
    model = MultiOutputSoftmaxRegressionCV([0.1, 1.0], cv=2)
    model.fit(X, y, monitor=lambda *counts: calls.append(counts))
    assert (calls[0], calls[-1]) == ((0, 12), (12, 12))
    assert calls == sorted(calls)
    assert {n_problems for _, n_problems in calls} == {12}


def test_one_warning_tells_of_all_problems_that_did_not_converge():
    X, y = label_sets()
    model = MultiOutputSoftmaxRegressionCV([1.0, 1e4], cv=2, max_iter=1, refit=False)
    with pytest.warns(ConvergenceWarning, match="of 12 problems did not reach") as warned:
        model.fit(X, y)
    assert len(warned) == 1
    assert warned[0].filename == __file__


@pytest.mark.filterwarnings("ignore:.*the best C_")
@parametrize_with_checks(
    [MultiOutputSoftmaxRegressionCV([0.1, 1.0], cv=2)],
    expected_failed_checks=lambda _: dict.fromkeys(OF_ONE_OUTPUT, "is for one output"),
)
def test_estimators_pass_scikit_learns_checks(estimator, check):
    check(estimator)


def test_pairs_of_indices_name_rows_of_x_though_labels_are_missing():
    X, y = label_sets()
    y[:60, 1] = -1
    pairs = [(np.arange(90), np.arange(90, 120)), (np.arange(30, 120), np.arange(120, 150))]
    predefined = PredefinedSplit(np.arange(N_SAMPLES) % 3)
    for cv in (pairs, predefined):
        model = MultiOutputSoftmaxRegressionCV([0.1, 1.0], cv=cv, missing=-1).fit(X, y)
        known = [
            [rows[rows >= 60] for rows in pair]
            for pair in (cv if cv is pairs else predefined.split())
        ]
        one = SoftmaxRegressionCV([0.1, 1.0], cv=known).fit(X, np.maximum(y[:, 1], 0))
        np.testing.assert_allclose(model.scores_[1], one.scores_)


def test_pairs_may_come_from_an_iterator():
    X, y = label_sets()
    pairs = [(np.arange(90), np.arange(90, 150))]
    once = MultiOutputSoftmaxRegressionCV([0.1, 1.0], cv=iter(pairs)).fit(X, y)
    again = MultiOutputSoftmaxRegressionCV([0.1, 1.0], cv=pairs).fit(X, y)
    np.testing.assert_array_equal(once.scores_, again.scores_)
    with pytest.raises(ValueError, match="must be folds; got 'leave-one-out'"):
        MultiOutputSoftmaxRegressionCV(cv="leave-one-out").fit(X, y)
