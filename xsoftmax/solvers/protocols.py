"""What a solver sees of an objective, and what the loop sees of a solver."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from ..arrays import Array
from ..curvature.inverse_hessian import InverseHessian
from ..curvature.newton_step import NewtonStep
from ..objective.line_restriction import Iterate, LineFunction
from .pairs import Pairs
from .solution import Report

Result = TypeVar("Result")


class Objective(Protocol):
    """Functions of n_problems problems, each of parameters of its own."""

    @property
    def values_at_zero(self) -> Array:
        """(n_problems,): f where all parameters are 0."""

    @property
    def strength(self) -> Array:
        """(n_problems,): the penalty of a weight."""

    @property
    def n_samples(self) -> int:
        """How many rows one evaluation reads."""

    def evaluate(self, parameters: Array) -> Iterate:
        """Value and gradient at parameters (n_problems, n_parameters)."""

    def restrict(self, start: Iterate, direction: Array) -> LineFunction:
        """f at start + step * direction, as a function of steps (n_problems,)."""

    def minibatches(self, batch_size: int, random_state: Any) -> Iterator[Self]:
        """Estimates of f from some rows each, of which every row makes one."""

    def select(self, problems: Sequence[int]) -> Self:
        """The functions of only some of the problems."""

    def retry_on_out_of_memory(self, step: Callable[[Self], Result]) -> tuple[Result, Self]:
        """`step` of the objective, and the objective with as few rows at a time as fit."""


class Curvature(Protocol):
    """Where a solver buys second derivatives of its objective; `xsoftmax.curvature` is one."""

    def approximate_inverse(
        self, objective: Any, iterate: Iterate, max_cost: float, /
    ) -> InverseHessian | None:
        """One at `iterate` for at most `max_cost` evaluations, or None if there is none."""

    def newton_step(
        self, objective: Any, iterate: Iterate, inverse: InverseHessian, tol: float, /
    ) -> NewtonStep:
        """The exact Newton step at `iterate`, which `inverse` preconditions."""


class WarmStart(NamedTuple):
    """What one solve leaves to the next: where it ended, and what it knew of the Hessian there."""

    parameters: Array  #: (n_problems, n_parameters)
    iterate: Iterate | None = None  #: at the parameters, if they were evaluated
    inverse: InverseHessian | None = None
    age: int = 0  #: iterations since `inverse` was made
    n_iter: int = 0  #: iterations since the first one was made
    pairs: Pairs | None = None  #: whose memory the solve may write to
    first_step_pairs: Pairs | None = None  #: which serve the first step only, instead
    previously_converged: bool = False  #: whether the last solve met the tolerance of the next

    def with_inverse_of(self, later: WarmStart) -> WarmStart:
        """The same with a `later` inverse Hessian, of some problems, if that serves all of them."""
        if later.inverse is None or not later.inverse.serves_all_problems:
            return self
        return self._replace(inverse=later.inverse, age=later.age, n_iter=later.n_iter)


class State(Protocol):
    """Where a solver stands."""

    @property
    def parameters(self) -> Array:
        """(n_problems, n_parameters)."""

    def select(self, problems: Array) -> Self:
        """That of only some of the problems, by an array of indices."""

    def warm_start(self) -> WarmStart:
        """What is left to another solve."""


O = TypeVar("O", bound=Objective, contravariant=True)  # noqa: E741
S = TypeVar("S", bound=State)
R = TypeVar("R", bound=Report)


class Solver(Protocol[O, S, R]):
    """A pair of functions. Both return a state, and a report of each problem on the host."""

    def init(self, objective: O, start: WarmStart) -> tuple[S, Sequence[R]]:
        """The state before the first iteration."""

    def update(self, objective: O, state: S, reports: Sequence[R]) -> tuple[S, Sequence[R]]:
        """The state one iteration later."""
