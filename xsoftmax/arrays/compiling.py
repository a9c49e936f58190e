"""Functions that JAX compiles as a whole, or that NumPy computes for it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from functools import cache, wraps
from typing import Any, TypeVar

import numpy as np
from array_api_compat import is_jax_array

from .devices import on_accelerator
from .namespaces import Array, is_traced
from .transfers import from_host

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """`function` of arrays, of which JAX makes one computation for all arrays of the same shapes.

    JAX compiles every operation for every shape that it meets, and a whole function takes it hardly
    longer than a few operations. Other libraries call `function` as it is.

    One of the arguments is an array. The others are arrays, numbers, and tuples or dataclasses of
    these; of each value that is neither an array nor a float, which must be hashable, JAX makes a
    computation of its own. The results are arrays, or tuples of them. In `function` no array
    decides what is done, and an array lies on ``device(x)``.
    """

    @wraps(function)
    def wrapped(*args: Any) -> Any:
        like = _first_of_jax(args)
        if like is None or is_traced(like):  # what traces it compiles it too
            return function(*args)
        values: list[Any] = []

        def taken_out(leaf: Any) -> Any:
            if not isinstance(leaf, float) and not is_jax_array(leaf):
                return leaf
            values.append(leaf)
            return _TAKEN_OUT

        jitted = _jitted(function, on_accelerator(like))
        return jitted(map_leaves(taken_out, args), values)

    return wrapped  # type: ignore[return-value]


def compiles_every_shape(x: Array) -> bool:
    """Whether an array that grows costs more than one that is as large from the start."""
    return bool(is_jax_array(x))


def _first_of_jax(args: tuple[Any, ...]) -> Array | None:
    """The first argument that is an array of JAX, which nobody may have imported."""
    return next(filter(is_jax_array, args), None) if "jax" in sys.modules else None


#: What stands in the arguments of a function where an array was.
_TAKEN_OUT = object()


@cache
def _jitted(function: Callable[..., Any], accelerated: bool) -> Callable[..., Any]:
    """`function` of its arguments without their arrays, and of those.

    For a CPU the compiler optimises less: it takes a tenth less time, and the code is as fast.
    """

    def call(args: Any, values: list[Any]) -> Any:
        arrays = iter(values)
        return function(
            *map_leaves(lambda leaf: next(arrays) if leaf is _TAKEN_OUT else leaf, args)
        )

    call.__name__ = function.__name__  # in JAX's logs
    options = {} if accelerated else {"xla_backend_optimization_level": 1}
    jax = importlib.import_module("jax")
    jitted: Callable[..., Any] = jax.jit(call, static_argnums=0, compiler_options=options)
    return jitted


def without_compiling(function: Function) -> Function:
    """`function` of arrays and numbers, to arrays, that NumPy computes for JAX on a CPU.

    There both see the same memory, so that nothing is moved, and compiling would take far longer
    than the work.
    """

    @wraps(function)
    def wrapped(*args: Any) -> Any:
        like = _first_of_jax(args)
        if like is None or on_accelerator(like):
            return function(*args)
        plain = map_leaves(lambda leaf: np.asarray(leaf) if is_jax_array(leaf) else leaf, args)
        return map_leaves(lambda leaf: from_host(leaf, like=like), function(*plain))

    return wrapped  # type: ignore[return-value]


def map_leaves(change: Callable[[Any], Any], x: Any) -> Any:
    """x, which may be tuples, lists and dataclasses of each other, with its leaves changed.

    Lists become tuples.
    """
    if isinstance(x, (tuple, list)):
        parts = [map_leaves(change, part) for part in x]
        return type(x)(*parts) if hasattr(x, "_fields") else tuple(parts)
    if is_dataclass(x):
        values = {field.name: map_leaves(change, getattr(x, field.name)) for field in fields(x)}
        return replace(x, **values)  # type: ignore[type-var]
    return change(x)
