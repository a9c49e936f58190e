"""What a fitted classifier answers, in the library and on the device of what it is asked about."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from ..arrays import (
    Array,
    block_values,
    device,
    is_numpy,
    namespace,
    on_its_device,
    retry_on_out_of_memory,
    take_labels,
    to_host,
)
from ..functional import log_softmax, softmax
from ..model.network import Layer, Network
from ..sources import ClusterRows, RowSource, as_source, in_dtype, is_dask
from .moving import Movable
from .validation import (
    check_offset,
    check_range,
    check_same_place,
    check_sample_weight,
    check_X,
    labels_to_score,
)


class Predictor(Movable, ClassifierMixin, BaseEstimator, ABC):
    """Predictions of a network with a softmax on top; subclasses know where its layers are."""

    classes_: Array

    @abstractmethod
    def _network(self, n_features: int, n_classes: int) -> Network:
        """The network that the parameters name."""

    @abstractmethod
    def _layers(self) -> list[Layer]:
        """The fitted layers, as a batch of one problem."""

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        tags.input_tags.sparse = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coef_") or hasattr(self, "coefs_")

    @on_its_device
    def predict(self, X: Any, offset: Any = None) -> Array:
        """Predict the most probable label of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, in the library and on the device of the fitted parameters.
        offset : array of shape (n_samples, n_classes), default=None
            What is added to the logits, where the model was fitted with an offset.

        Returns
        -------
        labels : array of shape (n_samples,)
            Values of ``classes_``.

        Raises
        ------
        ValueError
            If X or `offset` breaks its rule, or lies elsewhere than the fitted parameters.
        """
        if is_dask(X):
            return lazily(self, "predict", X, offset)
        X = self._check_fitted(X, "predict")
        winners = self._winners(X, self._check_offset(X, offset))
        if is_numpy(self.classes_):
            return self.classes_[to_host(winners)]
        return take_labels(self.classes_, winners)

    @on_its_device
    def predict_proba(self, X: Any, offset: Any = None) -> Array:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, in the library and on the device of the fitted parameters.
        offset : array of shape (n_samples, n_classes), default=None
            What is added to the logits, where the model was fitted with an offset.

        Returns
        -------
        probabilities : array of shape (n_samples, n_classes)
            Classes are in the order of ``classes_``.

        Raises
        ------
        ValueError
            If X or `offset` breaks its rule, or lies elsewhere than the fitted parameters.
        """
        if is_dask(X):
            return lazily(self, "predict_proba", X, offset)
        X = self._check_fitted(X, "predict_proba")
        return self._logits(X, self._calibrated(softmax), self._check_offset(X, offset)).T

    @on_its_device
    def predict_log_proba(self, X: Any, offset: Any = None) -> Array:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, in the library and on the device of the fitted parameters.
        offset : array of shape (n_samples, n_classes), default=None
            What is added to the logits, where the model was fitted with an offset.

        Returns
        -------
        log_probabilities : array of shape (n_samples, n_classes)
            The logarithms of `predict_proba`, exact where that underflows.

        Raises
        ------
        ValueError
            If X or `offset` breaks its rule, or lies elsewhere than the fitted parameters.
        """
        if is_dask(X):
            return lazily(self, "predict_log_proba", X, offset)
        X = self._check_fitted(X, "predict_log_proba")
        return self._logits(X, self._calibrated(log_softmax), self._check_offset(X, offset)).T

    @on_its_device
    def decision_function(self, X: Any, offset: Any = None) -> Array:
        """Compute the logits, the scores before the softmax.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, in the library and on the device of the fitted parameters.
        offset : array of shape (n_samples, n_classes), default=None
            What is added to the logits, where the model was fitted with an offset.

        Returns
        -------
        logits : array of shape (n_samples, n_classes) or (n_samples,)
            For two classes the logit of the second minus that of the first, (n_samples,).

        Raises
        ------
        ValueError
            If X or `offset` breaks its rule, or lies elsewhere than the fitted parameters.
        """
        if is_dask(X):
            return lazily(self, "decision_function", X, offset)
        X = self._check_fitted(X, "decision_function")
        logits = self._logits(X, offset=self._check_offset(X, offset))
        return logits[1, :] - logits[0, :] if logits.shape[0] == 2 else logits.T

    @on_its_device
    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """Compute the accuracy: the weighted fraction of rows whose label is predicted.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, in the library and on the device of the fitted parameters.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels; one that is not among the classes is never predicted. Of probabilities the most
            probable class is the label.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; ones by default.
        offset : array of shape (n_samples, n_classes), default=None
            What is added to the logits, where the model was fitted with an offset.

        Returns
        -------
        accuracy : float
            A number in [0, 1].

        Raises
        ------
        ValueError
            If X, y, a weight or `offset` breaks its rule, as where the classes are numbers and y
            strings.
        """
        X = self._check_fitted(X, "score")
        labels = labels_to_score(self, X, y)
        weight = check_sample_weight(X, sample_weight)
        return self._accuracy(X, labels, weight, self._check_offset(X, offset))

    def _accuracy(
        self, X: Array, labels: np.ndarray, weight: np.ndarray, offset: Array | None = None
    ) -> float:
        right = to_host(self.classes_)[to_host(self._winners(X, offset))] == labels
        return float(np.average(right, weights=weight))

    def _check_fitted(self, X: Any, method: str) -> Array:
        """X as an array that the fitted model takes; `method` is what the caller asked."""
        check_is_fitted(self)
        X = check_X(self, X, reset=False)
        weights = self._layers()[0][0]
        check_same_place(self, weights, X, method)
        check_range(self, X, weights.dtype)
        return X

    def _calibrated(self, function: Callable) -> Callable:
        """`function` of logits that are divided by the temperature, if there is one."""
        temperature = getattr(self, "temperature_", 1.0)
        if temperature == 1.0:
            return function
        return lambda logits, axis: function(logits / temperature, axis=axis)

    def _scored_logits(self, X: Array, offset: Array | None = None) -> Array:
        """Logits (1, n_classes, n_samples) as scores see them: calibrated."""
        return self._logits(X, self._calibrated(lambda logits, axis: logits), offset)[None, ...]

    def _check_offset(self, X: Array, offset: Any) -> Array | None:
        return check_offset(self, X, offset, self.classes_.shape[0])

    def _winners(self, X: Array, offset: Array | None = None) -> Array:
        """The index of the largest logit of each row, (n_samples,)."""
        return self._logits(X, namespace(X).argmax, offset)

    def _logits(
        self, X: Array, transform: Callable | None = None, offset: Array | None = None
    ) -> Array:
        """As `logits_of`."""
        network = self._network(self.n_features_in_, self.classes_.shape[0])
        return logits_of(network, self._layers(), X, transform, offset)


def _logits_of_group(
    X: RowSource, part: Any, network: Network, layers: list[Layer], transform: Callable | None
) -> Array:
    """As `logits_of`, of rows on a worker."""
    return logits_of(network, layers, X, transform)


def logits_of(
    network: Network,
    layers: list[Layer],
    X: Array,
    transform: Callable | None = None,
    offset: Array | None = None,
) -> Array:
    """Compute the logits (n_classes, n_samples) of one network, block by block.

    An `offset` (n_samples, n_classes) is added to them. With a `transform` the result is what
    ``transform(logits, axis=0)`` makes of them.
    """
    xp, dtype, source = namespace(X), layers[0][0].dtype, as_source(X)
    if isinstance(source, ClusterRows):
        if offset is not None:
            raise ValueError("rows on a cluster take no offset where they are predicted.")
        return source.in_order(source.run(_logits_of_group, network, layers, transform))

    def in_blocks(n_rows: int) -> Array:
        blocks = []
        for rows, some in source.blocks(n_rows):
            logits = network.logits(layers, in_dtype(some, dtype))[0, ...]
            if offset is not None:
                logits = logits + xp.astype(offset[rows, :], dtype, copy=False).T
            blocks.append(transform(logits, axis=0) if transform else logits)
        return blocks[0] if len(blocks) == 1 else xp.concat(blocks, axis=-1)

    is_copied = X.dtype != dtype or not source.is_in_memory
    width = max(network.n_units, source.row_values) if is_copied else network.n_units
    n_rows = max(256, 2 * block_values(X) // width)
    return retry_on_out_of_memory(in_blocks, min(n_rows, X.shape[0]), source.describe)


def lazily(model: Any, method: str, X: Any, offset: Any = None) -> Any:
    """What `method` makes of the chunks of an array of Dask, as another one.

    Nothing is computed yet. The model goes to each worker once.
    """
    check_is_fitted(model)
    if offset is not None:
        raise ValueError("predictions of arrays of Dask take no offset; add it to the logits.")
    if X.ndim != 2 or X.shape[1] != model.n_features_in_:
        raise ValueError(
            f"X has shape {X.shape}, but {type(model).__name__} is expecting "
            f"{model.n_features_in_} features as input."
        )
    X = X.rechunk({1: -1}) if X.numblocks[1] > 1 else X
    n_columns = model.classes_.shape[0]
    of_none = _of_no_rows(model, method)
    one_column = of_none.ndim == 1
    return X.map_blocks(
        _of_chunk,
        model=model,
        method=method,
        dtype=of_none.dtype,
        chunks=(X.chunks[0],) if one_column else (X.chunks[0], (n_columns,)),
        drop_axis=1 if one_column else None,
        meta=of_none,
    )


def _of_no_rows(model: Any, method: str) -> Array:
    """What `method` makes of no rows: its dtype and dimensions."""
    like = model._layers()[0][0]
    some = namespace(like).zeros((1, model.n_features_in_), dtype=like.dtype, device=device(like))
    return getattr(model, method)(some)[:0]


def _of_chunk(chunk: Any, model: Any, method: str) -> Array:
    if chunk.shape[0] == 0:
        return _of_no_rows(model, method)
    return getattr(model, method)(chunk)
