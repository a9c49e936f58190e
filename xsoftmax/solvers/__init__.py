"""From an objective and a start to a solution, for many problems at once; no estimators."""

from .adam import Adam
from .gradient_descent import GradientDescent
from .lbfgs import LBFGS
from .minimize import minimize
from .newton import Newton
from .plan import fit, follow_path
from .protocols import WarmStart
from .sgd import SGD
from .solution import Report, Solution, Status

__all__ = [
    "LBFGS",
    "SGD",
    "Adam",
    "GradientDescent",
    "Newton",
    "Report",
    "Solution",
    "Status",
    "WarmStart",
    "fit",
    "follow_path",
    "minimize",
]
