"""A double of CuPy 14.2 for machines without a GPU: NumPy behind CuPy's names, rules and refusals.

Put its folder first on the path: ``PYTHONPATH=tests/doubles pytest --backend cupy``. It keeps of
CuPy

- that nothing becomes a NumPy array but by `.get()`, and that NumPy's arrays are refused;
- that results are arrays, never numbers;
- that arrays are made on the current device, and those of another one refused;
- that indices out of bounds wrap, and linear algebra does not raise;
- its functions and their parameters, and nothing that it lacks (such as `vecdot`);
- what makes the host wait (`EVENTS`), and about how many kernels run (`LAUNCHES`).

It does not show speed, memory, what cuSOLVER returns where it fails, or that anything runs on a
GPU.

Settings: CUPY_DOUBLE_DEVICES, a number; CUPY_DOUBLE_NOISE=1; CUPY_DOUBLE_FAILURE, see `linalg`.
"""

import numpy as _np

from ._core import EVENTS, LAUNCHES, UFUNCS, ndarray, ufunc
from ._functions import FUNCTIONS

__version__ = "14.2.0"

globals().update(UFUNCS)
globals().update(FUNCTIONS)
globals().update(
    {
        name: getattr(_np, name)
        for name in """bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32
        float64 complex64 complex128 intp uintp integer signedinteger unsignedinteger floating
        complexfloating inexact number generic dtype finfo iinfo isdtype issubdtype promote_types
        broadcast_shapes newaxis nan inf pi e""".split()
    }
)

from . import cuda, fft, linalg  # noqa: E402


def get_default_memory_pool():
    return cuda.MemoryPool()


def is_available():
    return True


def __getattr__(name):
    """What is not here, though CuPy may have it: say so."""
    if name.startswith("_") or name in ("vecdot", "unstack", "cumulative_sum"):
        raise AttributeError(name)
    raise AttributeError(f"the double of CuPy has no {name}")
