"""What constructor parameters may be, and the error when one is not."""

import numpy as np
import pytest

from xsoftmax import MLPClassifier, SoftmaxRegression
from xsoftmax.classifiers.rules import RULES

from ..problems import blobs

X, Y = blobs(n_samples=12)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("C", 0, "above 0"),
        ("C", "1", "above 0"),
        ("C", float("nan"), "above 0"),
        ("solver", "newton", "one of 'lbfgs', 'gd', 'sgd', 'adam'"),
        ("learning_rate_init", -1.0, "above 0"),
        ("max_iter", 0, "at least 1"),
        ("max_iter", 1.5, "integer"),
        ("tol", -1e-3, "at least 0"),
        ("fit_intercept", "yes", "True or False"),
        ("warm_start", 1, "True or False"),
        ("class_weight", "even", "balanced"),
        ("class_weight", {0: -1.0}, "at least 0"),
        ("class_weight", {0: float("nan")}, "at least 0"),
        ("class_weight", np.ones(3), "balanced"),
        ("batch_size", 0, "'auto', or an integer of at least 1"),
        ("validation_fraction", 1.0, r"\(0, 1\)"),
        ("n_iter_no_change", 0, "at least 1"),
        ("beta_1", 1.0, r"\[0, 1\)"),
        ("epsilon", 0.0, "above 0"),
        ("momentum", 2, r"\[0, 1\]"),
    ],
)
def test_softmax_regression_refuses_parameters_that_break_a_rule(name, value, rule):
    with pytest.raises(ValueError, match=rf"SoftmaxRegression\({name}=\.\.\.\) must be .*{rule}"):
        SoftmaxRegression(**{name: value}).fit(X, Y)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("hidden_layer_sizes", (5, 0), "at least 1"),
        ("hidden_layer_sizes", "50", "at least 1"),
        ("activation", "softplus", "one of"),
        ("alpha", -1, "at least 0"),
    ],
)
def test_mlp_classifier_refuses_parameters_that_break_a_rule(name, value, rule):
    with pytest.raises(ValueError, match=rf"MLPClassifier\({name}=\.\.\.\) must be .*{rule}.*got"):
        MLPClassifier(**{name: value}).fit(X, Y)


def test_every_parameter_has_a_rule():
    for model in (SoftmaxRegression(), MLPClassifier()):
        assert set(model.get_params()) - set(RULES) <= {"random_state", "coef_prior"}
