"""Arrays, devices and what makes the host wait.

`EVENTS` names each wait, oldest first, and who asked for it; `LAUNCHES` counts about how many
kernels a GPU would run. `NOISE` rounds results as another library might, the same way each time.
"""

import os
import sys
import threading
import warnings
from collections import Counter

import numpy as np

N_DEVICES = int(os.environ.get("CUPY_DOUBLE_DEVICES", "1"))
NOISE = os.environ.get("CUPY_DOUBLE_NOISE", "0") != "0"
#: Values that an array may have; of more it does not fit.
MAX_SIZE = float("inf")

EVENTS: list[tuple[str, str]] = []
LAUNCHES: Counter = Counter()

SCALARS = (bool, int, float, complex, np.generic)
INEXACT = {"exp", "expm1", "log", "log1p", "tanh", "power"}

_thread = threading.local()


class CUDARuntimeError(RuntimeError):
    """As cupy.cuda.runtime.CUDARuntimeError."""


class OutOfMemoryError(MemoryError):
    """As cupy.cuda.memory.OutOfMemoryError."""


def current_device():
    return getattr(_thread, "device", 0)


def set_device(number):
    if not 0 <= number < N_DEVICES:
        raise CUDARuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
    _thread.device = number


class Device:
    """As cupy.cuda.Device: it compares, but cannot be hashed."""

    __hash__ = None
    compute_capability = "90"
    mem_info = (1 << 34, 1 << 34)

    def __init__(self, device=None):
        self.id = current_device() if device is None else int(device)

    def __int__(self):
        return self.id

    def __enter__(self):
        _thread.__dict__.setdefault("stack", []).append(current_device())
        return self.use()

    def __exit__(self, *_):
        set_device(_thread.stack.pop())

    def use(self):
        set_device(self.id)
        return self

    def synchronize(self):
        wait("synchronize")

    def __eq__(self, other):
        return isinstance(other, Device) and self.id == other.id

    def __repr__(self):
        return f"<CUDA Device {self.id}>"


def wait(why):
    """Note that the host waits, and for whom outside of the double and array_api_compat."""
    frame, own = sys._getframe(1), (os.path.dirname(__file__), "array_api_compat")
    while frame and any(folder in frame.f_code.co_filename for folder in own):
        frame = frame.f_back
    EVENTS.append((why, f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "?"))


def made(values, device=None):
    """An array that holds `values`, which others may hold too."""
    values = np.asarray(values)
    if values.dtype.kind not in "biufc" or values.dtype == np.longdouble:
        raise ValueError(f"Unsupported dtype {values.dtype}")
    if values.size > MAX_SIZE:
        raise OutOfMemoryError(f"Out of memory allocating {values.nbytes:,} bytes")
    x = object.__new__(ndarray)
    x.values, x.number = values, current_device() if device is None else device
    return x


def computed(name, values):
    """The result of a kernel."""
    LAUNCHES[name] += 1
    return made(values)


def operand(x):
    """What NumPy computes with, if CuPy would: an array of the current device, or a number."""
    if isinstance(x, SCALARS) or x is None:
        return x
    if not isinstance(x, ndarray):
        raise TypeError(f"Unsupported type {type(x)}")
    if x.number != current_device():
        raise ValueError(
            f"The device where the array resides ({x.number}) is different from the current device "
            f"({current_device()}). Peer access is unavailable between these devices."
        )
    return x.values


def rounded_otherwise(x):
    """x, up to one unit in the last place away; the same for the same x."""
    if not NOISE or x.dtype.kind != "f" or x.dtype.itemsize < 4:
        return x
    bits = np.ascontiguousarray(x).view(f"u{x.dtype.itemsize}").astype(np.uint64)
    nudge = ((bits * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)).astype(np.int64) % 3 - 1
    other = x + x * nudge.reshape(x.shape).astype(x.dtype) * np.finfo(x.dtype).eps
    return np.where((x == 0) | (x == 1), x, other)


