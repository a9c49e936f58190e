"""An array library for tests: array-api-strict that minds the current device and takes notes.

As with CuPy, arrays are made on the current device whatever is asked, and computed only there: what
is not done with the device of the input entered ends in an error.
"""

from __future__ import annotations

import array_api_strict as strict
import numpy as np

HERE, THERE = (strict.Device(name) for name in ("CPU_DEVICE", "device1"))

_STRICT = type(strict.asarray(0.0))
_CREATION = {
    "arange", "asarray", "empty", "empty_like", "eye", "full", "full_like", "linspace", "ones",
    "ones_like", "zeros", "zeros_like",
}  # fmt: skip
_BINARY = [
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor",
    "lshift", "rshift",
]  # fmt: skip
_OPERATORS = [
    *(prefix + name for name in _BINARY for prefix in ("", "r", "i")),
    *["lt", "le", "gt", "ge", "eq", "ne", "neg", "pos", "abs", "invert", "getitem"],
]
_CONVERSIONS = ["bool", "float", "int", "index", "complex"]


class Library:
    """The namespace.

    `transfers` names the ways by which values came to the host, and `n_moved` counts the values of
    each array that did. `hear` is called with the name of
    each function and its arguments before it computes, and may raise.
    """

    __name__ = "array_library"

    def __init__(self, hear=lambda name, *args: None):
        self.hear, self.transfers, self.n_moved, self.current = hear, [], [], [HERE]
        self.Array = type("Array", (_Array,), {"library": self})

    def array(self, values, dtype=None, *, device=THERE):
        """Host values as an array on `device`, whether that is current or not."""
        return self.Array(strict.asarray(np.asarray(values, dtype), device=device))

    def __getattr__(self, name):
        return _Functions(self, strict).find(name)


class _Functions:
    """The functions of a part of array-api-strict, of arrays of a library."""

    def __init__(self, library, module):
        self.library, self.module = library, module

    def __getattr__(self, name):
        return self.find(name)

    def find(self, name):
        found = getattr(self.module, name)
        if name in ("linalg", "fft"):
            return _Functions(self.library, found)
        if name == "__array_namespace_info__":
            return lambda: _Info(found())
        if not callable(found) or isinstance(found, type):
            return found

        def function(*args, **kwargs):
            if name in _CREATION:
                kwargs["device"] = self.library.current[-1]
                if name == "asarray" and isinstance(args[0], _Array):
                    kwargs.pop("device")
            else:
                _check_current(args)
            return _called(self.library, name, found, *args, **kwargs)

        return function


class _Array:
    """An array of array-api-strict, as a library's own."""

    library: Library
    __hash__ = None

    def __init__(self, value):
        self.value = value

    def __array_namespace__(self, api_version=None):
        return self.library

    @property
    def device(self):
        return _CurrentDevice(self.library, self.value.device)

    def __array__(self, dtype=None, copy=None):
        self.library.transfers.append("__array__")
        self.library.n_moved.append(self.value.size)
        return np.array(_host(self), dtype=dtype)

    def __setitem__(self, key, values):
        """By integers too, which array-api-strict refuses."""
        _check_current((self, key, values))
        changed = _host(self).copy()
        changed[_host(key)] = _host(values)
        self.value = strict.asarray(changed, device=self.value.device)

    def __getattr__(self, name):  # shape, dtype and the like; T and mT
        return _own(self.library, getattr(self.value, name))


def _operator(name):
    def operator(self, *others):
        _check_current((self, *others))
        return _called(self.library, name, getattr(_STRICT, name), self, *others)

    return operator


def _conversion(name):
    def conversion(self):
        self.library.transfers.append(name)
        return getattr(self.value, name)()

    return conversion


for _names, _make in ((_OPERATORS, _operator), (_CONVERSIONS, _conversion)):
    for _name in _names:
        setattr(_Array, f"__{_name}__", _make(f"__{_name}__"))


class _CurrentDevice:
    """Entered, it is where arrays are made."""

    type = "gpu"

    def __init__(self, library, device):
        self.library, self.device = library, device

    def use(self):
        self.library.current[-1] = self.device

    def __enter__(self):
        self.library.current.append(self.device)

    def __exit__(self, *_):
        self.library.current.pop()

    def __eq__(self, other):
        return self.device == other.device

    __hash__ = None

    def __repr__(self):
        return str(self.device)


class _Info:
    """What a namespace says of itself, for a device of ours."""

    def __init__(self, info):
        self.info = info

    def __getattr__(self, name):
        return lambda *, device=None, **kwargs: getattr(self.info, name)(device=None, **kwargs)


def _called(library, name, function, *args, **kwargs):
    library.hear(name, *args)
    plain = {key: _plain(value) for key, value in kwargs.items()}
    return _own(library, function(*_plain(args), **plain))


def _plain(value):
    """`value` with the arrays of array-api-strict in place of a library's."""
    if isinstance(value, _Array):
        return value.value
    return type(value)(map(_plain, value)) if type(value) in (tuple, list) else value


def _host(value):
    """`value` with arrays of NumPy in place of a library's: no transfer of the code under test."""
    if isinstance(value, tuple):
        return tuple(map(_host, value))
    return np.asarray(value.value.to_device(HERE)) if isinstance(value, _Array) else value


def _own(library, value):
    """`value` with arrays of the library in place of those of array-api-strict."""
    if isinstance(value, _STRICT):
        return library.Array(value)
    if isinstance(value, tuple) and any(isinstance(item, _STRICT) for item in value):
        items = [_own(library, item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return value


def _check_current(value):
    if isinstance(value, (list, tuple)):
        for item in value:
            _check_current(item)
    elif isinstance(value, _Array) and value.value.device != value.library.current[-1]:
        raise ValueError(f"array on {value.device}, current {value.library.current[-1]}")
