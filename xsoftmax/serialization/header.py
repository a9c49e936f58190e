"""The part of a model file that is not arrays: settings, labels, names, as JSON and back."""

from __future__ import annotations

import math
from numbers import Integral
from typing import Any

import numpy as np

from ..arrays import is_array, to_host
from ..classifiers import MLPClassifier, SoftmaxRegression
from ..classifiers.base import BaseSoftmaxClassifier
from ..classifiers.rules import check_parameters
from ..classifiers.words import shown

MODELS = {model.__name__: model for model in (SoftmaxRegression, MLPClassifier)}

#: What a description may hold that is no list and no dict.
_JSON_SCALARS = (str, int, float, bool, type(None))


def describe(model: BaseSoftmaxClassifier) -> dict[str, Any]:
    """What a fitted model is, but for its arrays."""
    return {
        "model": type(model).__name__,
        "settings": settings_to_json(model),
        "classes": _labels_to_json(to_host(model.classes_)),
        "n_features_in": model.n_features_in_,
        "feature_names_in": names_to_json(model),
        "label_name": getattr(model, "label_name_", None),
        "n_iter": model.n_iter_,
    }


def restore(description: dict[str, Any]) -> Any:
    """The estimator with its settings and labels, and no parameters yet."""
    model = MODELS[description["model"]](**settings_from_json(description["settings"]))
    check_parameters(model)
    model.classes_ = _labels_from_json(**description["classes"])
    model.n_iter_ = description["n_iter"]
    if type(model.n_iter_) is not int or not 0 <= model.n_iter_ < 1 << 63:
        raise ValueError(f"{model.n_iter_!r} iterations")
    if type(model.random_state) not in (int, type(None)):
        raise ValueError(f"random_state={model.random_state!r}")
    set_features(model, description["n_features_in"], description["feature_names_in"])
    label_name = description.get("label_name")  # older files have none
    if type(label_name) not in (str, type(None)):
        raise ValueError(f"label_name={label_name!r}")
    if label_name is not None:
        model.label_name_ = label_name
    return model


# --- settings ------------------------------------------------------------------------------------


def settings_to_json(estimator: Any) -> dict[str, Any]:
    """The constructor's parameters; a ``random_state`` that is no number is left out."""
    settings = estimator.get_params(deep=False)
    if not isinstance(settings.get("random_state"), Integral):
        settings = {name: None if name == "random_state" else v for name, v in settings.items()}
    return {name: value_to_json(f"{name}=...", value) for name, value in settings.items()}


def settings_from_json(settings: dict[str, Any]) -> dict[str, Any]:
    """What `settings_to_json` was given."""
    return {name: value_from_json(value) for name, value in settings.items()}


def value_to_json(name: str, value: Any) -> Any:
    """A setting as JSON holds it; `name` is what messages call it."""
    if isinstance(value, dict):
        pairs = value.items()
        return {"pairs": [[value_to_json(name, item) for item in pair] for pair in pairs]}
    if is_array(value) and not isinstance(value, np.generic):
        value = to_host(value)
    if isinstance(value, (tuple, list)) or (isinstance(value, np.ndarray) and value.ndim):
        return [value_to_json(name, item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, _JSON_SCALARS) or (isinstance(value, float) and math.isnan(value)):
        raise TypeError(
            f"{name} holds {shown(value)}, and a model file holds numbers, strings, True, False, "
            "None, and lists and dicts of them. Set it to one of those before saving."
        )
    return {"float": repr(value)} if isinstance(value, float) and math.isinf(value) else value


def value_from_json(value: Any) -> Any:
    """What `value_to_json` was given, with lists as tuples."""
    if isinstance(value, dict) and set(value) == {"pairs"}:
        return {value_from_json(key): value_from_json(item) for key, item in value["pairs"]}
    if isinstance(value, list):
        return tuple(value_from_json(item) for item in value)
    if value in ({"float": "inf"}, {"float": "-inf"}):
        return float(value["float"])
    return value


# --- labels and features -------------------------------------------------------------------------


def _labels_to_json(classes: np.ndarray) -> dict[str, Any]:
    values = classes.tolist()
    is_text = all(isinstance(value, str) for value in values)
    if not (is_text or (classes.dtype.kind in "biuf" and classes.dtype.itemsize <= 8)):
        raise TypeError(
            f"labels must be numbers or strings to be saved; got {shown(values[:5])} of dtype "
            f"{classes.dtype}. Fit with labels that are, such as y.astype(str)."
        )
    is_object = classes.dtype.kind == "O"
    name = "object" if is_object else "str" if is_text else classes.dtype.name
    return {"dtype": name, "values": values}


def _labels_from_json(dtype: str, values: list[Any]) -> np.ndarray:
    if dtype in ("str", "object"):
        fit = all(type(value) is str for value in values)
    else:
        kind = np.dtype(str(dtype)).kind
        fit = kind in "biuf" and {*map(type, values)} <= ({bool} if kind == "b" else {int, float})
    if not fit:
        raise ValueError(f"labels of dtype {dtype!r} that are not all of that kind")
    classes = np.asarray(values, dtype=None if dtype == "str" else dtype)
    if len(values) < 2 or not np.array_equal(classes, np.unique(classes)):
        raise ValueError("labels that are not two or more different ones in order")
    return classes


def names_to_json(estimator: Any) -> list[str] | None:
    """The names of the features, if they have any."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        return None
    names = np.asarray(names, dtype=object).tolist()
    if not all(isinstance(name, str) for name in names) or len(names) != estimator.n_features_in_:
        raise TypeError(
            f"feature_names_in_ must hold one string for each of {estimator.n_features_in_} "
            f"features to be saved; got {shown(names[:5])}."
        )
    return names


def set_features(estimator: Any, n_features: Any, names: Any) -> None:
    """Tell a restored estimator how many features it saw, and what they are called."""
    if type(n_features) is not int or n_features < 1:
        raise ValueError(f"{n_features!r} features")
    estimator.n_features_in_ = n_features
    if names is None:
        return
    if not isinstance(names, list) or not all(type(name) is str for name in names):
        raise ValueError("feature names that are not strings")
    if len(names) != n_features:
        raise ValueError(f"{len(names)} feature names for {n_features} features")
    estimator.feature_names_in_ = np.asarray(names, dtype=object)
