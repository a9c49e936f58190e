"""The functions of CuPy that compute what NumPy's of the same name compute.

Each has the parameters of the real one, so that a call with another one fails here as it would
there.
"""

import inspect

import numpy as np

from ._core import NOISE, computed, current_device, made, ndarray, operand, rounded_otherwise, wait

#: Kernels, whose arrays must be of the current device.
KERNELS = """
all(a, axis=None, out=None, keepdims=False)
any(a, axis=None, out=None, keepdims=False)
amax(a, axis=None, out=None, keepdims=False)
amin(a, axis=None, out=None, keepdims=False)
max(a, axis=None, out=None, keepdims=False)
min(a, axis=None, out=None, keepdims=False)
prod(a, axis=None, dtype=None, out=None, keepdims=False)
sum(a, axis=None, dtype=None, out=None, keepdims=False)
mean(a, axis=None, dtype=None, out=None, keepdims=False)
var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False)
std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False)
argmax(a, axis=None, dtype=None, out=None, keepdims=False)
argmin(a, axis=None, dtype=None, out=None, keepdims=False)
cumsum(a, axis=None, dtype=None, out=None)
count_nonzero(a, axis=None)
where(condition, x, y)
isin(element, test_elements, assume_unique=False, invert=False)
clip(a, a_min, a_max, out=None)
round(a, decimals=0, out=None)
roll(a, shift, axis=None)
repeat(a, repeats, axis=None)
tile(A, reps)
tril(m, k=0)
triu(m, k=0)
trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None)
concatenate(tup, axis=0, out=None, *, dtype=None, casting='same_kind')
stack(tup, axis=0, out=None, *, dtype=None, casting='same_kind')
matmul(x1, x2, /, out=None, *, dtype=None, casting='same_kind')
dot(a, b, out=None)
tensordot(a, b, axes=2)
outer(a, b, out=None)
argsort(a, axis=-1, kind=None)
sort(a, axis=-1, kind=None)
"""

#: Views, which may be made of arrays of any device.
VIEWS = """
reshape(a, newshape, order='C')
transpose(a, axes=None)
swapaxes(a, axis1, axis2)
moveaxis(a, source, destination)
matrix_transpose(x, /)
expand_dims(a, axis)
squeeze(a, axis=None)
ravel(a, order='C')
broadcast_to(array, shape)
diagonal(a, offset=0, axis1=0, axis2=1)
flip(a, axis=None)
"""

#: Arrays of the current device, whatever is asked.
CREATION = """
arange(start, stop=None, step=1, dtype=None)
linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0)
eye(N, M=None, k=0, dtype=float, order='C')
zeros(shape, dtype=float, order='C')
ones(shape, dtype=float, order='C')
full(shape, fill_value, dtype=None, order='C')
"""


def _unwrapped(value):
    if isinstance(value, (list, tuple)):
        return type(value)(map(_unwrapped, value))
    if isinstance(value, np.ndarray):
        raise TypeError("Unsupported type numpy.ndarray")
    return operand(value) if isinstance(value, ndarray) else value


def _bound(signature, args, kwargs):
    """What is required, which NumPy is given by position, and the options that were given."""
    bound, required, options = signature.bind(*args, **kwargs), [], {}
    for name, x in bound.arguments.items():
        default = signature.parameters[name].default
        if default is inspect.Parameter.empty:
            required.append(x)
        elif x is not default:
            options[name] = x
    return required, options


def _kernel(name, signature):
    def kernel(*args, **kwargs):
        required, options = _bound(signature, args, kwargs)
        if not any(isinstance(x, ndarray) for x in _flat(required)):
            raise TypeError(f"Unsupported type {type(required[0])}")
        out = options.pop("out", None)
        if options.pop("kind", "stable") != "stable":
            raise ValueError("kind can only be None or 'stable'")
        if name in ("argsort", "sort"):
            options["kind"] = "stable"
        with np.errstate(all="ignore"):
            found = _SPECIAL.get(name, getattr(np, name))(*_unwrapped(required), **options)
        if out is None:
            return computed(name, found)
        operand(out)[...] = found
        return out

    return kernel


