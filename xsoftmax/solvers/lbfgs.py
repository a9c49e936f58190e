"""L-BFGS over a batch of problems.

The direction is -H g, with H the inverse Hessian estimate that the last pairs s = change of
parameters, y = change of gradient imply: the two-loop recursion of Nocedal (1980), "Updating
quasi-Newton matrices with limited storage", from H_0 = s'y / y'y.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..arrays import Array, namespace
from ..objective import Objective
from .criteria import converged_where, max_norm
from .line_search import strong_wolfe
from .solution import Status


class LBFGSState(NamedTuple):
    """The pairs s, y are (n_problems, memory, n_parameters), newest last; 1/s'y is 0 for none."""

    parameters: Array
    value: Array
    gradient_norm: Array
    status: Array
    gradient: Array
    s: Array
    y: Array
    inverse_sy: Array


@dataclass(frozen=True)
class LBFGS:
    """Converged when max |gradient| <= `tol`; stalled when no lower point is found."""

    tol: float = 1e-4
    memory: int = 10

    def init(self, objective: Objective, parameters: Array) -> LBFGSState:
        """One pass: value and gradient at the start."""
        xp = namespace(parameters)
        value, gradient = objective.value_and_gradient(parameters)
        norm = max_norm(gradient)
        pairs = xp.zeros_like(xp.expand_dims(parameters, axis=1))
        pairs = xp.concat([pairs] * self.memory, axis=1)
        status = converged_where(norm <= self.tol, value)
        return LBFGSState(
            parameters, value, norm, status, gradient, pairs, pairs, pairs[:, :, 0]
        )  # fmt: skip

    def update(self, objective: Objective, state: LBFGSState) -> LBFGSState:
        """One direction and one line search."""
        xp = namespace(state.parameters)
        direction, slope = _descent(state)
        first_step = xp.where(
            state.inverse_sy[:, -1] > 0,
            1.0,
            xp.clip(1.0 / xp.sum(xp.abs(state.gradient), axis=1), max=1.0),
        )
        ray = objective.along(state.parameters, direction)
        step = strong_wolfe(ray, state.value, slope, first_step)
        change = step.length[:, None] * direction
        norm = max_norm(step.gradient)
        status = converged_where(norm <= self.tol, step.value)
        stalled = (status == 0) & (step.length == 0)
        s, y, inverse_sy = _remember(state, change, step.gradient - state.gradient)
        return LBFGSState(
            parameters=state.parameters + change,
            value=step.value,
            gradient_norm=norm,
            status=xp.where(stalled, float(Status.STALLED), status),
            gradient=step.gradient,
            s=s,
            y=y,
            inverse_sy=inverse_sy,
        )


def _descent(state: LBFGSState) -> tuple[Array, Array]:
    """-H g and its slope; steepest descent where rounding has spoilt H."""
    xp = namespace(state.gradient)
    direction = -_apply_inverse_hessian(state)
    slope = xp.sum(direction * state.gradient, axis=1)
    uphill = ~(slope < 0)
    direction = xp.where(uphill[:, None], -state.gradient, direction)
    steepest = -xp.sum(state.gradient * state.gradient, axis=1)
    return direction, xp.where(uphill, steepest, slope)


def _apply_inverse_hessian(state: LBFGSState) -> Array:
    xp = namespace(state.gradient)
    newest_first = range(state.s.shape[1] - 1, -1, -1)
    q, alphas = state.gradient, {}
    for i in newest_first:
        alphas[i] = state.inverse_sy[:, i] * xp.sum(state.s[:, i, :] * q, axis=1)
        q = q - alphas[i][:, None] * state.y[:, i, :]
    yy = xp.sum(state.y[:, -1, :] * state.y[:, -1, :], axis=1)
    curvature = state.inverse_sy[:, -1] * yy  # y'y / s'y
    r = q / xp.where(curvature > 0, curvature, 1.0)[:, None]
    for i in reversed(newest_first):
        beta = state.inverse_sy[:, i] * xp.sum(state.y[:, i, :] * r, axis=1)
        r = r + (alphas[i] - beta)[:, None] * state.s[:, i, :]
    return r


def _remember(state: LBFGSState, s: Array, y: Array) -> tuple[Array, Array, Array]:
    """Append the pair and forget the oldest; a pair without curvature counts as none."""
    xp = namespace(s)
    sy = xp.sum(s * y, axis=1)
    usable = sy > xp.finfo(s.dtype).eps * xp.sum(y * y, axis=1)
    inverse_sy = xp.where(usable, 1.0 / xp.where(usable, sy, 1.0), 0.0)
    return (
        xp.concat([state.s[:, 1:, :], s[:, None, :]], axis=1),
        xp.concat([state.y[:, 1:, :], y[:, None, :]], axis=1),
        xp.concat([state.inverse_sy[:, 1:], inverse_sy[:, None]], axis=1),
    )
