"""What L-BFGS knows of the Hessian: a preconditioner, and pairs of changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from ..arrays import Array, namespace
from ..objective import SAMPLE_STRIDE


class Pair(NamedTuple):
    """A change of parameters and what it changed. Vectors are (n_problems, n_parameters)."""

    s: Array  #: of the parameters
    y: Array  #: of the gradient
    Py: Array  #: of the metric's product with the gradient
    inverse_sy: Array  #: (n_problems,), 1/s'y, or 0 if the pair is unused

    @classmethod
    def of(cls, s: Array, y: Array, Py: Array) -> Pair:
        """A pair without curvature counts as none."""
        xp = namespace(s)
        sy = xp.vecdot(s, y)
        usable = sy > xp.finfo(s.dtype).eps * xp.vecdot(y, y)
        return cls(s, y, Py, xp.where(usable, 1.0 / xp.where(usable, sy, 1.0), 0.0))


class Metric(NamedTuple):
    """The preconditioner, and what decides when it is time for another."""

    preconditioner: Any
    age: int  #: iterations since it was made
    n_iter: int  #: iterations since the first one

    @property
    def is_newton(self) -> bool:
        """Whether it is the Hessian itself, which is renewed always and needs no pairs."""
        return self.preconditioner is not None and self.preconditioner.exact

    def of_more_rows(self) -> Metric:
        """The metric of a sample for all rows, to which nothing that it did counts."""
        preconditioner = self.preconditioner
        if preconditioner is None or self.is_newton:
            return self
        cost = preconditioner.cost / SAMPLE_STRIDE
        return Metric(replace(preconditioner, cost=cost), 0, 0)


class MetricKeeper:
    """A callback that remembers the solver's last metric, and the pairs."""

    metric: Metric | None = None
    pairs: tuple[Pair, ...] = ()

    def __call__(self, iteration: int, state: Any, values: list[float]) -> None:
        """Remember those of `state`."""
        self.metric, self.pairs = state.metric, state.pairs

    def of_more_rows(self, n_problems: int) -> tuple[Metric | None, tuple[Pair, ...]]:
        """What a sample taught, for all rows; pairs only where no problem left early."""
        metric = self.metric and self.metric.of_more_rows()
        fit = all(pair.s.shape[0] == n_problems for pair in self.pairs)
        return metric, self.pairs if fit else ()
