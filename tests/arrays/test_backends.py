"""Array libraries and devices by name."""

import pytest

from xsoftmax import arrays

from ..conftest import MISSING


def test_backends_that_are_not_there():
    with pytest.raises(ValueError, match="backend must be one of numpy, cupy, torch"):
        arrays.backend("tensorflow")
    with pytest.raises(ValueError, match="NumPy computes on the cpu only"):
        arrays.backend("numpy", "cuda:0")
    with pytest.raises(ValueError, match="device 'nowhere' cannot be used"):
        arrays.backend("array-api-strict", "nowhere")


@pytest.mark.skipif("cupy" not in MISSING, reason="this machine has a GPU that CuPy can use")
def test_cupy_without_a_gpu_is_explained():
    with pytest.raises(
        RuntimeError, match=r"backend 'cupy' (is not installed|found no usable CUDA)"
    ):
        arrays.backend("cupy")


def test_a_driver_that_is_missing_is_explained(monkeypatch):
    class Runtime:
        @staticmethod
        def getDeviceCount():
            raise RuntimeError("cudaErrorInsufficientDriver")

    class CuPy:
        class cuda:  # noqa: N801
            runtime = Runtime

    monkeypatch.setattr(arrays.namespaces.importlib, "import_module", lambda name: CuPy)
    with pytest.raises(RuntimeError, match=r"no usable CUDA GPU or driver .*use --backend numpy"):
        arrays.backend("cupy")
    Runtime.getDeviceCount = staticmethod(lambda: 1)
    with pytest.raises(ValueError, match="this machine has 1 CUDA GPU"):
        arrays.backend("cupy", "3")
    with pytest.raises(ValueError, match="must be a GPU's number"):
        arrays.backend("cupy", "gpu")
