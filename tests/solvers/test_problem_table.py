"""Every solver on every problem of one table."""

from dataclasses import replace

import numpy as np
import pytest

from xsoftmax.arrays import to_list
from xsoftmax.objective.policy import DEFAULT
from xsoftmax.solvers import LBFGS, SGD, Adam, GradientDescent, Status, WarmStart, fit, minimize

from .fakes import APPROXIMATE
from .problem_table import TABLE

ON_NUMPY = pytest.mark.parametrize("name", TABLE)
#: Those whose Hessian can be approximated.
SOFTMAX = [name for name in TABLE if name not in ("quadratic", "rosenbrock")]
#: Where steps of one size for all parameters get nearly all of the way.
WELL_CONDITIONED = ("overlapping", "huge C", "imbalanced", "n_features > n_samples")


def on_numpy(x, dtype=None):
    x = np.asarray(x)
    return x.astype(dtype) if x.dtype.kind == "f" and dtype else x


def values_of(case, parameters):
    return float(case.objective.value_and_gradient(parameters)[0][0])


def distance(case, parameters):
    """How far from the minimum, relative to the start."""
    left = values_of(case, parameters) - case.minimum
    return left / (values_of(case, case.start) - case.minimum)


def solved(case, policy, tol, callback=None):
    """As a linear model is, or by L-BFGS alone."""
    objective, max_iter = case.objective, 300
    if policy is None:
        start, solver = WarmStart(case.start), LBFGS(tol)
        return minimize(objective, start, solver, max_iter=max_iter, callback=callback)
    objective = replace(objective, policy=policy)
    return fit(objective, case.start, tol=tol, max_iter=max_iter, callback=callback)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("quadratic", None),
        ("rosenbrock", None),
        *((name, DEFAULT) for name in SOFTMAX),
        *((name, APPROXIMATE) for name in SOFTMAX),
    ],
)
def test_second_order_solvers_reach_every_minimum(xp, name, dtype, policy):
    case = TABLE[name](xp, dtype)
    tol, reached = (1e-9, 1e-9) if dtype == "float64" else (1e-6, 5e-6)
    solution = solved(case, policy, tol)
    assert solution.statuses[0] in (Status.CONVERGED, Status.STALLED)
    if dtype == "float64":
        assert solution.statuses[0] is Status.CONVERGED
        assert solution.gaps[0] <= tol**0.5
    left = solution.values[0] - case.minimum
    gained = to_list(case.objective.values_at_zero)[0] - case.minimum
    rounding = 4 * np.finfo(dtype).eps * abs(case.minimum)
    assert abs(left) <= reached * gained + rounding
    assert abs(left) <= reached**0.5 * max(abs(case.minimum), 1e-6)


@pytest.mark.parametrize("name", SOFTMAX)
@pytest.mark.parametrize("policy", [DEFAULT, APPROXIMATE], ids=["exact", "approximate"])
def test_the_estimated_gap_is_near_the_true_one(name, policy):
    case, estimates = TABLE[name](on_numpy, "float64"), []

    def note(iteration, parameters, reports):
        estimates.append((reports[0].value / case.minimum - 1, reports[0].gap))

    solved(case, policy, 1e-9, note)
    near = [(true, gap) for true, gap in estimates if true > 1e-9 and gap < 0.1]
    assert all(true <= 5 * gap for true, gap in near)


@ON_NUMPY
def test_gradient_descent_never_climbs(name):
    case = TABLE[name](on_numpy, "float64")
    solver = GradientDescent(1 / case.curvature, tol=0)
    solution = minimize(case.objective, WarmStart(case.start), solver, max_iter=200)
    curve = np.asarray(solution.curves[0])
    assert np.all(np.diff(curve) <= 1e-14 * np.abs(curve[:-1]))
    assert distance(case, solution.parameters) < 0.95


@ON_NUMPY
@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_stochastic_solvers_descend(name, rule):
    case = TABLE[name](on_numpy, "float64")
    rng = np.random.RandomState(0)
    if rule == "sgd":
        solver = SGD(0.1 / case.curvature, batch_size=10, random_state=rng, tol=-np.inf)
    else:
        rate = min(0.02, 0.1 / case.curvature)
        solver = Adam(rate, batch_size=10, random_state=rng, tol=-np.inf)
    solution = minimize(case.objective, WarmStart(case.start), solver, max_iter=200)
    assert distance(case, solution.parameters) < (0.1 if name in WELL_CONDITIONED else 1.0)
