"""cupy.cuda.device."""

from .._core import Device
