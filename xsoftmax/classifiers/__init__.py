"""scikit-learn's contract over the solvers, thin; no mathematics of their own."""

from .batched_search import BatchedGridSearchCV
from .mlp import MLPClassifier
from .multi_output import MultiOutputSoftmaxRegression
from .multi_output_cv import MultiOutputSoftmaxRegressionCV
from .resampling import bootstrap, bootstrap_scores, fit_many, learning_curve
from .softmax_regression import SoftmaxRegression
from .softmax_regression_cv import SoftmaxRegressionCV

__all__ = [
    "BatchedGridSearchCV",
    "MLPClassifier",
    "MultiOutputSoftmaxRegression",
    "MultiOutputSoftmaxRegressionCV",
    "SoftmaxRegression",
    "SoftmaxRegressionCV",
    "bootstrap",
    "bootstrap_scores",
    "fit_many",
    "learning_curve",
]
