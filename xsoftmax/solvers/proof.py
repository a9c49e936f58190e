"""Whether a fit has converged, where a solver's own model of the loss cannot be trusted.

A row with a large cell can make nearly all of the curvature of a direction, and lose it once it is
classified. Then a quadratic model promises next to nothing, by its own curvature or by one from an
earlier point, while other rows have much to gain. The exact Newton step d = -H^-1 g tells of them.

Let f fall by G on the way e to the minimum. f is convex, so that -g'e >= G, and H d = -g means
sum_i s_i e'H_i d >= G, with H_i the Hessian of the loss of row i in its logits. A row whose logits
change by r along e takes at least s_i e'H_i e (exp(-r) + r - 1) / r^2 from what the slope promises
(Bach, 2010, "Self-concordant analysis for logistic regression", proposition 1). Both can only hold
if d changes the logits of some row by about min(1, sqrt(G)) / 3. So where the Newton step changes
no row's logits by much, the squared decrement g'H^-1 g is twice the gap.

The step is made by conjugate gradients with exact products, because the inverse of a matrix with
such curvatures loses the small ones to rounding. They are preconditioned by what the solver takes
for H^-1, and where that lacks a direction by the inverse of H's diagonal: by the sum of both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import NamedTuple

from ..arrays import Array, namespace, to_list
from ..objective.line_restriction import Point
from ..objective.objective import Objective
from .criteria import Left, Rounding
from .solution import Report
from .steps import told

#: Where no row's logits change by more along the Newton step, the decrement tells the gap.
SMALL_CHANGE = 0.5
#: The residual is small where its norm, in the preconditioner's metric, has shrunk so much.
RESIDUAL = 1e-3
#: Of such rows no less than this share of the tolerance is claimed to be left.
LEAST_CLAIM = 0.1
#: Products of the Hessian that a step may take.
MAX_PRODUCTS = 200


class NewtonStep(NamedTuple):
    """Of each problem. Arrays have `n_problems` first."""

    direction: Array  #: (n_problems, n_parameters)
    slope: Array  #: (n_problems,), along the direction
    change: Array  #: (n_problems,), the largest change of a row's logits
    bound: Array  #: (n_problems,), of the gap, whatever the step is worth
    is_exact: list[bool]


class Proof(NamedTuple):
    """What the Newton step tells of the gap where it begins."""

    left: Left
    holds: bool  #: whether the gap is within the tolerance for sure


def newton_step(
    objective: Objective, tol: float, point: Point, approximate: Callable[[Array], Array]
) -> NewtonStep:
    """-H^-1 g at `point`, by conjugate gradients.

    `approximate` multiplies gradients (n_problems, n_parameters) by what the solver takes for H^-1.
    The step is exact where the residual is small in the preconditioner's metric. What that cannot
    see is curved by the penalty p at least, and so promises at most |residual|^2 / (2 p), which
    must be within the tolerance.
    """
    xp, gradient, strength = namespace(point.value), point.gradient, objective.strength
    diagonal = objective.inverse_diagonal(point)

    def precondition(vector: Array) -> Array:
        return approximate(vector) + diagonal.times(vector)

    def along(search: Array, decrease: Array) -> tuple[Array, Array]:
        """The best multiple of a search direction, and H times that."""
        product = objective.hessian_product(point, search)
        length = _divided(decrease, xp.vecdot(search, product))[:, None]
        return length * search, length * product

    # The solver's own step first: where its H^-1 is right nothing is left to do after that.
    step = -approximate(gradient)
    direction, change = along(step, -xp.vecdot(gradient, step))
    residual = -gradient - change
    small = RESIDUAL**2 * xp.vecdot(gradient, precondition(gradient))
    unseen = xp.where(strength > 0, 2 * tol * strength * (objective.null_value - point.value), inf)
    search, left = xp.zeros_like(gradient), xp.ones_like(strength)
    for _ in range(MAX_PRODUCTS):
        z, before = precondition(residual), left
        left = xp.vecdot(residual, z)
        is_exact = to_list((left <= small) & (xp.vecdot(residual, residual) <= unseen))
        if all(is_exact):
            break
        search = z + _divided(left, before)[:, None] * search
        step, change = along(search, left)
        direction, residual = direction + step, residual - change
    slope, change = xp.vecdot(gradient, direction), objective.logit_change(point, direction)
    return NewtonStep(direction, slope, change, objective.gap_bound(point), is_exact)


def _divided(x: Array, y: Array) -> Array:
    """x / y, or 0 where y is not positive."""
    xp = namespace(x)
    return xp.where(y > 0, x / xp.where(y > 0, y, 1.0), 0.0)


def prove(
    objective: Objective, tol: float, reports: Sequence[Report], step: NewtonStep
) -> tuple[list[float], list[Proof]]:
    """The slopes of a step on the host, and what it proves of each problem.

    `reports` are of the point where it begins. Half the squared decrement is the gap; all of it is
    reported, since that far from the minimum the model is not yet exact, and a bound where nothing
    is proved. Single precision proves nothing of rows that are not plain.
    """
    slopes, proofs, rounding = [], [], Rounding.of(step.slope)
    can_tell = objective.in_double or objective.is_plain
    found = told(step.slope, step.change, step.bound)
    for report, (slope, change, bound), is_exact in zip(reports, found, step.is_exact, strict=True):
        value, gained = report.value, objective.null_value - report.value
        hidden = rounding.hides(-0.5 * slope, value) or not can_tell
        known = value, rounding.least(value), hidden, objective.null_value
        left = Left.of(-slope, *known)
        told_by_step = is_exact and change <= SMALL_CHANGE and left.within(tol)
        holds = can_tell and (told_by_step or Left.of(bound, *known).within(tol))
        amount = max(-slope, LEAST_CLAIM * tol * gained if told_by_step else bound)
        slopes.append(slope)
        proofs.append(Proof(Left.of(amount, *known), holds))
    return slopes, proofs
