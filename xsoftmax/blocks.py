"""How rows are cut into blocks, so that temporaries stay small however many rows there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from .arrays import Array, is_out_of_memory, on_accelerator

Result = TypeVar("Result")

#: Values per temporary while a block is computed: a few of them fit a processor's last cache.
BLOCK_VALUES = 1 << 20
#: A GPU is given so many times as many: it waits for launches, and has no such cache.
ACCELERATOR_FACTOR = 64
#: Blocks of fewer rows are not tried when memory runs out.
FEWEST_ROWS = 32


def block_values(like: Array) -> int:
    """How many values a temporary should have where `like` lies."""
    return BLOCK_VALUES * (ACCELERATOR_FACTOR if on_accelerator(like) else 1)


def row_slices(stop: int, size: int, start: int = 0) -> Iterator[slice]:
    """Consecutive slices of at most `size` rows that cover those from `start` to `stop`."""
    for first in range(start, stop, size):
        yield slice(first, min(first + size, stop))


def with_room(step: Callable[[int], Result], n_rows: int, sizes: Callable[[], str]) -> Result:
    """`step(n_rows)`, with ever fewer rows at a time while memory runs out.

    Raises
    ------
    MemoryError
        If even `FEWEST_ROWS` rows at a time do not fit beside what `sizes` describes.
    """
    while True:
        try:
            return step(n_rows)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            failure = error.with_traceback(None)  # which would keep alive what did not fit
        if n_rows <= FEWEST_ROWS:
            raise MemoryError(
                f"Out of memory with {sizes()}, even in blocks of {n_rows} rows. Free memory "
                "there, store X as float32 or float16, or solve fewer problems at once."
            ) from failure
        n_rows = max(FEWEST_ROWS, n_rows // 2)
