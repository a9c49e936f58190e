"""The scalers of a pipeline in a model file: their settings and arrays, there and back.

A head is trained on scaled features, so it is of no use without the scaler that it was trained
behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, StandardScaler
from sklearn.utils.validation import check_is_fitted

from ..arrays import Array, to_host
from .header import names_to_json, set_features, settings_from_json, settings_to_json

SCALERS = {
    scaler.__name__: scaler for scaler in (StandardScaler, MinMaxScaler, MaxAbsScaler, Normalizer)
}

#: Fitted arrays (n_features,) of each; those of a StandardScaler depend on its settings.
_ARRAYS = {
    "StandardScaler": ("mean_", "var_", "scale_"),
    "MinMaxScaler": ("min_", "scale_", "data_min_", "data_max_", "data_range_"),
    "MaxAbsScaler": ("scale_", "max_abs_"),
    "Normalizer": (),
}
_OUTPUTS = (None, "default", "pandas", "polars")


def scaler_name(i: int, attribute: str = "") -> str:
    """What the i-th scaler's array is called in the file."""
    return f"scaler.{i}.{attribute.removesuffix('_')}"


def is_scaler(step: Any) -> bool:
    """Whether a model file can hold it."""
    return SCALERS.get(type(step).__name__) is type(step)


def describe_scalers(pipeline: Pipeline) -> tuple[dict[str, Any], dict[str, Array]]:
    """What a pipeline is, but for its last step: JSON, and arrays by their names in the file."""
    *steps, (last, model) = pipeline.steps
    tensors: dict[str, Array] = {}
    described = []
    for i, (step, scaler) in enumerate(steps):
        check_is_fitted(scaler)
        described.append(
            {
                "step": step,
                "class": type(scaler).__name__,
                "settings": settings_to_json(scaler),
                "output": getattr(scaler, "_sklearn_output_config", {}).get("transform"),
                "n_features_in": getattr(scaler, "n_features_in_", model.n_features_in_),
                "feature_names_in": names_to_json(scaler),
                "n_samples_seen": _number_seen(scaler),
            }
        )
        for attribute in _attributes(scaler):
            tensors[scaler_name(i, attribute)] = _in_float(getattr(scaler, attribute))
    return {"steps": described, "last": last}, tensors


def restore_scalers(description: dict[str, Any], model: Any) -> Pipeline:
    """The pipeline that ends in `model`; its scalers have no arrays yet."""
    steps = []
    for described in description["steps"]:
        scaler = SCALERS[described["class"]](**settings_from_json(described["settings"]))
        scaler._validate_params()
        if described["output"] not in _OUTPUTS:
            raise ValueError(f"output {described['output']!r}")
        if described["output"] is not None:
            scaler.set_output(transform=described["output"])
        set_features(scaler, described["n_features_in"], described["feature_names_in"])
        if scaler.n_features_in_ != model.n_features_in_:
            raise ValueError(
                f"a scaler of {scaler.n_features_in_} features before a model of "
                f"{model.n_features_in_}"
            )
        if described["n_samples_seen"] is not None:
            scaler.n_samples_seen_ = described["n_samples_seen"]
            if type(scaler.n_samples_seen_) not in (int, float) or scaler.n_samples_seen_ <= 0:
                raise ValueError(f"a scaler fitted on {scaler.n_samples_seen_!r} samples")
        steps.append((described["step"], scaler))
    pipeline = Pipeline([*steps, (description["last"], model)])
    pipeline._validate_steps()
    return pipeline


def scaler_shapes(scalers: Iterable[Any]) -> dict[str, tuple[int]]:
    """The names and shapes that the arrays of some scalers must have in the file."""
    return {
        scaler_name(i, attribute): (scaler.n_features_in_,)
        for i, scaler in enumerate(scalers)
        for attribute in _attributes(scaler)
    }


def fill_scalers(scalers: Iterable[Any], tensors: dict[str, Array]) -> None:
    """Give restored scalers their arrays."""
    for i, scaler in enumerate(scalers):
        for attribute in _ARRAYS[type(scaler).__name__]:
            setattr(scaler, attribute, tensors.get(scaler_name(i, attribute)))


def _attributes(scaler: Any) -> tuple[str, ...]:
    """Those of its arrays that it has."""
    attributes = _ARRAYS[type(scaler).__name__]
    if isinstance(scaler, StandardScaler) and not scaler.with_std:
        return attributes[:1] if scaler.with_mean else ()
    return attributes


def _number_seen(scaler: Any) -> float | None:
    """On how many samples it was fitted, or what they weighed."""
    seen = getattr(scaler, "n_samples_seen_", None)
    if seen is None:
        return None
    seen = float(np.max(to_host(seen) if hasattr(seen, "device") else seen))
    return int(seen) if seen.is_integer() else seen


def _in_float(array: Array) -> np.ndarray:
    """On the host, in a dtype that a model file holds."""
    array = to_host(array)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
