"""What a solver sees of an inverse Hessian."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

from ..arrays import Array


class InverseHessian(Protocol):
    """A symmetric positive definite matrix for each problem: exact, approximate, or the identity.

    Gradients and products are (n_problems, n_parameters), with classes that sum to zero.
    """

    @property
    def cost(self) -> float:
        """In evaluations of value and gradient."""

    @property
    def error_factor(self) -> float:
        """By which the gap to the minimum that the matrix tells may be too small."""

    @property
    def is_identity(self) -> bool:
        """Whether nothing is known."""

    @property
    def serves_all_problems(self) -> bool:
        """Whether it is one matrix for all problems and penalties, and not one for each."""

    def solve(self, gradient: Array, strength: Array) -> Array:
        """The product with gradients, where the penalties of weights are `strength`."""

    def select(self, problems: Array) -> Self:
        """That of only some of the problems, by an array of indices."""

    def of_more_rows(self, factor: float) -> Self:
        """The same for an objective of so many times as many rows."""


@dataclass(frozen=True)
class Identity:
    """The inverse Hessian of which nothing is known."""

    cost: float = 0.0
    error_factor: float = 1.0
    is_identity: bool = True
    serves_all_problems: bool = True

    def solve(self, gradient: Array, strength: Array) -> Array:
        """The gradient."""
        return gradient

    def select(self, problems: Array) -> Self:
        """The same."""
        return self

    def of_more_rows(self, factor: float) -> Self:
        """The same."""
        return self
