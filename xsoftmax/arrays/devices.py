"""Where arrays lie: work on that device, and words for messages."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import wraps
from math import prod
from typing import Any, TypeVar

import numpy as np
from array_api_compat import is_cupy_array

from .namespaces import Array, device, is_array, is_numpy, library, namespace

Function = TypeVar("Function", bound=Callable[..., Any])


def where(x: Array) -> str:
    """Library and device of `x` in words, for messages."""
    return f"{library(x)} on {device(x)}"


def describe_array(x: Array) -> str:
    """Shape, dtype, size and place of `x` in words, for messages."""
    return f"X of shape {tuple(x.shape)} ({x.dtype}, {megabytes(x)}, {where(x)})"


def megabytes(x: Array) -> str:
    """How much memory the values of `x` take, in words."""
    xp = namespace(x)
    if xp.isdtype(x.dtype, "bool"):
        bits = 8
    else:
        bits = (xp.iinfo if xp.isdtype(x.dtype, "integral") else xp.finfo)(x.dtype).bits
    return f"{prod(x.shape) * bits / 8e6:.1f} MB"


def same_place(x: Array, y: Array) -> bool:
    """Whether `x` and `y` belong to one library and lie on one device."""
    return library(x) == library(y) and device(x) == device(y)


def on_device_of(x: Array) -> contextlib.AbstractContextManager[Any]:
    """Make the device of `x` current: CuPy creates arrays there and nowhere else.

    Devices of other libraries have no method `use`, since none of them is current.
    """
    place = device(x)
    return place if hasattr(place, "use") else contextlib.nullcontext()


def on_its_device(function: Function) -> Function:
    """`function`, with the device of its first array made current: CuPy computes only there.

    Of the libraries NumPy alone warns of what is infinite. Results are checked instead.
    """

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        values = (*args, *kwargs.values())
        given = next((x for x in values if not is_numpy(x) and is_array(x)), None)
        place = contextlib.nullcontext() if given is None else on_device_of(given)
        with place, np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return function(*args, **kwargs)

    return wrapped  # type: ignore[return-value]


def on_accelerator(x: Array) -> bool:
    """Whether `x` lies on a GPU or the like, where every operation has the price of a launch."""
    place = device(x)
    kind = getattr(place, "type", getattr(place, "platform", "cpu"))  # torch's and JAX's names
    return is_cupy_array(x) or kind != "cpu"
