"""Fitted models as those of scikit-learn, torch and ONNX, and back; no training."""

from .onnx_graph import to_onnx
from .scikit_learn import from_sklearn, to_sklearn
from .torch_module import to_torch

__all__ = ["from_sklearn", "to_onnx", "to_sklearn", "to_torch"]
