"""Softmax regressions on many label sets of the same rows, as one batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from ..arrays import Array, is_numpy, namespace, on_its_device, take_labels, to_host
from ..functional import log_softmax, softmax
from ..model.network import Layer, Network
from ..objective.policy import DEFAULT, Policy
from .batch import fit_batch
from .label_sets import check_Y, host_Y, known_labels
from .moving import Movable
from .predictor import logits_of
from .resuming import resuming
from .rules import check_parameters
from .softmax_regression import SoftmaxRegression
from .tasks import CallbackSupportMixin, FitTasks, with_callbacks
from .validation import check_range, check_same_place, check_sample_weight, check_X


class MultiOutputPredictor(CallbackSupportMixin, Movable, ClassifierMixin, BaseEstimator):
    """Predictions of ``estimators_``, one for each output, all of which read X once."""

    estimators_: list[SoftmaxRegression]
    n_features_in_: int
    missing: Any

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.array_api_support = True
        tags.input_tags.sparse = True
        tags.target_tags.single_output = False
        tags.target_tags.multi_output = True
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimators_")

    @property
    def n_iter_(self) -> np.ndarray:
        """(n_outputs,): iterations done."""
        return np.asarray([model.n_iter_ for model in self.estimators_])

    @property
    def classes_(self) -> list[Array]:
        """The labels of each output, sorted."""
        return [model.classes_ for model in self.estimators_]

    @on_its_device
    def predict(self, X: Any) -> Array:
        """Predict the most probable label of each row, for every output.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, in the library and on the device of the fitted parameters.

        Returns
        -------
        labels : array of shape (n_samples, n_outputs)
            Values of ``classes_``. Where some are strings they are on the host.

        Raises
        ------
        ValueError
            If X breaks its rule, or lies elsewhere than the fitted parameters.
        """
        X = self._check_fitted(X, "predict")
        xp = namespace(X)
        winners = self._of_outputs(X, xp.argmax, stacked=True)
        columns = [
            classes[to_host(best)] if is_numpy(classes) else take_labels(classes, best)
            for classes, best in zip(self.classes_, xp.unstack(winners), strict=True)
        ]
        if any(map(is_numpy, columns)):  # strings, which only NumPy has
            columns = [to_host(column) for column in columns]
            kinds = {column.dtype.kind for column in columns}
            if len({kind in "OUST" for kind in kinds}) > 1:
                columns = [column.astype(object) for column in columns]
            return np.stack(columns, axis=1)
        dtype = xp.result_type(*(column.dtype for column in columns))
        return xp.stack([xp.astype(column, dtype, copy=False) for column in columns], axis=1)

    @on_its_device
    def predict_proba(self, X: Any) -> list[Array]:
        """Predict the probability of each class, for every output.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, in the library and on the device of the fitted parameters.

        Returns
        -------
        probabilities : list of n_outputs arrays of shape (n_samples, n_classes)
            Classes are in the order of ``classes_``.

        Raises
        ------
        ValueError
            If X breaks its rule, or lies elsewhere than the fitted parameters.
        """
        X = self._check_fitted(X, "predict_proba")
        return self._split(self._of_outputs(X, softmax))

    @on_its_device
    def predict_log_proba(self, X: Any) -> list[Array]:
        """Predict the logarithm of the probability of each class, for every output.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, in the library and on the device of the fitted parameters.

        Returns
        -------
        log_probabilities : list of n_outputs arrays of shape (n_samples, n_classes)
            The logarithms of `predict_proba`, exact where that underflows.

        Raises
        ------
        ValueError
            If X breaks its rule, or lies elsewhere than the fitted parameters.
        """
        X = self._check_fitted(X, "predict_log_proba")
        return self._split(self._of_outputs(X, log_softmax))

    @on_its_device
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the fraction of rows whose labels are all predicted, as scikit-learn does.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, in the library and on the device of the fitted parameters.
        y : array-like of shape (n_samples, n_outputs)
            Labels; a missing one is taken to be predicted.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; ones by default.

        Returns
        -------
        score : float
            A number in [0, 1].

        Raises
        ------
        ValueError
            If X, y or a weight breaks its rule.
        """
        X = self._check_fitted(X, "score")
        Y = host_Y(type(self).__name__, X, y)
        if Y.shape[1] != len(self.estimators_):
            raise ValueError(
                f"y must have a column for each of the {len(self.estimators_)} outputs seen in "
                f"fit; got {Y.shape[1]} columns."
            )
        predicted = to_host(self.predict(X))
        right = np.ones(len(Y), dtype=bool)
        for column, found in zip(Y.T, predicted.T, strict=True):
            labels, is_known = known_labels(column, self.missing)
            right[is_known] &= found[is_known] == labels
        return float(np.average(right, weights=check_sample_weight(X, sample_weight)))

    def _check_fitted(self, X: Any, method: str) -> Array:
        """X as an array that the fitted models take; `method` is what the caller asked."""
        check_is_fitted(self)
        X = check_X(self, X, reset=False)
        weights = self.estimators_[0].coef_
        check_same_place(self, weights, X, method)
        check_range(self, X, weights.dtype)
        return X

    def _of_outputs(self, X: Array, function: Callable[..., Array], stacked: bool = False) -> Array:
        """What `function` makes of the logits (n_classes, n_samples) of each output.

        One above the other, (n_classes of all outputs, n_samples); or, `stacked`, if that is one
        number for each row, (n_outputs, n_samples).
        """
        xp = namespace(X)
        W, b = (xp.concat(parts, axis=1) for parts in zip(*self._layers(), strict=True))

        def of_each(logits: Array, axis: int) -> Array:
            of_outputs = zip(self.estimators_, self._rows_of_outputs(), strict=True)
            parts = [
                model._calibrated(function)(logits[rows, :], axis=axis)
                for model, rows in of_outputs
            ]
            return xp.stack(parts) if stacked else xp.concat(parts)

        return logits_of(Network(W.shape[:0:-1], "identity"), [(W, b)], X, of_each)

    def _layers(self) -> list[Layer]:
        return [layer for model in self.estimators_ for layer in model._layers()]

    def _rows_of_outputs(self) -> list[slice]:
        """Where among all classes those of each output are."""
        ends = np.cumsum([classes.shape[0] for classes in self.classes_]).tolist()
        return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]

    def _split(self, values: Array) -> list[Array]:
        """(n_samples, n_classes) of each output, of all that are one above the other."""
        return [values[rows, :].T for rows in self._rows_of_outputs()]


