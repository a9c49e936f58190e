"""Classifiers on sparse rows do what they do on dense ones."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.datasets
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from xsoftmax import (
    MLPClassifier,
    MultiOutputSoftmaxRegression,
    MultiOutputSoftmaxRegressionCV,
    SoftmaxRegression,
    SoftmaxRegressionCV,
    bootstrap,
    fit_many,
)

from ..problems import blobs

pytestmark = pytest.mark.filterwarnings("ignore:.*the best C_")


def rows(n_samples=300, n_features=20, n_classes=4, seed=0):
    X, y = blobs(n_samples, n_features, n_classes, spread=2.0, seed=seed)
    return np.where(np.random.default_rng(seed).random(X.shape) < 0.3, X, 0.0), y


MODELS = {
    "lbfgs": lambda: SoftmaxRegression(tol=1e-10),
    "no intercept": lambda: SoftmaxRegression(C=100.0, fit_intercept=False, tol=1e-10),
    "adam": lambda: SoftmaxRegression(solver="adam", max_iter=5, tol=0, random_state=0),
    "gd": lambda: SoftmaxRegression(solver="gd", max_iter=5, tol=0),
    "network": lambda: MLPClassifier((7,), max_iter=20, tol=0, random_state=0),
    "network, sgd": lambda: MLPClassifier((7,), solver="sgd", max_iter=5, tol=0, random_state=0),
    "search": lambda: SoftmaxRegressionCV(
        [0.01, 1.0, 100.0], cv=3, tol=1e-9, scoring=["neg_log_loss", "roc_auc_ovr"]
    ),
}


@pytest.mark.filterwarnings("ignore:.*did not converge")
@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csr_array, sp.csc_array, sp.coo_matrix])
@pytest.mark.parametrize("name", MODELS)
def test_sparse_rows_give_the_model_of_dense_ones(name, form):
    X, y = rows()
    S = form(X)
    dense, sparse = MODELS[name]().fit(X, y), MODELS[name]().fit(S, y)
    expected = dense.predict_proba(X)
    np.testing.assert_allclose(sparse.predict_proba(S), expected, atol=1e-9)
    np.testing.assert_allclose(sparse.predict_proba(X), expected, atol=1e-9)
    np.testing.assert_array_equal(sparse.predict(S), dense.predict(X))
    assert sparse.score(S, y) == dense.score(X, y)


@pytest.mark.parametrize("C", [1.0, 1e4])
@pytest.mark.parametrize("name", ["wine", "iris"])
def test_rows_without_a_zero_are_seen_from_their_center_too(name, C):
    X, y = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    X = np.column_stack([X, np.full(len(X), 5.0)])  # with a constant
    dense, sparse = (
        SoftmaxRegression(C=C, tol=1e-10).fit(rows, y) for rows in (X, sp.csr_array(X))
    )
    np.testing.assert_allclose(sparse.predict_proba(X), dense.predict_proba(X), atol=1e-7)
    np.testing.assert_array_equal(sparse.coef_[:, -1], 0.0)


def test_a_search_on_held_out_rows_does_not_join_them():
    X, y = rows()
    settings = {"Cs": [0.01, 1.0, 100.0], "tol": 1e-9}
    dense = SoftmaxRegressionCV(**settings).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
    held_out = {"X_val": sp.csr_array(X[200:]), "y_val": y[200:]}
    sparse = SoftmaxRegressionCV(**settings).fit(sp.csr_array(X[:200]), y[:200], **held_out)
    np.testing.assert_allclose(sparse.scores_, dense.scores_, rtol=1e-9)
    np.testing.assert_allclose(sparse.coef_, dense.coef_, atol=1e-8)


def test_label_sets_weightings_and_resamples_of_sparse_rows():
    X, y = rows()
    S, Y = sp.csr_array(X), np.stack([y, y % 2], axis=1)
    for kind in (MultiOutputSoftmaxRegression(), MultiOutputSoftmaxRegressionCV([1.0, 10.0], cv=3)):
        expected = kind.fit(X, Y).predict_proba(X)
        for found, right in zip(kind.fit(S, Y).predict_proba(S), expected, strict=True):
            np.testing.assert_allclose(found, right, atol=1e-9)
    weights = np.random.default_rng(0).random((3, len(y)))
    for one, other in zip(
        fit_many(SoftmaxRegression(), X, y, weights),
        fit_many(SoftmaxRegression(), S, y, weights),
        strict=True,
    ):
        np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-9)
    settings = {"n_resamples": 10, "random_state": 0}
    one, other = (
        bootstrap(SoftmaxRegression(), Z[:200], y[:200], Z[200:], y[200:], **settings)
        for Z in (X, S)
    )
    np.testing.assert_allclose(one.bootstrap_distribution, other.bootstrap_distribution)


def test_standard_errors_and_leave_one_out_scores_of_sparse_rows():
    X, y = rows(n_features=5)
    S = sp.csr_array(X)
    dense, sparse = (SoftmaxRegression(standard_errors=True, tol=1e-10).fit(Z, y) for Z in (X, S))
    for kind, expected in dense.standard_errors_.items():
        np.testing.assert_allclose(sparse.standard_errors_[kind], expected, rtol=1e-6)
    assert sparse.leave_one_out_scores(S, y) == pytest.approx(dense.leave_one_out_scores(X, y))


def test_text_in_a_pipeline():
    texts = ["the cat sat", "a dog ran", "cats and a cat", "dogs ran and ran"] * 5
    labels = ["cat", "dog", "cat", "dog"] * 5
    model = make_pipeline(TfidfVectorizer(), SoftmaxRegression()).fit(texts, labels)
    assert model.predict(["one cat", "some dog"]).tolist() == ["cat", "dog"]


def test_places_that_are_named_twice_count_together():
    X, y = rows()
    coo = sp.coo_matrix(X)
    twice = np.repeat(0.5 * coo.data, 2), (np.repeat(coo.row, 2), np.repeat(coo.col, 2))
    S = sp.coo_matrix(twice, shape=X.shape)
    S = sp.csr_matrix((S.data, S.col, np.searchsorted(S.row, np.arange(301))), shape=X.shape)
    assert not S.has_canonical_format
    before = S.data.copy()
    found = SoftmaxRegression(tol=1e-10).fit(S, y)
    np.testing.assert_allclose(found.coef_, SoftmaxRegression(tol=1e-10).fit(X, y).coef_, atol=1e-7)
    np.testing.assert_array_equal(S.data, before)


@pytest.mark.parametrize("dtype", ["int32", "bool", "float32"])
def test_other_values_are_taken_for_numbers(dtype):
    X, y = rows()
    X = np.round(X).astype(dtype)
    found = SoftmaxRegression().fit(sp.csr_array(X), y)
    assert found.coef_.dtype == ("float32" if dtype == "float32" else "float64")
    expected = SoftmaxRegression().fit(X, y).coef_
    np.testing.assert_allclose(found.coef_, expected, atol=1e-4)


def test_sparse_values_must_be_finite():
    X, y = rows()
    X[3, 4] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        SoftmaxRegression().fit(sp.csr_array(X), y)


def test_nothing_of_the_size_of_all_rows_is_dense():
    rng = np.random.default_rng(0)
    X = sp.random_array((4000, 30_000), density=1e-3, format="csr", rng=rng)
    y = rng.integers(0, 3, 4000)
    tracemalloc.start()
    try:
        SoftmaxRegression().fit(X, y).predict_proba(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.15 * 4000 * 30_000 * 8
