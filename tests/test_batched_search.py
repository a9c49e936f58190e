"""BatchedGridSearchCV: GridSearchCV's answers from one batch of networks."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from xsoftmax import BatchedGridSearchCV, MLPClassifier
from xsoftmax.classifiers import batched_search

from .problems import blobs

GRID = {"alpha": [1e-3, 1.0, 30.0], "random_state": [0, 1]}


def test_full_batches_give_grid_searchs_results():
    X, y = blobs(n_samples=90, spread=1.5)
    network = MLPClassifier((4,), "tanh", solver="gd", learning_rate_init=0.5, max_iter=60, tol=0)
    ours = BatchedGridSearchCV(network, GRID, cv=3).fit(X, y)
    theirs = GridSearchCV(network, GRID, cv=3).fit(X, y)
    assert ours.best_params_ == theirs.best_params_
    assert ours.best_index_ == theirs.best_index_
    assert ours.best_score_ == pytest.approx(theirs.best_score_)
    for name, column in theirs.cv_results_.items():
        if "time" not in name:
            expected = np.ma.getdata(column) if name.startswith("param_") else column
            found = ours.cv_results_[name]
            if name == "params" or name.startswith("param_"):
                assert list(found) == list(expected)
            else:
                np.testing.assert_allclose(found, expected, err_msg=name)
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


def test_candidates_that_differ_in_shape_make_batches_of_their_own(monkeypatch):
    X, y = blobs(n_samples=60)
    grid = [{"hidden_layer_sizes": [(3,), (5, 4)], "alpha": [0.1, 1.0]}, {"activation": ["tanh"]}]
    sizes = []

    def counting(objective, *arguments, **options):
        sizes.append(objective.penalty.shape[0])
        return minimize(objective, *arguments, **options)

    minimize = batched_search.minimize
    monkeypatch.setattr(batched_search, "minimize", counting)
    network = MLPClassifier(max_iter=5, tol=0, random_state=0)
    search = BatchedGridSearchCV(network, grid, cv=2).fit(X, y)
    assert sizes == [4, 4, 2]
    assert np.all(np.isfinite(search.cv_results_["mean_test_score"]))
    assert search.cv_results_["param_alpha"].mask.tolist() == [False] * 4 + [True]
    sizes.clear()
    monkeypatch.setattr(batched_search, "BATCH_VALUES", 1)
    BatchedGridSearchCV(network, grid, cv=2).fit(X, y)
    assert sizes == [2] * 5


def test_weights_and_splitters(xp):
    X, y = blobs(n_samples=60)
    weight = 1.0 + np.arange(60) % 2
    network = MLPClassifier((4,), solver="gd", max_iter=30, tol=0, random_state=0)
    search = BatchedGridSearchCV(network, {"alpha": [0.1, 10.0]}, cv=StratifiedKFold(2))
    expected = search.fit(X, y, weight).cv_results_["mean_test_score"]
    search.fit(xp(X), xp(y), xp(weight))
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], expected)
    assert xp.host(search.predict(xp(X))).shape == (60,)


def test_early_stopping_and_bad_parameters_are_refused():
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
