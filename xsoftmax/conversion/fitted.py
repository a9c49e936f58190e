"""What there is to know of a fitted model, on the host, whatever it goes to."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.validation import check_is_fitted

from ..arrays import to_host
from ..classifiers import BatchedGridSearchCV
from ..classifiers.predictor import Predictor
from ..serialization.scalers import SCALERS, is_scaler


class FittedNetwork(NamedTuple):
    """A network with a softmax on top, behind its scalers."""

    estimator: Any  #: the classifier itself
    scalers: list[Any]  #: of scikit-learn, fitted
    coefs: list[np.ndarray]  #: (n_in, n_out) of each layer
    intercepts: list[np.ndarray]  #: (n_out,) of each layer
    activation: str  #: of the hidden layers
    classes: np.ndarray
    n_features: int


class Affine(NamedTuple):
    """What a scaler does: subtract, divide, add, clip. None where a step is left out."""

    subtract: np.ndarray | None = None
    divide: np.ndarray | None = None
    multiply: np.ndarray | None = None
    add: np.ndarray | None = None
    clip: tuple[float, float] | None = None


def fitted_network(model: Any, function: str) -> FittedNetwork:
    """Those of a classifier, of a search's best estimator, or of a pipeline that ends in one.

    A temperature is part of the last layer. `function` is what the caller asked for.
    """
    scalers, estimator = _parts(model, function)
    layers = [(to_host(W)[0].T, to_host(b)[0]) for W, b in estimator._layers()]
    temperature = getattr(estimator, "temperature_", 1.0)
    if temperature != 1.0:
        W, b = layers[-1]
        layers[-1] = W / W.dtype.type(temperature), b / b.dtype.type(temperature)
    coefs, intercepts = zip(*layers, strict=True)
    return FittedNetwork(
        estimator,
        scalers,
        list(coefs),
        list(intercepts),
        getattr(estimator, "activation", "identity"),
        to_host(estimator.classes_),
        estimator.n_features_in_,
    )


def _parts(model: Any, function: str) -> tuple[list[Any], Any]:
    """The scalers of a pipeline, and the fitted classifier after them."""
    steps, last = [], model
    if isinstance(model, Pipeline):
        (*steps, last) = [step for _, step in model.steps]
    check_is_fitted(last)
    if isinstance(last, BatchedGridSearchCV) and hasattr(last, "best_estimator_"):
        last = last.best_estimator_
    if not isinstance(last, Predictor):
        remedy = ""
        if hasattr(last, "estimators_"):
            remedy = " Convert each of its estimators_."
        elif isinstance(last, BatchedGridSearchCV):
            remedy = " Fit it with refit=True."
        raise TypeError(
            f"{function} needs a fitted classifier of xsoftmax, or a Pipeline of scalers that "
            f"ends in one; got {type(last).__name__}.{remedy}"
        )
    for step in steps:
        if not is_scaler(step):
            raise TypeError(
                f"{function} needs a Pipeline whose first steps are "
                f"{', '.join(SCALERS)}; got {step!r}. Convert the "
                "last step alone."
            )
    return steps, last


def affine_of(scaler: Any, dtype: np.dtype) -> Affine:
    """What a scaler other than Normalizer does, as scikit-learn does it."""

    def array(name: str) -> np.ndarray | None:
        value = getattr(scaler, name, None)
        return None if value is None else to_host(value).astype(dtype)

    if isinstance(scaler, StandardScaler):
        return Affine(
            subtract=array("mean_") if scaler.with_mean else None,
            divide=array("scale_") if scaler.with_std else None,
        )
    if isinstance(scaler, MinMaxScaler):
        low, high = map(float, scaler.feature_range)
        return Affine(
            multiply=array("scale_"), add=array("min_"), clip=(low, high) if scaler.clip else None
        )
    bounds = (-1.0, 1.0) if getattr(scaler, "clip", False) else None
    return Affine(divide=array("scale_"), clip=bounds)
