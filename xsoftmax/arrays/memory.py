"""How much memory a pass over the rows takes: blocks of rows, fewer where memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TypeVar

from .devices import on_accelerator
from .namespaces import Array

Result = TypeVar("Result")

#: Values per temporary while a block is computed: a few of them fit a processor's last cache.
BLOCK_VALUES = 1 << 20

#: A GPU is given so many times as many: it waits for launches, and has no such cache.
ACCELERATOR_FACTOR = 64

#: Values of a row for which a reduction over rows is fast.
LONG_ROW = 1024

#: A processor's nearest cache holds so many times fewer values: there products run best.
NEARER = 32

#: Blocks of fewer rows are not tried when memory runs out.
MIN_BLOCK_ROWS = 32


def block_values(like: Array) -> int:
    """How many values a temporary should have where `like` lies."""
    return values_there(BLOCK_VALUES, like)


def near_values(like: Array) -> int:
    """How many values the rows of a small product should have where `like` lies."""
    return block_values(like) // NEARER


def values_there(n_values: int, like: Array) -> int:
    """So many values, and `ACCELERATOR_FACTOR` times as many where `like` is on an accelerator."""
    return n_values * (ACCELERATOR_FACTOR if on_accelerator(like) else 1)


def row_slices(stop: int, size: int, start: int = 0) -> Iterator[slice]:
    """Consecutive slices of at most `size` rows that cover those from `start` to `stop`."""
    for first in range(start, stop, size):
        yield slice(first, min(first + size, stop))


def retry_on_out_of_memory(
    step: Callable[[int], Result], n_rows: int, sizes: Callable[[], str]
) -> Result:
    """`step(n_rows)`, with ever fewer rows at a time while memory runs out.

    Raises
    ------
    MemoryError
        If even `MIN_BLOCK_ROWS` rows at a time do not fit beside what `sizes` describes.
    """
    while True:
        try:
            return step(n_rows)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            failure = error.with_traceback(None)  # which would keep alive what did not fit
        if n_rows <= MIN_BLOCK_ROWS:
            raise MemoryError(
                f"Out of memory with {sizes()}, even in blocks of {n_rows} rows. Free memory "
                "there, store X as float32 or float16, or solve fewer problems at once."
            ) from failure
        n_rows = max(MIN_BLOCK_ROWS, n_rows // 2)


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

#: Bytes, a little less than the largest threshold of glibc.
LARGEST = (1 << 25) - (1 << 16)


@cache
def keep_released_memory() -> None:
    """Keep up to 64 MiB of released memory from now on, in the whole process.

    A page that is new to the process costs some microseconds at its first touch, as much as a
    thousand numbers cost the processor, and a fit makes and releases arrays all the time. glibc
    returns what is released to the system above a threshold, 128 KiB at first, and raises it when
    it sees a larger array go, up to 32 MiB; twice as much then stays with the process (mallopt(3),
    M_MMAP_THRESHOLD).

    What is made and released here is never touched, so it takes no memory. Other C libraries than
    glibc go by other rules, which this does not change.
    """
    bytes(LARGEST)
