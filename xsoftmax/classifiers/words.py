"""Values in words, for messages."""

from __future__ import annotations

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


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(map(_plain, value))
    return value
