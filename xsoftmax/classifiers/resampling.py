"""One fit with many weightings of its rows as one batch: resamples, few-shot draws, any weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from ..arrays import (
    Array,
    block_values,
    from_host,
    indices_from_host,
    is_array,
    namespace,
    on_its_device,
    row_slices,
    same_place,
    threads_that_pay,
    to_host,
    to_list,
    where,
)
from ..metrics import known_metric, values_of
from ..model.network import Network
from .batch import fit_batch
from .cross_validation import host_model
from .held_out import HeldOut, Scorer
from .predictor import Predictor
from .problems import Problem
from .rules import check_parameters
from .scoring import Routing, scores_of, scorings_of
from .softmax_regression import SoftmaxRegression
from .validation import Targets, check_X, check_y
from .words import few, shown

#: What parameters of an estimator must be for its fits to be problems of a batch.
BATCHED = {
    "solver": "lbfgs",
    "early_stopping": False,
    "warm_start": False,
    "coef_prior": None,
    "standard_errors": False,
}


@on_its_device
def fit_many(estimator: SoftmaxRegression, X: Any, y: Any, sample_weight: Any) -> list[Any]:
    """Fit an estimator many times, each time with other weights of the rows, as one batch.

    Parameters
    ----------
    estimator : SoftmaxRegression
        One with ``solver="lbfgs"``. It is not changed.
    X : array-like of shape (n_samples, n_features)
        Finite real numbers, as for `SoftmaxRegression.fit`.
    y : array-like of shape (n_samples,)
        Labels.
    sample_weight : array-like of shape (n_fits, n_samples)
        Non-negative weights. A zero says that the fit does not see the sample.

    Returns
    -------
    estimators : list of n_fits `SoftmaxRegression`
        Fitted with the parameters of `estimator`, in the order of the weights.

    Raises
    ------
    ValueError
        If the estimator, X, y or a weight breaks its rule, or a fit gives no weight to any sample
        of a class.
    TypeError
        If `estimator` is no `SoftmaxRegression`.

    Warns
    -----
    ConvergenceWarning
        If fits do not reach `tol`.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax import SoftmaxRegression, datasets, fit_many
    >>> data = datasets.digits()
    >>> X, y = data.X_train, data.y_train
    >>> halves = np.stack([np.arange(len(y)) % 2 == k for k in range(2)])
    >>> models = fit_many(SoftmaxRegression(), X, y, halves)
    >>> [round(model.score(data.X_test, data.y_test), 3) for model in models]
    [0.956, 0.953]
    """
    twin, X, targets = _checked(estimator, X, y)
    return _fit(twin, X, targets, _check_weights(X, sample_weight, targets))


class ConfidenceInterval(NamedTuple):
    """Ends of an interval."""

    low: float
    high: float


class BootstrapResult(NamedTuple):
    """What resampling tells of a score; the fields are those of `scipy.stats.bootstrap`."""

    confidence_interval: ConfidenceInterval
    bootstrap_distribution: np.ndarray  #: (n_resamples,), the score of each
    standard_error: float  #: the standard deviation of the distribution


@on_its_device
def bootstrap(
    estimator: SoftmaxRegression,
    X: Any,
    y: Any,
    X_test: Any,
    y_test: Any,
    n_resamples: int = 200,
    *,
    scoring: Any = None,
    confidence_level: float = 0.95,
    random_state: Any = None,
) -> Any:
    """Fit resamples of the rows as one batch, and score each on test rows.

    Parameters
    ----------
    estimator : SoftmaxRegression
        One with ``solver="lbfgs"``. It is not changed.
    X : array-like of shape (n_samples, n_features)
        The rows to draw from, with replacement.
    y : array-like of shape (n_samples,)
        Their labels. A resample that lacks a class is drawn again.
    X_test : array-like of shape (n_test, n_features)
        The rows to score on, in the library and on the device of X.
    y_test : array-like of shape (n_test,)
        Their labels, of classes that occur in `y`.
    n_resamples : int, default=200
        How many fits.
    scoring : str, callable, list or dict, default=None
        As in `SoftmaxRegressionCV`; accuracy by default.
    confidence_level : float, default=0.95
        Of the interval, in (0, 1).
    random_state : int or RandomState, default=None
        Draws the resamples.

    Returns
    -------
    result : BootstrapResult or dict of str to BootstrapResult
        With the fields of `scipy.stats.bootstrap`: ``confidence_interval`` (low, high), by the
        percentiles of the scores; ``bootstrap_distribution``, the scores; ``standard_error``.
        A dict of them for several scores.

    Raises
    ------
    ValueError
        If a parameter or an array breaks its rule, or classes are so rare that resamples lack them.
    TypeError
        If `estimator` is no `SoftmaxRegression`.

    References
    ----------
    .. [1] Efron, B. and Tibshirani, R. J. (1993), "An introduction to the bootstrap", chapter 13.

    Examples
    --------
    >>> from xsoftmax import SoftmaxRegression, bootstrap, datasets
    >>> data = datasets.digits()
    >>> found = bootstrap(
    ...     SoftmaxRegression(), data.X_train, data.y_train, data.X_test, data.y_test,
    ...     n_resamples=20, random_state=0,
    ... )
    >>> found.bootstrap_distribution.shape
    (20,)
    >>> bool(0.9 < found.confidence_interval.low < found.confidence_interval.high < 1)
    True
    """
    _check_resamples(n_resamples, confidence_level)
    twin, X, targets = _checked(estimator, X, y)
    random_state = check_random_state(random_state)
    weights = _resamples(targets, n_resamples, random_state)
    models = _fit(twin, X, targets, weights)
    scores = _test_scores(estimator, models, targets, X, X_test, y_test, scoring)
    if isinstance(scores, dict):
        return {name: _result(values, confidence_level) for name, values in scores.items()}
    return _result(scores, confidence_level)


@on_its_device
def bootstrap_scores(
    estimator: Any,
    X: Any,
    y: Any,
    scoring: Any = ("accuracy",),
    n_resamples: int = 1000,
    *,
    offset: Any = None,
    confidence_level: float = 0.95,
    random_state: Any = None,
) -> dict[str, BootstrapResult]:
    """Tell how sure the scores of a fitted classifier are, by resampling the rows they are of.

    Nothing is fitted again: what varies is which rows are scored.

    Parameters
    ----------
    estimator : object
        A fitted classifier of this library.
    X : array-like of shape (n_samples, n_features)
        The rows to score on, in the library and on the device of the fitted parameters.
    y : array-like of shape (n_samples,)
        Their labels, of classes that the estimator knows.
    scoring : sequence of str, default=("accuracy",)
        Names as in `xsoftmax.metrics.score`.
    n_resamples : int, default=1000
        How many times rows are drawn, with replacement.
    offset : array of shape (n_samples, n_classes), default=None
        What is added to the logits, where the model was fitted with an offset.
    confidence_level : float, default=0.95
        Of the intervals, in (0, 1).
    random_state : int or RandomState, default=None
        Draws the rows.

    Returns
    -------
    results : dict of str to BootstrapResult
        For each name the fields of `scipy.stats.bootstrap`.

    Raises
    ------
    ValueError
        If a parameter or an array breaks its rule.

    Examples
    --------
    >>> from xsoftmax import SoftmaxRegression, bootstrap_scores, datasets
    >>> data = datasets.digits()
    >>> model = SoftmaxRegression().fit(data.X_train, data.y_train)
    >>> found = bootstrap_scores(model, data.X_test, data.y_test, random_state=0)
    >>> [round(end, 3) for end in found["accuracy"].confidence_interval]
    [0.939, 0.981]
    """
    _check_resamples(n_resamples, confidence_level)
    if not isinstance(estimator, Predictor):
        raise TypeError(
            "estimator must be a fitted classifier of one label set; got "
            f"{type(estimator).__name__}. Of many label sets ask each of estimators_."
        )
    X = estimator._check_fitted(X, "bootstrap_scores")
    classes = to_host(estimator.classes_)
    targets = check_y(estimator, X, y, classes)
    if targets.is_soft:
        raise ValueError("bootstrap_scores needs labels, but y holds probabilities.")
    logits = estimator._scored_logits(X, estimator._check_offset(X, offset))
    names = [scoring] if isinstance(scoring, str) else list(scoring)
    return resampled_scores(logits, targets, names, n_resamples, confidence_level, random_state)


def resampled_scores(
    logits: Array,
    targets: Targets,
    names: Sequence[str],
    n_resamples: int,
    confidence_level: float = 0.95,
    random_state: Any = None,
) -> dict[str, BootstrapResult]:
    """Scores of logits (1, n_classes, n_samples), for resamples of their samples."""
    labels = indices_from_host(targets.values[None, :], like=logits)
    metrics = [known_metric(name, len(targets.classes)) for name in names]
    random_state, n_samples = check_random_state(random_state), len(targets.values)
    values: list[list[float]] = []
    for some in row_slices(n_resamples, max(1, block_values(logits) // n_samples)):
        counts = _resamples(targets, some.stop - some.start, random_state)
        weights = from_host(counts, like=logits, dtype=logits.dtype)
        values += to_list(values_of(metrics, logits, labels, weights))
    columns = np.asarray(values).T
    return {
        name: _result(column, confidence_level) for name, column in zip(names, columns, strict=True)
    }


@on_its_device
def learning_curve(
    estimator: SoftmaxRegression,
    X: Any,
    y: Any,
    X_test: Any,
    y_test: Any,
    train_sizes: Any = (0.1, 0.33, 0.55, 0.78, 1.0),
    n_repeats: int = 5,
    *,
    per_class: bool = False,
    scoring: Any = None,
    random_state: Any = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit random draws of ever more rows, all as one batch, and score them.

    Parameters
    ----------
    estimator : SoftmaxRegression
        One with ``solver="lbfgs"``. It is not changed.
    X : array-like of shape (n_samples, n_features)
        The rows to draw from, without replacement.
    y : array-like of shape (n_samples,)
        Their labels.
    X_test : array-like of shape (n_test, n_features)
        The rows to score on, in the library and on the device of X.
    y_test : array-like of shape (n_test,)
        Their labels, of classes that occur in `y`.
    train_sizes : sequence of int or float, default=(0.1, 0.33, 0.55, 0.78, 1.0)
        How many rows, or which share of them. The classes have about the shares that they have in
        y, and at least one row.
    n_repeats : int, default=5
        Draws of each size.
    per_class : bool, default=False
        Whether `train_sizes` are rows of each class: few-shot draws.
    scoring : str or callable, default=None
        As in `SoftmaxRegressionCV`; accuracy by default.
    random_state : int or RandomState, default=None
        Draws the rows.

    Returns
    -------
    train_sizes_abs : ndarray of shape (n_ticks,)
        How many rows, in all or of each class.
    train_scores : ndarray of shape (n_ticks, n_repeats)
        Scores on the rows of each draw.
    test_scores : ndarray of shape (n_ticks, n_repeats)
        Scores on the test rows.

    Raises
    ------
    ValueError
        If a parameter or an array breaks its rule, or a class has fewer rows than are asked of it.
    TypeError
        If `estimator` is no `SoftmaxRegression`.

    See Also
    --------
    sklearn.model_selection.learning_curve : The same return, by cross-validation.

    Examples
    --------
    >>> from xsoftmax import SoftmaxRegression, datasets, learning_curve
    >>> data = datasets.digits()
    >>> shots, train, test = learning_curve(
    ...     SoftmaxRegression(), data.X_train, data.y_train, data.X_test, data.y_test,
    ...     train_sizes=[1, 10, 50], per_class=True, random_state=0,
    ... )
    >>> shots, test.shape
    (array([ 1, 10, 50]), (3, 5))
    >>> test.mean(axis=1).round(1)
    array([0.7, 0.9, 1. ])
    """
    if not n_repeats >= 1:
        raise ValueError(f"n_repeats must be at least 1; got {shown(n_repeats)}.")
    if scoring is not None and not isinstance(scoring, str) and not callable(scoring):
        raise ValueError(f"learning_curve takes one scoring; got {shown(scoring)}.")
    twin, X, targets = _checked(estimator, X, y)
    sizes = _absolute_sizes(targets, train_sizes, per_class)
    random_state = check_random_state(random_state)
    draw = _few_shot_draw if per_class else _stratified_draw
    weights = np.zeros((len(sizes) * n_repeats, len(targets.values)))
    for row, size in zip(weights, np.repeat(sizes, n_repeats), strict=True):
        row[draw(targets, int(size), random_state)] = 1.0
    models = _fit(twin, X, targets, weights)
    test = _test_scores(estimator, models, targets, X, X_test, y_test, scoring)
    drawn = [np.flatnonzero(row) for row in weights]
    train = _scores(estimator, models, X, targets, drawn, scoring)
    shape = len(sizes), n_repeats
    return sizes, np.reshape(train, shape), np.reshape(test, shape)


