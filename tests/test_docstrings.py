"""The attributes that a classifier's docstring names are those that a fit sets, in their shapes."""

import inspect
import re

import numpy as np
import pytest

from xsoftmax import (
    BatchedGridSearchCV,
    MLPClassifier,
    MultiOutputSoftmaxRegression,
    MultiOutputSoftmaxRegressionCV,
    SoftmaxRegression,
    SoftmaxRegressionCV,
)
from xsoftmax.classifiers.multi_output import MultiOutputPredictor

from .problems import blobs

X, Y = blobs()
SIZES = {
    "n_samples": X.shape[0],
    "n_features": X.shape[1],
    "n_features_in_": X.shape[1],
    "n_classes": 3,
    "n_outputs": 2,
    "n_folds": 5,
    "n_Cs": 4,
}
NETWORK = MLPClassifier((4,), max_iter=2, tol=0)
MODELS = [
    SoftmaxRegression(standard_errors=True),
    SoftmaxRegressionCV(Cs=[0.01, 0.1, 1.0, 10.0], calibration="temperature"),
    MultiOutputSoftmaxRegression(),
    MultiOutputSoftmaxRegressionCV(Cs=[0.01, 0.1, 1.0, 10.0], calibration="temperature"),
    NETWORK,
    BatchedGridSearchCV(NETWORK, {"alpha": [1e-4, 1e-2]}),
]


def documented(kind):
    """The type of each attribute by its name."""
    section = inspect.getdoc(kind).split("\nAttributes\n----------\n")[1].split("\n\n")[0]
    found = dict(re.findall(r"^(\w+) : (.*)$", section, re.MULTILINE))
    del found["feature_names_in_"]  # X has none here
    return found


def attributes(model):
    names = [name for name in dir(model) if name.endswith("_") and not name.startswith("_")]
    return {name: getattr(model, name) for name in names if hasattr(model, name)}


@pytest.mark.filterwarnings("ignore:.*the best C_")
@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_documented_attributes_are_those_of_a_fit(model):
    several = isinstance(model, MultiOutputPredictor)
    fitted = model.fit(X, np.stack([Y, Y % 2], axis=1) if several else Y)
    found, told = attributes(fitted), documented(type(model))
    assert found.keys() == told.keys()
    for name, text in told.items():
        shape = re.match(r"(?:nd)?array of shape \((.*?),?\)", text)
        if shape:
            expected = tuple(_size(term) for term in shape[1].split(", "))
            assert found[name].shape == expected, name


def _size(term):
    name, _, more = term.partition(" + ")
    return SIZES[name] + int(more or 0)
