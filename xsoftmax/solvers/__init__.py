"""Solvers: from an objective and a start to a `Solution`, for a batch of problems at once."""

from .adam import Adam
from .gradient_descent import GradientDescent
from .lbfgs import LBFGS
from .metric import Metric
from .minimize import fitting, minimize
from .mixed_precision import minimize_mixed
from .path import follow_path
from .sgd import SGD
from .solution import Report, Solution, Status

__all__ = [
    "LBFGS",
    "SGD",
    "Adam",
    "GradientDescent",
    "Metric",
    "Report",
    "Solution",
    "Status",
    "fitting",
    "follow_path",
    "minimize",
    "minimize_mixed",
]
