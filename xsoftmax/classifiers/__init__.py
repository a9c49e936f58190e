"""scikit-learn's contract over the solvers, thin; no mathematics of their own."""

from .batched_search import BatchedGridSearchCV
from .mlp import MLPClassifier
from .softmax_regression import SoftmaxRegression
from .softmax_regression_cv import SoftmaxRegressionCV

__all__ = ["BatchedGridSearchCV", "MLPClassifier", "SoftmaxRegression", "SoftmaxRegressionCV"]
