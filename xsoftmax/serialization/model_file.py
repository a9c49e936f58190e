"""Models as safetensors files: arrays plus a JSON header, no pickle.

The header's metadata holds one entry, "xsoftmax": JSON with the format version, the class, its
settings, the labels and the names of columns. Format 2 adds a "search" and a "pipeline", format 3
the log loss of held-out rows; each is only written where there is one. A file from elsewhere is
checked in full before it is believed: sizes before parsing, then names, dtypes, shapes and places
in the file before the arrays are read, then values.
"""

from __future__ import annotations

import json
import os
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import safetensors
import safetensors.numpy
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ..arrays import Array, from_host, on_device_of, to_host
from ..classifiers import BatchedGridSearchCV, SoftmaxRegression, SoftmaxRegressionCV
from ..classifiers.rules import check_parameters
from ..classifiers.validation import classes_for
from ..sources import MAX_HEADER_BYTES, are_sizes, parse_json, quoted
from .files import write_whole
from .header import MODELS, describe, restore
from .scalers import (
    SCALERS,
    describe_scalers,
    fill_scalers,
    is_scaler,
    restore_scalers,
    scaler_name,
    scaler_shapes,
)
from .search import describe_search, fill_search, search_shapes

FORMAT_VERSION = 3
MAX_FILE_BYTES = 1 << 33

_CURVES = ("loss_curve", "validation_scores", "validation_loss_curve")
_DTYPES = {"F32": 4, "F64": 8}
_SEARCHES = (SoftmaxRegressionCV, BatchedGridSearchCV)


class _Tensor(NamedTuple):
    """What a tensor in the file must be."""

    shape: tuple[int | None, ...]  #: None where any size will do
    group: str  #: tensors of one group share a dtype, that of "numbers" is F64
    needed: bool = True


def save(model: Any, path: str | os.PathLike[str]) -> Path:
    """Write a fitted model, wherever its parameters lie; the file appears whole or not at all.

    Parameters
    ----------
    model : SoftmaxRegression, MLPClassifier, SoftmaxRegressionCV, BatchedGridSearchCV or Pipeline
        The fitted model. Of a search the best estimator is saved, and its scores. A Pipeline may
        hold any number of StandardScaler, MinMaxScaler, MaxAbsScaler and Normalizer, and one of
        the others last.
    path : str or path-like
        Conventionally ends in ``.safetensors``. Folders are made where they are missing, and a
        file that is there is replaced.

    Returns
    -------
    path : pathlib.Path
        The path of the file.

    Raises
    ------
    TypeError
        If `model` is none of those, or its labels, settings or names of features are neither
        numbers nor strings.
    sklearn.exceptions.NotFittedError
        If it has not been fitted.
    ValueError
        If labels, settings and names of features do not fit in the header, the parameters name
        other layers than were fitted, values are not finite, or a search has no best estimator.
    OSError
        If the file cannot be written; the message says why.

    See Also
    --------
    load : Read the file.

    Notes
    -----
    The format is that of safetensors: arrays and a JSON header, no pickle. A ``random_state``
    that is no number is saved as None.

    Examples
    --------
    >>> import xsoftmax
    >>> data = xsoftmax.datasets.digits()
    >>> model = xsoftmax.SoftmaxRegression().fit(data.X_train, data.y_train)
    >>> xsoftmax.save(model, "digits.safetensors").name
    'digits.safetensors'
    """
    pipeline, last = _parts(model)
    check_is_fitted(last)
    estimator = _best_estimator(last)
    check_parameters(estimator)
    described, tensors = describe(estimator), _tensors(estimator)
    search, scores = describe_search(last)
    tensors |= scores
    if search is not None:
        described["search"] = search
    if pipeline is not None:
        described["pipeline"], arrays = describe_scalers(pipeline)
        tensors |= arrays
    on_host = {name: _contiguous(array) for name, array in tensors.items()}
    fitted, named = _layer_shapes(on_host), _layer_shapes(_expected(estimator))
    if fitted != named:
        raise ValueError(
            f"the model was fitted with layers of shapes {fitted}, but its parameters now name "
            f"{named}. Undo that change, or fit it again."
        )
    for name, tensor in on_host.items():
        if not _may_be_nan(name) and not np.all(np.isfinite(tensor)):
            raise ValueError(f"the model's {name} holds values that are not finite; fit it again.")
    version = 1 if search is None and pipeline is None else 2
    if "validation_loss_curve" in tensors:
        version = FORMAT_VERSION
    header = json.dumps({"format_version": version, **described}, allow_nan=False)
    if len(header) > MAX_HEADER_BYTES // 2:
        raise ValueError(
            f"labels, settings and names take {len(header)} bytes as text, more than the "
            f"{MAX_HEADER_BYTES // 2} that a model file holds. Encode the labels as integers, or "
            "fit X without names of features."
        )
    content = safetensors.numpy.save(on_host, metadata={"xsoftmax": header})
    return write_whole(Path(path), content)


