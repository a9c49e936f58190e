"""From an estimator's parameters to the objective and the solver that they describe."""

from __future__ import annotations

import warnings
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from ..arrays import (
    Array,
    compute_dtype,
    from_host,
    indices_from_host,
    namespace,
    same_place,
    to_list,
    where,
)
from ..model.network import Network
from ..objective.coordinates import Coordinates
from ..objective.features import Features
from ..objective.objective import Objective
from ..objective.policy import DEFAULT, Policy
from ..objective.rows import ArrayRows
from ..solvers import SGD, Adam, GradientDescent, Solution, Status, WarmStart, fit, minimize
from ..solvers.convergence import Rounding
from ..solvers.minimize import Callback
from .fit_callback import FitCallback
from .validation import Targets, check_sample_weight, check_X, check_y
from .words import few, shown

#: Steps that suit features of about one; scikit-learn's for adam.
LEARNING_RATES = {"gd": 0.1, "sgd": 0.01, "adam": 0.001}


class Samples(NamedTuple):
    """Checked rows with their targets and weights; all but X are on the host."""

    X: Array  #: (n_samples, n_features)
    targets: Targets
    weight: np.ndarray  #: (n_samples,)

    @property
    def labels(self) -> np.ndarray:
        """(n_samples,) labels; the most probable ones of soft targets."""
        values = self.targets.values
        return self.targets.classes[values.argmax(axis=1) if self.targets.is_soft else values]

    def take(self, rows: np.ndarray) -> Samples:
        """The samples at `rows`."""
        indices = indices_from_host(rows, like=self.X)
        targets = self.targets._replace(values=self.targets.values[rows])
        return Samples(namespace(self.X).take(self.X, indices, axis=0), targets, self.weight[rows])


def check_held_out(
    estimator: Any, samples: Samples, X_val: Any, y_val: Any, weight_val: Any
) -> Samples | None:
    """Held-out rows that fit the training samples, if there are any."""
    if (X_val is None) != (y_val is None) or (X_val is None and weight_val is not None):
        raise ValueError(
            "X_val and y_val (and with them sample_weight_val) go together; pass both or neither."
        )
    if X_val is None:
        return None
    X_val = check_X(estimator, X_val, reset=False)
    if not same_place(samples.X, X_val):
        raise ValueError(
            f"X and X_val must lie in one place, but X is {where(samples.X)} and X_val is "
            f"{where(X_val)}. Move one of them."
        )
    weight = check_sample_weight(X_val, weight_val, "sample_weight_val")
    try:
        targets = check_y(estimator, X_val, y_val, samples.targets.classes)
    except ValueError as error:
        raise ValueError(f"y_val does not fit: {error}") from error
    return Samples(X_val, targets, weight)


def hold_out(samples: Samples, fraction: float, random_state: Any) -> tuple[Samples, Samples]:
    """Split a `fraction` of the rows off: (training, held out).

    The classes have equal shares on both sides if there are rows enough, else rows are drawn at
    random, except that every class keeps a row to train on.
    """
    targets, n_samples = samples.targets, samples.X.shape[0]
    try:
        train, held = train_test_split(
            np.arange(n_samples),
            test_size=fraction,
            random_state=random_state,
            stratify=None if targets.is_soft else targets.values,
        )
    except ValueError:
        train, held = _draw(samples, ceil(fraction * n_samples), random_state)
    for name, part in (("train on", train), ("hold out", held)):
        if samples.weight[part].sum() == 0:
            raise ValueError(f"sample_weight is zero on every row to {name}; pass X_val and y_val.")
    return samples.take(train), samples.take(held)


