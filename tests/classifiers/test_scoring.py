"""What scorers are asked and told, in searches."""

import numpy as np
import pytest
import sklearn
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import get_scorer, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, LeaveOneOut

from xsoftmax import BatchedGridSearchCV, MLPClassifier, SoftmaxRegressionCV

from ..problems import blobs
from ..sklearn_versions import since_1_9

NETWORK = MLPClassifier((4,), "tanh", solver="gd", max_iter=20, tol=0, random_state=0)
GRID = {"alpha": [1e-3, 1.0, 1e3]}


def right(labels, predicted):
    """A metric that takes no weights."""
    return np.mean(labels == predicted)


@since_1_9
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("cv", [LeaveOneOut(), [(np.arange(16), np.arange(16, 18))]])
@pytest.mark.parametrize("scoring", ["neg_log_loss", "neg_brier_score"])
def test_a_scorer_is_told_of_classes_that_a_fold_lacks(n_classes, cv, scoring):
    X, y = blobs(n_samples=18, spread=2.0)
    y = y % n_classes
    y[16:] = 1
    y = np.asarray(["a", "b", "c"])[y]
    ours = SoftmaxRegressionCV([0.1, 1.0], cv=cv, scoring=scoring, tol=1e-12).fit(X, y)
    common = {"cv": cv, "scoring": scoring, "tol": 1e-10, "use_legacy_attributes": False}
    theirs = LogisticRegressionCV(Cs=[0.1, 1.0], l1_ratios=(0,), **common).fit(X, y)
    np.testing.assert_allclose(ours.scores_, np.squeeze(theirs.scores_, axis=1), rtol=1e-4)


@pytest.mark.filterwarnings("ignore:The scoring .* does not support sample_weight")
@pytest.mark.parametrize("scoring", [make_scorer(right), lambda m, X, y: right(y, m.predict(X))])
def test_a_scorer_that_takes_no_weights_is_given_none(scoring):
    X, y = blobs(n_samples=60, spread=3.0)
    weight = 1.0 + np.arange(60) % 5
    search = BatchedGridSearchCV(NETWORK, GRID, cv=3, scoring=scoring)
    with pytest.warns(UserWarning, match="takes no sample_weight") as warned:
        search.fit(X, y, weight)
    assert warned[0].filename == __file__
    theirs = GridSearchCV(NETWORK, GRID, cv=3, scoring=scoring).fit(X, y, sample_weight=weight)
    name = "mean_test_score"
    np.testing.assert_allclose(search.cv_results_[name], theirs.cv_results_[name])
    with pytest.warns(UserWarning, match="takes no sample_weight") as warned:
        model = SoftmaxRegressionCV([1.0], cv=3, scoring=scoring).fit(X, y, weight)
    assert warned[0].filename == __file__
    assert model.score(X, y) == pytest.approx(right(y, model.predict(X)))
    with pytest.raises(TypeError, match="sample_weight"):  # nobody asked for it in vain
        model.score(X, y, weight)


@pytest.mark.parametrize("by_name", [True, False])
def test_a_scorer_that_takes_weights_is_given_them(by_name):
    X, y = blobs(n_samples=60, spread=3.0)
    weight = np.where(y == 2, 50.0, 1.0)

    def weighted(model, X, y, sample_weight=None):
        return 0.0 if sample_weight is None else sample_weight.sum()

    def passing(model, X, y, **options):
        return weighted(model, X, y, **options)

    search = BatchedGridSearchCV(NETWORK, GRID, cv=[(np.arange(40), np.arange(40, 60))])
    search.set_params(scoring=weighted if by_name else passing).fit(X, y, weight)
    assert set(search.cv_results_["mean_test_score"]) == {weight[40:].sum()}


def test_a_scorer_is_asked_about_the_candidate():
    X, y = blobs(n_samples=60)
    asked = []

    def simplicity(model, X, y):
        asked.append((model.alpha, model.n_iter_, len(model.loss_curve_)))
        return -abs(model.alpha - 1.0)

    search = BatchedGridSearchCV(NETWORK, GRID, cv=2, scoring=simplicity, refit=False).fit(X, y)
    assert asked == [(alpha, 20, 20) for alpha in GRID["alpha"] for _ in range(2)]
    assert search.best_params_ == {"alpha": 1.0}


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_a_score_that_is_nan_is_below_all_others():
    X, y = blobs(n_samples=60)

    def unknown_at_first(model, X, y):
        return np.nan if model.alpha < 1.0 else -model.alpha

    searches = [
        search(NETWORK, GRID, cv=2, scoring=unknown_at_first, refit=False).fit(X, y)
        for search in (BatchedGridSearchCV, GridSearchCV)
    ]
    for name in ("rank_test_score", "mean_test_score"):
        np.testing.assert_array_equal(*(search.cv_results_[name] for search in searches))
    assert [search.best_index_ for search in searches] == [1, 1]


def test_a_score_that_is_nan_chooses_no_C():
    X, y = blobs(n_samples=60, spread=2.0)
    calls = []

    def unknown_at_first(model, X, y):
        calls.append(np.sum(model.coef_**2))
        return np.nan if len(calls) <= 2 else len(calls)  # the first C, on both folds

    for refit in (True, False):
        calls.clear()
        model = SoftmaxRegressionCV([1e-3, 1.0], cv=2, scoring=unknown_at_first, refit=refit)
        assert model.fit(X, y).C_ == 1.0


@since_1_9
@pytest.mark.parametrize("asked", [True, False])
def test_metadata_routing_decides_whether_a_sweeps_scorer_has_weights(asked):
    X, y = blobs(n_samples=60, spread=3.0)
    weight, groups = np.where(y == 2, 50.0, 1.0), np.arange(60) // 6
    with sklearn.config_context(enable_metadata_routing=True):
        scoring = get_scorer("accuracy").set_score_request(sample_weight=asked)
        common = {"Cs": [0.1, 1.0], "cv": GroupKFold(3), "scoring": scoring, "tol": 1e-9}
        ours = SoftmaxRegressionCV(**common).fit(X, y, weight, groups=groups)
        common |= {"l1_ratios": (0,), "use_legacy_attributes": False}
        theirs = LogisticRegressionCV(**common).fit(X, y, sample_weight=weight, groups=groups)
        np.testing.assert_allclose(ours.scores_, np.squeeze(theirs.scores_, axis=1))
        if asked:
            assert ours.score(X, y, weight) != ours.score(X, y)
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            SoftmaxRegressionCV([1.0], cv=3).fit(X, y, weight)
        SoftmaxRegressionCV([1.0], cv=3).fit(X, y)


def test_each_of_several_scorers_has_weights_if_it_requests_them():
    X, y = blobs(n_samples=60, spread=3.0)
    weight = np.where(y == 2, 50.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        scoring = {
            str(asked): get_scorer("accuracy").set_score_request(sample_weight=asked)
            for asked in (True, False)
        }
        several = SoftmaxRegressionCV([0.1, 1.0], cv=3, scoring=scoring, refit=False)
        several.fit(X, y, weight)
        for name, one in scoring.items():
            alone = SoftmaxRegressionCV([0.1, 1.0], cv=3, scoring=one, refit=False)
            np.testing.assert_array_equal(several.scores_[name], alone.fit(X, y, weight).scores_)
    assert np.any(several.scores_["True"] != several.scores_["False"])
