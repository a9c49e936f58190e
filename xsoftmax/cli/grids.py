"""Values of C, as the command line writes them."""

from __future__ import annotations

from typing import Any

import typer


def values_of(grid: str) -> Any:
    """The values of FROM:TO:COUNT, spaced logarithmically, or with commas between."""
    import numpy as np

    try:
        if ":" in grid:
            low, high, count = grid.split(":")
            values = np.geomspace(float(low), float(high), int(count))
        else:
            values = np.asarray([float(C) for C in grid.split(",")])
    except (ValueError, MemoryError):
        values = np.zeros(0)
    if values.size == 0 or not np.all(np.isfinite(values) & (values > 0)):
        raise typer.BadParameter(
            "--Cs must be FROM:TO:COUNT with numbers above 0, like 1e-6:1e5:45, or values with "
            f"commas between, like 0.1,1,10; got {grid!r}."
        )
    return values
