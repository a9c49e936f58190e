"""``xsoftmax info``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from .. import __version__
from . import options
from .console import print_json, print_table

SHOWN_NAMES = 20


def info(model: options.ModelToDescribe = None, as_json: options.AsJson = False) -> None:
    """Describe a saved model, or without one the array libraries and devices that are here."""
    if model is not None:
        _describe_model(model, as_json)
        return

    from .. import arrays

    libraries = arrays.report()
    if as_json:
        print_json({"xsoftmax": __version__, "libraries": [one._asdict() for one in libraries]})
        return
    print_table(
        f"xsoftmax {__version__}, Python {sys.version.split()[0]}",
        ["library", "version", "devices"],
        [[one.name, one.version or "-", ", ".join(one.devices) or one.note] for one in libraries],
    )


def _describe_model(path: Path, as_json: bool) -> None:
    description = _description(path)
    if as_json:
        print_json(description)
        return
    print_table(
        str(path),
        ["", "model"],
        [[name.replace("_", " "), _in_words(value)] for name, value in description.items()],
    )


def _description(path: Path) -> dict[str, Any]:
    """What a model file holds, but for the values of its arrays."""
    from ..serialization import model_file

    loaded = model_file.load(path)
    *scalers, model = [step for _, step in getattr(loaded, "steps", [("model", loaded)])]
    weights = [model.coef_] if hasattr(model, "coef_") else model.coefs_
    intercepts = [model.intercept_] if hasattr(model, "coef_") else model.intercepts_
    names = getattr(loaded, "feature_names_in_", None)
    return {
        "scalers": [type(scaler).__name__ for scaler in scalers],
        "class": type(model).__name__,
        "settings": model.get_params(),
        "classes": model.classes_.tolist(),
        "n_features": loaded.n_features_in_,
        "feature_names": None if names is None else names.tolist(),
        "label_column": getattr(model, "label_name_", None),
        "coef_shapes": [list(array.shape) for array in weights],
        "intercept_shapes": [list(array.shape) for array in intercepts],
        "dtype": str(weights[0].dtype),
        "n_iter": model.n_iter_,
        "file_bytes": path.stat().st_size,
    }


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={setting!r}" for name, setting in value.items())
    if isinstance(value, list) and value and isinstance(value[0], list):
        return ", ".join(" x ".join(map(str, shape)) for shape in value)
    if value == []:
        return "none"
    if isinstance(value, list):
        more = len(value) - SHOWN_NAMES
        return ", ".join(map(str, value[:SHOWN_NAMES])) + (f", and {more} more" if more > 0 else "")
    return "not known" if value is None else str(value)