class MultiOutputSoftmaxRegression(MultiOutputPredictor):
    """Softmax regression on many label sets of the same rows, fitted as one batch.

    It does what scikit-learn's ``MultiOutputClassifier(LogisticRegression())`` does, but reads X
    for all outputs with as many classes at once: every product with X is one for all of them, and
    outputs that have converged leave. Multi-label data are outputs of two classes each.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the penalty, above 0, as in `SoftmaxRegression`; inf for none.
    missing : label, default=nan
        What says in y that a label is not known. None, nan and pandas' NA always do; -1 is a usual
        choice for integers. An output is fitted to the rows whose labels it knows.
    max_iter : int, default=1000
        The most iterations.
    tol : float, default=1e-4
        Each output stops when twice its estimate of f - min f is at most tol (f(0) - f), and
        at most tol**0.5 f; f is its objective, f(0) the value where all parameters are 0.
    fit_intercept : bool, default=True
        Whether there is an intercept.
    class_weight : dict or "balanced", default=None
        The weight of each label, for all outputs. "balanced" gives all classes of an output the
        same total weight.
    block_rows : int, default=None
        Rows worked on at a time, which bounds the memory of a pass over X. None lets temporaries
        fit a processor's cache.

    Attributes
    ----------
    classes_ : list of n_outputs arrays of shape (n_classes,)
        The labels of each output, sorted.
    estimators_ : list of n_outputs `SoftmaxRegression`
        One fitted model for each output.
    n_iter_ : ndarray of shape (n_outputs,)
        Iterations done.
    n_features_in_ : int
        The number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names; only where X has names that are all strings.

    See Also
    --------
    MultiOutputSoftmaxRegressionCV : Chooses a C for each output by cross-validation.
    fit_many : Fits one label set with many weightings of its rows.

    Examples
    --------
    Two questions about the same digits, the second of which is answered for half of the rows:

    >>> import numpy as np
    >>> from xsoftmax import MultiOutputSoftmaxRegression, datasets
    >>> data = datasets.digits()
    >>> Y = np.stack([data.y_train, data.y_train % 2], axis=1)
    >>> Y[::2, 1] = -1
    >>> model = MultiOutputSoftmaxRegression(missing=-1).fit(data.X_train, Y)
    >>> model.classes_
    [array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), array([0, 1])]
    >>> model.predict(data.X_test[:3])
    array([[7, 1],
           [6, 0],
           [3, 1]])
    """

    _policy: Policy = DEFAULT  #: by which fits are planned

    def __init__(
        self,
        C: float = 1.0,
        *,
        missing: Any = np.nan,
        max_iter: int = 1000,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        class_weight: Any = None,
        block_rows: int | None = None,
    ) -> None:
        self.C = C
        self.missing = missing
        self.max_iter = max_iter
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.block_rows = block_rows

    @with_callbacks
    @on_its_device
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        checkpoint: Any = None,
        checkpoint_every: float = 60.0,
    ) -> Self:
        """Fit all outputs where X lies.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite real numbers, as for `SoftmaxRegression.fit`.
        y : array-like of shape (n_samples, n_outputs)
            A label set in each column, of any sortable kind; see `missing`.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; ones by default.
        checkpoint : path, default=None
            A file that keeps what the fit has found, and is removed when it ends. If the fit is cut
            off, the same call goes on from there and ends with the same bits.
        checkpoint_every : float, default=60.0
            Seconds after which the file is written again.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X, y or a weight breaks its rule, or an output knows fewer than two
            classes.

        Warns
        -----
        ConvergenceWarning
            If outputs do not reach `tol`.
        """
        check_parameters(self)
        given = X, y, sample_weight
        X = check_X(self, X, reset=True)
        weight = check_sample_weight(X, sample_weight)
        problems = [each.problem(weight) for each in check_Y(self, X, y, weight)]
        Cs = [self.C] * len(problems)
        tasks = FitTasks.of_fit(self, *given, n_steps=len(problems))
        with resuming(self, checkpoint, checkpoint_every, [X], problems):
            told = tasks.counting(None)
            self.estimators_ = fit_batch(self, X, problems, Cs, monitor=told)
        tasks.ended()
        return self
