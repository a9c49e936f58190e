"""cupy.cuda.memory."""

from .._core import OutOfMemoryError
