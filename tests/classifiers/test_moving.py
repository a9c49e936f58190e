"""`to`: fitted models go from one library and device to another."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import xsoftmax
from xsoftmax import (
    BatchedGridSearchCV,
    MLPClassifier,
    MultiOutputSoftmaxRegression,
    MultiOutputSoftmaxRegressionCV,
    SoftmaxRegression,
    SoftmaxRegressionCV,
)

from ..problems import blobs

NETWORK = MLPClassifier((4,), max_iter=3, tol=0, random_state=0)
MODELS = {
    "regression": SoftmaxRegression(standard_errors=True),
    "network": NETWORK,
    "search": SoftmaxRegressionCV([0.1, 1.0], cv=2),
    "grid": BatchedGridSearchCV(NETWORK, {"alpha": [0.1, 1.0]}, cv=2),
    "several": MultiOutputSoftmaxRegression(),
    "several searches": MultiOutputSoftmaxRegressionCV([0.1, 1.0], cv=2),
}


@pytest.mark.filterwarnings("ignore:.*best C_")
@pytest.mark.parametrize("name", MODELS)
def test_a_model_moves_there_and_back(xp, name):
    X, y = blobs(90, 4, 3)
    X = X.astype(np.float32)
    model = MODELS[name].fit(X, np.stack([y, 1 - y % 2], axis=1) if "several" in name else y)
    expected = model.predict_proba(X)
    there = model.to(xp(0.0))
    assert type(there) is type(model)
    found = there.predict_proba(xp(X))
    pairs = zip(found, expected, strict=True) if "several" in name else [(found, expected)]
    for one, other in pairs:
        np.testing.assert_allclose(xp.host(one), other, atol=1e-6)
    np.testing.assert_array_equal(xp.host(there.predict(xp(X))), model.predict(X))
    back = there.to(X)
    for one, other in zip(back.predict_proba(X), expected, strict=True):
        np.testing.assert_array_equal(one, other)
    if name == "regression":
        np.testing.assert_array_equal(
            xp.host(there.standard_errors_["plain"]), model.standard_errors_["plain"]
        )


def test_a_moved_model_shares_nothing_that_it_writes():
    X, y = blobs(90, 4, 3)
    model = MLPClassifier((4,), max_iter=3, tol=0, random_state=0, solver="sgd").partial_fit(
        X, y, classes=[0, 1, 2]
    )
    before = [W.copy() for W in model.coefs_]
    model.to(X).partial_fit(X, y)
    for W, old in zip(model.coefs_, before, strict=True):
        np.testing.assert_array_equal(W, old)


def test_a_moved_model_goes_on_training_there(xp):
    X, y = blobs(90, 4, 3)
    X = X.astype(np.float32)
    model = MLPClassifier((4,), max_iter=3, tol=0, random_state=0, solver="sgd")
    there = model.partial_fit(X, y, classes=[0, 1, 2]).to(xp(0.0)).partial_fit(xp(X), xp(y))
    assert xp.host(there.coefs_[0]).shape == (4, 4)


def test_strings_stay_on_the_host(xp):
    X, y = blobs(60, 4, 3)
    names = np.asarray(["a", "b", "c"])[y]
    there = SoftmaxRegression().fit(X, names).to(xp(0.0))
    assert there.predict(xp(X)).tolist() == SoftmaxRegression().fit(X, names).predict(X).tolist()


def test_what_is_no_array_or_not_fitted_is_refused():
    X, y = blobs()
    with pytest.raises(TypeError, match=r"like must be an array .* got str"):
        SoftmaxRegression().fit(X, y).to("cuda")
    with pytest.raises(NotFittedError):
        SoftmaxRegression().to(X)


def test_training_a_moved_model_leaves_the_random_numbers_of_the_first():
    X, y = blobs(90, 4, 3)

    def second_epoch(train_copy):
        model = SoftmaxRegression(solver="sgd", random_state=0).partial_fit(X, y, classes=[0, 1, 2])
        moved = model.to(X)
        if train_copy:
            moved.partial_fit(X, y)
        return model.partial_fit(X, y).coef_

    np.testing.assert_array_equal(second_epoch(True), second_epoch(False))


def test_a_moved_model_with_a_prior_can_be_saved(xp, tmp_path):
    X, y = blobs(60, 4, 3)
    model = SoftmaxRegression(coef_prior=(np.ones((3, 4)), np.ones(3))).fit(X, y)
    again = xsoftmax.load(xsoftmax.save(model.to(xp(0.0)), tmp_path / "m.safetensors"))
    np.testing.assert_array_equal(again.coef_prior[0], np.ones((3, 4)))
