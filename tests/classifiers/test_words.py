"""Messages show values, not the NumPy types that hold them."""

import warnings

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score

from xsoftmax import MLPClassifier, SoftmaxRegression, SoftmaxRegressionCV
from xsoftmax.classifiers.words import shown

from ..problems import blobs

X, Y = blobs(n_samples=12)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float64(1.5), "1.5"),
        (np.str_("cat"), "'cat'"),
        ([np.int64(1), (np.bool_(True), None)], "[1, (True, None)]"),
        ({np.str_("a"): np.float32(0.5)}, "{'a': 0.5}"),
        ({np.int8(3)}, "{3}"),
        ("text", "'text'"),
    ],
)
def test_shown_is_repr_without_numpys_scalars(value, text):
    assert shown(value) == text


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        (lambda: SoftmaxRegression(C=np.float64(-1)).fit(X, Y), r"got -1\.0\."),
        (
            lambda: SoftmaxRegression(class_weight={np.int64(7): 1.0}).fit(X, Y),
            r"among the classes: 7\.",
        ),
        (
            lambda: SoftmaxRegressionCV(cv=[([np.int64(0)], [np.int64(1)])]).fit(X, Y),
            r"cv=\[\(\[0\], \[1\]\)\]",
        ),
    ],
)
def test_errors_show_no_numpy_scalar(fit, message):
    with pytest.raises(ValueError, match=message) as refused:
        fit()
    assert "np." not in str(refused.value)


def test_messages_show_values_as_they_are_typed():
    names = np.asarray(["a", "b", "c"], dtype=object)[Y]
    names[:] = [np.str_(name) for name in names]
    model = SoftmaxRegression(solver="sgd").partial_fit(X, names, classes=np.unique(names))
    failing = [
        lambda: model.partial_fit(X, Y),
        lambda: model.partial_fit(X, names, classes=[np.str_("a"), np.str_("b")]),
        lambda: model.score(X, Y),
        lambda: SoftmaxRegression(class_weight={np.str_("z"): 1.0}).fit(X, names),
        lambda: SoftmaxRegression(solver=np.str_("newton")).fit(X, names),
        lambda: SoftmaxRegression(C=np.float64(-1)).fit(X, names),
        lambda: MLPClassifier((np.int64(0), 3)).fit(X, names),
        lambda: SoftmaxRegression(class_weight={np.str_("a"): np.float64(-1)}).fit(X, names),
        lambda: SoftmaxRegression().fit(X, names[:1].repeat(12)),
    ]
    for fail in failing:
        with pytest.raises(ValueError) as caught:  # noqa: PT011
            fail()
        assert "np." not in str(caught.value)


def test_a_warning_names_the_line_that_called_through_scikit_learn():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cross_val_score(SoftmaxRegression(max_iter=1, tol=1e-12), X, Y, cv=2)
    assert {warning.filename for warning in caught} == {__file__}
