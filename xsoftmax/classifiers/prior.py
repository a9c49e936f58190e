"""A classifier to stay near: the penalty is on what the weights differ by from it.

With V = W - W0 the objective is that of V with the offset O + X W0' + b0, and no prior.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import (
    Array,
    compute_dtype,
    from_host,
    is_array,
    namespace,
    same_place,
    to_list,
    where,
)
from ..model.network import Layer, Network
from ..objective.coordinates import Coordinates, FromOrigin
from .predictor import logits_of
from .samples import Samples


def from_prior(
    estimator: Any, network: Network, samples: Samples
) -> tuple[Coordinates, Array | None]:
    """The coordinates V of a network, and the offset (n_samples, n_classes) that goes with them."""
    prior = getattr(estimator, "coef_prior", None)
    if prior is None:
        return Coordinates(network, samples.X), samples.offset
    layers = check_prior(estimator, network, samples.X)
    xp, (W, b) = namespace(samples.X), layers[0]
    origin = network.pack([(W, b if network.fit_intercept else None)])
    if not to_list(xp.any(origin != 0)):
        return Coordinates(network, samples.X), samples.offset
    offset = logits_of(network, layers, samples.X).T
    if samples.offset is not None:
        offset = offset + samples.offset
    return FromOrigin(network, samples.X, origin), offset


def check_prior(estimator: Any, network: Network, X: Array) -> list[Layer]:
    """The prior as the only layer of a network, where X lies."""
    name, (n_features, n_classes) = type(estimator).__name__, network.layer_sizes
    try:
        W, b = estimator.coef_prior
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name}(coef_prior=...) must be a pair (W0, b0) of weights and intercepts, as coef_ "
            "and intercept_ are; b0 may be None."
        ) from error
    given = tuple(W.shape) if is_array(W) else np.shape(W)
    n_rows = 1 if n_classes == 2 and given[:1] == (1,) else n_classes
    W = _moved(name, "weights", W, (n_rows, n_features), X)
    b = None if b is None else _moved(name, "intercepts", b, (n_rows,), X)
    xp = namespace(X)
    if b is not None and not network.fit_intercept and to_list(xp.any(b != 0)):
        raise ValueError(f"{name}(coef_prior=...) has intercepts, which need fit_intercept=True.")
    if b is None:
        b = 0.0 * W[:, 0]
    if n_rows < n_classes:
        W, b = xp.concat([-W / 2, W / 2]), xp.concat([-b / 2, b / 2])
    return [(W[None, ...], b[None, ...])]


def _moved(name: str, what: str, x: Any, shape: tuple[int, ...], X: Array) -> Array:
    """One part of the prior in the dtype to compute in."""
    dtype = compute_dtype(X)
    if is_array(x) and not same_place(X, x):
        raise ValueError(
            f"{name}(coef_prior=...) must lie where X does, {where(X)}; its {what} are {where(x)}. "
            "Move them, or pass lists."
        )
    moved = (
        namespace(X).astype(x, dtype)
        if is_array(x)
        else from_host(np.asarray(x, dtype=np.float64), like=X, dtype=dtype)
    )
    if tuple(moved.shape) != shape:
        raise ValueError(
            f"{name}(coef_prior=...) must have {what} of shape {shape}, for the sorted classes; "
            f"got {tuple(moved.shape)}."
        )
    if not to_list(namespace(X).all(namespace(X).isfinite(moved))):
        raise ValueError(f"{name}(coef_prior=...) must be finite; its {what} are not.")
    return moved
