"""Classifiers on rows in files do what they do on rows in memory."""

import numpy as np
import pytest

from xsoftmax import (
    MLPClassifier,
    MultiOutputSoftmaxRegression,
    MultiOutputSoftmaxRegressionCV,
    SoftmaxRegression,
    SoftmaxRegressionCV,
    StoredRows,
)
from xsoftmax.objective.policy import DEFAULT

from ..problems import blobs

pytestmark = pytest.mark.filterwarnings("ignore:.*the best C_")


@pytest.fixture
def rows(tmp_path):
    """X in two files, and their labels."""
    X, y = blobs(3000, 12, 4, spread=3.0)
    X = X.astype(np.float32)
    paths = [tmp_path / f"{k}.npy" for k in range(2)]
    for path, part in zip(paths, np.split(X, [1700]), strict=True):
        np.save(path, part)
    return X, y, paths


MODELS = {
    "newton": lambda: SoftmaxRegression(tol=1e-10),
    "no intercept": lambda: SoftmaxRegression(C=100.0, fit_intercept=False, tol=1e-10),
    "gd": lambda: SoftmaxRegression(solver="gd", max_iter=5, tol=0),
    "network": lambda: MLPClassifier((7,), solver="lbfgs", max_iter=9, tol=0, random_state=0),
}


@pytest.mark.filterwarnings("ignore:.*did not converge")
@pytest.mark.parametrize("name", MODELS)
def test_stored_rows_give_the_model_of_rows_in_memory(xp, name, rows):
    X, y, paths = rows
    here = StoredRows(paths, like=xp(X[:1]))
    whole, stored = MODELS[name]().fit(xp(X), y.tolist()), MODELS[name]().fit(here, y)
    expected = xp.host(whole.predict_proba(xp(X)))
    np.testing.assert_allclose(xp.host(stored.predict_proba(here)), expected, atol=2e-4)
    np.testing.assert_allclose(xp.host(stored.predict_proba(xp(X))), expected, atol=2e-4)
    assert stored.score(here, y) == pytest.approx(whole.score(xp(X), y.tolist()), abs=2e-3)


def test_far_features_and_constants_of_stored_rows(tmp_path):
    X, y = blobs(500, 6, 3, spread=2.0)
    X[:, 0] += 1e4
    X[:, 1] = 7.0
    np.save(tmp_path / "X.npy", X)
    whole, stored = (
        SoftmaxRegression(tol=1e-9).fit(some, y) for some in (X, StoredRows(tmp_path / "X.npy"))
    )
    np.testing.assert_allclose(stored.predict_proba(X), whole.predict_proba(X), atol=1e-4)
    np.testing.assert_array_equal(stored.coef_[:, 1], 0.0)


def test_searches_and_label_sets_of_stored_rows(rows):
    X, y, paths = rows
    stored, Y = StoredRows(paths), np.stack([y, y % 2], axis=1)
    settings = {"Cs": [1e-4, 1.0], "cv": 3, "tol": 1e-8, "scoring": "neg_log_loss"}
    for search, targets in (
        (SoftmaxRegressionCV(**settings), y),
        (MultiOutputSoftmaxRegressionCV(**settings), Y),
        (MultiOutputSoftmaxRegression(tol=1e-8), Y),
    ):
        expected = search.fit(X, targets).predict_proba(X)
        scores = getattr(search, "scores_", 0.0)
        found = search.fit(stored, targets).predict_proba(stored)
        np.testing.assert_allclose(getattr(search, "scores_", 0.0), scores, rtol=1e-4)
        if isinstance(expected, list):
            expected, found = np.concatenate(expected, axis=1), np.concatenate(found, axis=1)
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_search_on_held_out_rows_of_another_file(rows):
    X, y, paths = rows
    settings = {"Cs": [1e-4, 1.0], "tol": 1e-8}
    here = {"X_val": StoredRows(paths[1]), "y_val": y[1700:]}
    stored = SoftmaxRegressionCV(**settings).fit(StoredRows(paths[0]), y[:1700], **here)
    whole = SoftmaxRegressionCV(**settings)
    whole.fit(X[:1700], y[:1700], X_val=X[1700:], y_val=y[1700:])
    np.testing.assert_allclose(stored.scores_, whole.scores_, atol=1e-3)
    np.testing.assert_allclose(stored.coef_, whole.coef_, atol=1e-3)


