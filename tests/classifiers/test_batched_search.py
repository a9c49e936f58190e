"""BatchedGridSearchCV: GridSearchCV's answers from one batch of networks."""

import warnings

import numpy as np
import pytest
import sklearn
from sklearn.exceptions import FitFailedWarning, NotFittedError, UnsetMetadataPassedError
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from xsoftmax import BatchedGridSearchCV, MLPClassifier, SoftmaxRegressionCV
from xsoftmax.classifiers.batched_search import _populations
from xsoftmax.classifiers.samples import Samples
from xsoftmax.classifiers.validation import check_y

from ..problems import blobs
from ..sklearn_versions import since_1_9

GRID = {"alpha": [1e-3, 1.0, 30.0], "random_state": [0, 1]}


@pytest.mark.parametrize("scoring", [None, "neg_log_loss"])
def test_batched_search_gives_the_results_of_grid_search(scoring):
    X, y = blobs(n_samples=90, spread=1.5)
    network = MLPClassifier((4,), "tanh", solver="gd", learning_rate_init=0.5, max_iter=60, tol=0)
    grid = [GRID, {"batch_size": ["auto", 20], "hidden_layer_sizes": [(3,)], "random_state": [0]}]
    ours = BatchedGridSearchCV(network, grid, cv=3, scoring=scoring).fit(X, y)
    theirs = GridSearchCV(network, grid, cv=3, scoring=scoring).fit(X, y)
    assert ours.best_params_ == theirs.best_params_
    assert ours.best_index_ == theirs.best_index_
    assert ours.best_score_ == pytest.approx(theirs.best_score_)
    assert list(ours.cv_results_) == list(theirs.cv_results_)
    for name, expected in theirs.cv_results_.items():
        found = ours.cv_results_[name]
        assert type(found) is type(expected), name
        if name == "params":
            assert found == expected
            continue
        assert found.dtype == expected.dtype, name
        if name.startswith("param_"):
            np.testing.assert_array_equal(found.mask, expected.mask)
            assert found.tolist() == expected.tolist()
        elif "time" in name:
            assert np.all(found >= 0)
        else:
            np.testing.assert_allclose(found, expected, err_msg=name)
    assert str(ours.scorer_) == str(theirs.scorer_)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X))
    assert ours.n_splits_ == 3


def test_learning_rates_and_seeds_are_each_networks_own():
    X, y = blobs(n_samples=60)
    grid = {"learning_rate_init": [1e-5, 0.05], "random_state": [0, 3]}
    everything = [(np.arange(60), np.arange(60))]
    network = MLPClassifier((6,), max_iter=15, tol=0, batch_size=20, shuffle=False)
    ours = BatchedGridSearchCV(network, grid, cv=everything, scoring="neg_log_loss").fit(X, y)
    theirs = GridSearchCV(network, grid, cv=everything, scoring="neg_log_loss").fit(X, y)
    np.testing.assert_allclose(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"], rtol=1e-9
    )


def test_candidates_that_differ_in_shape_make_batches_of_their_own():
    X, y = blobs(n_samples=60)
    grid = [{"hidden_layer_sizes": [(3,), (5, 4)], "alpha": [0.1, 1.0]}, {"activation": ["tanh"]}]
    network = MLPClassifier(max_iter=5, tol=0, random_state=0)
    search = BatchedGridSearchCV(network, grid, cv=2).fit(X, y)
    assert np.all(np.isfinite(search.cv_results_["mean_test_score"]))
    assert search.cv_results_["param_alpha"].mask.tolist() == [False] * 4 + [True]
    times = search.cv_results_["mean_fit_time"].tolist()  # each a share of its batch's
    assert times[0] == times[2] != times[1] == times[3] != times[4] != times[0]


@pytest.mark.parametrize(("n_folds", "n_together"), [(2, 6), (1 << 18, 3), (1 << 20, 1)])
def test_batches_have_as_many_candidates_as_fit_in_memory(n_folds, n_together):
    X, y = blobs(n_samples=60)
    samples = Samples(X, check_y(MLPClassifier(), X, y), np.ones(60))
    candidates = [MLPClassifier((2,), alpha=alpha) for alpha in range(6)]  # of 21 parameters
    batches = [*_populations(candidates, [*range(6)], samples, n_folds)]
    assert [i for batch in batches for i in batch] == [*range(6)]
    assert len(batches[0]) == n_together


def test_fit_takes_weights_and_a_splitter(xp):
    X, y = blobs(n_samples=60)
    weight = 1.0 + np.arange(60) % 2
    network = MLPClassifier((4,), solver="gd", max_iter=30, tol=0, random_state=0)
    search = BatchedGridSearchCV(network, {"alpha": [0.1, 10.0]}, cv=StratifiedKFold(2))
    expected = search.fit(X, y, weight).cv_results_["mean_test_score"]
    search.fit(xp(X), xp(y), xp(weight))
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], expected)
    assert xp.host(search.predict(xp(X))).shape == (60,)


