"""Models as safetensors files: arrays plus a JSON header, no pickle.

The header's metadata holds one entry, "xsoftmax": JSON with the format version, the class, its
settings, the labels and the feature names. A file from elsewhere is checked in full before it is
believed: sizes before parsing, then names, dtypes and shapes before the arrays are read, then
values.
"""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from sklearn.utils.validation import check_is_fitted

from .arrays import Array, from_host, on_device_of, to_host
from .classifiers import SoftmaxRegression
from .classifiers.base import BaseSoftmaxClassifier
from .classifiers.rules import check_parameters
from .classifiers.validation import classes_for
from .files import write_whole
from .model_header import FORMAT_VERSION, MODELS, describe, restore

MAX_HEADER_BYTES = 1 << 20
MAX_FILE_BYTES = 1 << 33
_CURVES = ("loss_curve", "validation_scores")
_DTYPES = {"F32": 4, "F64": 8}


def save(model: Any, path: str | os.PathLike) -> Path:
    """Write a fitted model, wherever its parameters lie; the file appears whole or not at all.

    Raises
    ------
    TypeError
        If `model` is not one of xsoftmax's classifiers, or its labels are not numbers or strings.
    sklearn.exceptions.NotFittedError
        If it has not been fitted.
    ValueError
        If labels, settings and names of features do not fit in the header, or the parameters name
        other layers than were fitted.
    OSError
        If the file cannot be written.
    """
    if type(model).__name__ not in MODELS:
        raise TypeError(f"save needs a {' or '.join(MODELS)}; got {type(model).__name__}.")
    check_is_fitted(model)
    check_parameters(model)
    tensors = {name: _contiguous(array) for name, array in _tensors(model).items()}
    fitted, named = (_shapes(x) for x in (tensors, _expected(model)))
    if fitted != named:
        raise ValueError(
            f"the model was fitted with layers of shapes {fitted}, but its parameters now name "
            f"{named}. Undo that change, or fit it again."
        )
    for name, tensor in tensors.items():
        if not np.all(np.isfinite(tensor)):
            raise ValueError(f"the model's {name} holds values that are not finite; fit it again.")
    header = json.dumps(describe(model), allow_nan=False)
    if len(header) > MAX_HEADER_BYTES // 2:
        raise ValueError(
            f"labels, settings and names take {len(header)} bytes as text, more than the "
            f"{MAX_HEADER_BYTES // 2} that a model file holds. Encode the labels as integers, or "
            "fit X without names of features."
        )
    content = safetensors.numpy.save(tensors, metadata={"xsoftmax": header})
    return write_whole(Path(path), content)


