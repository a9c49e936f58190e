"""What a search learnt, in a model file beside its best estimator."""

from __future__ import annotations

from typing import Any

import numpy as np

from .header import value_from_json, value_to_json

_MEANS = ("mean_test_score", "std_test_score")


def describe_search(search: Any) -> tuple[dict[str, Any] | None, dict[str, np.ndarray]]:
    """JSON and float64 arrays of a fitted search, or of an estimator that was loaded with them."""
    if hasattr(search, "Cs_"):
        told = {"C": float(search.C_)}
        if hasattr(search, "temperature_"):
            told["temperature"] = float(search.temperature_)
        scores = search.scores_
        if isinstance(scores, dict):
            scores = list(scores.values())[search._deciding]
        return told, {
            "search.Cs": np.asarray(search.Cs_, dtype=np.float64),
            "search.scores": np.asarray(scores, dtype=np.float64),
        }
    if hasattr(search, "cv_results_"):
        results = search.cv_results_
        params = [value_to_json("param_grid", one) for one in results["params"]]
        tensors = {f"search.{name}": np.asarray(results[name], np.float64) for name in _MEANS}
        return {"params": params, "best_index": int(search.best_index_)}, tensors
    return None, {}


def search_shapes(description: dict[str, Any] | None) -> dict[str, tuple[int | None, ...]]:
    """The names and shapes that its arrays must have in the file; None for any size."""
    if description is None:
        return {}
    if "params" in description:
        return {f"search.{name}": (len(description["params"]),) for name in _MEANS}
    return {"search.Cs": (None,), "search.scores": (None, None)}


def fill_search(
    model: Any, description: dict[str, Any] | None, tensors: dict[str, np.ndarray]
) -> None:
    """Give the best estimator the attributes of the search that found it."""
    if description is None:
        return
    if "params" in description:
        _fill_grid(model, description, {name: tensors[f"search.{name}"] for name in _MEANS})
        return
    model.C_, model.Cs_ = description["C"], tensors["search.Cs"]
    model.scores_ = tensors["search.scores"]
    if "temperature" in description:
        temperature = description["temperature"]
        if type(temperature) is not float or not 0 < temperature < np.inf:
            raise ValueError(f"temperature {temperature!r}")
        model.temperature_ = temperature
    if model.scores_.shape[1] != len(model.Cs_) or model.C_ not in model.Cs_:
        raise ValueError(
            f"scores of shape {model.scores_.shape} and C={model.C_!r} for {len(model.Cs_)} "
            "values of C"
        )


def _fill_grid(model: Any, description: dict[str, Any], means: dict[str, np.ndarray]) -> None:
    params = [value_from_json(one) for one in description["params"]]
    best = description["best_index"]
    if not all(type(one) is dict for one in params):
        raise ValueError("candidates that are no dicts of parameters")
    if type(best) is not int or not 0 <= best < len(params):
        raise ValueError(f"best_index {best!r} of {len(params)} candidates")
    model.cv_results_ = {"params": params, **means}
    model.best_index_, model.best_params_ = best, params[best]
    model.best_score_ = float(means["mean_test_score"][best])
