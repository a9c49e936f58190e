"""Array libraries and devices by name."""

import contextlib
from types import SimpleNamespace

import pytest

from xsoftmax import arrays
from xsoftmax.arrays.backends import check_kernels, find_cuda_device

from ..conftest import MISSING


def test_backend_refuses_libraries_and_devices_that_are_not_there():
    with pytest.raises(ValueError, match="backend must be one of numpy, cupy, torch"):
        arrays.backend("tensorflow")
    with pytest.raises(ValueError, match="NumPy computes on the cpu only"):
        arrays.backend("numpy", "cuda:0")
    with pytest.raises(ValueError, match="device 'nowhere' cannot be used"):
        arrays.backend("array-api-strict", "nowhere")


@pytest.mark.skipif("cupy" not in MISSING, reason="this machine has a GPU that CuPy can use")
def test_backend_explains_cupy_without_a_gpu():
    with pytest.raises(
        RuntimeError, match=r"backend 'cupy' (is not installed|found no usable CUDA)"
    ):
        arrays.backend("cupy")


def cupy_that_finds(n_devices):
    """CuPy on a machine with so many GPUs; with None it finds no driver."""

    def count():
        if n_devices is None:
            raise RuntimeError("cudaErrorInsufficientDriver")
        return n_devices

    return SimpleNamespace(cuda=SimpleNamespace(runtime=SimpleNamespace(getDeviceCount=count)))


def test_a_cupy_without_the_compiler_of_cuda_says_what_to_install():
    def arange(n):
        raise RuntimeError("CuPy failed to load libnvrtc.so.12")

    with pytest.raises(RuntimeError, match=r"libnvrtc.* pip install \"cupy-cuda12x\[ctk\]\""):
        check_kernels(SimpleNamespace(arange=arange), contextlib.nullcontext())


def test_find_cuda_device_explains_a_missing_driver_and_a_missing_device():
    with pytest.raises(RuntimeError, match=r"no usable CUDA GPU or driver .*use --backend numpy"):
        find_cuda_device(cupy_that_finds(None), "0")
    with pytest.raises(ValueError, match="this machine has 1 CUDA GPU"):
        find_cuda_device(cupy_that_finds(1), "3")
    with pytest.raises(ValueError, match="must be a GPU's number"):
        find_cuda_device(cupy_that_finds(1), "gpu")
