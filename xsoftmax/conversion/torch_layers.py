"""The torch modules that `to_torch` builds with. Imports torch, so it is imported late."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

ACTIVATIONS = {
    "logistic": nn.Sigmoid,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "gelu": partial(nn.GELU, approximate="tanh"),
}
_NORMS = {"l1": 1.0, "l2": 2.0, "max": float("inf")}


class Scale(nn.Module):
    """Subtract, divide, multiply, add and clip, as scikit-learn's scalers do."""

    subtract: torch.Tensor | None
    divide: torch.Tensor | None
    multiply: torch.Tensor | None
    add: torch.Tensor | None

    def __init__(self, clip: tuple[float, float] | None, **arrays: np.ndarray | None) -> None:
        super().__init__()
        self.clip = clip
        for name, array in arrays.items():
            tensor = None if array is None else torch.from_numpy(array.copy())
            self.register_buffer(name, tensor)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Scale the rows."""
        if self.subtract is not None:
            X = X - self.subtract
        if self.divide is not None:
            X = X / self.divide
        if self.multiply is not None:
            X = X * self.multiply
        if self.add is not None:
            X = X + self.add
        return X if self.clip is None else X.clamp(*self.clip)


class Normalize(nn.Module):
    """Divide each row by its norm, unless scikit-learn takes that for 0."""

    def __init__(self, norm: str) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Scale the rows."""
        norms = torch.linalg.vector_norm(X, _NORMS[self.norm], dim=1, keepdim=True)
        is_zero = norms < 10 * torch.finfo(X.dtype).eps
        return X / torch.where(is_zero, torch.ones_like(norms), norms)

    def extra_repr(self) -> str:
        """What `repr` shows."""
        return repr(self.norm)


def linear(W: np.ndarray, b: np.ndarray) -> nn.Linear:
    """A layer with the weights W (n_out, n_in) and the bias b (n_out,)."""
    n_out, n_in = W.shape
    layer: Any = nn.Linear(n_in, n_out, dtype=torch.from_numpy(W).dtype)
    layer.load_state_dict({"weight": torch.from_numpy(W), "bias": torch.from_numpy(b.copy())})
    return layer