def _check_resamples(n_resamples: int, confidence_level: float) -> None:
    if not 0 < confidence_level < 1:
        raise ValueError(f"confidence_level must lie in (0, 1); got {shown(confidence_level)}.")
    if not n_resamples >= 2:
        raise ValueError(f"n_resamples must be at least 2; got {shown(n_resamples)}.")


def _result(values: np.ndarray, confidence_level: float) -> BootstrapResult:
    """The percentiles and the standard deviation of the scores of resamples."""
    tail = 50 * (1 - confidence_level)
    low, high = np.percentile(values, [tail, 100 - tail]).tolist()
    return BootstrapResult(ConfidenceInterval(low, high), values, float(values.std(ddof=1)))


def _checked(estimator: Any, X: Any, y: Any) -> tuple[SoftmaxRegression, Array, Targets]:
    """An estimator like this one that knows the features, X, and the targets."""
    if type(estimator) is not SoftmaxRegression:
        raise TypeError(f"estimator must be a SoftmaxRegression; got {type(estimator).__name__}.")
    check_parameters(estimator)
    for name, needed in BATCHED.items():
        given = getattr(estimator, name)
        if given is not needed and not (isinstance(given, str) and given == needed):
            raise ValueError(
                f"Many fits at once need SoftmaxRegression({name}={needed!r}); got "
                f"{shown(given)}. Fit one after another instead."
            )
    twin = SoftmaxRegression(**estimator.get_params())
    twin._policy = estimator._policy
    X = check_X(twin, X, reset=True)
    targets = check_y(twin, X, y)
    if targets.is_soft:
        raise ValueError("Many fits at once need labels, but y holds probabilities.")
    return twin, X, targets


