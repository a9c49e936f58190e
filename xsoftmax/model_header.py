"""The part of a model file that is not arrays: settings, labels, names, as JSON and back."""

from __future__ import annotations

import math
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import to_host
from .classifiers import MLPClassifier, SoftmaxRegression
from .classifiers.base import BaseSoftmaxClassifier
from .classifiers.rules import check_parameters

FORMAT_VERSION = 1

MODELS = {model.__name__: model for model in (SoftmaxRegression, MLPClassifier)}


def describe(model: BaseSoftmaxClassifier) -> dict[str, Any]:
    """What a fitted model is, but for its arrays."""
    settings = model.get_params(deep=False)
    if not isinstance(settings["random_state"], Integral):
        settings["random_state"] = None
    names = getattr(model, "feature_names_in_", None)
    return {
        "format_version": FORMAT_VERSION,
        "model": type(model).__name__,
        "settings": {name: _to_json(value) for name, value in settings.items()},
        "classes": _labels_to_json(to_host(model.classes_)),
        "n_features_in": model.n_features_in_,
        "feature_names_in": None if names is None else names.tolist(),
        "n_iter": model.n_iter_,
    }


def _labels_to_json(classes: np.ndarray) -> dict[str, Any]:
    values = classes.tolist()
    if classes.dtype.kind not in "biufU" and not all(isinstance(v, str) for v in values):
        raise TypeError(f"labels must be numbers or strings to be saved; got {values[:5]}.")
    return {"dtype": "str" if classes.dtype.kind == "U" else classes.dtype.name, "values": values}


def _to_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {"pairs": [[_to_json(key), _to_json(item)] for key, item in value.items()]}
    if isinstance(value, (tuple, list)):
        return [_to_json(item) for item in value]
    if isinstance(value, np.ndarray):
        return [*map(_to_json, value)]
    if isinstance(value, np.generic):
        value = value.item()
    return {"float": "inf"} if isinstance(value, float) and math.isinf(value) else value


def _from_json(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"pairs"}:
        return {_from_json(key): _from_json(item) for key, item in value["pairs"]}
    if isinstance(value, list):
        return tuple(_from_json(item) for item in value)
    return math.inf if value == {"float": "inf"} else value


def restore(path: Path, description: dict[str, Any]) -> Any:
    """The estimator with its settings and labels, and no parameters yet."""
    try:
        settings = {name: _from_json(v) for name, v in description["settings"].items()}
        model = MODELS[description["model"]](**settings)
        check_parameters(model)
        dtype = description["classes"]["dtype"]
        values = description["classes"]["values"]
        if dtype not in ("str", "object", "bool") and np.dtype(dtype).kind not in "iuf":
            raise ValueError(f"labels of dtype {dtype}")
        model.classes_ = np.asarray(values, dtype=None if dtype == "str" else dtype)
        if len(values) < 2 or not np.array_equal(model.classes_, np.unique(model.classes_)):
            raise ValueError("labels that are not two or more different ones in order")
        model.n_features_in_, model.n_iter_ = description["n_features_in"], description["n_iter"]
        if type(model.n_features_in_) is not int or model.n_features_in_ < 1:
            raise ValueError(f"{model.n_features_in_!r} features")
        if type(model.n_iter_) is not int or model.n_iter_ < 0:
            raise ValueError(f"{model.n_iter_!r} iterations")
        if type(model.random_state) not in (int, type(None)):
            raise ValueError(f"random_state={model.random_state!r}")
        names = description["feature_names_in"]
        if names is not None:
            model.feature_names_in_ = np.asarray(names, dtype=object)
            if model.feature_names_in_.shape != (model.n_features_in_,):
                raise ValueError("feature names of another number than the features")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ValueError(f"{path} describes no model of xsoftmax: {error}.") from error
    return model
