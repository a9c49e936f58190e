"""What other libraries make of the same problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xsoftmax.objective.objective import Objective


def torch_steps(
    torch: Any,
    objective: Objective,
    parameters: np.ndarray,
    X: np.ndarray,
    y: np.ndarray,
    make: Callable[[list[Any]], Any],
) -> np.ndarray:
    """Parameters after 20 steps on all rows with the optimizer of torch that `make` makes."""
    W, b = (
        torch.tensor(part[0], requires_grad=True)
        for part in objective.network.unpack(parameters)[0]
    )
    optimizer = make([W, b])
    for _ in range(20):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(torch.tensor(X) @ W.T + b, torch.tensor(y))
        loss.backward()
        optimizer.step()
    return torch.cat([W.flatten(), b]).detach().numpy()
