"""Softmax classifiers, written once for any array library.

The array you pass in decides where it runs: NumPy on a CPU, CuPy on a CUDA GPU, PyTorch, JAX.
"""

TYPE_CHECKING = False  # as in `typing`, which takes a while to import
if TYPE_CHECKING:
    from typing import Any

    from . import datasets, functional, metrics, plots
    from .classifiers import (
        BatchedGridSearchCV,
        MLPClassifier,
        MultiOutputSoftmaxRegression,
        MultiOutputSoftmaxRegressionCV,
        SoftmaxRegression,
        SoftmaxRegressionCV,
        bootstrap,
        bootstrap_scores,
        fit_many,
        learning_curve,
    )
    from .conversion import from_sklearn, to_onnx, to_sklearn, to_torch
    from .serialization.model_file import load, save
    from .sources import StoredRows

__version__ = "0.1.0"

_HOMES = {
    "BatchedGridSearchCV": "classifiers",
    "MLPClassifier": "classifiers",
    "MultiOutputSoftmaxRegression": "classifiers",
    "MultiOutputSoftmaxRegressionCV": "classifiers",
    "SoftmaxRegression": "classifiers",
    "SoftmaxRegressionCV": "classifiers",
    "StoredRows": "sources",
    "bootstrap": "classifiers",
    "bootstrap_scores": "classifiers",
    "fit_many": "classifiers",
    "from_sklearn": "conversion",
    "learning_curve": "classifiers",
    "load": "serialization",
    "save": "serialization",
    "to_onnx": "conversion",
    "to_sklearn": "conversion",
    "to_torch": "conversion",
}
_MODULES = ("datasets", "functional", "metrics", "plots")

__all__ = [
    "BatchedGridSearchCV",
    "MLPClassifier",
    "MultiOutputSoftmaxRegression",
    "MultiOutputSoftmaxRegressionCV",
    "SoftmaxRegression",
    "SoftmaxRegressionCV",
    "StoredRows",
    "bootstrap",
    "bootstrap_scores",
    "datasets",
    "fit_many",
    "from_sklearn",
    "functional",
    "learning_curve",
    "load",
    "metrics",
    "plots",
    "save",
    "to_onnx",
    "to_sklearn",
    "to_torch",
]


def __getattr__(name: str) -> "Any":
    """Import what a name needs when it is first used: scikit-learn alone takes half a second."""
    from importlib import import_module

    if name in _HOMES:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    elif name in _MODULES:
        value = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