def test_fit_refuses_early_stopping_and_bad_parameters():
    X, y = blobs()
    with pytest.raises(ValueError, match="early_stopping=False"):
        BatchedGridSearchCV(MLPClassifier(early_stopping=True), {"alpha": [1.0]}).fit(X, y)
    with pytest.raises(ValueError, match=r"alpha=...\) must be"):
        BatchedGridSearchCV(MLPClassifier(), {"alpha": [-1.0]}).fit(X, y)
    with pytest.raises(ValueError, match="Invalid parameter 'alhpa'"):
        BatchedGridSearchCV(MLPClassifier(), {"alhpa": [1.0]}).fit(X, y)


@pytest.mark.parametrize("scoring", [None, "neg_log_loss"])
def test_score_is_what_scoring_says(xp, scoring):
    X, y = blobs(n_samples=60)
    network = MLPClassifier((4,), solver="gd", max_iter=5, tol=0, random_state=0)
    search = BatchedGridSearchCV(network, {"alpha": [0.1, 10.0]}, cv=2, scoring=scoring)
    expected = GridSearchCV(network, {"alpha": [0.1, 10.0]}, cv=2, scoring=scoring).fit(X, y)
    assert search.fit(xp(X), xp(y)).score(xp(X), xp(y)) == pytest.approx(expected.score(X, y))


def no_warnings():
    """For what overflows, whose warnings are not the point."""
    return warnings.catch_warnings(action="ignore", category=RuntimeWarning)


@pytest.mark.parametrize("solver", ["gd", "adam"])
def test_a_candidate_that_diverges_leaves_the_others_results(solver):
    X, y = blobs(n_samples=60)
    network = MLPClassifier((4,), "identity", solver=solver, max_iter=5, tol=0, random_state=0)
    common = {"cv": 2, "refit": False}
    sound = BatchedGridSearchCV(network, {"learning_rate_init": [0.01, 0.1]}, **common).fit(X, y)
    search = BatchedGridSearchCV(network, {"learning_rate_init": [0.01, 1e300, 0.1]}, **common)
    with (
        no_warnings(),
        pytest.warns(UserWarning, match="non-finite"),
        pytest.warns(FitFailedWarning, match="2 fits failed out of a total of 6") as warned,
    ):
        search.fit(X, y)
    failed = [w for w in warned if w.category is FitFailedWarning]
    assert [w.filename for w in failed] == [__file__]
    assert "diverged" in str(failed[0].message)
    scores = search.cv_results_["mean_test_score"]
    assert np.isnan(scores[1])
    np.testing.assert_allclose(scores[[0, 2]], sound.cv_results_["mean_test_score"])
    assert search.cv_results_["rank_test_score"][1] == 3
    search.set_params(error_score=-1.0)
    with no_warnings(), pytest.warns(FitFailedWarning):
        assert search.fit(X, y).cv_results_["split0_test_score"][1] == -1
    search.set_params(error_score="raise")
    with no_warnings(), pytest.raises(ValueError, match="diverged"):
        search.fit(X, y)
    with pytest.raises(ValueError, match=r"error_score=...\) must be one of 'raise', or a number"):
        search.set_params(error_score="nan").fit(X, y)


def test_a_candidate_that_breaks_a_rule_leaves_the_others_results():
    X, y = blobs(n_samples=60)
    X = X.astype("float32")
    network = MLPClassifier((4,), solver="gd", max_iter=5, tol=0, random_state=0)
    search = BatchedGridSearchCV(network, {"alpha": [1.0, -1.0, 1e41]}, cv=2)
    with pytest.warns(UserWarning, match="non-finite"), pytest.warns(FitFailedWarning) as warned:
        search.fit(X, y)
    (message,) = (str(w.message) for w in warned if w.category is FitFailedWarning)
    assert "4 fits failed out of a total of 6" in message
    assert "alpha=...) must be" in message
    assert "alpha=1e+41 makes a penalty" in message
    assert search.best_params_ == {"alpha": 1.0}


def test_a_scorer_that_fails_once_leaves_the_other_scores():
    X, y = blobs(n_samples=60)

    def fragile(model, X, y):
        if model.alpha == 0.1:
            raise RuntimeError("no such score")
        return 1.0

    network = MLPClassifier((4,), solver="gd", max_iter=2, tol=0, random_state=0)
    search = BatchedGridSearchCV(network, {"alpha": [0.1, 1.0]}, cv=2, scoring=fragile)
    with (
        pytest.warns(UserWarning, match="non-finite"),
        pytest.warns(UserWarning, match="(?s)Scoring failed.*no such score") as warned,
    ):
        search.fit(X, y)
    assert warned[0].filename == __file__
    assert search.best_params_ == {"alpha": 1.0}
    with pytest.raises(RuntimeError, match="no such score"):
        search.set_params(error_score="raise").fit(X, y)
    search.set_params(scoring=lambda model, X, y: 1.0 if model.alpha == 0.1 else "high")
    with pytest.raises(ValueError, match=r"^scoring must return a number, got 'high'"):
        search.set_params(error_score=0.0).fit(X, y)