class ufunc:
    """As cupy.ufunc."""

    def __init__(self, name):
        self.__name__, self.numpy = name, getattr(np, name)
        self.nin, self.nout = self.numpy.nin, self.numpy.nout

    def __call__(self, *args, out=None, dtype=None, casting="same_kind"):
        if not self.nin <= len(args) <= self.nin + self.nout:
            raise TypeError(f"Wrong number of arguments for {self.__name__}")
        values = [operand(x) for x in args[: self.nin]]
        out = args[self.nin] if len(args) > self.nin else out
        LAUNCHES[self.__name__] += 1
        with np.errstate(all="ignore"):
            if out is not None:
                out = out[0] if isinstance(out, tuple) else out
                self.numpy(*values, out=operand(out), dtype=dtype, casting=casting)
                return out
            found = self.numpy(*values, dtype=dtype, casting=casting)
            if self.__name__ in INEXACT:
                found = rounded_otherwise(np.asarray(found))
        return tuple(map(made, found)) if self.nout > 1 else made(found)


UFUNCS = {
    name: ufunc(name)
    for name in """abs absolute arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and
    bitwise_not bitwise_or bitwise_xor ceil conj conjugate copysign cos cosh divide equal exp expm1
    floor floor_divide fmax fmin greater greater_equal hypot invert isfinite isinf isnan left_shift
    less less_equal log log10 log1p log2 logaddexp logical_and logical_not logical_or logical_xor
    maximum minimum multiply negative nextafter not_equal positive power reciprocal remainder
    right_shift rint sign signbit sin sinh sqrt square subtract tan tanh true_divide trunc
    add""".split()
}


def _key(index, shape):
    """What stands in brackets for NumPy, whether it waits for the device, and whether it copies."""
    parts = index if isinstance(index, tuple) else (index,)
    n_axes = sum(part is not None and part is not Ellipsis for part in parts)
    key, axis, has_mask, copies = [], 0, False, False
    for part in parts:
        if isinstance(part, (list, np.ndarray)):
            part = made(np.asarray(part))
        if isinstance(part, ndarray):
            copies, values = True, operand(part)
            if values.dtype.kind == "b":
                if has_mask:
                    raise NotImplementedError("more than one boolean array")
                has_mask = True
            elif values.dtype.kind not in "iu":
                raise IndexError("arrays used as indices must be of integer or boolean type")
            else:  # out of bounds wraps without a word
                values = values % max(shape[axis], 1)
            key.append(values)
        elif isinstance(part, slice):
            if any(isinstance(x, ndarray) for x in (part.start, part.stop, part.step)):
                raise TypeError("slice indices must be integers or None")
            key.append(part)
        elif part is None or part is Ellipsis or isinstance(part, (int, np.integer)):
            key.append(part)
        else:
            raise IndexError("only integers, slices, ellipsis, newaxis and arrays are indices")
        axis += len(shape) - n_axes if part is Ellipsis else part is not None
    return tuple(key), has_mask, copies


