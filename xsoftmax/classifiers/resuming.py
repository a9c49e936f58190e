"""Fits that go on where they were cut off."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from ..arrays import is_array
from ..sources import RowsLike, as_source, checkpointing, digest


def resuming(
    estimator: Any, path: Any, every: float, Xs: Sequence[RowsLike], *given: Any
) -> AbstractContextManager[None]:
    """Keep what a fit of the rows `Xs`, and of what else is `given`, finds meanwhile, at `path`.

    The file says which settings and data it is of, and no other fit may go on from it.
    """

    def owner() -> dict[str, Any]:
        settings = {name: _stable(value) for name, value in estimator.get_params().items()}
        rows = {"X": [as_source(X).fingerprint() for X in Xs]}
        known = {"estimator": type(estimator).__name__, "labels and weights": digest(given)}
        return {**known, **settings, **rows}

    return checkpointing(path, every, owner)


def _stable(value: Any) -> str:
    """A setting in words that are the same in another process."""
    if is_array(value) or isinstance(value, (np.ndarray, tuple, list)):
        return digest(value)
    if isinstance(value, np.random.RandomState):
        return digest(value.get_state())
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    words = repr(value)
    return type(value).__qualname__ if " at 0x" in words else words
