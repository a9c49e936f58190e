"""Models of scikit-learn that predict what ours do, and the other way."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.neural_network import MLPClassifier as SklearnMLP
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.validation import check_is_fitted

from ..arrays import Array, is_array, is_numpy, to_host
from ..classifiers import MLPClassifier, SoftmaxRegression
from .fitted import FittedNetwork, fitted_network

#: Activations by scikit-learn's names.
ACTIVATIONS = {
    "identity": "identity",
    "logistic": "logistic",
    "sigmoid": "logistic",
    "tanh": "tanh",
    "relu": "relu",
}
_OF_BOTH = ("warm_start", "random_state", "max_iter", "tol")
_OF_NETWORKS = (
    "alpha", "batch_size", "learning_rate", "power_t", "shuffle", "momentum",
    "nesterovs_momentum", "beta_1", "beta_2", "epsilon", "early_stopping",
    "validation_fraction", "n_iter_no_change",
)  # fmt: skip


def to_sklearn(model: Any) -> Any:
    """Make a model of scikit-learn, on the CPU, that predicts what a fitted one does.

    Parameters
    ----------
    model : estimator
        A fitted classifier, a search with ``refit=True``, or a Pipeline of StandardScaler,
        MinMaxScaler, MaxAbsScaler and Normalizer that ends in one. Its parameters may lie on any
        device.

    Returns
    -------
    converted : LogisticRegression, MLPClassifier or Pipeline
        Fitted, of scikit-learn, with the settings that both have. Of a search it is the best
        estimator; a temperature is part of its coefficients.

    Raises
    ------
    TypeError
        If `model` is none of those.
    ValueError
        If it has an activation that scikit-learn lacks ("gelu").
    sklearn.exceptions.NotFittedError
        If it has not been fitted.

    See Also
    --------
    from_sklearn : The other way.
    to_onnx : For programs that have no scikit-learn.

    Examples
    --------
    >>> import xsoftmax
    >>> data = xsoftmax.datasets.digits()
    >>> model = xsoftmax.SoftmaxRegression(C=10.0).fit(data.X_train, data.y_train)
    >>> converted = xsoftmax.to_sklearn(model)
    >>> converted
    LogisticRegression(C=10.0, max_iter=1000)
    >>> bool((converted.predict(data.X_test) == model.predict(data.X_test)).all())
    True
    """
    fitted = fitted_network(model, "to_sklearn")
    estimator = fitted.estimator
    made = (_network if isinstance(estimator, MLPClassifier) else _logistic_regression)(fitted)
    made.classes_, made.n_features_in_ = fitted.classes, fitted.n_features
    if hasattr(estimator, "feature_names_in_"):
        made.feature_names_in_ = estimator.feature_names_in_
    if not isinstance(model, Pipeline):
        return made
    names = [name for name, _ in model.steps]
    return Pipeline(list(zip(names, [*map(_on_host, fitted.scalers), made], strict=True)))


def from_sklearn(model: Any, *, like: Array | None = None) -> Any:
    """Make one of our models from a fitted one of scikit-learn.

    Parameters
    ----------
    model : LogisticRegression, LogisticRegressionCV, MLPClassifier or Pipeline
        Fitted, of scikit-learn. The first steps of a Pipeline are kept as they are.
    like : array, default=None
        Any array of the library and on the device where the model will predict. By default the
        model has NumPy arrays, on the CPU.

    Returns
    -------
    converted : SoftmaxRegression, MLPClassifier or Pipeline
        With the same predictions, and the settings that both have. A penalty other than L2 is
        not among them.

    Raises
    ------
    TypeError
        If `model` is none of those.
    ValueError
        If it has several classifiers, one for each class, instead of a softmax, or several labels
        for a row.
    sklearn.exceptions.NotFittedError
        If it has not been fitted.

    See Also
    --------
    to_sklearn : The other way.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
    >>> import xsoftmax
    >>> data = xsoftmax.datasets.digits()
    >>> known = LogisticRegression(C=0.1).fit(data.X_train, data.y_train)
    >>> model = xsoftmax.from_sklearn(known)
    >>> model
    SoftmaxRegression(C=0.1, max_iter=100)
    >>> bool((model.predict(data.X_test) == known.predict(data.X_test)).all())
    True
    """
    steps, last = ([], model)
    if isinstance(model, Pipeline):
        *steps, (name, last) = model.steps
    if isinstance(last, SklearnMLP):
        made = _network_of(last)
    elif isinstance(last, (LogisticRegression, LogisticRegressionCV)):
        made = _softmax_regression(last)
    else:
        raise TypeError(
            "from_sklearn needs a LogisticRegression, LogisticRegressionCV or MLPClassifier, or a "
            f"Pipeline that ends in one; got {type(last).__name__}."
        )
    made.classes_, made.n_features_in_ = np.array(last.classes_), last.n_features_in_
    if hasattr(last, "feature_names_in_"):
        made.feature_names_in_ = last.feature_names_in_
    if like is not None:
        made = made.to(like)
    if not isinstance(model, Pipeline):
        return made
    return Pipeline([*deepcopy(steps), (name, made)])


def _logistic_regression(fitted: FittedNetwork) -> LogisticRegression:
    estimator = fitted.estimator
    settings = {name: getattr(estimator, name) for name in _OF_BOTH if hasattr(estimator, name)}
    made = LogisticRegression(
        C=getattr(estimator, "C_", None) or estimator.C,
        fit_intercept=estimator.fit_intercept,
        class_weight=estimator.class_weight,
        **settings,
    )
    W, b = fitted.coefs[0].T, fitted.intercepts[0]
    if len(fitted.classes) == 2:  # scikit-learn keeps the difference
        W, b = W[1:] - W[:1], b[1:] - b[:1]
    made.coef_, made.intercept_ = np.ascontiguousarray(W), b
    made.n_iter_ = np.atleast_1d(np.asarray(estimator.n_iter_, dtype=np.int32))
    return made


def _network(fitted: FittedNetwork) -> SklearnMLP:
    estimator = fitted.estimator
    if fitted.activation not in ACTIVATIONS:
        raise ValueError(
            f"scikit-learn's MLPClassifier has no activation {fitted.activation!r}; it has "
            f"{', '.join(sorted(set(ACTIVATIONS.values())))}. Use to_torch or to_onnx."
        )
    settings = {name: getattr(estimator, name) for name in (*_OF_BOTH, *_OF_NETWORKS)}
    made = SklearnMLP(
        estimator.hidden_layer_sizes,
        ACTIVATIONS[fitted.activation],
        solver="sgd" if estimator.solver == "gd" else estimator.solver,
        learning_rate_init=estimator.learning_rate_init or 0.001,
        **{**settings, "early_stopping": bool(estimator.early_stopping)},
    )
    made.coefs_ = [np.ascontiguousarray(W) for W in fitted.coefs]
    made.intercepts_ = list(fitted.intercepts)
    made.out_activation_ = "softmax"
    if len(fitted.classes) == 2:  # scikit-learn has one output then
        W, b = made.coefs_[-1], made.intercepts_[-1]
        made.coefs_[-1], made.intercepts_[-1] = W[:, 1:] - W[:, :1], b[1:] - b[:1]
        made.out_activation_ = "logistic"
    made.n_layers_, made.n_outputs_ = len(made.coefs_) + 1, made.coefs_[-1].shape[1]
    made._label_binarizer = LabelBinarizer().fit(fitted.classes)
    made.n_iter_, made.t_ = estimator.n_iter_, estimator.t_
    made._no_improvement_count = 0  # or it cannot train on
    made.loss_curve_, made.loss_ = list(estimator.loss_curve_), estimator.loss_
    made.best_loss_ = estimator.best_loss_
    made.validation_scores_ = estimator.validation_scores_
    made.best_validation_score_ = estimator.best_validation_score_
    return made


def _on_host(scaler: Any) -> Any:
    """A copy of a scaler, with NumPy arrays."""
    made = deepcopy(scaler)
    for name, value in vars(made).items():
        if is_array(value) and not is_numpy(value):
            setattr(made, name, to_host(value))
    return made


def _softmax_regression(known: Any) -> SoftmaxRegression:
    check_is_fitted(known)
    n_classes = len(known.classes_)
    multi_class = getattr(known, "multi_class", None)  # of scikit-learn before 1.8
    if n_classes > 2 and (known.solver == "liblinear" or multi_class == "ovr"):
        raise ValueError(
            f"the {type(known).__name__} fitted one classifier for each of {n_classes} classes, "
            "which is no softmax. Fit it with solver='lbfgs' and without multi_class."
        )
    # There two classes had opposite logits, and the decision was one of them.
    scale = 2.0 if n_classes == 2 and multi_class == "multinomial" else 1.0
    C = known.C_ if isinstance(known, LogisticRegressionCV) else known.C
    names = ("fit_intercept", "class_weight", "warm_start", "random_state", "tol", "max_iter")
    made = SoftmaxRegression(
        C=float(np.ravel(C)[0]),
        **{name: getattr(known, name) for name in names if hasattr(known, name)},
    )
    if isinstance(known, LogisticRegressionCV):
        made.random_state = known.random_state
    made.coef_ = scale * np.array(known.coef_)
    b = scale * np.broadcast_to(known.intercept_, known.coef_.shape[:1])
    made.intercept_ = np.array(b, dtype=made.coef_.dtype)
    made.n_iter_, made.loss_curve_ = int(np.max(known.n_iter_)), []
    made.validation_scores_ = made.validation_loss_curve_ = None
    made.t_ = 0
    return made


def _network_of(known: SklearnMLP) -> MLPClassifier:
    check_is_fitted(known)
    n_classes = len(known.classes_)
    coefs, intercepts = list(map(np.array, known.coefs_)), list(map(np.array, known.intercepts_))
    if known.out_activation_ == "logistic":
        if n_classes != 2 or known.n_outputs_ != 1:
            raise ValueError(
                f"the MLPClassifier has {known.n_outputs_} labels for each row, which is no "
                "softmax. Fit one for each label."
            )
        W, b = coefs[-1] / 2, intercepts[-1] / 2
        coefs[-1], intercepts[-1] = np.concatenate([-W, W], axis=1), np.concatenate([-b, b])
    settings = {name: getattr(known, name) for name in (*_OF_BOTH, *_OF_NETWORKS)}
    made = MLPClassifier(
        known.hidden_layer_sizes,
        known.activation,
        solver=known.solver,
        learning_rate_init=known.learning_rate_init,
        **settings,
    )
    made.coefs_, made.intercepts_ = coefs, intercepts
    made.out_activation_ = "softmax"
    made.n_iter_, made.t_ = known.n_iter_, known.t_
    made.loss_curve_ = list(getattr(known, "loss_curve_", []))
    made.validation_scores_ = getattr(known, "validation_scores_", None)
    made.validation_loss_curve_ = None
    return made
