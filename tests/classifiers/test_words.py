"""Messages show values, not the NumPy types that hold them."""

import numpy as np
import pytest

from xsoftmax import SoftmaxRegression, SoftmaxRegressionCV
from xsoftmax.classifiers.words import shown

from ..problems import blobs

X, Y = blobs()


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
def test_shown(value, text):
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
