"""The one module that knows array libraries exist.

Everything else receives arrays, asks ``namespace`` for their functions once, and writes Array API
code. Data crosses between host and device only through ``to_host``, ``to_list`` and ``from_host``,
so every transfer in the library can be found by searching for those names.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from functools import cache, wraps
from typing import Any, NamedTuple, TypeVar

import numpy as np
from array_api_compat import (
    array_namespace,
    device,
    is_array_api_obj,
    is_array_api_strict_namespace,
    is_cupy_array,
    is_cupy_namespace,
    is_jax_array,
    is_numpy_array,
    is_torch_array,
)

Array = Any  #: An array of whichever library the caller uses.

LIBRARIES = ("numpy", "cupy", "torch", "jax", "array_api_strict")


def namespace(*arrays: Array) -> Any:
    """The Array API namespace that all `arrays` belong to."""
    types = tuple(map(type, arrays))
    if types not in _NAMESPACES:
        _NAMESPACES[types] = array_namespace(*arrays)
    return _NAMESPACES[types]


#: What `namespace` found: it is asked several times for every operation on small arrays.
_NAMESPACES: dict[tuple[type, ...], Any] = {}

#: Whether an object belongs to an array library, which lists and data frames do not; to NumPy.
is_array, is_numpy = is_array_api_obj, is_numpy_array


def library(x: Array) -> str:
    """The name of the library that `x` belongs to, as a person calls it."""
    return namespace(x).__name__.replace("array_api_compat.", "").removesuffix(".numpy")


def where(x: Array) -> str:
    """Library and device of `x` in words, for messages."""
    return f"{library(x)} on {device(x)}"


def same_place(x: Array, y: Array) -> bool:
    """Whether `x` and `y` belong to one library and lie on one device."""
    return library(x) == library(y) and device(x) == device(y)


def on_device_of(x: Array) -> contextlib.AbstractContextManager:
    """Make the device of `x` current: CuPy creates arrays there and nowhere else."""
    return device(x) if is_cupy_array(x) else contextlib.nullcontext()


def on_accelerator(x: Array) -> bool:
    """Whether `x` lies on a GPU or the like, where every operation has the price of a launch."""
    place = device(x)
    kind = getattr(place, "type", getattr(place, "platform", "cpu"))  # torch's and JAX's names
    return is_cupy_array(x) or kind != "cpu"


def is_traced(x: Array) -> bool:
    """Whether JAX is tracing a function, so that `x` has a shape and a dtype but no values yet."""
    return is_jax_array(x) and isinstance(x, importlib.import_module("jax").core.Tracer)


def is_out_of_memory(error: Exception) -> bool:
    """Whether a library could not get the memory that it needs."""
    said = f"{type(error).__name__} {error}".lower()
    return isinstance(error, MemoryError) or any(words in said for words in _OUT_OF_MEMORY)


#: How torch, JAX and CUDA's libraries say it, in lower case; NumPy and CuPy raise a MemoryError.
_OUT_OF_MEMORY = (
    "out of memory",
    "outofmemory",
    "can't allocate memory",
    "resource_exhausted",
    "alloc_failed",
    "errormemoryallocation",
)


def to_host(x: Array) -> np.ndarray:
    """A NumPy copy (or view, when `x` already lies on the host) of `x`."""
    if is_cupy_array(x):
        return x.get()
    if is_torch_array(x):
        x = x.detach().cpu()
        return (x.float() if str(x.dtype) == "torch.bfloat16" else x).numpy()
    xp = namespace(x)
    if is_array_api_strict_namespace(xp):
        x = xp.asarray(x, device=xp.Device("CPU_DEVICE"))
    return np.asarray(x, dtype=np.float32 if str(x.dtype) == "bfloat16" else None)


def without_history(x: Array) -> Array:
    """`x` outside of torch's graph of gradients, which training would only grow."""
    return x.detach() if is_torch_array(x) else x


def records_history(x: Array) -> bool:
    """Whether torch records what becomes of `x`, which must then not be overwritten."""
    return is_torch_array(x) and x.requires_grad


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
    nearest = xp.clip(xp.searchsorted(places, everywhere), max=places.shape[0] - 1)
    found = xp.take(places, nearest) == everywhere
    return xp.where(found, xp.take(values, xp.take(order, nearest)), x)


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


def to_list(x: Array) -> Any:
    """The values of `x` as (nested lists of) Python scalars: one transfer."""
    return to_host(x).tolist()


def from_host(values: Any, *, like: Array, dtype: Any = None) -> Array:
    """An array with these host values, in the library and on the device of `like`."""
    xp = namespace(like)
    if is_numpy_array(values) and not values.flags.writeable:
        values = values.copy()  # torch shares memory with NumPy and may not share a constant
    return xp.asarray(values, dtype=dtype, device=device(like))


def compute_dtype(X: Array) -> Any:
    """The dtype to compute in: float32 and float64 are kept, half precision is stored only."""
    xp = namespace(X)
    if X.dtype == xp.float32 or X.dtype == xp.float64:
        return X.dtype
    if xp.isdtype(X.dtype, ("bool", "integral")):
        return xp.__array_namespace_info__().default_dtypes(device=device(X))["real floating"]
    return xp.float32 if X.dtype.itemsize < 4 else xp.float64


def has_float64(x: Array) -> bool:
    """Whether `x`'s library offers float64 on its device."""
    offers = namespace(x).__array_namespace_info__().dtypes(device=device(x), kind="real floating")
    return "float64" in offers


def index_dtype(x: Array) -> Any:
    """The dtype in which `x`'s library indexes."""
    return namespace(x).__array_namespace_info__().default_dtypes(device=device(x))["indexing"]


