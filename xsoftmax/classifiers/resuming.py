"""Fits that go on where they were cut off."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from ..sources import RowsLike, checkpointing, digest, fingerprint_of_rows
from .words import shown


def resuming(
    estimator: Any, path: Any, every: float, X: RowsLike, *given: Any
) -> AbstractContextManager[None]:
    """Keep what a fit of X, and of what else is `given`, finds meanwhile in the file at `path`.

    The file says which settings and data it is of, and no other fit may go on from it.
    """

    def owner() -> dict[str, Any]:
        settings = {name: shown(value) for name, value in estimator.get_params().items()}
        rows = {"X": fingerprint_of_rows(X), "labels and weights": digest(given)}
        return {"estimator": type(estimator).__name__, **settings, **rows}

    return checkpointing(path, every, owner)
