"""Fitted models that move between array libraries and devices."""

from __future__ import annotations

from copy import copy, deepcopy
from typing import Any, Self

from sklearn.utils.validation import check_is_fitted

from ..arrays import Array, from_host, is_array, on_device_of, to_host
from .validation import classes_for

#: What lies where the rows of the fit lay; all else is on the host and stays there.
_MOVES = (
    "coef_", "intercept_", "coefs_", "intercepts_", "coefs_paths_", "standard_errors_",
    "covariances_", "coef_prior", "best_estimator_", "estimators_",
)  # fmt: skip

#: What another fit changes in place.
_CHANGES = ("_random_state", "loss_curve_", "validation_scores_", "validation_loss_curve_")


class Movable:
    """Adds `to` to a fitted model."""

    classes_: Any

    def to(self, like: Array) -> Self:
        """Copy the fitted model to the library and the device of an array.

        Parameters
        ----------
        like : array
            Any array of the library and on the device where the copy will predict.

        Returns
        -------
        model : object
            A copy that predicts rows there; the model itself stays as it is. What `partial_fit`
            knows of earlier steps (momentum) stays behind.

        Raises
        ------
        TypeError
            If `like` is no array.
        sklearn.exceptions.NotFittedError
            If the model has not been fitted.
        """
        check_is_fitted(self)
        if not is_array(like):
            raise TypeError(
                "like must be an array of the library and on the device to move to, such as "
                f"numpy.empty(0); got {type(like).__name__}."
            )
        moved = copy(self)
        moved.__dict__.pop("_memory", None)
        for name in _CHANGES:
            if name in vars(moved):
                setattr(moved, name, deepcopy(getattr(moved, name)))
        with on_device_of(like):
            for name in _MOVES:
                if name in vars(moved):
                    setattr(moved, name, _moved(getattr(moved, name), like))
            if "classes_" in vars(moved):
                moved.classes_ = classes_for(like, to_host(moved.classes_))
        return moved


def _moved(value: Any, like: Array) -> Any:
    """Arrays, and models, in lists and dicts too."""
    if isinstance(value, Movable):
        return value.to(like)
    if isinstance(value, dict):
        return {name: _moved(each, like) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_moved(each, like) for each in value)
    return from_host(to_host(value), like=like) if is_array(value) else value
