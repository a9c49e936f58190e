"""L-BFGS over a batch of problems, preconditioned.

The direction is -H g, with H the inverse Hessian that the last pairs of changes of parameters and
gradient imply (Nocedal, 1980, "Updating quasi-Newton matrices with limited storage"), from
H_0 = (s'y / y'Py) P of the newest pair s, y. P is an approximate inverse Hessian, made anew where
the solver stands every few iterations, or the identity.

P is linear, so that its product with every gradient is all that is needed of it: a change of
gradient has the change of those products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..arrays import Array, namespace, vecdot
from ..curvature.inverse_hessian import Identity, InverseHessian
from ..objective.line_restriction import Iterate
from ..objective.policy import DEFAULT
from .convergence import (
    WINDOW,
    GapEstimate,
    GapReport,
    Proof,
    Rounding,
    extrapolated_gap,
    max_norm,
    prove,
)
from .line_search import LineSearch, downhill, search, to_host_scalars
from .pairs import Pairs
from .protocols import Curvature, Objective, WarmStart
from .solution import Status


class LBFGSState(NamedTuple):
    """Where the solver stands, and where it will go next."""

    iterate: Iterate
    Pg: Array  #: (n_problems, n_parameters), the product of `inverse` with the gradient
    direction: Array
    pairs: Pairs
    inverse: InverseHessian
    age: int  #: iterations since it was made
    n_iter: int  #: iterations since the first one was made

    @property
    def parameters(self) -> Array:
        """(n_problems, n_parameters)."""
        return self.iterate.parameters

    def select(self, problems: Array) -> LBFGSState:
        """That of only some of the problems, by an array of indices."""
        return self._replace(
            iterate=self.iterate.select(problems),
            Pg=namespace(problems).take(self.Pg, problems, axis=0),
            direction=namespace(problems).take(self.direction, problems, axis=0),
            pairs=self.pairs.select(problems),
            inverse=self.inverse.select(problems),
        )

    def warm_start(self) -> WarmStart:
        """What is left to another solve."""
        known = self.inverse, self.age, self.n_iter, self.pairs
        return WarmStart(self.parameters, self.iterate, *known)


@dataclass(frozen=True)
class LBFGSReport(GapReport):
    """What the host knows of one problem."""

    first_step: float  #: to try along it
    within_tol: bool  #: whether the gap seems to be
    values: list[float]  #: the latest, newest last


@dataclass(frozen=True)
class LBFGS:
    """Converged when `DOUBT` gap <= tol (f(0) - f) and gap / f <= sqrt(tol), as estimated.

    Two consecutive estimates must be below `tol`, or one below tol / 10. Stalled where rounding
    hides what is left to gain.

    With `curvature`, an inverse Hessian is made after `iterations_before_curvature`, and again when
    the last one has served so long that its cost is `curvature_share` of the evaluations since. It
    may cost that share of all iterations so far. So curvature never costs more than a constant
    factor of what evaluations did.
    If the solver `certifies`, it has converged only where an exact Newton step proves it.
    """

    tol: float = 1e-4
    memory: int = 10
    curvature: Curvature | None = None
    iterations_before_curvature: int = DEFAULT.iterations_before_curvature
    curvature_share: float = DEFAULT.curvature_share
    certifies: bool = False

    def init(self, objective: Objective, start: WarmStart) -> tuple[LBFGSState, list[LBFGSReport]]:
        """The state before the first step."""
        iterate, inverse = start.iterate, start.inverse or Identity()
        if iterate is None:
            iterate = objective.evaluate(start.parameters)
        Pg = inverse.solve(iterate.gradient, objective.strength)
        pairs = start.pairs or Pairs.none(Pg, self.memory)
        state, scalars = _state(
            iterate,
            Pg,
            start.first_step_pairs or pairs,
            inverse,
            objective.strength,
            start.age,
            start.n_iter,
        )
        rounding = Rounding.of(iterate.value)
        reports = []
        known = iterate.value, objective.values_at_zero, *scalars
        for value, value_at_zero, norm, slope, step, _ in to_host_scalars(*known):
            amount, value_floor = -0.5 * inverse.error_factor * slope, rounding.value_floor(value)
            is_hidden = rounding.hides(amount, value)
            estimate = GapEstimate.of(amount, value, value_floor, is_hidden, value_at_zero)
            within_tol = estimate.within(self.tol)
            is_converged = within_tol and (start.previously_converged or is_hidden)
            status = estimate.status(is_converged or amount == 0)
            status, within_tol = self._unproved(status, within_tol)
            reports.append(
                LBFGSReport(
                    value,
                    norm,
                    estimate.gap,
                    status,
                    slope,
                    value_floor,
                    value_at_zero,
                    step,
                    within_tol,
                    [value],
                )
            )
        return state._replace(pairs=pairs), reports

    def update(
        self, objective: Objective, state: LBFGSState, reports: Sequence[LBFGSReport]
    ) -> tuple[LBFGSState, list[LBFGSReport]]:
        """One step."""
        proofs: Sequence[Proof | None] = [None] * len(reports)
        if self.certifies and any(report.within_tol for report in reports):
            state, reports, proofs = self._with_newton_step(objective, state, reports)
        else:
            state, reports = self._with_new_inverse(objective, state, reports)
        inverse, age, n_iter = state.inverse, state.age + 1, state.n_iter + 1

        def state_at(iterate: Iterate) -> tuple[LBFGSState, tuple[Array, ...]]:
            s = iterate.parameters - state.parameters
            y = iterate.gradient - state.iterate.gradient
            Pg = inverse.solve(iterate.gradient, objective.strength)
            Py = y if inverse.is_identity else Pg - state.Pg
            pairs = state.pairs.with_pair(s, y, Py)
            return _state(iterate, Pg, pairs, inverse, objective.strength, age, n_iter)

        rounding = Rounding.of(state.Pg)
        searches = [LineSearch.begin(r.value, r.slope, r.first_step, rounding.eps) for r in reports]
        after, ends = search(objective, state.iterate, state.direction, searches, state_at)
        return after, [
            self._report(before, end.step, end.value, end.scalars, proof, inverse, rounding)
            for before, end, proof in zip(reports, ends, proofs, strict=True)
        ]

    def _with_newton_step(
        self, objective: Objective, state: LBFGSState, reports: Sequence[LBFGSReport]
    ) -> tuple[LBFGSState, list[LBFGSReport], list[Proof]]:
        """The state with the exact Newton step, and what that proves of the gap."""
        assert self.curvature is not None
        step = self.curvature.newton_step(objective, state.iterate, state.inverse, self.tol)
        slopes, proofs = prove(step, reports, self.tol)
        pairs = zip(reports, slopes, strict=True)
        reports = [replace(report, slope=slope, first_step=1.0) for report, slope in pairs]
        return state._replace(direction=step.direction), reports, proofs

    def _with_new_inverse(
        self, objective: Objective, state: LBFGSState, reports: Sequence[LBFGSReport]
    ) -> tuple[LBFGSState, Sequence[LBFGSReport]]:
        """With a new inverse Hessian, if that is due, and the direction by it."""
        wait = max(self.iterations_before_curvature, state.inverse.cost / self.curvature_share)
        if self.curvature is None or state.age < wait:
            return state, reports
        if all(report.within_tol for report in reports):
            return state, reports  # the fit is about to end
        iterate, strength = state.iterate, objective.strength
        max_cost = self.curvature_share * state.n_iter
        inverse = self.curvature.approximate_inverse(objective, iterate, max_cost)
        if inverse is None:
            return state._replace(age=0), reports
        pairs = state.pairs.under(inverse, strength)
        Pg = inverse.solve(iterate.gradient, strength)
        state, (_, slope, *_) = _state(iterate, Pg, pairs, inverse, strength, 0, state.n_iter)
        known = zip(reports, to_host_scalars(slope), strict=True)
        return state, [replace(report, slope=slope) for report, (slope,) in known]

    def _report(
        self,
        before: LBFGSReport,
        step: float,
        value: float,
        scalars: Sequence[float],
        proof: Proof | None,
        inverse: InverseHessian,
        rounding: Rounding,
    ) -> LBFGSReport:
        """What `scalars` of `_state` say of the gap after a step."""
        norm, slope, first_step, preconditioner_slope = scalars
        values = [*before.values[1 - WINDOW :], value]
        quadratic_model_gap = -0.5 * inverse.error_factor * slope
        is_hidden = rounding.hides(quadratic_model_gap, value)
        amount = quadratic_model_gap
        if not is_hidden:
            preconditioner_gap = -0.5 * inverse.error_factor * preconditioner_slope
            if not inverse.is_identity:
                amount = max(amount, preconditioner_gap)
            amount = max(amount, extrapolated_gap(values))
        estimate = GapEstimate.of(
            amount, value, before.value_floor, is_hidden, before.value_at_zero
        )
        within_tol = estimate.within(self.tol)
        at_least = min(values[-2] - value, self.tol * min(estimate.gained, abs(value)))
        gap = max(estimate.gap, at_least / (abs(value) + before.value_floor))
        is_converged = within_tol and (before.within_tol or is_hidden)
        is_converged = is_converged or estimate.within(0.1 * self.tol) or quadratic_model_gap == 0
        status = estimate.status(is_converged, step != 0)
        if proof is None:
            status, within_tol = self._unproved(status, within_tol)
        else:
            gap, status = proof.estimate.gap, proof.estimate.status(proof.holds, step != 0)
        return replace(
            before,
            value=value,
            gradient_norm=norm,
            gap=gap,
            status=status,
            slope=slope,
            first_step=first_step,
            within_tol=within_tol,
            values=values,
        )

    def _unproved(self, status: Status, within_tol: bool) -> tuple[Status, bool]:
        """The status of a problem, which goes on until a proof holds if the solver certifies."""
        if self.certifies and status in (Status.CONVERGED, Status.STALLED):
            return Status.RUNNING, True
        return status, within_tol


def _state(
    iterate: Iterate,
    Pg: Array,
    pairs: Pairs,
    inverse: InverseHessian,
    strength: Array,
    age: int,
    n_iter: int,
) -> tuple[LBFGSState, tuple[Array, ...]]:
    """The state at `iterate`, and scalars of each problem.

    They are the norm of the gradient, the slope along the direction, the first step to try, and the
    slope of the preconditioner alone.
    """
    xp, g = namespace(iterate.value), iterate.gradient
    direction, slope = downhill(g, pairs.inverse_hessian_product(g, Pg))
    step = _first_step(g, pairs, strength) if inverse.is_identity else xp.ones_like(slope)
    scalars = max_norm(g), slope, step, -vecdot(g, Pg)
    return LBFGSState(iterate, Pg, direction, pairs, inverse, age, n_iter), scalars


def _first_step(g: Array, pairs: Pairs, strength: Array) -> Array:
    """As far as pairs say; without any, no further than 1 in all, and than the penalty allows."""
    xp = namespace(g)
    short = 1.0 / xp.maximum(xp.maximum(xp.sum(xp.abs(g), axis=1), strength), 1.0)
    return xp.where(pairs.curvature > 0, 1.0, short)
