"""The classifiers: scikit-learn's contract over `xsoftmax.solvers`, thin."""

from .mlp import MLPClassifier
from .softmax_regression import SoftmaxRegression

__all__ = ["MLPClassifier", "SoftmaxRegression"]
