"""Array libraries and devices by name, for the command line: a file has neither."""

from __future__ import annotations

import contextlib
import importlib
import os
import platform
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import is_cupy_namespace

from .namespaces import LIBRARIES, Array


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
        cupy = importlib.import_module("cupy")
        found = find_cuda_device(cupy, name)
        check_kernels(cupy, found)
        return found
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


def find_cuda_device(cupy: Any, name: str | None) -> Any:
    """The GPU of that number, like 0 or cuda:0; `cupy` is the library itself."""
    index = (name or "0").removeprefix("cuda").removeprefix(":") or "0"
    if not index.isdigit():
        raise ValueError(f"device must be a GPU's number, like 0 or cuda:0; got {name!r}.")
    try:
        n_devices = cupy.cuda.runtime.getDeviceCount()
    except RuntimeError as error:
        raise RuntimeError(
            f"backend 'cupy' found no usable CUDA GPU or driver ({error}). Install the NVIDIA "
            "driver, or use --backend numpy, which runs the same code on the CPU."
        ) from error
    if int(index) >= n_devices:
        raise ValueError(f"device {name!r} is not there: this machine has {n_devices} CUDA GPU(s).")
    return cupy.cuda.Device(int(index))


def check_kernels(cupy: Any, device: Any) -> None:
    """Refuse a CuPy that cannot make kernels, because CUDA's compiler or headers are missing."""
    try:
        with device:
            cupy.arange(2).sum()
    except (ImportError, OSError, RuntimeError) as error:
        raise RuntimeError(
            f"backend 'cupy' cannot compile kernels ({error}). Install what it needs of CUDA, too: "
            'pip install "cupy-cuda12x[ctk]" (or 13x, to match your driver).'
        ) from error


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
