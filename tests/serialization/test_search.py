"""What a search learnt, in a model file beside its best estimator."""

import numpy as np
import pytest

import xsoftmax
from xsoftmax import BatchedGridSearchCV, MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV

from ..problems import blobs
from .model_files import rewrite, saved_and_loaded

X, Y = blobs()


def small_network():
    return MLPClassifier((4,), max_iter=3, tol=0, random_state=0)


def test_load_of_a_sweep_is_its_best_estimator_with_its_scores(tmp_path):
    sweep = SoftmaxRegressionCV([1e-3, 0.1, 10.0], cv=3).fit(X, Y)
    again = saved_and_loaded(sweep, tmp_path)
    assert type(again) is SoftmaxRegression
    np.testing.assert_array_equal(again.predict_proba(X), sweep.predict_proba(X))
    assert again.C == again.C_ == sweep.C_
    np.testing.assert_array_equal(again.Cs_, sweep.Cs_)
    np.testing.assert_array_equal(again.scores_, sweep.scores_)
    once_more = saved_and_loaded(again, tmp_path)
    np.testing.assert_array_equal(once_more.scores_, sweep.scores_)
    assert not hasattr(once_more.fit(X, Y), "scores_")


def test_save_and_load_keep_a_score_that_is_nan(tmp_path):
    sweep = SoftmaxRegressionCV([0.1, 10.0], cv=2).fit(X, Y)
    sweep.scores_[0, 0] = np.nan
    np.testing.assert_array_equal(saved_and_loaded(sweep, tmp_path).scores_, sweep.scores_)


def test_load_of_a_grid_search_is_its_best_estimator_with_its_mean_scores(tmp_path):
    grid = {"alpha": [1e-3, np.float64(1.0)], "hidden_layer_sizes": [(4,), (3, 2)]}
    search = BatchedGridSearchCV(small_network(), grid, cv=2).fit(X, Y)
    again = saved_and_loaded(search, tmp_path)
    assert type(again) is MLPClassifier
    np.testing.assert_array_equal(again.predict(X), search.predict(X))
    assert again.best_params_ == search.best_params_
    assert again.best_score_ == search.best_score_
    assert again.cv_results_["params"] == search.cv_results_["params"]
    for name in ("mean_test_score", "std_test_score"):
        np.testing.assert_array_equal(again.cv_results_[name], search.cv_results_[name])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["search"].update(C=7.0), "C=7.0 for 2 values of C"),
        (lambda d: d["search"].pop("C"), "'C'"),
        (lambda d: d.update(search=None), "holds tensors"),
        (lambda d: d.update(search=[1]), "holds tensors|describes no model"),
    ],
)
def test_load_refuses_a_search_that_cannot_be(tmp_path, change, message):
    path = xsoftmax.save(SoftmaxRegressionCV([0.1, 1.0], cv=2).fit(X, Y), tmp_path / "m")
    with pytest.raises(ValueError, match=message):
        xsoftmax.load(rewrite(path, change_header=change))