def _fit(
    estimator: SoftmaxRegression, X: Array, targets: Targets, weights: np.ndarray
) -> list[SoftmaxRegression]:
    problems = [Problem(targets, row) for row in weights]
    return fit_batch(estimator, X, problems, [estimator.C] * len(problems))


def _check_weights(X: Array, sample_weight: Any, targets: Targets) -> np.ndarray:
    """(n_fits, n_samples) float64 on the host, with weight on every class in every fit."""
    if is_array(sample_weight) and not same_place(X, sample_weight):
        raise ValueError(
            f"X and sample_weight must be arrays of one library on one device, but X is {where(X)} "
            f"and sample_weight is {where(sample_weight)}. Move one of them, or pass a list."
        )
    host = to_host(sample_weight) if is_array(sample_weight) else sample_weight
    weights = np.asarray(host, dtype=np.float64)
    n_samples = X.shape[0]
    if weights.ndim != 2 or weights.shape[1] != n_samples or len(weights) == 0:
        raise ValueError(
            "sample_weight must hold one weight per fit and sample, shape (n_fits, "
            f"{n_samples}); got {weights.shape}."
        )
    if not np.all(np.isfinite(weights) & (weights >= 0)):
        k = int(np.flatnonzero(~np.all(np.isfinite(weights) & (weights >= 0), axis=1))[0])
        raise ValueError(f"sample_weight must be finite and non-negative; fit {k} has others.")
    mass = _class_mass(targets, weights)
    lacking = np.argwhere(mass <= 0)
    if len(lacking):
        k, _ = lacking[0]
        missing = targets.classes[mass[k] <= 0]
        raise ValueError(
            f"sample_weight gives fit {k} no sample of the classes {few(missing)}. Every fit needs "
            "weight on every class; leave the fit out, or the class."
        )
    return weights


