"""First in single precision, as far as digits do not matter, then in double.

Far from the minimum a step needs few digits, and single precision reads half the bytes and does
twice the arithmetic at a time. What L-BFGS has learnt of the Hessian there leads on in double
precision, whose own value and gradient decide when the fit ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ..arrays import Array, is_array, map_leaves, namespace, to_list
from ..objective.objective import Objective
from .lbfgs import LBFGS
from .metric import MetricKeeper
from .minimize import Callback, Solver, fitting, minimize
from .solution import Report, Solution, Status

#: The tolerance to which single precision leads, where more is asked.
SINGLE_TOL = 1e-6
#: An evaluation of fewer multiplications takes about as long in either precision.
WORTHWHILE = 1 << 25
#: Why a fit ends before its minimum.
ENDED = (Status.MAX_ITER, Status.STOPPED, Status.INTERRUPTED)


def minimize_mixed(
    objective: Objective,
    parameters: Array,
    solver: Solver,
    *,
    max_iter: int,
    callback: Callback | None = None,
) -> Solution:
    """As `minimize`, but L-BFGS goes from 0 in single precision first, where it is faster so.

    Iterations in both are counted and called back, with parameters in double precision.
    """
    directly = partial(
        minimize, objective, parameters, solver, max_iter=max_iter, callback=callback
    )
    if not isinstance(solver, LBFGS) or not _is_worthwhile(objective, parameters):
        return directly()
    single = objective.in_single()
    if single is None:
        return directly()
    xp, dtype, keeper = namespace(parameters), parameters.dtype, MetricKeeper(parameters.shape[0])

    def watch(iteration: int, state: Any, reports: Sequence[Report]) -> bool | None:
        keeper(iteration, state, reports)
        if callback is None:
            return None
        point = state.point._replace(parameters=xp.astype(state.parameters, dtype))
        return callback(iteration, state._replace(point=point), reports)

    start, loose = xp.astype(parameters, single.penalty.dtype), max(solver.tol, SINGLE_TOL)
    rough = minimize(single, start, replace(solver, tol=loose), max_iter=max_iter, callback=watch)
    rough = rough._replace(parameters=xp.astype(rough.parameters, dtype))
    n_iter, statuses = max(rough.n_iter), rough.statuses
    if n_iter == max_iter or any(status in ENDED for status in statuses):
        ends = [status if status in ENDED else Status.MAX_ITER for status in statuses]
        return rough._replace(statuses=ends)
    try:
        point, objective = fitting(objective, lambda parts: parts.start(rough.parameters))
    except KeyboardInterrupt:
        return rough._replace(statuses=[Status.INTERRUPTED] * len(statuses))
    if not to_list(xp.all(point.value < objective.null_value)):
        return directly()
    led = solver.tol == loose and all(status is Status.CONVERGED for status in statuses)
    metric, pairs = _cast((keeper.metric, keeper.pairs), dtype)
    solver = replace(solver, metric=metric, point=point, pairs=pairs, led=led)
    exact = minimize(
        objective,
        point.parameters,
        solver,
        max_iter=max_iter - n_iter,
        callback=callback and (lambda i, state, reports: callback(n_iter + i, state, reports)),
    )
    n_iters = [first + then for first, then in zip(rough.n_iter, exact.n_iter, strict=True)]
    curves = [first + then for first, then in zip(rough.curves, exact.curves, strict=True)]
    return exact._replace(n_iter=n_iters, curves=curves)


def _is_worthwhile(objective: Objective, parameters: Array) -> bool:
    """Whether single precision saves time, and there is a way to go."""
    xp, network, n_problems = namespace(parameters), objective.network, parameters.shape[0]
    if parameters.dtype != xp.float64 or not network.is_linear or objective.hessian_is_cheap:
        return False
    n_features, n_classes = network.layer_sizes
    if n_problems * objective.n_samples * n_features * n_classes < WORTHWHILE:
        return False
    return not to_list(xp.any(parameters != 0))


def _cast(x: Any, dtype: Any) -> Any:
    """x with all its arrays in `dtype`."""
    return map_leaves(
        lambda leaf: namespace(leaf).astype(leaf, dtype) if is_array(leaf) else leaf, x
    )