def load(path: str | os.PathLike[str], *, like: Array | None = None) -> Any:
    """Read a model as NumPy arrays, or in the library and on the device of the array `like`.

    Parameters
    ----------
    path : str or path-like
        A file that `save` wrote.
    like : array, default=None
        Any array of the library and on the device where the model will predict. By default the
        model has NumPy arrays, on the CPU.

    Returns
    -------
    model : SoftmaxRegression, MLPClassifier or Pipeline
        The fitted model. Of a saved search its best estimator, which then has the attributes
        ``C_``, ``Cs_`` and ``scores_`` (n_folds, n_Cs) of `SoftmaxRegressionCV`, or
        ``best_params_``, ``best_score_``, ``best_index_`` and ``cv_results_`` (``params``,
        ``mean_test_score`` and ``std_test_score``) of `BatchedGridSearchCV`. Of a saved pipeline
        a pipeline, whose scalers take arrays other than NumPy's where scikit-learn's
        ``array_api_dispatch`` is on.

    Raises
    ------
    ValueError
        If the file is truncated, not a model of xsoftmax, of a later version, or holds what a
        model cannot; the message says which.
    OSError
        If it cannot be read.

    See Also
    --------
    save : Write the file.

    Examples
    --------
    >>> import xsoftmax
    >>> data = xsoftmax.datasets.digits()
    >>> model = xsoftmax.SoftmaxRegression().fit(data.X_train, data.y_train)
    >>> path = xsoftmax.save(model, "digits.safetensors")
    >>> xsoftmax.load(path).predict(data.X_test[:5])
    array([7, 6, 3, 7, 7])
    >>> xsoftmax.load(path, like=data.X_test).coef_.shape
    (10, 64)
    """
    path = Path(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        entries, start = _read_header(path, size, file)
        description = _read_description(path, entries)
        model, scalers, expected = _restore(path, description)
        _check_entries(path, entries, expected)
        _check_places(path, entries, size, start)
        file.seek(0)
        tensors = _read_tensors(path, file.read())
    for name, tensor in tensors.items():
        if not _may_be_nan(name) and not np.all(np.isfinite(tensor)):
            raise ValueError(f"{path}: tensor {name!r} holds values that are not finite.")
    estimator = model.steps[-1][1] if isinstance(model, Pipeline) else model
    try:
        fill_search(estimator, description.get("search"), tensors)
    except (KeyError, TypeError, ValueError) as error:
        raise _describes_no_model(path, error) from error
    _fill(estimator, scalers, tensors, like)
    return model


# --- writing -------------------------------------------------------------------------------------


def _parts(model: Any) -> tuple[Pipeline | None, Any]:
    """A pipeline, if `model` is one, and the search or classifier that it ends in."""
    pipeline, last = (model, model.steps[-1][1]) if isinstance(model, Pipeline) else (None, model)
    if MODELS.get(type(last).__name__) is not type(last) and type(last) not in _SEARCHES:
        remedy = ""
        if hasattr(last, "best_estimator_"):
            remedy = (
                f" Save {'its' if pipeline is None else 'a Pipeline with its'} best_estimator_."
            )
        names = ", ".join([*MODELS, *(search.__name__ for search in _SEARCHES)])
        raise TypeError(
            f"save needs a {names}, or a Pipeline of scalers that ends in one of them; got "
            f"{type(model).__name__}{'' if pipeline is None else f' that ends in {_named(last)}'}."
            f"{remedy}"
        )
    for name, step in () if pipeline is None else pipeline.steps[:-1]:
        if not is_scaler(step):
            raise TypeError(
                f"save needs a Pipeline whose first steps are {', '.join(SCALERS)}; step {name!r} "
                f"is {_named(step)}. Save the last step alone, and scale what it is given."
            )
    return pipeline, last


def _named(step: Any) -> str:
    return repr(step) if step is None or isinstance(step, str) else f"a {type(step).__name__}"


def _best_estimator(last: Any) -> Any:
    """The estimator to save: of a search, the one that it fitted to all rows."""
    if type(last) not in _SEARCHES:
        return last
    if not hasattr(last, "best_estimator_"):
        raise ValueError(
            f"save needs the best_estimator_ of a {type(last).__name__}, and it was fitted with "
            "refit=False. Fit it with refit=True."
        )
    return last.best_estimator_


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


def _may_be_nan(name: str) -> bool:
    """A scorer may have found no score."""
    return name.startswith("search.")


# --- reading -------------------------------------------------------------------------------------


def _read_header(path: Path, size: int, file: Any) -> tuple[dict[str, Any], int]:
    """The safetensors header, once its size is known to be sane, and where the arrays start."""
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or length > MAX_HEADER_BYTES or size > MAX_FILE_BYTES:
        raise ValueError(
            f"{path} is not a model file: it has {size} bytes (at most {MAX_FILE_BYTES} are read) "
            f"and announces a header of {length} (at most {MAX_HEADER_BYTES})."
        )
    if size < 8 + length:
        raise ValueError(f"{path} is truncated: {size} bytes, and the header alone has {length}.")
    try:
        entries = parse_json(file.read(length))
    except ValueError as error:
        raise ValueError(
            f"{path} is not a model file: its header is no JSON ({quoted(error)})."
        ) from error
    if not isinstance(entries, dict):
        raise ValueError(f"{path} is not a model file: its header is not a JSON object.")
    return entries, 8 + length


def _read_description(path: Path, entries: dict[str, Any]) -> dict[str, Any]:
    try:
        description = parse_json(entries.pop("__metadata__")["xsoftmax"])
        version = description["format_version"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is a safetensors file, but no model of xsoftmax ({quoted(error)})."
        ) from error
    if version not in range(1, FORMAT_VERSION + 1):
        raise ValueError(
            f"{path} has format version {quoted(repr(version))}; this xsoftmax reads 1 to "
            f"{FORMAT_VERSION}. Upgrade xsoftmax."
        )
    return description


def _describes_no_model(path: Path, error: Exception) -> ValueError:
    return ValueError(f"{path} describes no model of xsoftmax: {quoted(error)}.")


def _restore(path: Path, description: dict[str, Any]) -> tuple[Any, list[Any], dict[str, _Tensor]]:
    """The model without its arrays, its scalers, and what its tensors must be."""
    try:
        estimator = model = restore(description)
        scalers = []
        if description.get("pipeline") is not None:
            model = restore_scalers(description["pipeline"], estimator)
            scalers = [scaler for _, scaler in model.steps[:-1]]
        expected = _expected(estimator)
        expected |= {
            name: _Tensor(shape, scaler_name(int(name.split(".")[1])))
            for name, shape in scaler_shapes(scalers).items()
        }
        shapes = search_shapes(description.get("search"))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _describes_no_model(path, error) from error
    expected |= {name: _Tensor(shape, "numbers") for name, shape in shapes.items()}
    expected |= {name: _Tensor((None,), "numbers", needed=False) for name in _CURVES}
    return model, scalers, expected


def _expected(model: Any) -> dict[str, _Tensor]:
    """The names and shapes that the tensors of the model's layers must have."""
    sizes = model._network(model.n_features_in_, model.classes_.shape[0]).layer_sizes
    tensors = {}
    for i, (n_in, n_out) in enumerate(pairwise(sizes)):
        shape: tuple[int, int] = (n_in, n_out)
        if isinstance(model, SoftmaxRegression):
            n_out = 1 if n_out == 2 else n_out
            shape = (n_out, n_in)
        tensors[f"coef.{i}"] = _Tensor(shape, "layers")
        tensors[f"intercept.{i}"] = _Tensor((n_out,), "layers")
    return tensors


def _layer_shapes(tensors: dict[str, Any]) -> dict[str, tuple]:
    return {
        name: tensor.shape
        for name, tensor in tensors.items()
        if name.startswith(("coef.", "intercept."))
    }


def _check_entries(path: Path, entries: dict[str, Any], expected: dict[str, _Tensor]) -> None:
    """Exactly the expected tensors, with their shapes, and one floating dtype in each group."""
    needed = {name for name, tensor in expected.items() if tensor.needed}
    if not needed <= set(entries) <= set(expected):
        raise ValueError(
            f"{path} holds tensors {quoted(sorted(entries))}; expected {quoted(sorted(needed))}."
        )
    dtypes: dict[str, set[str]] = {}
    for name, entry in entries.items():
        if not _is_entry(entry):
            raise ValueError(f"{path}: the entry of tensor {name!r} is no description of one.")
        shape, dtype, wanted = tuple(entry["shape"]), entry["dtype"], expected[name]
        fits = len(shape) == len(wanted.shape) and all(
            size is None or size == found for size, found in zip(wanted.shape, shape, strict=True)
        )
        if not fits:
            sizes = "(" + ", ".join("any" if n is None else str(n) for n in wanted.shape) + ")"
            raise ValueError(
                f"{path}: tensor {name!r} has shape {quoted(shape)}; expected {sizes}."
            )
        if wanted.group == "numbers" and dtype != "F64":
            raise ValueError(f"{path}: tensor {name!r} must be F64; got {quoted(dtype)}.")
        dtypes.setdefault(wanted.group, set()).add(dtype)
    for group, found in dtypes.items():
        if len(found) > 1 or not found <= set(_DTYPES):
            raise ValueError(
                f"{path}: tensors of {group} must all be F32 or all F64; got "
                f"{quoted(sorted(found))}."
            )


def _is_entry(entry: Any) -> bool:
    """Whether it has a shape, a dtype and a place of the right kinds."""
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("dtype"), str)
        and are_sizes(entry.get("shape"))
        and are_sizes(entry.get("data_offsets"))
        and len(entry["data_offsets"]) == 2
    )