def test_all_values_of_c_share_the_passes_over_a_file(rows):
    X, y, paths = rows
    Cs, kept = np.logspace(-6, -2, 8), {"X_val": X[:500], "y_val": y[:500]}
    stored, one = StoredRows(paths), StoredRows(paths)
    search = SoftmaxRegressionCV(Cs, tol=1e-6, refit=False).fit(stored, y, **kept)
    SoftmaxRegression(C=Cs[-1], tol=1e-6).fit(one, y)
    assert stored.n_rows_read < 3 * one.n_rows_read
    whole = SoftmaxRegressionCV(Cs, tol=1e-6, refit=False).fit(X, y, **kept)
    np.testing.assert_allclose(search.scores_, whole.scores_, atol=5e-3)


def test_folds_are_scored_in_one_pass_for_each_c(rows):
    _, y, paths = rows
    stored, scored = StoredRows(paths), []

    def note(n_finished, n_problems):
        scored.append(stored.n_rows_read / 3000)

    SoftmaxRegressionCV(np.logspace(-6, -2, 5), cv=4, refit=False).fit(stored, y, monitor=note)
    # The first C waits for all of them to be solved.
    np.testing.assert_allclose(np.diff(scored)[1:], 1.0)


@pytest.mark.parametrize("policy", [DEFAULT, DEFAULT.__class__(max_cost_of_newton=0.0)])
def test_curvature_is_made_of_few_rows_and_the_minimum_is_that_of_all(rows, policy):
    X, y, paths = rows
    policy = policy.__class__(**{**vars(policy), "max_gathered_values": 12 * 400})
    model = SoftmaxRegression(tol=1e-9)
    model._policy = policy
    stored = StoredRows(paths)
    found = model.fit(stored, y)
    expected = SoftmaxRegression(tol=1e-9).fit(X, y)
    np.testing.assert_allclose(found.predict_proba(X), expected.predict_proba(X), atol=1e-3)
    assert stored.n_rows_read < 60 * 3000


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_minibatches_of_stored_rows_come_from_windows(rows, solver):
    X, y, paths = rows
    stored = StoredRows(paths)
    model = SoftmaxRegression(solver=solver, max_iter=3, tol=0, random_state=0).fit(stored, y)
    assert 3.0 <= stored.n_rows_read / 3000 <= 3.1  # and a few for the center
    again = SoftmaxRegression(solver=solver, max_iter=3, tol=0, random_state=0).fit(stored, y)
    np.testing.assert_array_equal(model.coef_, again.coef_)
    whole = SoftmaxRegression(solver=solver, max_iter=3, tol=0, random_state=0).fit(X, y)
    assert model.score(X, y) == pytest.approx(whole.score(X, y), abs=0.03)
    ordered = {"solver": solver, "max_iter": 2, "tol": 0, "shuffle": False}
    np.testing.assert_allclose(
        SoftmaxRegression(**ordered).fit(stored, y).coef_,
        SoftmaxRegression(**ordered).fit(X, y).coef_,
        atol=1e-5,
    )


def test_array_likes_are_read_as_they_are(rows):
    X, y, _ = rows

    class Slices:
        shape, dtype = X.shape, X.dtype

        def __getitem__(self, some):
            return X[some]

    found = SoftmaxRegression().fit(Slices(), y)
    np.testing.assert_allclose(found.coef_, SoftmaxRegression().fit(X, y).coef_, atol=1e-3)
    assert found.score(Slices(), y) == found.score(X, y)


def test_early_stopping_asks_for_rows_of_its_own(rows):
    _, y, paths = rows
    model = SoftmaxRegression(solver="adam", early_stopping=True)
    with pytest.raises(ValueError, match="Pass rows to stop by as X_val and y_val"):
        model.fit(StoredRows(paths), y)
    model.fit(StoredRows(paths[0]), y[:1700], X_val=StoredRows(paths[1]), y_val=y[1700:])


def test_widths_and_labels_must_fit(rows):
    X, y, paths = rows
    stored = StoredRows(paths)
    model = SoftmaxRegression().fit(X[:, :5], y)
    with pytest.raises(ValueError, match="X has 12 features, but SoftmaxRegression is expecting 5"):
        model.predict(stored)
    with pytest.raises(ValueError, match="X has 3000 rows and y has shape"):
        SoftmaxRegression().fit(stored, y[:-1])
