"""Values in words, for messages, and warnings that name the line of the caller."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np


def shown(value: Any) -> str:
    """``repr(value)``, with NumPy's scalars as the numbers and strings that they hold.

    Parameters
    ----------
    value : object

    Returns
    -------
    text : str

    Examples
    --------
    >>> shown([np.str_("cat"), np.int64(3)])
    "['cat', 3]"
    """
    return repr(_plain(value))


def few(values: np.ndarray | Sequence) -> str:
    """The first ten of `values`."""
    return ", ".join(map(shown, values[:10])) + (", ..." if len(values) > 10 else "")


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called xsoftmax, itself or through scikit-learn and joblib."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_within(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_within(module: str) -> bool:
    return module.partition(".")[0] in ("xsoftmax", "sklearn", "joblib", "contextlib")


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(map(_plain, value))
    return value
