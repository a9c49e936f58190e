"""Temperatures that make probabilities as sure as they are right."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.metrics import get_scorer

from xsoftmax import (
    MultiOutputSoftmaxRegressionCV,
    SoftmaxRegression,
    SoftmaxRegressionCV,
    bootstrap_scores,
    load,
    save,
)
from xsoftmax.classifiers.calibration import inverse_temperatures
from xsoftmax.metrics import expected_calibration_error

from ..problems import blobs
from .test_multi_output import label_sets

CS = [0.01, 1.0, 100.0, 1e4]
ROWS = np.arange(120)
FOLDS = [(ROWS[40:], ROWS[:40]), (ROWS[:70], ROWS[70:])]

pytestmark = pytest.mark.filterwarnings("ignore:.*the best C_")


def log_loss(b, logits, y, weight):
    own = log_softmax(b * logits, axis=1)[np.arange(len(y)), y]
    return -np.average(own, weights=weight)


def best_inverse(logits, y, weight):
    asked = {"bounds": (1e-3, 1e3), "method": "bounded", "options": {"xatol": 1e-10}}
    return minimize_scalar(log_loss, args=(logits, y, weight), **asked).x


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_inverse_temperatures_have_the_least_log_loss(xp, dtype, n_classes):
    rng = np.random.default_rng(0)
    y, weight = rng.integers(0, n_classes, 200), rng.random(200)
    logits = rng.standard_normal((200, n_classes)) + np.eye(n_classes)[y]
    several = np.stack([scale * logits.T for scale in (0.02, 1.0, 40.0)])
    known = xp(several, dtype), xp(y[None]), xp(weight[None], dtype)
    found = xp.host(inverse_temperatures(*known))
    expected = best_inverse(logits, y, weight) / [0.02, 1.0, 40.0]
    np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype == "float64" else 1e-3)


@pytest.mark.parametrize(("right", "expected"), [(True, 1e3), (False, 1e-3)])
def test_inverse_temperatures_of_rows_that_are_all_right_or_wrong_are_bounds(right, expected):
    y = np.arange(50) % 2
    logits = 0.01 * np.eye(2)[y if right else 1 - y]
    found = inverse_temperatures(logits.T[None], y[None], np.ones((1, 50)))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_search_finds_the_temperature_of_rows_held_out_at_every_c(xp, n_classes):
    X, y = blobs(n_samples=120, n_features=8, n_classes=n_classes, spread=2.0)
    weight = 0.5 + np.random.default_rng(0).random(120)
    given = xp(X), xp(y), xp(weight)
    settings = {"cv": FOLDS, "tol": 1e-9, "scoring": "neg_log_loss"}
    model = SoftmaxRegressionCV(CS, calibration="temperature", **settings).fit(*given)
    plain = SoftmaxRegressionCV(CS, **settings).fit(*given)
    paths = xp.host(plain.coefs_paths_)
    for j, C in enumerate(CS):
        parts = []
        for k, (_, test) in enumerate(FOLDS):
            logits = np.column_stack([X[test], np.ones(len(test))]) @ paths[k, j].T
            if n_classes == 2:
                logits = np.column_stack([-logits / 2, logits / 2])
            parts.append((logits, y[test], weight[test]))
        b = best_inverse(*map(np.concatenate, zip(*parts, strict=True)))
        losses = [-log_loss(b, *part) for part in parts]
        np.testing.assert_allclose(model.scores_[:, j], losses, rtol=1e-4)
        if C == model.C_:
            assert model.temperature_ == pytest.approx(1 / b, rel=1e-3)
    assert model.scores_.mean() > plain.scores_.mean()
    raw = xp.host(model.decision_function(xp(X)))
    if n_classes == 2:
        raw = np.column_stack([0 * raw, raw])
    expected = log_softmax(raw / model.temperature_, axis=1)
    np.testing.assert_allclose(xp.host(model.predict_log_proba(xp(X))), expected, atol=1e-9)
    found = xp.host(model.predict_proba(xp(X)))
    np.testing.assert_allclose(found, np.exp(expected), atol=1e-9)
    best = xp.host(model.best_estimator_.predict_proba(xp(X)))
    np.testing.assert_array_equal(best, found)


def test_calibrated_probabilities_of_other_rows_are_as_sure_as_they_are_right():
    X, y = blobs(n_samples=3000, n_features=60, spread=9.0)
    train, test = slice(0, 240), slice(240, 3000)
    errors = []
    for calibration in ("temperature", None):
        model = SoftmaxRegressionCV([1e3], cv=4, calibration=calibration)
        p = model.fit(X[train], y[train]).predict_proba(X[test])
        errors.append(expected_calibration_error(p, y[test]))
    assert errors[0] < 0.5 * errors[1]


def test_every_output_has_a_temperature_of_its_own():
    X, y = label_sets()
    settings = {"Cs": [0.1, 100.0], "cv": 3, "calibration": "temperature", "tol": 1e-9}
    model = MultiOutputSoftmaxRegressionCV(scoring="neg_log_loss", **settings).fit(X, y)
    probabilities = model.predict_proba(X)
    for j in range(3):
        one = SoftmaxRegressionCV(scoring="neg_log_loss", **settings).fit(X, y[:, j])
        np.testing.assert_allclose(model.scores_[j], one.scores_, rtol=1e-4)
        assert model.temperature_[j] == pytest.approx(one.temperature_, rel=1e-3)
        assert model.estimators_[j].temperature_ == model.temperature_[j]
        np.testing.assert_allclose(probabilities[j], one.predict_proba(X), atol=1e-3)
    plain = MultiOutputSoftmaxRegressionCV([0.1, 100.0], cv=3).fit(X, y)
    assert not hasattr(plain, "temperature_")


def test_a_model_file_keeps_the_temperature(tmp_path):
    X, y = blobs(n_samples=120, spread=2.0)
    model = SoftmaxRegressionCV([0.1, 100.0], cv=3, calibration="temperature").fit(X, y)
    save(model, tmp_path / "model.safetensors")
    loaded = load(tmp_path / "model.safetensors")
    assert loaded.temperature_ == model.temperature_
    np.testing.assert_allclose(loaded.predict_proba(X), model.predict_proba(X), rtol=1e-12)
    loaded.fit(X, y)
    assert not hasattr(loaded, "temperature_")


def test_a_model_file_keeps_the_scores_that_chose(tmp_path):
    X, y = blobs(n_samples=120, spread=2.0)
    names = ["accuracy", "neg_log_loss"]
    model = SoftmaxRegressionCV([0.1, 100.0], cv=3, scoring=names, refit="neg_log_loss").fit(X, y)
    save(model, tmp_path / "model.safetensors")
    loaded = load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.scores_, model.scores_["neg_log_loss"])


@pytest.mark.parametrize("outputs", [1, 2])
def test_scorers_on_the_host_are_told_calibrated_probabilities(outputs):
    X, y = blobs(n_samples=120, n_features=8, spread=2.0)
    kind, targets = SoftmaxRegressionCV, y
    if outputs > 1:
        kind, targets = MultiOutputSoftmaxRegressionCV, np.column_stack([y, y > 0])
    settings = {"Cs": CS, "cv": 3, "calibration": "temperature"}
    there = kind(scoring="neg_log_loss", **settings).fit(X, targets)
    asked = kind(scoring={"loss": get_scorer("neg_log_loss")}, **settings).fit(X, targets)
    np.testing.assert_allclose(asked.scores_["loss"], there.scores_, rtol=1e-9)
    np.testing.assert_array_equal(asked.C_, there.C_)


def test_another_fit_forgets_the_temperature():
    X, y = blobs(n_samples=120, spread=2.0)
    model = SoftmaxRegressionCV([1.0], cv=3, calibration="temperature").fit(X, y)
    assert not hasattr(model.set_params(calibration=None).fit(X, y), "temperature_")
    assert not hasattr(SoftmaxRegression().fit(X, y), "temperature_")


def test_calibration_needs_a_model_to_predict_with():
    X, y = blobs()
    for kind in (SoftmaxRegressionCV, MultiOutputSoftmaxRegressionCV):
        labels = y if kind is SoftmaxRegressionCV else y[:, None]
        model = kind([1.0], calibration="temperature", refit=False)
        with pytest.raises(ValueError, match=r"calibration='temperature'\) needs refit=True"):
            model.fit(X, labels)
        with pytest.raises(ValueError, match=r"calibration=...\) must be None, or one of"):
            kind([1.0], calibration="isotonic").fit(X, labels)


@pytest.mark.parametrize("names", [["neg_log_loss", "asked"], ["asked", "neg_log_loss"]])
def test_the_order_of_scores_and_their_weights_do_not_move_the_temperature(names):
    """A scorer that takes no weights counts all rows alike; the temperature does not."""
    X, y = blobs(n_samples=120, n_features=8, spread=2.0)
    weight = 0.1 + np.random.default_rng(0).random(120) ** 4

    def asked(model, X, y):
        return model.score(X, y)

    known = {"neg_log_loss": "neg_log_loss", "asked": asked}
    settings = {"cv": FOLDS, "calibration": "temperature", "refit": "neg_log_loss"}
    with pytest.warns(UserWarning, match="takes no sample_weight"):
        model = SoftmaxRegressionCV(
            [100.0], scoring={name: known[name] for name in names}, **settings
        ).fit(X, y, weight)
    alone = SoftmaxRegressionCV([100.0], scoring="neg_log_loss", **settings).fit(X, y, weight)
    assert model.temperature_ == alone.temperature_
    np.testing.assert_array_equal(model.scores_["neg_log_loss"], alone.scores_)


def test_scores_of_other_rows_are_of_calibrated_probabilities():
    X, y = blobs(n_samples=240, n_features=30, spread=5.0)
    settings = {"cv": 3, "calibration": "temperature", "scoring": "neg_log_loss"}
    model = SoftmaxRegressionCV([1e3], **settings).fit(X[:120], y[:120])
    assert model.temperature_ > 1.5
    p = model.predict_proba(X[120:])
    expected = np.mean(np.log(p[np.arange(120), y[120:]]))
    assert model.score(X[120:], y[120:]) == pytest.approx(expected, rel=1e-9)
    found = bootstrap_scores(model, X[120:], y[120:], "neg_log_loss", 400, random_state=0)
    assert found["neg_log_loss"].bootstrap_distribution.mean() == pytest.approx(expected, rel=0.02)
