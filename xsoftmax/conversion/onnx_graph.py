"""Models as ONNX graphs, which other programs and languages run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.preprocessing import Normalizer

from .. import __version__
from .fitted import FittedNetwork, affine_of, fitted_network

if TYPE_CHECKING:
    import onnx

#: The first that has all operators of these graphs, and a Gelu.
OPSET = 20
_ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid", "sigmoid": "Sigmoid"}
_NORMS = {"l1": "ReduceL1", "l2": "ReduceL2"}
_SQRT_2_OVER_PI, _CUBIC = float(np.sqrt(2 / np.pi)), 0.044715


def to_onnx(model: Any) -> onnx.ModelProto:
    """Make an ONNX graph that gives the labels and probabilities of a fitted model.

    Parameters
    ----------
    model : estimator
        A fitted classifier, a search with ``refit=True``, or a Pipeline of StandardScaler,
        MinMaxScaler, MaxAbsScaler and Normalizer that ends in one.

    Returns
    -------
    graph : onnx.ModelProto
        Its input "X" is (n_samples, n_features), in the dtype of the parameters. Its outputs are
        "label" (n_samples,), of the kind of ``classes_``, and "probabilities"
        (n_samples, n_classes). Write it with ``onnx.save(graph, path)``.

    Raises
    ------
    TypeError
        If `model` is none of those.
    ImportError
        If onnx is not installed.
    sklearn.exceptions.NotFittedError
        If it has not been fitted.

    See Also
    --------
    to_torch : To go on with in torch.

    Examples
    --------
    >>> import pytest
    >>> onnx = pytest.importorskip("onnx")
    >>> import xsoftmax
    >>> data = xsoftmax.datasets.digits()
    >>> model = xsoftmax.SoftmaxRegression().fit(data.X_train, data.y_train)
    >>> graph = xsoftmax.to_onnx(model)
    >>> [output.name for output in graph.graph.output]
    ['label', 'probabilities']
    """
    fitted = fitted_network(model, "to_onnx")
    try:
        onnx = import_module("onnx")
    except ImportError as error:
        raise ImportError('to_onnx needs onnx: pip install "xsoftmax[onnx]".') from error
    graph = _Graph(onnx, fitted)
    made: Any = onnx.helper.make_model(
        graph.made(),
        producer_name="xsoftmax",
        producer_version=__version__,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=9,  # that of the opset: older runtimes refuse a newer one
    )
    onnx.checker.check_model(made, full_check=True)
    return made


class _Graph:
    """Nodes and constants, as they are added."""

    def __init__(self, onnx: Any, fitted: FittedNetwork) -> None:
        self.helper, self.from_array = onnx.helper, onnx.numpy_helper.from_array
        self.fitted, self.dtype = fitted, fitted.coefs[0].dtype
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def made(self) -> Any:
        """The graph from "X" to "label" and "probabilities"."""
        x, fitted = "X", self.fitted
        for scaler in fitted.scalers:
            x = (
                self.normalized(x, scaler)
                if isinstance(scaler, Normalizer)
                else self.scaled(x, scaler)
            )
        last = len(fitted.coefs) - 1
        for i, (W, b) in enumerate(zip(fitted.coefs, fitted.intercepts, strict=True)):
            x = self.add("Gemm", x, self.constant(W), self.constant(b))
            if i < last:
                x = self.activated(x)
        self.add("Softmax", x, to="probabilities", axis=1)
        winner = self.add("ArgMax", x, axis=1, keepdims=0)
        classes = fitted.classes
        labels = classes.astype(object) if classes.dtype.kind in "OUST" else classes
        self.add("Gather", self.constant(labels), winner, to="label", axis=0)
        value = self.helper.make_tensor_value_info
        element = self.helper.np_dtype_to_tensor_dtype
        n_classes = len(classes)
        return self.helper.make_graph(
            self.nodes,
            "xsoftmax",
            [value("X", element(self.dtype), ["n_samples", fitted.n_features])],
            [
                value("label", element(labels.dtype), ["n_samples"]),
                value("probabilities", element(self.dtype), ["n_samples", n_classes]),
            ],
            self.constants,
        )

    def add(self, operator: str, *inputs: str, to: str | None = None, **attributes: Any) -> str:
        """Add a node; returns the name of its output."""
        name = to or f"{operator.lower()}{len(self.nodes)}"
        self.nodes.append(self.helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def constant(self, value: Any) -> str:
        """Add an array; numbers get the dtype of the graph. Returns its name."""
        name = f"constant{len(self.constants)}"
        array = value if isinstance(value, np.ndarray) else np.asarray(value, self.dtype)
        self.constants.append(self.from_array(np.ascontiguousarray(array), name))
        return name

    def scaled(self, x: str, scaler: Any) -> str:
        """What a scaler makes of x."""
        affine = affine_of(scaler, self.dtype)
        for operator, array in (
            ("Sub", affine.subtract),
            ("Div", affine.divide),
            ("Mul", affine.multiply),
            ("Add", affine.add),
        ):
            if array is not None:
                x = self.add(operator, x, self.constant(array))
        if affine.clip is not None:
            x = self.add("Clip", x, *map(self.constant, affine.clip))
        return x

    def normalized(self, x: str, scaler: Normalizer) -> str:
        """Rows of x by their norm, unless scikit-learn takes that for 0."""
        axes = self.constant(np.asarray([1], np.int64))
        if scaler.norm == "max":
            norm = self.add("ReduceMax", self.add("Abs", x), axes)
        else:
            norm = self.add(_NORMS[scaler.norm], x, axes)
        is_zero = self.add("Less", norm, self.constant(10 * np.finfo(self.dtype).eps))
        return self.add("Div", x, self.add("Where", is_zero, self.constant(1.0), norm))

    def activated(self, x: str) -> str:
        """What the hidden layers apply."""
        activation = self.fitted.activation
        if activation == "identity":
            return x
        if activation in _ACTIVATIONS:
            return self.add(_ACTIVATIONS[activation], x)
        # The Gelu operator lacks float64 where it runs: x sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3)).
        square = self.add("Mul", x, x)
        inner = self.add("Add", self.constant(1.0), self.add("Mul", self.constant(_CUBIC), square))
        doubled = self.add("Mul", self.constant(2 * _SQRT_2_OVER_PI), self.add("Mul", x, inner))
        return self.add("Mul", x, self.add("Sigmoid", doubled))