def test_fit_refuses_a_grid_without_candidates():
    X, y = blobs()
    for search in (BatchedGridSearchCV, GridSearchCV):
        with pytest.raises(ValueError, match="No fits were performed"):
            search(MLPClassifier(), []).fit(X, y)
        with pytest.raises(ValueError, match="non-empty sequence"):
            search(MLPClassifier(), {"alpha": []}).fit(X, y)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "score"])
def test_without_refit_predictions_are_an_attribute_error(method):
    X, y = blobs()
    network = MLPClassifier((4,), solver="gd", max_iter=2, tol=0, random_state=0)
    arguments, said = (X, y) if method == "score" else (X,), []
    for kind in (BatchedGridSearchCV, GridSearchCV):
        search = kind(network, {"alpha": [1.0]}, cv=2, refit=False).fit(X, y)
        with pytest.raises(AttributeError) as caught:
            getattr(search, method)(*arguments)
        said.append(str(caught.value.__cause__ or caught.value).replace(kind.__name__, ""))
        with pytest.raises(NotFittedError):
            getattr(kind(network, {"alpha": [1.0]}), method)(*arguments)
    assert said[0] == said[1]


def test_feature_names_in_is_that_of_the_last_data_frame():
    pandas = pytest.importorskip("pandas")
    X, y = blobs()
    frame = pandas.DataFrame(X, columns=list("abcde"))
    network = MLPClassifier((4,), solver="gd", max_iter=2, tol=0, random_state=0)
    search = BatchedGridSearchCV(network, {"alpha": [1.0]}, cv=2).fit(frame, y)
    assert search.feature_names_in_.tolist() == list("abcde")
    assert search.n_features_in_ == 5
    assert not hasattr(search.fit(X, y), "feature_names_in_")


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize(
    ("by_estimator", "by_scorer"), [(True, True), (True, False), (False, True)]
)
@pytest.mark.parametrize("name", ["accuracy", "neg_log_loss"])
def test_weights_go_to_those_who_request_them(name, by_scorer, by_estimator):
    X, y = blobs(n_samples=60, spread=3.0)
    weight = np.where(y == 2, 5.0, 1.0)
    network = MLPClassifier((4,), solver="gd", learning_rate_init=0.5, max_iter=20, tol=0)
    network.set_params(random_state=0).set_fit_request(sample_weight=by_estimator)
    scorer = get_scorer(name).set_score_request(sample_weight=by_scorer)
    results = []
    for kind in (BatchedGridSearchCV, GridSearchCV):
        search = kind(network, {"alpha": [0.1, 1.0]}, cv=3, scoring=scorer)
        search.fit(X, y, sample_weight=weight)
        results.append(search.cv_results_["mean_test_score"])
    np.testing.assert_allclose(*results)


@since_1_9
@pytest.mark.usefixtures("routing")
def test_weights_that_nobody_has_decided_about_are_an_error():
    X, y = blobs(n_samples=60)
    weight = np.ones(60)
    decided = MLPClassifier((4,), max_iter=1, tol=0).set_fit_request(sample_weight=True)
    for kind in (BatchedGridSearchCV, GridSearchCV):
        for network, scoring in ((MLPClassifier((4,)), None), (decided, "neg_log_loss")):
            with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
                kind(network, {"alpha": [1.0]}, scoring=scoring).fit(X, y, sample_weight=weight)


@pytest.mark.usefixtures("routing")
def test_an_accuracy_that_requests_no_weights_counts_rows_alike():
    X, y = blobs(n_samples=60, spread=3.0)
    weight = np.where(y == 2, 50.0, 1.0)
    network = MLPClassifier((4,), solver="gd", max_iter=3, tol=0, random_state=0)
    network.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
    search = BatchedGridSearchCV(network, {"alpha": [1.0]}, cv=2).fit(X, y, weight)
    with pytest.raises(TypeError, match="not routed to any object"):
        search.score(X, y, weight)
    alike = search.best_score_
    search.estimator.set_score_request(sample_weight=True)
    assert search.fit(X, y, weight).best_score_ != alike
    assert search.score(X, y, weight) != search.score(X, y)


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


def test_fit_refuses_several_scorers_and_other_estimators():
    X, y = blobs()
    with pytest.raises(TypeError, match="must be one scorer; got"):
        BatchedGridSearchCV(MLPClassifier(), GRID, scoring=["accuracy"]).fit(X, y)
    with pytest.raises(TypeError, match="trains an MLPClassifier; got SoftmaxRegressionCV"):
        BatchedGridSearchCV(SoftmaxRegressionCV(), GRID).fit(X, y)
    with pytest.raises(ValueError, match=r"refit=...\) must be True or False"):
        BatchedGridSearchCV(MLPClassifier(), GRID, refit="accuracy").fit(X, y)
