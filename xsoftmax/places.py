"""Where arrays lie: work on that device, and words for messages."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from math import prod
from typing import Any, TypeVar

from .arrays import Array, is_array, is_numpy, namespace, on_device_of, where

Function = TypeVar("Function", bound=Callable)


def on_its_device(function: Function) -> Function:
    """`function`, with the device of its first array made current: CuPy computes only there."""

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        values = (*args, *kwargs.values())
        given = next((x for x in values if not is_numpy(x) and is_array(x)), None)
        with nullcontext() if given is None else on_device_of(given):
            return function(*args, **kwargs)

    return wrapped  # type: ignore[return-value]


def megabytes(x: Array) -> str:
    """How much memory the values of `x` take, in words."""
    xp = namespace(x)
    if xp.isdtype(x.dtype, "bool"):
        bits = 8
    else:
        bits = (xp.iinfo if xp.isdtype(x.dtype, "integral") else xp.finfo)(x.dtype).bits
    return f"{prod(x.shape) * bits / 8e6:.1f} MB"


def described(x: Array) -> str:
    """Shape, dtype, size and place of `x` in words, for messages."""
    return f"X of shape {tuple(x.shape)} ({x.dtype}, {megabytes(x)}, {where(x)})"
