"""What L-BFGS knows of the Hessian: a preconditioner, and pairs of changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ..arrays import Array, block_values, compiled, namespace, row_slices
from ..objective.objective import SAMPLE_STRIDE, Objective
from .newton import NewtonState
from .solution import Report


class Pair(NamedTuple):
    """A change of parameters and what it changed. Vectors are (n_problems, n_parameters)."""

    s: Array  #: of the parameters
    y: Array  #: of the gradient
    Py: Array  #: of the metric's product with the gradient
    inverse_sy: Array  #: (n_problems,), 1/s'y, or 0 if the pair is unused

    @classmethod
    def of(cls, s: Array, y: Array, Py: Array) -> Pair:
        """A pair without curvature counts as none."""
        return cls(s, y, Py, _inverse_sy(s, y))


@compiled
def _inverse_sy(s: Array, y: Array) -> Array:
    """(n_problems,): 1/s'y, or 0 where rounding may have made all of that."""
    xp = namespace(s)
    sy, lengths = xp.vecdot(s, y), xp.sqrt(xp.vecdot(s, s)) * xp.sqrt(xp.vecdot(y, y))
    usable = sy > xp.finfo(s.dtype).eps * lengths
    return xp.where(usable, 1.0 / xp.where(usable, sy, 1.0), 0.0)


class Metric(NamedTuple):
    """The preconditioner, and what decides when it is time for another."""

    preconditioner: Any
    age: int  #: iterations since it was made
    n_iter: int  #: iterations since the first one

    def of_more_rows(self) -> Metric:
        """The metric of a sample for all rows, to which nothing that it did counts."""
        preconditioner = self.preconditioner
        if preconditioner is None:
            return self
        cost = preconditioner.cost / SAMPLE_STRIDE
        return Metric(replace(preconditioner, cost=cost), 0, 0)


class MetricKeeper:
    """A callback that remembers what a solver knew of the Hessian last: its metric, and the last
    pairs or inverses of all problems.
    """

    def __init__(self, n_problems: int) -> None:
        self.n_problems = n_problems
        self.metric: Metric | None = None
        self.pairs: tuple[Pair, ...] = ()
        self.inverse: Array | None = None

    def __call__(self, iteration: int, state: Any, reports: Sequence[Report]) -> None:
        """Remember those of `state`, what each problem has until the first problem leaves."""
        whole = len(reports) == self.n_problems
        if isinstance(state, NewtonState):
            self.inverse = state.inverse if whole else self.inverse
        else:
            self.metric, self.pairs = state.metric, state.pairs if whole else self.pairs

    def pairs_for(self, objective: Objective, more: Array) -> tuple[Pair, ...]:
        """The pairs as `objective` sees them, whose penalty is `more` and whose rows are alike."""
        changes = [(pair.s, pair.y + more * pair.s) for pair in self.pairs]
        return pairs_under(self.metric, objective, changes)


def pairs_under(
    metric: Metric | None, objective: Objective, changes: Sequence[tuple[Array, Array]]
) -> tuple[Pair, ...]:
    """Pairs of changes s and y, with the metric's products, made for as many at once as is cheap.

    A product with one gradient reads all of the metric; one with many reads it once.
    """
    if metric is None or not changes:
        return ()
    xp, (n_problems, n_parameters) = namespace(changes[0][0]), changes[0][0].shape
    size = max(1, block_values(changes[0][0]) // (n_problems * n_parameters))
    pairs: list[Pair] = []
    for some in row_slices(len(changes), size):
        y = xp.concat([y for _, y in changes[some]])
        Py = objective.precondition(metric.preconditioner, y)
        for rows, (s, y) in zip(row_slices(Py.shape[0], n_problems), changes[some], strict=True):
            pairs.append(Pair.of(s, y, Py[rows, ...]))
    return tuple(pairs)
