"""The rules of the double of CuPy, in `tests/doubles`; run with that first on the path."""

import numpy as np
import pytest

cupy = pytest.importorskip("cupy")
if not hasattr(cupy, "EVENTS"):
    pytest.skip("this is CuPy itself", allow_module_level=True)


@pytest.fixture
def x():
    return cupy.asarray([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    "mix",
    [
        np.asarray,
        lambda x: x + np.ones(3),
        lambda x: np.ones(3) * x,
        lambda x: cupy.where(np.asarray([True]), x, 0.0),
        lambda x: cupy.concatenate([x, np.ones(3)]),
        lambda x: range(3)[x[0]],
    ],
)
def test_arrays_of_numpy_are_refused(x, mix):
    with pytest.raises(TypeError):
        mix(x)


def test_numbers_are_taken_and_results_are_arrays(x):
    assert type(np.float64(2) * x) is type(x)
    assert (2.0 * x.astype("float32")).dtype == np.float32
    assert cupy.sum(x).shape == ()
    assert type(cupy.sum(x)) is type(x)


def test_indices_out_of_bounds_wrap(x):
    assert x[cupy.asarray([4])].tolist() == [2.0]
    assert cupy.take(x, cupy.asarray([-1, 3])).tolist() == [3.0, 1.0]


def test_views_share_memory(x):
    x[1:] *= 2
    assert x.tolist() == [1.0, 4.0, 6.0]


def test_arrays_of_another_device_are_refused(x, monkeypatch):
    monkeypatch.setattr("cupy._core.N_DEVICES", 2)
    with cupy.cuda.Device(1):
        there = cupy.zeros(2)
        with pytest.raises(ValueError, match="different from the current"):
            x + 1
    assert there.device == cupy.cuda.Device(1) != x.device
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError), cupy.cuda.Device(2):
        pass


def test_linear_algebra_fails_without_a_word_unless_it_is_asked():
    import cupyx

    A = -cupy.eye(3)
    L = cupy.linalg.cholesky(A)
    assert not np.allclose((L @ L.T).get(), A.get())
    with cupyx.errstate(linalg="raise"), pytest.raises(np.linalg.LinAlgError):
        cupy.linalg.cholesky(A)


def test_what_cupy_lacks_is_not_here(x):
    assert not hasattr(cupy, "vecdot")
    with pytest.raises(TypeError):
        cupy.sum(x, initial=0)


@pytest.mark.parametrize("ask", [
    lambda x: x.get(), bool, lambda x: cupy.nonzero(x), lambda x: x[x > 1], cupy.unique,
])  # fmt: skip
def test_waits_are_noted(x, ask):
    before = len(cupy.EVENTS)
    ask(x[:1])
    assert len(cupy.EVENTS) == before + 1
    assert __file__ in cupy.EVENTS[-1][1]


def test_a_kernel_is_a_launch_and_a_view_is_none(x):
    before = cupy.LAUNCHES.total()
    x.reshape(3, 1).T[0]
    assert cupy.LAUNCHES.total() == before
    cupy.exp(x + 1.0)
    assert cupy.LAUNCHES.total() == before + 2
