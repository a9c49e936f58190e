"""Converted models as the bytes of files."""

from __future__ import annotations

import io
import json
from importlib import import_module
from typing import Any

import joblib

from .fitted import fitted_network
from .onnx_graph import to_onnx
from .scikit_learn import to_sklearn
from .torch_module import to_torch


def onnx_content(model: Any) -> bytes:
    """A file of ONNX."""
    content: bytes = to_onnx(model).SerializeToString()
    return content


def torch_content(model: Any) -> bytes:
    """An exported program of torch, for any number of rows; "classes.json" in it has the labels."""
    fitted, module = fitted_network(model, "to_torch"), to_torch(model).eval()
    torch: Any = import_module("torch")
    some = torch.zeros(2, fitted.n_features, dtype=next(module.parameters()).dtype)
    n_samples = torch.export.Dim("n_samples")
    program = torch.export.export(module, (some,), dynamic_shapes=({0: n_samples},))
    file, labels = io.BytesIO(), json.dumps(fitted.classes.tolist())
    torch.export.save(program, file, extra_files={"classes.json": labels})
    return file.getvalue()


def sklearn_content(model: Any) -> bytes:
    """A file of joblib."""
    file = io.BytesIO()
    joblib.dump(to_sklearn(model), file)
    return file.getvalue()


#: What writes each kind of file, and how its name ends.
CONTENTS = {
    "onnx": (onnx_content, ".onnx"),
    "torch": (torch_content, ".pt2"),
    "sklearn": (sklearn_content, ".joblib"),
}
