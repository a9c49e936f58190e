"""Values in words, for messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def shown(value: Any) -> str:
    """`value` as a user would type it: NumPy's scalars like Python's."""
    if isinstance(value, np.generic):
        return repr(value.item())
    if type(value) in (list, tuple, set):
        start, end = repr(type(value)([0])).split("0")
        return start + ", ".join(map(shown, value)) + end
    if type(value) is dict:
        return "{" + ", ".join(f"{shown(k)}: {shown(v)}" for k, v in value.items()) + "}"
    return repr(value)


def few(values: np.ndarray | Sequence) -> str:
    """The first ten of `values`."""
    return ", ".join(map(shown, values[:10])) + (", ..." if len(values) > 10 else "")
