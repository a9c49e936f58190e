"""From an estimator's parameters to the solver that they describe, and what its solution tells."""

from __future__ import annotations

from typing import Any

from sklearn.exceptions import ConvergenceWarning

from ..arrays import (
    Array,
    namespace,
    to_list,
)
from ..objective.coordinates import Coordinates
from ..objective.features import Features
from ..objective.objective import Objective
from ..solvers import SGD, Adam, GradientDescent, Solution, Status, WarmStart, fit, minimize
from ..solvers.convergence import Rounding
from ..solvers.minimize import Callback
from .fit_callback import FitCallback
from .words import warn

#: Steps that suit features of about one; scikit-learn's for adam.
LEARNING_RATES = {"gd": 0.1, "sgd": 0.01, "adam": 0.001}


def solve(
    estimator: Any,
    objective: Objective,
    parameters: Array,
    random_state: Any,
    callback: Callback | None = None,
    early_stop: FitCallback | None = None,
    rate: Any = None,
) -> Solution:
    """Minimise the objective from `parameters` with the solver that the estimator names."""
    max_iter = estimator.max_iter
    if estimator.solver == "lbfgs":
        return fit(objective, parameters, tol=estimator.tol, max_iter=max_iter, callback=callback)
    if objective.rows.are_remote and estimator.solver != "gd":
        raise ValueError(
            f"{type(estimator).__name__}(solver={estimator.solver!r}) asks for minibatches, each "
            "of which would cross the network. Of rows on a cluster choose solver='lbfgs'."
        )
    solver = solver_of(estimator, objective.n_samples, random_state, early_stop, rate)
    start = WarmStart(parameters)
    return minimize(objective, start, solver, max_iter=max_iter, callback=callback)


def solver_of(
    estimator: Any,
    n_samples: int,
    random_state: Any,
    early_stop: FitCallback | None = None,
    rate: Any = None,
) -> Any:
    """The solver of first order that the estimator names.

    The callback `early_stop`, of held-out samples, decides when it ends.
    `rate` (n_problems,) overrules the estimator's learning rate.
    """
    if rate is None:
        rate = float(estimator.learning_rate_init or LEARNING_RATES[estimator.solver])
    if estimator.solver == "gd":
        return GradientDescent(rate, tol=estimator.tol)
    batch_size = 200 if estimator.batch_size == "auto" else estimator.batch_size
    solver, names = _STOCHASTIC[estimator.solver]
    made = solver(
        learning_rate=rate,
        batch_size=min(batch_size, n_samples),
        random_state=random_state if estimator.shuffle else None,
        tol=-float("inf") if early_stop or estimator.tol == 0 else estimator.tol,
        n_iter_no_change=estimator.n_iter_no_change,
        lowers_rate=None if early_stop is None else lambda: early_stop.lowers_rate,
        **{parameter: getattr(estimator, name) for parameter, name in names.items()},
    )
    if early_stop is not None:
        early_stop.can_lower = made.can_lower
    return made


#: The class of each solver, and its parameters by the estimator's names.
_STOCHASTIC: dict[str, tuple[Any, dict[str, str]]] = {
    "sgd": (
        SGD,
        {
            "momentum": "momentum",
            "nesterovs_momentum": "nesterovs_momentum",
            "schedule": "learning_rate",
            "power_t": "power_t",
        },
    ),
    "adam": (Adam, {"beta_1": "beta_1", "beta_2": "beta_2", "epsilon": "epsilon"}),
}


def as_returned(
    objective: Objective, space: Coordinates, features: Features, solution: Solution, tol: float
) -> Solution:
    """The solution as the caller gets it: parameters of all features, in the dtype of X.

    Where single precision blurs the rows, the values are those of these parameters, and a problem
    has stalled that their rounding takes more than `tol` of what it gained from.
    """
    xp, dtype = namespace(solution.parameters), solution.parameters.dtype
    parameters = xp.astype(space.expand(solution.parameters), features.dtype, copy=False)
    eps = Rounding.of(parameters).eps
    returned = solution._replace(parameters=parameters, gaps=[max(g, eps) for g in solution.gaps])
    if features.fits_float32:
        return returned
    there = space.project(xp.astype(parameters, dtype, copy=False))
    values = to_list(objective.value_and_gradient(there)[0])
    at_zero = to_list(objective.values_at_zero)
    gaps, statuses, rounding = list(returned.gaps), list(solution.statuses), Rounding.of(there)
    for i, (value, before) in enumerate(zip(values, solution.values, strict=True)):
        gaps[i] += max(value - before, 0.0) / (abs(value) + rounding.smallest)
        is_off = value - before > tol * (at_zero[i] - value)
        if statuses[i] is Status.CONVERGED and is_off and tol > 0:
            statuses[i] = Status.STALLED
    curves = [[*curve[:-1], value] for curve, value in zip(solution.curves, values, strict=True)]
    return returned._replace(values=values, gaps=gaps, statuses=statuses, curves=curves)


def warn_unless_converged(estimator: Any, objective: Objective, solution: Solution) -> None:
    """One ConvergenceWarning with the gradient norm and what to change."""
    status = solution.statuses[0]
    if status in (Status.CONVERGED, Status.STOPPED) or estimator.tol == 0:
        return
    if estimator.solver == "lbfgs":
        reached = f"the objective may be {solution.gaps[0]:.2g} (relative) above its minimum"
    else:
        _, gradient = objective.value_and_gradient(solution.parameters)
        norm = to_list(namespace(gradient).max(namespace(gradient).abs(gradient)))
        reached = f"the largest component of the gradient is {norm:.3g}"
    rate = "" if estimator.solver == "lbfgs" else "another learning_rate_init, "
    advice = f"Try max_iter above {estimator.max_iter}, {rate}or features scaled to about one."
    if status is Status.STALLED:
        advice = "Raise tol, pass X as float64, or scale the features to about one."
    warn(
        f"{type(estimator).__name__} did not converge: solver {estimator.solver!r} "
        f"{status.message} after {solution.n_iter[0]} iterations, where {reached} "
        f"(tol={estimator.tol:g}). {advice}",
        ConvergenceWarning,
    )


def warn_of_problems(estimator: Any, n_left: int, n_problems: int, largest_gap: float) -> None:
    """One ConvergenceWarning for all problems of a batch, `n_left` of which did not converge."""
    if n_left and estimator.tol > 0:
        warn(
            f"{type(estimator).__name__}: {n_left} of {n_problems} problems did not reach "
            f"tol={estimator.tol:g}; the largest estimate of the relative gap is "
            f"{largest_gap:.2g}. Try max_iter above {estimator.max_iter}, a larger tol, or "
            "features scaled to about one.",
            ConvergenceWarning,
        )


def check_solution(estimator: Any, solution: Solution) -> None:
    """Raise for a batch that was interrupted or has diverged."""
    if Status.INTERRUPTED in solution.statuses:
        raise KeyboardInterrupt
    check_finite(estimator, solution.parameters)


def check_finite(estimator: Any, *arrays: Array) -> None:
    """Refuse a fit whose parameters or values diverged."""
    for array in arrays:
        xp = namespace(array)
        if not to_list(xp.all(xp.isfinite(array))):
            rate = "" if estimator.solver == "lbfgs" else "Lower learning_rate_init, or s"
            raise ValueError(
                f"{type(estimator).__name__}(solver={estimator.solver!r}) diverged: its loss or "
                f"parameters are no longer finite. {rate or 'S'}cale the features to about one."
            )
