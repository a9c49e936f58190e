"""Adam: steps scaled by running moments of the gradient.

    m <- b1 m + (1 - b1) g        v <- b2 v + (1 - b2) g^2
    theta <- theta - rate * m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon)

Algorithm 1 of Kingma and Ba (2015), arXiv 1412.6980.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from ..arrays import Array, namespace
from .stochastic import Moments, Stochastic


@dataclass(frozen=True)
class Adam(Stochastic):
    """Minibatch steps with one scale per parameter."""

    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def init_moments(self, zeros: Array) -> Moments:
        """Both moments start at zero; `step` corrects that bias."""
        return zeros, zeros

    def step(
        self, moments: Moments, gradient: Array, learning_rate: Array, n_steps: int
    ) -> tuple[Array, Moments]:
        """One minibatch; what is kept is m / (1 - b1) and v / (1 - b2), for fewer passes."""
        first = self.beta_1 * moments[0]
        first += gradient
        second = self.beta_2 * moments[1]
        second += gradient * gradient
        # The corrections of the bias, too, act on scalars.
        spread = sqrt((1 - self.beta_2**n_steps) / (1 - self.beta_2))
        rate = learning_rate * (spread * (1 - self.beta_1) / (1 - self.beta_1**n_steps))
        scale = namespace(second).sqrt(second)
        scale += self.epsilon * spread
        move = first / scale
        move *= -rate
        return move, (first, second)
