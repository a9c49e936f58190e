"""Stochastic gradient descent with momentum.

    v <- m v - rate g        theta <- theta + v        Nesterov: theta <- theta + m v - rate g

with the new v in both; Sutskever et al. (2013), "On the importance of initialization and momentum
in deep learning".
"""

from __future__ import annotations

from dataclasses import dataclass

from ..arrays import Array
from .stochastic import Moments, Stochastic


@dataclass(frozen=True)
class SGD(Stochastic):
    """Minibatch steps along a velocity; `momentum` 0 is plain stochastic gradient descent."""

    momentum: float = 0.9
    nesterovs_momentum: bool = True

    def step(
        self, moments: Moments, gradient: Array, learning_rate: Array, n_steps: int
    ) -> tuple[Array, Moments]:
        """One minibatch."""
        pull = learning_rate * gradient
        velocity = self.momentum * moments[0] - pull
        return (self.momentum * velocity - pull if self.nesterovs_momentum else velocity), (
            velocity,
        )