def _class_mass(targets: Targets, weights: np.ndarray) -> np.ndarray:
    """(n_fits, n_classes): what the samples of each class weigh."""
    n_classes = len(targets.classes)
    return np.stack([np.bincount(targets.values, row, n_classes) for row in weights])


def _resamples(targets: Targets, n_resamples: int, random_state: Any) -> np.ndarray:
    """(n_resamples, n_samples): how often each row is drawn, with every class of y in each."""
    n_samples, n_present = len(targets.values), len(np.unique(targets.values))
    weights = np.empty((n_resamples, n_samples))
    for row in weights:
        for _ in range(100):
            drawn = random_state.randint(n_samples, size=n_samples)
            row[:] = np.bincount(drawn, minlength=n_samples)
            if len(np.unique(targets.values[drawn])) == n_present:
                break
        else:
            present, counts = np.unique(targets.values, return_counts=True)
            rare = targets.classes[present[counts.argmin()]]
            raise ValueError(
                f"100 resamples in a row lacked a class; {shown(rare)} has only {counts.min()} of "
                f"{n_samples} rows. Leave rare classes out."
            )
    return weights


def _absolute_sizes(targets: Targets, train_sizes: Any, per_class: bool) -> np.ndarray:
    """How many rows a draw has, in all or of each class."""
    sizes, n_samples = np.asarray(train_sizes), len(targets.values)
    counts = np.bincount(targets.values)
    most = int(counts.min()) if per_class else n_samples
    least = 1 if per_class else len(counts)
    if sizes.ndim != 1 or len(sizes) == 0 or sizes.dtype.kind not in "iuf":
        raise ValueError(f"train_sizes must be a sequence of numbers; got {shown(train_sizes)}.")
    if sizes.dtype.kind == "f":
        if per_class or not np.all((sizes > 0) & (sizes <= 1)):
            raise ValueError(
                "train_sizes must be integers, or shares of all rows in (0, 1]; got "
                f"{shown(list(train_sizes))}{' with per_class=True' if per_class else ''}."
            )
        sizes = np.maximum((sizes * n_samples).astype(int), least)
    if not np.all((sizes >= least) & (sizes <= most)):
        rows = "rows of each class" if per_class else "rows"
        raise ValueError(
            f"train_sizes must lie in {least} .. {most} {rows}: "
            f"{'the rarest class has so many' if per_class else 'each class needs one'}; got "
            f"{shown(sizes.tolist())}."
        )
    return sizes.astype(int)


