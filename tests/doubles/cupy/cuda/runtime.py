"""cupy.cuda.runtime."""

from .. import _core
from .._core import CUDARuntimeError
from .._core import current_device as getDevice
from .._core import set_device as setDevice

is_hip = False


def getDeviceCount():
    return _core.N_DEVICES


def getDeviceProperties(number):
    return {"name": b"a double of CuPy", "totalGlobalMem": 1 << 34}


def runtimeGetVersion():
    return 12090


driverGetVersion = runtimeGetVersion


def deviceSynchronize():
    _core.wait("synchronize")
