"""The one place that decides how a problem is solved.

Which solver, on which rows first, in which precision first, from where, and with which inverse
Hessian: by the thresholds of the objective's `Policy` and the costs of `curvature.costs`. Every
estimator that solves to a tolerance comes by here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from .. import curvature
from ..arrays import Array, is_out_of_memory, namespace, to_list
from ..curvature.costs import (
    best_affordable,
    evaluation_cost,
    exact_inverse_cost,
    hessian_rows,
    sizes_of,
    work_of_evaluation,
)
from ..curvature.covariances import anisotropy
from ..curvature.inverse_hessian import Identity, InverseHessian
from ..objective.objective import Objective
from .continuation import Stage, continuation
from .lbfgs import LBFGS
from .minimize import Callback, minimize
from .newton import Newton
from .protocols import WarmStart
from .ridge_start import ridge_start
from .solution import Solution, Status


class Plan(NamedTuple):
    """How some objectives, which differ in their penalties, are minimised one after another."""

    solver_to: Callable[[float], LBFGS | Newton]  #: a tolerance
    stages: Iterator[Stage]
    start: Callable[[Objective], WarmStart]  #: of the first stage


def fit(
    objective: Objective,
    parameters: Array,
    *,
    tol: float,
    max_iter: int,
    callback: Callback | None = None,
    inverse: InverseHessian | None = None,
) -> Solution:
    """Minimise one objective from `parameters` (n_problems, n_parameters) to `tol`.

    Iterations in single precision count, and are called back; those on samples do not. `inverse` is
    one from a problem nearby, if any is known.
    """
    if not objective.network.is_linear:
        start = WarmStart(parameters)
        return minimize(objective, start, LBFGS(tol), max_iter=max_iter, callback=callback)
    solver_to, stages, start_of = plan([objective], parameters, tol, max_iter, inverse)
    if callback is not None:
        callback = _with_parameters_like(parameters, callback)
    counted: list[Solution] = []
    try:
        for stage, solution in continuation(stages, start_of, solver_to, callback):
            if not stage.is_sample:
                counted.append(solution)
                if _has_ended(solution, max_iter):
                    counted[-1] = solution if stage.is_asked else _unfinished(solution)
                    break
    except KeyboardInterrupt:
        if not counted:
            raise
        statuses = [Status.INTERRUPTED] * len(counted[-1].statuses)
        counted[-1] = counted[-1]._replace(statuses=statuses)
    return _joined(counted, parameters, max_iter)


def follow_path(
    objectives: Sequence[Objective], parameters: Array, *, tol: float, max_iter: int
) -> Iterator[Solution]:
    """Minimise objectives that differ in their penalties, best from the strongest to the weakest.

    Each begins where the last ones ended, with their curvature, so that this is renewed no more
    often than pays over the whole path. A path of one objective is a `fit`.
    """
    if len(objectives) == 1:
        yield fit(objectives[0], parameters, tol=tol, max_iter=max_iter)
        return
    solver_to, stages, start_of = plan(objectives, parameters, tol, max_iter)
    for stage, solution in continuation(stages, start_of, solver_to):
        if stage.is_asked:
            yield solution


def plan(
    objectives: Sequence[Objective],
    parameters: Array,
    tol: float,
    max_iter: int,
    inverse: InverseHessian | None = None,
) -> Plan:
    """How to minimise `objectives` of a linear model, one after another, from `parameters`."""
    objective = objectives[0]
    uses_newton, policy = newton_pays(objective), objective.policy
    from_zero = not to_list(namespace(parameters).any(parameters != 0))
    certifies = objective.rows.has_large_cells

    def solver_to(tol: float) -> LBFGS | Newton:
        if uses_newton:
            return Newton(tol, certifies, policy.lengthens_newton_steps)
        return LBFGS(
            tol,
            curvature=curvature,
            iterations_before_curvature=policy.iterations_before_curvature,
            curvature_share=policy.curvature_share,
            certifies=certifies,
        )

    def stages() -> Iterator[Stage]:
        smaller = [objective]
        if from_zero and len(objectives) == 1 and float32_pays(objective, uses_newton):
            single = objective.to_float32()
            smaller = [single, objective] if single else smaller
        if from_zero:
            for sample in samples(smaller[0], uses_newton):
                loose = max(tol, policy.sample_tol)
                yield Stage(sample, loose, max_iter, is_asked=False, is_sample=True)
        for single in smaller[:-1]:
            yield Stage(single, max(tol, policy.float32_tol), max_iter, is_asked=False)
        yield Stage(objective, tol, max_iter)
        for following in objectives[1:]:
            yield Stage(following, tol, max_iter)

    def start(first: Objective) -> WarmStart:
        xp, dtype = namespace(parameters), first.penalty.dtype
        if from_zero:
            return start_from_zero(first, xp.astype(parameters, dtype, copy=False), uses_newton)
        centered = first.network.centered(xp.astype(parameters, dtype, copy=False))
        iterate = first.evaluate(centered)
        if uses_newton:
            return WarmStart(centered, iterate)
        known = inverse
        if known is None and curvature_pays(first):
            known = curvature.approximate_inverse(first, iterate, policy.max_cost_at_zero)
        return WarmStart(centered, iterate, known or Identity())

    return Plan(solver_to, stages(), start)


def start_from_zero(objective: Objective, zeros: Array, uses_newton: bool) -> WarmStart:
    """Where all parameters are 0, or where ridge regression leads from there."""
    origin = objective.evaluate_at_zero(zeros)
    if uses_newton:
        return WarmStart(zeros, origin)
    policy, inverse = objective.policy, None
    is_uniform = objective.rows.offset is None
    if curvature_pays(objective):
        max_cost = policy.max_cost_at_zero
        inverse = curvature.approximate_inverse(objective, origin, max_cost, at_zero=is_uniform)
    if inverse is None:
        return WarmStart(zeros, origin, Identity())
    led = ridge_start(objective, origin, inverse) if is_uniform and policy.ridge_shares else None
    return led or WarmStart(zeros, origin, inverse)


def newton_pays(objective: Objective) -> bool:
    """Whether exact Hessians cost no more than the evaluations that they save."""
    network, policy = objective.network, objective.policy
    if not network.is_linear:
        return False
    sizes = sizes_of(objective)
    cost = exact_inverse_cost(network, sizes, policy) / evaluation_cost(network, sizes)
    return cost <= policy.max_cost_of_newton


def curvature_pays(objective: Objective) -> bool:
    """Whether to buy curvature before anything was evaluated.

    It is worth most where some directions are much more curved than others, which few rows foretell
    (of 50 problems drawn at random, nearly all with a lower anisotropy took longer so, and nearly
    all with a higher one less long); and all eigenvectors may cost next to nothing.
    """
    sizes, policy = sizes_of(objective), objective.policy
    max_cost = policy.max_cost_of_eigenvectors
    cheap = best_affordable(objective.network, sizes, max_cost, policy, at_zero=True)
    return cheap is not None or is_uneven(objective)


def is_uneven(objective: Objective) -> bool:
    """Whether few rows tell of directions that are much more curved at 0 than others.

    The largest curvature is n_features times the mean at most, so that less is much of few.
    """
    network, n_samples, policy = objective.network, objective.n_samples, objective.policy
    probed = objective.gathered.subsample(policy.few_rows)
    (block,) = probed.rows.blocks(probed.n_samples)
    uneven = anisotropy(network, block.X, objective.strength, n_samples)
    much = policy.min_anisotropy * min(1.0, network.layer_sizes[0] / 8)
    pays: bool = to_list(uneven) >= much
    return pays


def float32_pays(objective: Objective, uses_newton: bool) -> bool:
    """Whether single precision, which reads half the bytes, saves time on the way."""
    is_double = objective.penalty.dtype == namespace(objective.penalty).float64
    n_values = objective.n_samples * objective.network.layer_sizes[0]
    return is_double and not uses_newton and n_values >= objective.policy.min_values_in_float32


def samples(objective: Objective, uses_newton: bool) -> Iterator[Objective]:
    """Estimates of the objective from some of the rows, the fewest first.

    Each has a quarter of the rows of the next, if those suffice.
    """
    policy, n_rows = objective.policy, objective.n_samples
    sizes: list[int] = []
    while n_rows > policy.sample_stride:
        n_rows //= policy.sample_stride
        if _sample_pays(objective, n_rows, uses_newton):
            sizes.insert(0, n_rows)
    for n_rows in sizes:
        try:
            sample = objective.subsample(n_rows)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return
        yield sample


def _sample_pays(objective: Objective, n_rows: int, uses_newton: bool) -> bool:
    """Whether so many rows suffice, and a step on them costs much less than one on all."""
    policy, network = objective.policy, objective.network
    n_features, n_classes = network.layer_sizes
    if n_rows < policy.min_sample_rows * max(n_features, n_classes):
        return False
    is_large = n_rows * n_features > policy.max_gathered_values
    if is_large and not objective.rows.source.has_samples_in_place:
        return False
    if uses_newton:  # the rows that make its Hessian are no fewer there
        return n_rows >= policy.sample_stride * hessian_rows(network, policy)
    sizes = sizes_of(objective)._replace(n_samples=n_rows)
    return work_of_evaluation(network, sizes) >= policy.min_work_of_sample


#: The statuses with which a fit ends before its last stage.
ENDS = (Status.MAX_ITER, Status.STOPPED, Status.INTERRUPTED)


def _has_ended(solution: Solution, max_iter: int) -> bool:
    """Whether the fit ends before its last stage."""
    return max(solution.n_iter) == max_iter or any(status in ENDS for status in solution.statuses)


def _unfinished(solution: Solution) -> Solution:
    """The solution of a stage on the way: its tolerance and precision were not those asked for."""
    statuses = [status if status in ENDS else Status.MAX_ITER for status in solution.statuses]
    return solution._replace(statuses=statuses)


def _joined(counted: list[Solution], like: Array, max_iter: int) -> Solution:
    """The last solution, with the iterations of all, in the dtype of `like`."""
    last = counted[-1]
    parameters = namespace(like).astype(last.parameters, like.dtype, copy=False)
    n_iters = [sum(each) for each in zip(*(solution.n_iter for solution in counted), strict=True)]
    curves = [
        [value for curve in each for value in curve]
        for each in zip(*(solution.curves for solution in counted), strict=True)
    ]
    return last._replace(parameters=parameters, n_iter=n_iters, curves=curves)


def _with_parameters_like(like: Array, callback: Callback) -> Callback:
    """`callback` that is given parameters in the dtype of `like`."""
    xp = namespace(like)
    return lambda iteration, parameters, reports: callback(
        iteration, xp.astype(parameters, like.dtype, copy=False), reports
    )
