"""Memory that a fit's arrays release is kept for the next ones.

A page that is new to the process costs some microseconds at its first touch, as much as a thousand
numbers cost the processor, and a fit makes and releases arrays all the time. glibc returns what is
released to the system above a threshold, 128 KiB at first, and raises it when it sees a larger
array go, up to 32 MiB; twice as much then stays with the process (mallopt(3), M_MMAP_THRESHOLD).
"""

from __future__ import annotations

from functools import cache

#: Bytes, a little less than the largest threshold.
LARGEST = (1 << 25) - (1 << 16)


@cache
def keep_released_memory() -> None:
    """Keep up to 64 MiB of released memory from now on, in the whole process.

    What is made and released here is never touched, so it takes no memory. Other C libraries than
    glibc go by other rules, which this does not change.
    """
    bytes(LARGEST)
