"""Models as layers of torch, to go on with there."""

from __future__ import annotations

from collections import OrderedDict
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.preprocessing import Normalizer

from .fitted import affine_of, fitted_network

if TYPE_CHECKING:
    import torch


def to_torch(model: Any) -> torch.nn.Sequential:
    """Make a torch module that computes the logits of a fitted model.

    Parameters
    ----------
    model : estimator
        A fitted classifier, a search with ``refit=True``, or a Pipeline of StandardScaler,
        MinMaxScaler, MaxAbsScaler and Normalizer that ends in one.

    Returns
    -------
    module : torch.nn.Sequential
        From X (n_samples, n_features) to logits (n_samples, n_classes), on the CPU, in the dtype
        of the parameters: its scalers, then Linear layers with activations between them. Classes
        are in the order of ``classes_``, of two classes too; a softmax of the logits gives
        `predict_proba`, a temperature included.

    Raises
    ------
    TypeError
        If `model` is none of those.
    ImportError
        If torch is not installed.
    sklearn.exceptions.NotFittedError
        If it has not been fitted.

    See Also
    --------
    to_onnx : For programs that have no torch; gives labels too.

    Examples
    --------
    >>> import pytest
    >>> torch = pytest.importorskip("torch")
    >>> import xsoftmax
    >>> data = xsoftmax.datasets.digits()
    >>> model = xsoftmax.SoftmaxRegression().fit(data.X_train, data.y_train)
    >>> module = xsoftmax.to_torch(model)
    >>> module
    Sequential(
      (layer0): Linear(in_features=64, out_features=10, bias=True)
    )
    >>> module(torch.asarray(data.X_test)).argmax(1)[:8]
    tensor([7, 6, 3, 7, 7, 3, 2, 8])
    """
    fitted = fitted_network(model, "to_torch")
    try:
        nn = import_module("torch").nn
        layers = import_module(f"{__package__}.torch_layers")
    except ImportError as error:
        raise ImportError('to_torch needs torch: pip install "torch".') from error
    named: OrderedDict[str, Any] = OrderedDict()
    dtype = fitted.coefs[0].dtype
    for i, scaler in enumerate(fitted.scalers):
        if isinstance(scaler, Normalizer):
            named[f"scaler{i}"] = layers.Normalize(scaler.norm)
        else:
            named[f"scaler{i}"] = layers.Scale(**affine_of(scaler, dtype)._asdict())
    last = len(fitted.coefs) - 1
    for i, (W, b) in enumerate(zip(fitted.coefs, fitted.intercepts, strict=True)):
        named[f"layer{i}"] = layers.linear(np.ascontiguousarray(W.T), b)
        if i < last and fitted.activation != "identity":
            named[f"activation{i}"] = layers.ACTIVATIONS[fitted.activation]()
    return nn.Sequential(named)