def _flat(values):
    for value in values:
        yield from _flat(value) if isinstance(value, (list, tuple)) else [value]


def _view(name, signature):
    def view(*args, **kwargs):
        (x, *required), options = _bound(signature, args, kwargs)
        if not isinstance(x, ndarray):
            raise TypeError(f"Unsupported type {type(x)}")
        return x.view_of(getattr(np, name)(x.values, *required, **options))

    return view


def _creation(name, signature):
    def creation(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        values = {key: _unwrapped(x) for key, x in bound.arguments.items()}
        if name == "arange":  # whose first parameter is the end if it is alone
            return computed(name, np.arange(*bound.args[:3], dtype=values.get("dtype")))
        return computed(name, getattr(np, name)(**values))

    return creation


def _declared(table, make):
    found = {}
    for line in filter(None, table.splitlines()):
        name, _, parameters = line.partition("(")
        function = eval(f"lambda {parameters.rstrip(')')}: None")
        found[name] = make(name, inspect.signature(function))
        found[name].__name__ = name
    return found


# What CuPy computes otherwise


def _sum(a, axis=None, dtype=None, keepdims=False):
    """With `NOISE` in another order: that of every second value, and that of the others."""
    settings = {"axis": axis, "dtype": dtype, "keepdims": keepdims}
    if not NOISE or a.dtype.kind != "f" or a.size == 0 or a.ndim == 0:
        return np.sum(a, **settings)
    last = a.ndim - 1 if axis is None else (axis[-1] if isinstance(axis, tuple) else axis)
    is_even = np.indices(a.shape, sparse=True)[last] % 2 == 0
    halves = np.where(is_even, a, 0), np.where(is_even, 0, a)
    return np.sum(halves[0], **settings) + np.sum(halves[1], **settings)


def _mean(a, axis=None, dtype=None, keepdims=False):
    total = _sum(a, axis, dtype, keepdims)
    if a.dtype.kind != "f" or a.dtype == np.float16:
        return np.mean(a, axis=axis, dtype=dtype, keepdims=keepdims)
    return np.asarray(total / (a.size // max(np.size(total), 1)), total.dtype)


def _cumsum(a, axis=None, dtype=None):
    """In blocks of 512, so that rounding need not be monotonic."""
    a = np.moveaxis(a, -1 if axis is None else axis, -1)
    out = np.empty(a.shape, dtype or (np.int64 if a.dtype.kind in "bi" else a.dtype))
    before = np.zeros(a.shape[:-1], out.dtype)
    for start in range(0, a.shape[-1], 512):
        part = np.cumsum(a[..., start : start + 512], axis=-1, dtype=out.dtype)
        out[..., start : start + 512] = part + before[..., None]
        before = before + part[..., -1]
    return np.moveaxis(out, -1, -1 if axis is None else axis)


def _matmul(a, b, dtype=None, casting="same_kind"):
    """With `NOISE` in another order: of the second half of what is summed, and the first."""
    half = a.shape[-1] // 2
    if not NOISE or not half or a.dtype.kind != "f" or b.dtype.kind != "f":
        return np.matmul(a, b)
    rows = (slice(None),) * (b.ndim - 2 if b.ndim > 1 else 0)
    second = np.matmul(a[..., half:], b[(*rows, slice(half, None))])
    return second + np.matmul(a[..., :half], b[(*rows, slice(None, half))])


_SPECIAL = {"sum": _sum, "mean": _mean, "cumsum": _cumsum, "matmul": _matmul}

FUNCTIONS = {
    **_declared(KERNELS, _kernel),
    **_declared(VIEWS, _view),
    **_declared(CREATION, _creation),
}


def public(function):
    """Make a function that is written out one of CuPy's."""
    FUNCTIONS[function.__name__] = function
    return function


@public
def take(a, indices, axis=None, out=None):
    values = operand(a)
    places = operand(indices) if isinstance(indices, ndarray) else np.asarray(indices, int)
    size = values.size if axis is None else values.shape[axis]
    if size == 0 and places.size:
        raise IndexError("cannot do a non-empty take from an empty axes.")
    return computed("take", np.take(values, places % max(size, 1), axis=axis))


@public
def take_along_axis(a, indices, axis):
    values, places = operand(a), operand(indices)
    if values.ndim != places.ndim:
        raise ValueError("`indices` and `a` must have the same number of dimensions")
    places = places % max(values.shape[axis], 1)
    return computed("take_along_axis", np.take_along_axis(values, places, axis))


@public
def nonzero(a):
    wait("nonzero")
    return tuple(map(made, np.nonzero(operand(a))))


@public
def unique(ar, return_index=False, return_inverse=False, return_counts=False, axis=None, *,
           equal_nan=True):  # fmt: skip
    wait("unique")
    found = np.unique(operand(ar), return_index, return_inverse, return_counts, axis)
    return tuple(map(made, found)) if isinstance(found, tuple) else made(found)


@public
def searchsorted(a, v, side="left", sorter=None):
    """By bisection, which tells something else than NumPy's where a is not sorted."""
    assert side in ("left", "right")
    assert sorter is None
    a, v = operand(a), operand(v)
    is_before = np.less if side == "left" else np.less_equal
    left, right = np.zeros(v.shape, np.int64), np.full(v.shape, a.size - 1)
    while np.any(left < right):
        middle, going = left + (right - left) // 2, left < right
        is_right = is_before(a[middle], v)
        left = np.where(going & is_right, middle + 1, left)
        right = np.where(going & ~is_right, middle, right)
    return computed("searchsorted", np.where(is_before(a[-1], v) | np.isnan(v), a.size, right))


@public
def broadcast_arrays(*args):
    pairs = zip(args, np.broadcast_arrays(*(x.values for x in args)), strict=True)
    return [x.view_of(values) for x, values in pairs]


@public
def array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    if isinstance(obj, ndarray):
        is_same = obj.number == current_device() and dtype in (None, obj.dtype)
        return obj if is_same and not copy else made(np.array(obj.values, dtype))
    holds_arrays = any(isinstance(x, ndarray) for x in _flat([obj]))
    if holds_arrays and not all(isinstance(x, ndarray) for x in _flat([obj])):
        raise TypeError("numbers between arrays")
    values = _unwrapped(obj) if holds_arrays else obj
    return made(np.array(values, dtype, ndmin=ndmin))


@public
def asarray(a, dtype=None, order=None, *, copy=None, blocking=False):
    return array(a, dtype, bool(copy))


@public
def ascontiguousarray(a, dtype=None):
    return made(np.ascontiguousarray(operand(array(a, dtype, False))))


@public
def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    return a.get() if isinstance(a, ndarray) else np.asarray(a)


@public
def empty(shape, dtype=float, order="C"):
    return computed("empty", np.full(shape, 77, dtype))  # nobody may count on 0


def _like(name):
    def like(a, *value, dtype=None, order="K", subok=None, shape=None):
        if not isinstance(a, ndarray):
            raise TypeError(f"Unsupported type {type(a)}")
        value = [operand(x) for x in value]
        return FUNCTIONS[name](a.shape if shape is None else shape, *value, dtype=dtype or a.dtype)

    like.__name__ = f"{name}_like"
    return like


for _name in ("zeros", "ones", "empty", "full"):
    public(_like(_name))


@public
def astype(x, dtype, /, *, copy=True):
    return x.astype(dtype, copy=copy)


@public
def copy(a, order="K"):
    return a.copy()


@public
def get_array_module(*args):
    import cupy

    return cupy if any(isinstance(x, ndarray) for x in args) else np


@public
def result_type(*arrays_and_dtypes):
    return np.result_type(*(x.values if isinstance(x, ndarray) else x for x in arrays_and_dtypes))


@public
def can_cast(from_, to, casting="safe"):
    return np.can_cast(from_.dtype if isinstance(from_, ndarray) else from_, to, casting)


def _method(name):
    return lambda self, *args, **kwargs: FUNCTIONS[name](self, *args, **kwargs)


for _name in """sum mean prod var std max min all any argmax argmin cumsum take argsort diagonal dot
    ravel squeeze swapaxes repeat searchsorted nonzero trace""".split():
    setattr(ndarray, _name, _method(_name))