def indices_from_host(values: Any, *, like: Array) -> Array:
    """An array of indices with these host values, to take rows of `like` with."""
    return from_host(values, like=like, dtype=index_dtype(like))


Function = TypeVar("Function", bound=Callable)


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


def _first_of_jax(args: tuple[Any, ...]) -> Array | None:
    """The first argument that is an array of JAX, which nobody may have imported."""
    return next(filter(is_jax_array, args), None) if "jax" in sys.modules else None


#: What stands in the arguments of a function where an array was.
_TAKEN_OUT = object()


@cache
def _jitted(function: Callable, accelerated: bool) -> Callable:
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
    return importlib.import_module("jax").jit(call, static_argnums=0, compiler_options=options)


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


class Backend(NamedTuple):
    """An array library and a device, chosen by name; the command line needs it, a file has none."""

    name: str
    xp: Any
    device: Any

    def asarray(self, values: np.ndarray) -> Array:
        """`values`, moved to this library and device."""
        with self.device if is_cupy_namespace(self.xp) else contextlib.nullcontext():
            return self.xp.asarray(values, device=self.device)


def backend(name: str = "numpy", device: str | None = None) -> Backend:
    """Find an array library by name, on its default device or on the one named.

    Raises
    ------
    ValueError
        If there is no such library or device.
    RuntimeError
        If the library is not installed, or has no working device.
    """
    module_name = name.replace("-", "_")
    if module_name not in LIBRARIES:
        raise ValueError(f"backend must be one of {', '.join(LIBRARIES)}; got {name!r}.")
    try:
        importlib.import_module(module_name)
    except ImportError as error:
        raise RuntimeError(
            f"backend {name!r} is not installed ({error}). Install it, for example "
            f"pip install {_PACKAGES[module_name]}, or choose another backend."
        ) from error
    xp = _compat_namespace(module_name)
    return Backend(name, xp, _find_device(module_name, xp, device))


_PACKAGES = {
    "numpy": "numpy",
    "cupy": '"xsoftmax[cuda12]" (or cuda13, to match your driver)',
    "torch": "torch",
    "jax": "jax",
    "array_api_strict": "array-api-strict",
}


def _compat_namespace(module_name: str) -> Any:
    if module_name == "jax":
        jax = importlib.import_module("jax")
        jax.config.update("jax_enable_x64", True)  # or float64 data would be narrowed silently
        return importlib.import_module("jax.numpy")
    if module_name == "array_api_strict":
        return importlib.import_module(module_name)
    return importlib.import_module(f"array_api_compat.{module_name}")


def _find_device(module_name: str, xp: Any, name: str | None) -> Any:
    if module_name == "cupy":
        return _find_cuda_device(xp, name)
    try:
        if module_name == "torch":
            found = importlib.import_module("torch").device(name or "cpu")
        elif module_name == "jax":
            jax = importlib.import_module("jax")
            platform_name, _, index = (name or jax.default_backend()).partition(":")
            found = jax.devices(platform_name)[int(index or 0)]
        elif module_name == "array_api_strict":
            found = xp.Device(name or "CPU_DEVICE")
        elif name in (None, "cpu"):
            return "cpu"
        else:
            raise ValueError("NumPy computes on the cpu only")
        xp.zeros(1, device=found)
    except (ValueError, RuntimeError, IndexError, AssertionError) as error:
        raise ValueError(f"device {name!r} cannot be used with {module_name}: {error}") from error
    return found


def _find_cuda_device(cupy: Any, name: str | None) -> Any:
    index = (name or "0").removeprefix("cuda").removeprefix(":") or "0"
    if not index.isdigit():
        raise ValueError(f"device must be a GPU's number, like 0 or cuda:0; got {name!r}.")
    runtime = importlib.import_module("cupy").cuda.runtime
    try:
        n_devices = runtime.getDeviceCount()
    except RuntimeError as error:
        raise RuntimeError(
            f"backend 'cupy' found no usable CUDA GPU or driver ({error}). Install the NVIDIA "
            "driver, or use --backend numpy, which runs the same code on the CPU."
        ) from error
    if int(index) >= n_devices:
        raise ValueError(f"device {name!r} is not there: this machine has {n_devices} CUDA GPU(s).")
    return importlib.import_module("cupy").cuda.Device(int(index))


class LibraryReport(NamedTuple):
    """What one array library offers here."""

    name: str
    version: str | None
    devices: list[str]
    note: str


def report() -> list[LibraryReport]:
    """Which array libraries are installed, with versions and devices."""
    return [_report(name) for name in LIBRARIES]


def _report(name: str) -> LibraryReport:
    try:
        module = importlib.import_module(name)
    except ImportError:
        return LibraryReport(name, None, [], "not installed")
    try:
        return LibraryReport(name, module.__version__, _device_names(name, module), "")
    except RuntimeError as error:
        return LibraryReport(name, module.__version__, [], f"no device: {error}")


def _device_names(name: str, module: Any) -> list[str]:
    if name == "cupy":
        properties = module.cuda.runtime.getDeviceProperties
        count = module.cuda.runtime.getDeviceCount()
        return [f"cuda:{i} {properties(i)['name'].decode()}" for i in range(count)]
    if name == "torch":
        count = module.cuda.device_count()
        return ["cpu", *(f"cuda:{i} {module.cuda.get_device_name(i)}" for i in range(count))]
    if name == "jax":
        return [str(found) for found in module.devices()]
    if name == "array_api_strict":
        return [str(found) for found in module.__array_namespace_info__().devices()]
    return [f"cpu ({platform.machine()}, {os.cpu_count()} cores)"]