class ndarray:
    """As cupy.ndarray: NumPy's arrays are refused, and only `get` goes to the host."""

    __slots__ = ("__weakref__", "number", "values")
    __array_priority__ = 100
    __hash__ = None

    shape = property(lambda self: self.values.shape)
    dtype = property(lambda self: self.values.dtype)
    ndim = property(lambda self: self.values.ndim)
    size = property(lambda self: self.values.size)
    nbytes = property(lambda self: self.values.nbytes)
    itemsize = property(lambda self: self.values.itemsize)
    strides = property(lambda self: self.values.strides)
    flags = property(lambda self: self.values.flags)
    device = property(lambda self: Device(self.number))
    T = property(lambda self: self.view_of(self.values.T))
    mT = property(lambda self: self.view_of(self.values.mT))
    real = property(lambda self: self.view_of(self.values.real))

    def view_of(self, values):
        """A view, which may be made of an array of any device."""
        return made(values, self.number)

    # To the host

    def get(self, stream=None, order="C", out=None, blocking=True):
        wait("get")
        return np.array(self.values, order="C")

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def __bool__(self):
        return bool(self.get())

    def __int__(self):
        return int(self.get())

    def __float__(self):
        return float(self.get())

    def item(self):
        return self.get().item()

    def tolist(self):
        return self.get().tolist()

    def __repr__(self):
        return repr(self.get())

    def __format__(self, spec):
        return format(self.get(), spec)

    def __reduce__(self):
        return made, (self.get(),)

    def __deepcopy__(self, memo):
        return self.view_of(self.values.copy())

    # As a container

    def __len__(self):
        return len(self.values)

    def __iter__(self):
        return (self[i] for i in range(len(self.values)))

    def __getitem__(self, index):
        key, waits, copies = _key(index, self.shape)
        if not copies:
            return self.view_of(self.values[key])
        if waits:
            wait("mask")
        return computed("getitem", operand(self)[key])

    def __setitem__(self, index, value):
        key, waits, scatters = _key(index, self.shape)
        if waits:
            wait("mask")
        if isinstance(value, np.ndarray) and value.ndim and not scatters:
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        places = [x for x in key if isinstance(x, np.ndarray) and x.dtype.kind in "iu"]
        if len(places) == 1 and np.unique(places[0]).size < places[0].size:
            warnings.warn("a place is assigned to twice: what it holds is open", stacklevel=2)
        LAUNCHES["setitem"] += 1
        operand(self)[key] = operand(value) if isinstance(value, ndarray) else value

    # Between NumPy and this

    def __array_ufunc__(self, function, method, *inputs, **kwargs):
        known = all(isinstance(x, (ndarray, np.ndarray, *SCALARS)) for x in inputs)
        if method != "__call__" or function.__name__ not in UFUNCS or not known:
            return NotImplemented
        return UFUNCS[function.__name__](*inputs, **kwargs)

    def __array_function__(self, function, kinds, args, kwargs):
        ours = getattr(sys.modules["cupy"], function.__name__, None)
        return NotImplemented if ours is None else ours(*args, **kwargs)

    # Operators

    def __neg__(self):
        return UFUNCS["negative"](self)

    def __pos__(self):
        return UFUNCS["positive"](self)

    def __abs__(self):
        return UFUNCS["absolute"](self)

    def __invert__(self):
        return UFUNCS["invert"](self)

    def __pow__(self, other):
        simpler = {2: "square", 0.5: "sqrt", -1.0: "reciprocal"}.get(other)
        return UFUNCS["power"](self, other) if simpler is None else UFUNCS[simpler](self)

    def __rpow__(self, other):
        return UFUNCS["power"](other, self)

    def __matmul__(self, other):
        return sys.modules["cupy"].matmul(self, other)

    # Methods

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        if np.dtype(dtype) == self.dtype and not copy:
            return self
        with np.errstate(all="ignore"):
            return computed("astype", operand(self).astype(dtype, order=order))

    def copy(self, order="C"):
        return made(self.values.copy(order))  # of another device, too

    def reshape(self, *shape, order="C"):
        return self.view_of(self.values.reshape(*shape, order=order))

    def transpose(self, *axes):
        return self.view_of(self.values.transpose(*axes))

    def fill(self, value):
        operand(self).fill(value)


def _operator(name, swapped=False, in_place=False):
    def method(self, other):
        if not isinstance(other, (ndarray, np.ndarray, *SCALARS)):
            return NotImplemented
        operands = (other, self) if swapped else (self, other)
        return UFUNCS[name](*operands, out=self if in_place else None)

    return method


for _symbol, _name in {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide",
    "mod": "remainder", "floordiv": "floor_divide", "and": "bitwise_and", "or": "bitwise_or",
    "xor": "bitwise_xor", "lshift": "left_shift", "rshift": "right_shift",
}.items():  # fmt: skip
    setattr(ndarray, f"__{_symbol}__", _operator(_name))
    setattr(ndarray, f"__r{_symbol}__", _operator(_name, swapped=True))
    setattr(ndarray, f"__i{_symbol}__", _operator(_name, in_place=True))
for _symbol, _name in {
    "lt": "less", "le": "less_equal", "eq": "equal", "ne": "not_equal", "gt": "greater",
    "ge": "greater_equal",
}.items():  # fmt: skip
    setattr(ndarray, f"__{_symbol}__", _operator(_name))
