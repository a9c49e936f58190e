"""Between a batch of one linear network and scikit-learn's `coef_` and `intercept_`."""

from __future__ import annotations

from ..arrays import Array, namespace
from ..model.network import Layer, Network
from .predictor import Predictor


def published(layers: list[Layer]) -> tuple[Array, Array]:
    """(..., n_classes, n_features) and (..., n_classes); of two classes only the difference."""
    (W, b), *_ = layers
    xp = namespace(W)
    b = xp.zeros(W.shape[:2], dtype=W.dtype, device=W.device) if b is None else b
    if W.shape[1] == 2:
        return W[:, 1:, :] - W[:, :1, :], b[:, 1:] - b[:, :1]
    return W, b


class LinearPredictor(Predictor):
    """Keeps its layers as ``coef_`` and ``intercept_``."""

    coef_: Array
    intercept_: Array

    def _network(self, n_features: int, n_classes: int) -> Network:
        return Network((n_features, n_classes), "identity", self.fit_intercept)

    def _set_layers(self, layers: list[Layer]) -> None:
        coef, intercept = published(layers)
        self.coef_, self.intercept_ = coef[0, ...], intercept[0, ...]

    def _layers(self) -> list[Layer]:
        xp, W, b = namespace(self.coef_), self.coef_, self.intercept_
        if W.shape[0] == 1:
            W, b = xp.concat([-W / 2, W / 2]), xp.concat([-b / 2, b / 2])
        return [(W[None, ...], b[None, ...])]


def penalty_strength(C: float, n_classes: int) -> float:
    """What, divided by the sum of the sample weights, multiplies half the squared weights.

    Two rows that differ by w have ||W||^2 = ||w||^2 / 2 at their best, so that for two classes the
    penalty is doubled to be scikit-learn's.
    """
    return (2 if n_classes == 2 else 1) / float(C)
