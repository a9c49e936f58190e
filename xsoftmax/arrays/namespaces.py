"""The functions of an array's library, its dtypes, and what the Array API standard lacks."""

from __future__ import annotations

import importlib
from typing import Any

from array_api_compat import (
    array_namespace,
    is_array_api_obj,
    is_array_api_strict_namespace,
    is_cupy_array,
    is_jax_array,
    is_numpy_array,
    is_torch_array,
)
from array_api_compat import device as device_of_array

Array = Any  #: An array of whichever library the caller uses.

LIBRARIES = ("numpy", "cupy", "torch", "jax", "array_api_strict")


def namespace(*arrays: Array) -> Any:
    """The Array API namespace that all `arrays` belong to.

    A source of rows counts as an array: as the one that it names `like`.
    """
    types = tuple(map(type, arrays))
    if types not in _NAMESPACES:
        known = [_array_of(x) for x in arrays]
        if any(x is not array for x, array in zip(known, arrays, strict=True)):
            return namespace(*known)
        _NAMESPACES[types] = array_namespace(*arrays)
    return _NAMESPACES[types]


def device(x: Array) -> Any:
    """Where `x` lies; of a source of rows, where its blocks do."""
    return device_of_array(_array_of(x))


def _array_of(x: Any) -> Array:
    """`x`, or what a source of rows names as an array that lies where its blocks do."""
    return x.like if hasattr(x, "like") else x


#: What `namespace` found: it is asked several times for every operation on small arrays.
_NAMESPACES: dict[tuple[type, ...], Any] = {}

#: Whether an object belongs to an array library, which lists and data frames do not; to NumPy.
is_array, is_numpy = is_array_api_obj, is_numpy_array


def library(x: Array) -> str:
    """The name of the library that `x` belongs to, as a person calls it."""
    name: str = namespace(x).__name__
    return name.replace("array_api_compat.", "").removesuffix(".numpy")


def compute_dtype(X: Array) -> Any:
    """The dtype to compute in: float32 and float64 are kept, half precision is stored only."""
    xp = namespace(X)
    if X.dtype == xp.float32 or X.dtype == xp.float64:
        return X.dtype
    if xp.isdtype(X.dtype, ("bool", "integral")):
        return xp.__array_namespace_info__().default_dtypes(device=device(X))["real floating"]
    return xp.float32 if X.dtype.itemsize <= 4 else xp.float64  # in any order of bytes


def has_float64(x: Array) -> bool:
    """Whether `x`'s library offers float64 on its device."""
    offers = namespace(x).__array_namespace_info__().dtypes(device=device(x), kind="real floating")
    return "float64" in offers


def index_dtype(x: Array) -> Any:
    """The dtype in which `x`'s library indexes."""
    return namespace(x).__array_namespace_info__().default_dtypes(device=device(x))["indexing"]


def is_traced(x: Array) -> bool:
    """Whether JAX is tracing a function, so that `x` has a shape and a dtype but no values yet."""
    return is_jax_array(x) and isinstance(x, importlib.import_module("jax").core.Tracer)


def without_history(x: Array) -> Array:
    """`x` outside of torch's graph of gradients, which training would only grow."""
    return x.detach() if is_torch_array(x) else x


def records_history(x: Array) -> bool:
    """Whether torch records what becomes of `x`, which must then not be overwritten."""
    return is_torch_array(x) and x.requires_grad


def vecdot(x: Array, y: Array) -> Array:
    """Sums of products along the last axis.

    CuPy has no such function; of a batch of products of one number each cuBLAS is slow.
    """
    xp = namespace(x)
    return xp.sum(x * y, axis=-1) if is_cupy_array(x) else xp.vecdot(x, y)


def scaled(x: Array, factor: Array) -> Array:
    """x * factor, in the memory of `x` unless its history is recorded."""
    if records_history(x):
        return x * factor
    x *= factor
    return x


def put(x: Array, indices: Array, values: Array) -> Array:
    """x (n,), which may change, with `values` (k,) at `indices` (k,), all different.

    The standard cannot assign by integers. Libraries can, for a fraction of a mask's price.
    """
    xp = namespace(x)
    if is_jax_array(x):
        return x.at[indices].set(values)
    if records_history(x) or records_history(values):
        return x.index_put((indices,), values)
    if not is_array_api_strict_namespace(xp):
        x[indices] = values
        return x
    order, everywhere = xp.argsort(indices), xp.arange(x.shape[0], device=device(x))
    places = xp.take(indices, order)
    nearest = xp.minimum(xp.searchsorted(places, everywhere), places.shape[0] - 1)
    found = xp.take(places, nearest) == everywhere
    return xp.where(found, xp.take(values, xp.take(order, nearest)), x)


def put_row(x: Array, at: int, row: Array) -> Array:
    """x (n_problems, n_rows, n), which may change, with `row` (n_problems, n) at `at`."""
    if is_jax_array(x):
        return x.at[:, at, :].set(row)
    x[:, at, :] = row
    return x


def take_labels(x: Array, indices: Array) -> Array:
    """x (n,) at `indices`, in any dtype.

    torch takes no unsigned integers of more than a byte, but the signed ones of the same bits.
    """
    xp = namespace(x)
    signed = str(x.dtype).replace("torch.uint", "int")
    if is_torch_array(x) and signed in ("int16", "int32", "int64"):
        return xp.take(x.view(getattr(xp, signed)), indices, axis=0).view(x.dtype)
    return xp.take(x, indices, axis=0)


def comparable(x: Array) -> Array:
    """x in a dtype of which its library finds the smallest value.

    No library does of booleans, and torch does not of unsigned integers of more than a byte, but
    casts them.
    """
    xp = namespace(x)
    if xp.isdtype(x.dtype, "bool"):
        return xp.astype(x, xp.uint8)
    if is_torch_array(x) and xp.isdtype(x.dtype, "unsigned integer") and x.dtype.itemsize > 1:
        return xp.astype(x, xp.float64)
    return x
