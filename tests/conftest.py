"""One `xp` fixture runs a test on every array library that is here; the header names the rest."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from xsoftmax import arrays

mpl.use("agg")

#: What stands in for other libraries is no test, and is imported only where it is asked for.
collect_ignore = ["doubles"]

#: The fixture's parameters: (name, library, device).
BACKENDS = {
    "numpy": ("numpy", None),
    "strict": ("array_api_strict", "CPU_DEVICE"),
    "strict-device1": ("array_api_strict", "device1"),
    "torch": ("torch", None),
    "jax": ("jax", None),
    "cupy": ("cupy", None),
}


class Place:
    """An array library and device that a test runs on."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.backend = arrays.backend(*BACKENDS[name])
        self.xp = self.backend.xp

    def __repr__(self) -> str:
        return self.name

    def __call__(self, values, dtype=None):
        """`values` as an array of this library, on its device."""
        return self.backend.asarray(np.asarray(values, dtype=dtype))

    def host(self, x) -> np.ndarray:
        """`x` as NumPy, after a check that it is an array of this place."""
        assert arrays.same_place(x, self(0.0)), f"{arrays.where(x)} instead of {self.name}"
        return arrays.to_host(x)


def missing_backends() -> dict[str, str]:
    """Why each backend that is not here is not."""
    found = {}
    for name, (library, device) in BACKENDS.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                arrays.backend(library, device)
        except (RuntimeError, ValueError) as error:
            reason = "not installed" if "not installed" in str(error) else "no usable device"
            found[name] = reason
    return found


MISSING = missing_backends()


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="also run the tests that take minutes")
    parser.addoption("--seed", type=int, default=0, help="of what tests draw at random")
    parser.addoption(
        "--backend",
        action="append",
        choices=list(BACKENDS),
        help="run only the tests on this backend, and fail if it is not here (repeatable)",
    )


def pytest_report_header(config):
    present = [name for name in BACKENDS if name not in MISSING]
    absent = [f"{name} ({reason})" for name, reason in MISSING.items()]
    lines = [f"array backends: {', '.join(present)}"]
    if absent:
        lines.append(f"array backends NOT tested here: {', '.join(absent)}")
    if mnist_folder() is None:
        lines.append("MNIST: XSOFTMAX_DATA_DIR names no folder with it; its tests are skipped")
    return lines


def pytest_configure(config):
    wanted = config.getoption("--backend") or []
    absent = [f"{name}: {MISSING[name]}" for name in wanted if name in MISSING]
    if absent:
        raise pytest.UsageError(f"--backend names what is not here: {', '.join(absent)}")


def pytest_generate_tests(metafunc):
    if "xp" in metafunc.fixturenames:
        present = [name for name in BACKENDS if name not in MISSING]
        metafunc.parametrize("xp", present, indirect=True)


def needs_one_of(item, backends) -> bool:
    """Whether a test runs on one of these backends, or takes torch as its reference."""
    on = item.callspec.params.get("xp") if hasattr(item, "callspec") else None
    return on in backends or ("torch" in backends and "torch" in item.fixturenames)


def pytest_collection_modifyitems(config, items):
    wanted = config.getoption("--backend")
    if wanted:
        kept = [item for item in items if needs_one_of(item, wanted)]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept
    if config.getoption("--seed"):  # what draws nothing has passed with 0
        items[:] = [item for item in items if "rng" in getattr(item, "fixturenames", ())]
    if not config.getoption("--slow"):
        skip = pytest.mark.skip(reason="takes minutes; run with --slow")
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(skip)


@pytest.fixture(scope="session")
def _places():
    return {}


@pytest.fixture
def xp(request, _places):
    """The place that the test runs on; call it to make an array there."""
    return _places.setdefault(request.param, Place(request.param))


@pytest.fixture(autouse=True)
def no_hidden_waits():
    """On the double of CuPy, the host waits for the device in `arrays.transfers` alone."""
    events = getattr(sys.modules.get("cupy"), "EVENTS", [])
    before = len(events)
    yield
    package = str(Path(arrays.__file__).parents[1])
    own = [where for why, where in events[before:] if where.startswith(package)]
    assert [where for where in own if "transfers.py" not in where] == []


@pytest.fixture
def rng(request):
    return np.random.default_rng(request.config.getoption("--seed"))


def mnist_folder() -> Path | None:
    folder = os.environ.get("XSOFTMAX_DATA_DIR")
    if folder and any((Path(folder) / "mnist").glob("train-images-idx3-ubyte*")):
        return Path(folder)
    return None


@pytest.fixture(scope="session")
def mnist_dir():
    folder = mnist_folder()
    if folder is None:
        pytest.skip("real MNIST is needed: set XSOFTMAX_DATA_DIR to the folder that holds mnist/")
    return folder


@pytest.fixture(scope="session")
def torch():
    """torch itself, as a reference for gradients."""
    if "torch" in MISSING:
        pytest.skip("torch is not installed")
    return importlib.import_module("torch")