def load(path: str | os.PathLike, *, like: Array | None = None) -> BaseSoftmaxClassifier:
    """Read a model as NumPy arrays, or in the library and on the device of the array `like`.

    Raises
    ------
    ValueError
        If the file is truncated, not a model of xsoftmax, of a later version, or holds what a
        model cannot; the message says which.
    OSError
        If it cannot be read.
    """
    path = Path(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        entries = _read_header(path, size, file.read(8 + MAX_HEADER_BYTES))
        description = _read_description(path, entries)
        model = restore(path, description)
        _check_entries(path, entries, _shapes(_expected(model)))
        file.seek(0)
        tensors = _read_tensors(path, file.read())
    for name, tensor in tensors.items():
        if not np.all(np.isfinite(tensor)):
            raise ValueError(f"{path}: tensor {name!r} holds values that are not finite.")
    _fill(model, tensors, like)
    return model


# --- writing -------------------------------------------------------------------------------------


def _tensors(model: Any) -> dict[str, Array]:
    """Every array of a fitted model by its name in the file."""
    tensors = {
        f"{kind}.{i}": array
        for i, layer in enumerate(_own_layers(model))
        for kind, array in zip(("coef", "intercept"), layer, strict=True)
    }
    for name in _CURVES:
        if getattr(model, name + "_", None) is not None:
            tensors[name] = np.asarray(getattr(model, name + "_"), dtype=np.float64)
    return tensors


def _own_layers(model: Any) -> list[tuple[Array, Array]]:
    if isinstance(model, SoftmaxRegression):
        return [(model.coef_, model.intercept_)]
    return list(zip(model.coefs_, model.intercepts_, strict=True))


def _contiguous(array: Array) -> np.ndarray:
    """safetensors 0.8 writes the bytes of an array in Fortran order under its shape in C order."""
    return np.ascontiguousarray(to_host(array))


# --- reading -------------------------------------------------------------------------------------


def _read_header(path: Path, size: int, start: bytes) -> dict[str, Any]:
    """The safetensors header, once its size is known to be sane."""
    length = int.from_bytes(start[:8], "little")
    if len(start) < 8 or length > MAX_HEADER_BYTES or size > MAX_FILE_BYTES:
        raise ValueError(
            f"{path} is not a model file: it has {size} bytes (at most {MAX_FILE_BYTES} are read) "
            f"and announces a header of {length} (at most {MAX_HEADER_BYTES})."
        )
    if size < 8 + length:
        raise ValueError(f"{path} is truncated: {size} bytes, and the header alone has {length}.")
    try:
        entries = json.loads(start[8 : 8 + length], object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a model file: its header is no JSON ({error}).") from error
    if not isinstance(entries, dict):
        raise ValueError(f"{path} is not a model file: its header is not a JSON object.")
    return entries


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name occurs twice")
    return dict(pairs)


def _read_description(path: Path, entries: dict[str, Any]) -> dict[str, Any]:
    try:
        description = json.loads(entries.pop("__metadata__")["xsoftmax"])
        version = description["format_version"]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is a safetensors file, but no model of xsoftmax.") from error
    if version != FORMAT_VERSION:
        raise ValueError(
            f"{path} has format version {version!r}; this xsoftmax reads {FORMAT_VERSION}. "
            "Upgrade xsoftmax."
        )
    return description


def _expected(model: Any) -> dict[str, np.ndarray]:
    """Placeholders (of no memory) with the names and shapes that the model's tensors must have."""
    sizes = model._network(model.n_features_in_, model.classes_.shape[0]).layer_sizes
    tensors = {}
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        shape: tuple[int, int] = (n_in, n_out)
        if isinstance(model, SoftmaxRegression):
            n_out = 1 if n_out == 2 else n_out
            shape = (n_out, n_in)
        tensors[f"coef.{i}"] = np.broadcast_to(np.float64(0), shape)
        tensors[f"intercept.{i}"] = np.broadcast_to(np.float64(0), (n_out,))
    return tensors


def _shapes(tensors: dict[str, np.ndarray]) -> dict[str, tuple]:
    """Those of the layers."""
    return {name: tensor.shape for name, tensor in tensors.items() if name not in _CURVES}


def _check_entries(path: Path, entries: dict[str, Any], shapes: dict[str, tuple]) -> None:
    """Exactly the expected tensors, with their shapes and one floating dtype."""
    names = set(entries) - set(_CURVES)
    if names != set(shapes):
        raise ValueError(f"{path} holds tensors {sorted(names)}; expected {sorted(shapes)}.")
    dtypes = set()
    for name, entry in entries.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("shape"), list):
            raise ValueError(f"{path}: the entry of tensor {name!r} is no description of one.")
        shape, dtype = tuple(entry["shape"]), str(entry.get("dtype"))
        if name in _CURVES and (len(shape) != 1 or dtype != "F64"):
            raise ValueError(
                f"{path}: tensor {name!r} must be one row of F64; got {shape} {dtype}."
            )
        if name in shapes:
            dtypes.add(dtype)
            if shape != shapes[name]:
                raise ValueError(
                    f"{path}: tensor {name!r} has shape {shape}; expected {shapes[name]}."
                )
    if len(dtypes) > 1 or not dtypes <= set(_DTYPES):
        raise ValueError(
            f"{path}: tensors must all be F32 or all F64; got {sorted(map(str, dtypes))}."
        )


def _read_tensors(path: Path, content: bytes) -> dict[str, np.ndarray]:
    try:
        return safetensors.numpy.load(content)
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is truncated or damaged: {error}.") from error


def _fill(model: Any, tensors: dict[str, np.ndarray], like: Array | None) -> None:
    model.validation_scores_ = None
    for name in _CURVES:
        if name in tensors:
            setattr(model, name + "_", tensors.pop(name).tolist())
    if like is not None:
        with on_device_of(like):
            model.classes_ = classes_for(like, model.classes_)
            tensors = {name: from_host(array, like=like) for name, array in tensors.items()}
    n_layers = len(tensors) // 2
    coefs = [tensors[f"coef.{i}"] for i in range(n_layers)]
    intercepts = [tensors[f"intercept.{i}"] for i in range(n_layers)]
    if isinstance(model, SoftmaxRegression):
        model.coef_, model.intercept_ = coefs[0], intercepts[0]
    else:
        model.coefs_, model.intercepts_ = coefs, intercepts
