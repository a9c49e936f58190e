"""The only ways between host and device, so that every transfer can be found by its name."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import (
    is_array_api_strict_namespace,
    is_cupy_array,
    is_numpy_array,
    is_torch_array,
)

from .namespaces import Array, device, index_dtype, namespace


def to_host(x: Array) -> np.ndarray:
    """A NumPy copy (or view, when `x` already lies on the host) of `x`."""
    values: np.ndarray
    if is_cupy_array(x):
        values = x.get()
        return values
    if is_torch_array(x):
        x = x.detach().cpu()
        values = (x.float() if str(x.dtype) == "torch.bfloat16" else x).numpy()
        return values
    xp = namespace(x)
    if is_array_api_strict_namespace(xp):
        x = xp.asarray(x, device=xp.Device("CPU_DEVICE"))
    return np.asarray(x, dtype=np.float32 if str(x.dtype) == "bfloat16" else None)


def to_list(x: Array) -> Any:
    """The values of `x` as (nested lists of) Python scalars: one transfer."""
    return to_host(x).tolist()


def from_host(values: Any, *, like: Array, dtype: Any = None) -> Array:
    """An array with these host values, in the library and on the device of `like`."""
    xp = namespace(like)
    if is_numpy_array(values) and not values.flags.writeable:
        values = values.copy()  # torch shares memory with NumPy and may not share a constant
    return xp.asarray(values, dtype=dtype, device=device(like))


def indices_from_host(values: Any, *, like: Array) -> Array:
    """An array of indices with these host values, to take rows of `like` with."""
    return from_host(values, like=like, dtype=index_dtype(like))