def _draw(samples: Samples, n_held: int, random_state: Any) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on, one of each class among them, and `n_held` others to hold out."""
    n_samples = samples.X.shape[0]
    order = check_random_state(random_state).permutation(n_samples)
    kept = order[np.unique(samples.labels[order], return_index=True)[1]]
    others = order[~np.isin(order, kept)]
    if n_held > len(others):
        present, counts = np.unique(samples.labels, return_counts=True)
        raise ValueError(
            f"early_stopping cannot hold {n_held} of {n_samples} rows out: each of the "
            f"{len(present)} classes in y needs a row to train on, which leaves {len(others)}. "
            f"Classes of a single row: {few(present[counts == 1]) or 'none'}. Lower "
            "validation_fraction, or pass X_val and y_val."
        )
    return np.concatenate([kept, others[n_held:]]), others[:n_held]


def objective_of(
    estimator: Any,
    network: Network,
    samples: Samples,
    strength: Any,
    weights: Any = None,
    features: Features | None = None,
    policy: Policy = DEFAULT,
) -> Objective:
    """The mean loss with the estimator's class weights, and a penalty strength / (2 S) ||W||^2.

    `weights` (n_problems, n_samples) make a batch of problems, such as folds; by default there is
    one problem, with the weights of `samples`. `strength` is one number or (n_problems, 1). What
    `features` tell of X decides the dtype to compute in, and whether the solver may trust it.
    """
    X, targets, weight = samples
    weights = weight[None, :] if weights is None else weights
    if estimator.class_weight is not None:
        weights = np.stack([row * _class_weight(estimator, samples, row) for row in weights])
    total = weights.sum(axis=1, keepdims=True)
    dtype = compute_dtype(X) if features is None else features.working_dtype(policy)
    if not np.all((total > 0) & (total < np.inf)):
        raise ValueError(
            "sample_weight times class_weight must be finite and not all zero; the weights sum to "
            f"{total.ravel()}."
        )
    moved = from_host(weights / total, like=X, dtype=dtype)
    if targets.is_soft:
        columns = from_host(np.ascontiguousarray(targets.values.T)[None], like=X, dtype=dtype)
    else:
        columns = indices_from_host(targets.values[None, :], like=X)
    name, values = ("alpha", strength) if hasattr(estimator, "alpha") else ("C", 1.0)
    check_penalty(
        estimator, name, getattr(estimator, "C", values), strength / total, moved, stacklevel=6
    )
    penalty = network.weight_mask(moved) * from_host(strength / total, like=X, dtype=dtype)
    rows = ArrayRows(X, columns, moved, dtype)
    if features is not None:
        rows = rows._replace(
            has_large_cells=features.has_large_cells
            or (features.are_far and not network.fit_intercept),
            fits_float32=features.fits_float32,
        )
    if network.is_linear and network.fit_intercept:
        rows = rows.centered()
    return Objective(network, rows, penalty, estimator.block_rows, policy)


def check_penalty(
    estimator: Any, name: str, values: Any, penalties: np.ndarray, like: Array, stacklevel: int
) -> None:
    """Refuse a penalty beyond the range of the dtype of `like`; warn of one that it rounds to 0.

    `penalties` are what the `values` of the parameter `name` make of the squared weights.
    """
    info = namespace(like).finfo(like.dtype)
    values, penalties = np.ravel(values), np.ravel(penalties)
    rounded_to_0 = (penalties > 0) & (penalties < float(info.smallest_normal) * float(info.eps))
    too_large = penalties > float(info.max)
    if not np.any(rounded_to_0 | too_large):
        return
    at = int(np.argmax(rounded_to_0 | too_large))
    larger, none = ("smaller", "0") if name == "alpha" else ("larger", "inf")
    wider = "" if like.dtype == namespace(like).float64 else ", or pass X as float64"
    made = (
        f"{type(estimator).__name__}: {name}={shown(values[min(at, len(values) - 1)])} makes a "
        f"penalty of {penalties[at]:.2g} (divided by the sum of the sample weights), which"
    )
    if too_large[at]:
        raise ValueError(
            f"{made} is beyond the range of {like.dtype}, in which X is computed; that ends at "
            f"{float(info.max):.2g}. Choose a {larger} {name}{wider}."
        )
    warnings.warn(
        f"{made} is 0 in {like.dtype}, in which X is computed: there is no penalty. Pass "
        f"{name}={none} to say so{wider}.",
        stacklevel=stacklevel,
    )


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
        rate = estimator.learning_rate_init or LEARNING_RATES.get(estimator.solver)
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
    warnings.warn(
        f"{type(estimator).__name__} did not converge: solver {estimator.solver!r} "
        f"{status.message} after {solution.n_iter[0]} iterations, where {reached} "
        f"(tol={estimator.tol:g}). {advice}",
        ConvergenceWarning,
        stacklevel=5,  # `fit` has a wrapper
    )


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


def _class_weight(estimator: Any, samples: Samples, weight: np.ndarray) -> np.ndarray:
    """(n_samples,): the weight of each sample's class, where samples weigh `weight`."""
    classes, values = samples.targets
    if samples.targets.is_soft:
        raise ValueError("class_weight needs labels, but y holds probabilities.")
    if estimator.class_weight == "balanced":
        counts = np.bincount(values, weights=weight, minlength=len(classes))
        present = np.maximum(np.count_nonzero(counts), 1)
        weights = counts.sum() / (present * np.where(counts > 0, counts, 1))
    else:
        unknown = set(estimator.class_weight) - set(classes.tolist())
        if unknown:
            raise ValueError(
                "class_weight names labels that are not among the classes: "
                f"{few(sorted(unknown, key=str))}."
            )
        weights = np.asarray([estimator.class_weight.get(c, 1.0) for c in classes.tolist()])
    return weights[values]
