"""Every solver on every problem of one table."""

import numpy as np
import pytest

from xsoftmax.solvers import LBFGS, SGD, Adam, GradientDescent, Status, minimize

from .problem_table import TABLE, Approximated

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


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("name", "metric"),
    [*((name, "its own") for name in TABLE), *((name, "approximate") for name in SOFTMAX)],
)
def test_lbfgs_reaches_every_minimum(xp, name, dtype, metric):
    case = TABLE[name](xp, dtype)
    objective = case.objective
    if metric == "approximate":
        objective = Approximated(objective.network, objective.rows, objective.penalty)
    tol, reached = (1e-9, 1e-9) if dtype == "float64" else (1e-6, 5e-6)
    solution = minimize(objective, case.start, LBFGS(tol=tol), max_iter=300)
    assert solution.statuses[0] in (Status.CONVERGED, Status.STALLED)
    if dtype == "float64":
        assert solution.statuses[0] is Status.CONVERGED
        assert solution.gaps[0] <= tol**0.5
    left = solution.values[0] - case.minimum
    rounding = 4 * np.finfo(dtype).eps * abs(case.minimum)
    assert abs(left) <= reached * (objective.null_value - case.minimum) + rounding
    assert abs(left) <= reached**0.5 * max(abs(case.minimum), 1e-6)


@pytest.mark.parametrize("name", SOFTMAX)
@pytest.mark.parametrize("kind", [None, Approximated])
def test_the_estimated_gap_is_near_the_true_one(name, kind):
    case = TABLE[name](on_numpy, "float64")
    objective, estimates = case.objective, []
    if kind:
        objective = kind(objective.network, objective.rows, objective.penalty)

    def watch(iteration, state, reports):
        estimates.append((reports[0].value / case.minimum - 1, reports[0].gap))

    minimize(objective, case.start, LBFGS(tol=1e-9), max_iter=300, callback=watch)
    near = [(true, gap) for true, gap in estimates if true > 1e-9 and gap < 0.1]
    assert all(true <= 5 * gap for true, gap in near)


@ON_NUMPY
def test_gradient_descent_never_climbs(name):
    case = TABLE[name](on_numpy, "float64")
    solver = GradientDescent(1 / case.curvature, tol=0)
    solution = minimize(case.objective, case.start, solver, max_iter=200)
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
    solution = minimize(case.objective, case.start, solver, max_iter=200)
    assert distance(case, solution.parameters) < (0.1 if name in WELL_CONDITIONED else 1.0)