def _check_places(path: Path, entries: dict[str, Any], size: int, start: int) -> None:
    """The tensors lie one after the other, and the file ends where the last one does."""
    end = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"]):
        first, last = entry["data_offsets"]
        n_bytes = prod(entry["shape"]) * _DTYPES[entry["dtype"]]
        if first != end or last - first != n_bytes:
            raise ValueError(
                f"{path} is damaged: tensor {name!r} has {n_bytes} bytes and should start at "
                f"{end}, but its header says that it lies from {first} to {last}."
            )
        end = last
    if size != start + end:
        what = "truncated" if size < start + end else "not a model file"
        raise ValueError(
            f"{path} is {what}: it has {size} bytes, and its header describes {start + end}."
        )


def _read_tensors(path: Path, content: bytes) -> dict[str, np.ndarray]:
    try:
        return safetensors.numpy.load(content)
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path} is truncated or damaged: {error}.") from error


def _fill(
    model: Any, scalers: list[Any], tensors: dict[str, np.ndarray], like: Array | None
) -> None:
    """Give the model its arrays, and its scalers theirs, in the place of `like`."""
    model.validation_scores_ = model.validation_loss_curve_ = None
    model.t_ = 0  # a file does not say
    for name in _CURVES:
        if name in tensors:
            setattr(model, name + "_", tensors[name].tolist())
    arrays: dict[str, Any] = {
        name: array
        for name, array in tensors.items()
        if name.startswith(("coef.", "intercept.", "scaler."))
    }
    if like is not None:
        with on_device_of(like):
            model.classes_ = classes_for(like, model.classes_)
            arrays = {name: from_host(array, like=like) for name, array in arrays.items()}
    fill_scalers(scalers, arrays)
    n_layers = len([name for name in arrays if name.startswith("coef.")])
    coefs = [arrays[f"coef.{i}"] for i in range(n_layers)]
    intercepts = [arrays[f"intercept.{i}"] for i in range(n_layers)]
    if isinstance(model, SoftmaxRegression):
        model.coef_, model.intercept_ = coefs[0], intercepts[0]
    else:
        model.coefs_, model.intercepts_ = coefs, intercepts