def _few_shot_draw(targets: Targets, size: int, random_state: Any) -> np.ndarray:
    """`size` rows of each class."""
    order = random_state.permutation(len(targets.values))
    of_classes = (order[targets.values[order] == k] for k in range(len(targets.classes)))
    return np.concatenate([rows[:size] for rows in of_classes])


def _stratified_draw(targets: Targets, size: int, random_state: Any) -> np.ndarray:
    """`size` rows, at least one of each class, and the others in the proportions of y."""
    order = random_state.permutation(len(targets.values))
    values = targets.values[order]
    # The i-th of n rows of a class is (i + 1/2) / n of the way; first come all the first ones.
    rank = np.empty(len(values))
    for k in range(len(targets.classes)):
        rows = np.flatnonzero(values == k)
        rank[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
        rank[rows[0]] = -1.0
    return order[np.argsort(rank, kind="stable")[:size]]


def _test_scores(
    estimator: Any,
    models: list[SoftmaxRegression],
    targets: Targets,
    X: Array,
    X_test: Any,
    y_test: Any,
    scoring: Any,
) -> Any:
    """(n_models,) on the test rows, or a dict of them."""
    X_test = check_X(models[0], X_test, reset=False)
    if not same_place(X, X_test):
        raise ValueError(
            f"X and X_test must lie in one place, but X is {where(X)} and X_test is "
            f"{where(X_test)}. Move one of them."
        )
    try:
        of_test = check_y(models[0], X_test, y_test, targets.classes)
    except ValueError as error:
        raise ValueError(f"y_test does not fit: {error}") from error
    rows = np.arange(X_test.shape[0])
    return _scores(estimator, models, X_test, of_test, [rows] * len(models), scoring)


def _scores(
    estimator: Any,
    models: list[SoftmaxRegression],
    X: Array,
    targets: Targets,
    rows: Sequence[np.ndarray],
    scoring: Any,
) -> Any:
    """(n_models,), each on some rows of X; or a dict of them."""
    problem = Problem(targets, np.ones(X.shape[0]))
    model = host_model(estimator, X.shape[1], problem)
    routing = Routing(None, None, None)
    scorings = scorings_of(scoring, model, targets.classes, routing, problem.weight)
    scorer = Scorer(X, [HeldOut(*problem, each, scorings) for each in rows], together=True)
    network = Network((X.shape[1], len(targets.classes)), "identity")
    layers = [layer for each in models for layer in each._layers()]
    parameters = network.pack([tuple(map(namespace(X).concat, zip(*layers, strict=True)))])
    asked = [host_model(estimator, X.shape[1], problem) for _ in models]
    with threads_that_pay(X, network.n_units * len(models)):
        scores = scorer(network, parameters, range(len(models)), asked)
    return scores_of(scores, scorings, scoring)
