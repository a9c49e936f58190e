"""What predictions are worth, computed where they lie; no models.

The names are scikit-learn's scorers, and so are the values: a larger one is better. Nothing but
numbers crosses to the host.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import nan
from typing import Any, NamedTuple

from .arrays import (
    Array,
    compiled,
    device,
    has_float64,
    namespace,
    on_its_device,
    to_list,
)
from .functional import log_softmax
from .model.losses import indicators
from .model.targets import Demand, check_labels, check_logits, enforce, mean_weights

__all__ = [
    "Reliability",
    "expected_calibration_error",
    "reliability",
    "score",
]


class Metric(NamedTuple):
    """A score as a function of sums over samples, of many problems at once."""

    #: Logits (n_problems or 1, n_classes, n_samples), labels and weights (n_problems or 1,
    #: n_samples) to (n_problems, n_sums).
    sums: Callable[[Array, Array, Array], Array]
    value: Callable[[Array], Array]  #: (n_problems, n_sums) to (n_problems,)
    #: Whether it needs all samples at once: the sums of some and of others do not add up.
    of_all_samples: bool = False

    def __call__(self, logits: Array, labels: Array, weights: Array) -> Array:
        """(n_problems,): the score of all samples."""
        return self.value(self.sums(logits, labels, weights))


@on_its_device
def score(
    logits: Array, y: Array, scoring: Any = "accuracy", sample_weight: Array | None = None
) -> Any:
    """Score predictions where they lie.

    Parameters
    ----------
    logits : array of shape (n_samples, n_classes)
        Scores before the softmax, or logarithms of probabilities.
    y : array of shape (n_samples,)
        The index of the class of each sample, in the library and on the device of `logits`.
    scoring : str or sequence of str, default="accuracy"
        scikit-learn's names: "accuracy", "balanced_accuracy", "f1_macro", "neg_brier_score",
        "neg_log_loss", "roc_auc" for two classes, "roc_auc_ovr" for one against the rest, and
        "top_k_accuracy", which is that of the best two; "top_5_accuracy" is that of the best five.
        The logarithms of "neg_log_loss" are exact, where scikit-learn clips probabilities.
    sample_weight : array of shape (n_samples,), default=None
        Non-negative weights; ones by default.

    Returns
    -------
    score : float or dict of str to float
        A dict for several names. nan where it is not defined, as for "roc_auc" of one class.

    Raises
    ------
    ValueError
        If a name is unknown, or an array breaks its rule.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax import metrics
    >>> logits = np.asarray([[2.0, 0.0, 1.0], [0.0, 1.0, 2.0], [1.0, 3.0, 0.0]])
    >>> found = metrics.score(logits, np.asarray([0, 1, 1]), ["accuracy", "top_k_accuracy"])
    >>> {name: round(value, 3) for name, value in found.items()}
    {'accuracy': 0.667, 'top_k_accuracy': 1.0}
    """
    logits, labels, weights = _checked(logits, y, sample_weight, "score", "logits")
    names = [scoring] if isinstance(scoring, str) else list(scoring)
    if not names:
        raise ValueError("score(scoring=...) must name at least one score; got none.")
    metrics = [known_metric(name, logits.shape[1]) for name in names]
    values = to_list(values_of(metrics, logits, labels, weights))[0]
    return values[0] if isinstance(scoring, str) else dict(zip(names, values, strict=True))


class Reliability(NamedTuple):
    """How often predictions are right, by how sure they are."""

    confidence: list[float]  #: of each bin the mean probability of the predicted class
    accuracy: list[float]  #: how often it was right
    share: list[float]  #: of the samples, or their weights, that are in the bin


@on_its_device
def reliability(
    probabilities: Array, y: Array, n_bins: int = 15, sample_weight: Array | None = None
) -> Reliability:
    """Compare how sure predictions are with how often they are right.

    Parameters
    ----------
    probabilities : array of shape (n_samples, n_classes)
        As `predict_proba` returns them.
    y : array of shape (n_samples,)
        The index of the class of each sample, in the library and on the device of `probabilities`.
    n_bins : int, default=15
        Into how many bins of the same width the probabilities of predicted classes fall.
    sample_weight : array of shape (n_samples,), default=None
        Non-negative weights; ones by default.

    Returns
    -------
    reliability : Reliability
        Lists ``confidence``, ``accuracy`` and ``share`` of the bins that are not empty, from the
        least sure one.

    Raises
    ------
    ValueError
        If an array or `n_bins` breaks its rule.

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.metrics import reliability
    >>> p = np.asarray([[0.9, 0.1], [0.2, 0.8], [0.85, 0.15], [0.4, 0.6]])
    >>> found = reliability(p, np.asarray([0, 1, 1, 1]), n_bins=2)
    >>> [round(value, 3) for value in found.accuracy]
    [0.75]
    """
    if not n_bins >= 1:
        raise ValueError(f"reliability(n_bins=...) must be at least 1; got {n_bins}.")
    p, labels, weights = _checked(probabilities, y, sample_weight, "reliability", "probabilities")
    least, most = to_list(namespace(p).min(p)), to_list(namespace(p).max(p))
    if not 0 <= least <= most <= 1.001:
        raise ValueError(
            "reliability(probabilities=...) must lie in [0, 1], as predict_proba returns them; got "
            f"values from {least:.4g} to {most:.4g}."
        )
    confidence, accuracy, share = to_list(_of_bins(p, labels, weights, int(n_bins)))
    total = sum(share)
    found = [bin_ for bin_ in zip(confidence, accuracy, share, strict=True) if bin_[2] > 0]
    return Reliability(
        [c / s for c, _, s in found], [a / s for _, a, s in found], [s / total for *_, s in found]
    )


def expected_calibration_error(
    probabilities: Array, y: Array, n_bins: int = 15, sample_weight: Array | None = None
) -> float:
    """Compute how far, in the mean, probabilities of predictions are from how often they are right.

    Parameters
    ----------
    probabilities : array of shape (n_samples, n_classes)
        As `predict_proba` returns them.
    y : array of shape (n_samples,)
        The index of the class of each sample, in the library and on the device of `probabilities`.
    n_bins : int, default=15
        Into how many bins of the same width the probabilities of predicted classes fall.
    sample_weight : array of shape (n_samples,), default=None
        Non-negative weights; ones by default.

    Returns
    -------
    error : float
        In [0, 1]; the mean over samples of abs(accuracy - confidence) of their bin [1]_.

    Raises
    ------
    ValueError
        If an array or `n_bins` breaks its rule.

    References
    ----------
    .. [1] Guo, C., Pleiss, G., Sun, Y. and Weinberger, K. Q. (2017), "On calibration of modern
       neural networks", ICML. arXiv:1706.04599

    Examples
    --------
    >>> import numpy as np
    >>> from xsoftmax.metrics import expected_calibration_error
    >>> p = np.asarray([[0.9, 0.1], [0.2, 0.8], [0.85, 0.15], [0.4, 0.6]])
    >>> round(expected_calibration_error(p, np.asarray([0, 1, 1, 1]), n_bins=2), 4)
    0.0375
    """
    bins = zip(*reliability(probabilities, y, n_bins, sample_weight), strict=True)
    return sum(share * abs(accuracy - confidence) for confidence, accuracy, share in bins)


def _checked(
    logits: Array, y: Array, sample_weight: Array | None, caller: str, name: str
) -> tuple[Array, Array, Array]:
    """Logits as one problem (1, n_classes, n_samples), and labels and weights (1, n_samples)."""
    logits = check_logits(logits, -1, caller, name)
    if logits.ndim != 2 or tuple(y.shape) != (logits.shape[0],):
        raise ValueError(
            f"{caller} needs {name} of shape (n_samples, n_classes) and y of shape (n_samples,); "
            f"got {tuple(logits.shape)} and {tuple(y.shape)}."
        )
    labels, of_labels = check_labels(y, logits.shape[1], caller, "y")
    weights, of_weights = mean_weights(logits, sample_weight, -1, caller)
    finite = namespace(logits).all(logits == logits)
    enforce(*of_labels, *of_weights, Demand(finite, lambda: f"{caller}({name}=...) contains nan."))
    return logits.T[None, ...], labels[None, :], weights.T


def known_metric(name: str, n_classes: int) -> Metric:
    """The metric of that name.

    Raises
    ------
    ValueError
        If there is none, or none for so many classes.
    """
    if not is_metric(name):
        raise ValueError(
            f"scoring={name!r} is not computed where arrays lie; choose among "
            f"{', '.join(METRICS)} and top_5_accuracy, of any number."
        )
    if name == "roc_auc" and n_classes != 2:
        raise ValueError(
            f"scoring='roc_auc' is for two classes, but there are {n_classes}; choose "
            "'roc_auc_ovr', the mean over all classes of each against the rest."
        )
    return METRICS.get(name) or top_k_accuracy(int(name.split("_")[1]))


def is_metric(name: Any) -> bool:
    """Whether `known_metric` knows it."""
    if not isinstance(name, str):
        return False
    return name in METRICS or re.fullmatch(r"top_[1-9]\d*_accuracy", name) is not None


def values_of(metrics: Sequence[Metric], logits: Array, labels: Array, weights: Array) -> Array:
    """(n_problems, n_metrics), of all samples."""
    xp = namespace(logits)
    return xp.stack([metric(logits, labels, weights) for metric in metrics], axis=1)


def _weighted(values: Array, weights: Array) -> Array:
    """Sums of `values` (n_problems, n_samples) and of the weights, (n_problems, 2)."""
    xp = namespace(values)
    weights = _exact(weights)
    total = xp.sum(weights + 0.0 * values[:, :1], axis=1)
    return xp.stack([xp.sum(weights * values, axis=1), total], axis=1)


def _exact(x: Array) -> Array:
    """x in double precision, where there is one: sums of many weights are exact then."""
    return namespace(x).astype(x, namespace(x).float64) if has_float64(x) else x


def _mean(sums: Array) -> Array:
    return sums[:, 0] / sums[:, 1]


def _own(x: Array, labels: Array) -> Array:
    """x (n_problems, n_classes, n_samples) at the labels, (n_problems, 1, n_samples)."""
    xp = namespace(x)
    labels = xp.broadcast_to(labels[:, None, :], (x.shape[0], 1, x.shape[2]))
    return xp.take_along_axis(x, labels, axis=1)


def _as_numbers(condition: Array, like: Array) -> Array:
    return namespace(like).astype(condition, like.dtype)


@compiled
def _accuracy(logits: Array, labels: Array, weights: Array) -> Array:
    right = namespace(logits).argmax(logits, axis=1) == labels
    return _weighted(_as_numbers(right, logits), weights)


@cache  # what is compiled for it is compiled once
def top_k_accuracy(k: int) -> Metric:
    """How often the label is among the best `k` classes; of equal logits the last class is best."""

    @compiled
    def sums(logits: Array, labels: Array, weights: Array) -> Array:
        xp, own = namespace(logits), _own(logits, labels)
        classes = xp.arange(logits.shape[1], dtype=labels.dtype, device=device(logits))
        ahead = (logits > own) | ((logits == own) & (classes[:, None] > labels[:, None, :]))
        rank = xp.sum(xp.astype(ahead, labels.dtype), axis=1)
        return _weighted(_as_numbers(rank < k, logits), weights)

    return Metric(sums, _mean)


@compiled
def _log_likelihood(logits: Array, labels: Array, weights: Array) -> Array:
    return _weighted(_own(log_softmax(logits, axis=1), labels)[:, 0, :], weights)


@compiled
def _brier(logits: Array, labels: Array, weights: Array) -> Array:
    """Minus squared distances of probabilities from the label, halved for two classes."""
    xp, p = namespace(logits), namespace(logits).exp(log_softmax(logits, axis=1))
    error = p - indicators(labels, p.shape[1], 1, p.dtype)
    share = 0.5 if p.shape[1] == 2 else 1.0
    return _weighted(-share * xp.sum(error * error, axis=1), weights)


def _by_class(which: Array, weights: Array) -> Array:
    """(n_problems, n_classes): what the samples of each class weigh."""
    xp, weights = namespace(which), _exact(weights)
    n_problems = max(which.shape[0], weights.shape[0])
    weights = xp.broadcast_to(weights[:, :, None], (n_problems, weights.shape[1], 1))
    return xp.matmul(xp.astype(which, weights.dtype), weights)[:, :, 0]


@compiled
def _confusion(logits: Array, labels: Array, weights: Array) -> Array:
    """What each class has of right predictions, of labels and of predictions, one by one."""
    xp, (_, n_classes, _) = namespace(logits), logits.shape
    true = indicators(labels, n_classes, 1, logits.dtype)
    predicted = indicators(xp.argmax(logits, axis=1), n_classes, 1, logits.dtype)
    parts = [_by_class(which, weights) for which in (true * predicted, true, predicted)]
    n_problems = max(logits.shape[0], weights.shape[0])
    parts = [xp.broadcast_to(part, (n_problems, n_classes)) for part in parts]
    return xp.concat(parts, axis=1)


def _thirds(sums: Array) -> tuple[Array, Array, Array]:
    n = sums.shape[1] // 3
    return sums[:, :n], sums[:, n : 2 * n], sums[:, 2 * n :]


@compiled
def _balanced_accuracy(sums: Array) -> Array:
    """The mean recall of the classes that occur."""
    xp, (right, true, _) = namespace(sums), _thirds(sums)
    occurs = true > 0
    recall = xp.where(occurs, right / xp.where(occurs, true, 1.0), 0.0)
    return xp.sum(recall, axis=1) / xp.sum(_as_numbers(occurs, sums), axis=1)


@compiled
def _f1_macro(sums: Array) -> Array:
    """The mean of 2 right / (labels + predictions), over classes that have either."""
    xp, (right, true, predicted) = namespace(sums), _thirds(sums)
    both = true + predicted
    scores = xp.where(both > 0, 2.0 * right / xp.where(both > 0, both, 1.0), 0.0)
    return xp.sum(scores, axis=1) / xp.sum(xp.where(both > 0, 1.0 + 0.0 * both, 0.0), axis=1)


def _auc(scores: Array, is_positive: Array, weights: Array) -> Array:
    """(n,): the areas under the ROC curves of n problems; all arrays are (n, n_samples).

    The share of pairs of a positive and a negative sample of which the first has the higher score;
    equal scores count half (Hanley and McNeil, 1982). nan where one kind is missing.
    """
    xp = namespace(scores)
    areas = []
    for s, positive, w in zip(*map(xp.unstack, (scores, is_positive, weights)), strict=True):
        order = xp.argsort(s)
        s, w = xp.take(s, order), _exact(xp.take(w, order))
        positive = xp.astype(xp.take(positive, order), w.dtype)
        gained, lost = w * positive, xp.cumulative_sum(w * (1.0 - positive), include_initial=True)
        below, upto = (xp.searchsorted(s, s, side=side) for side in ("left", "right"))
        pairs = xp.sum(gained * 0.5 * (xp.take(lost, below) + xp.take(lost, upto)))
        n_pairs = xp.sum(gained) * lost[-1]
        areas.append(xp.where(n_pairs > 0, pairs / xp.where(n_pairs > 0, n_pairs, 1.0), nan))
    return xp.stack(areas)


def _roc_auc(logits: Array, labels: Array, weights: Array) -> Array:
    xp, (_, _, n_samples) = namespace(logits), logits.shape
    shape = max(logits.shape[0], weights.shape[0]), n_samples
    ahead = logits[:, 1, :] - logits[:, 0, :]
    known = (xp.broadcast_to(x, shape) for x in (ahead, labels == 1, weights))
    return _auc(*known)[:, None]


def _roc_auc_ovr(logits: Array, labels: Array, weights: Array) -> Array:
    """(n_problems, n_classes), of each class against the rest."""
    xp, (_, n_classes, n_samples) = namespace(logits), logits.shape
    n_problems = max(logits.shape[0], weights.shape[0])
    shape = n_problems, n_classes, n_samples
    positive = indicators(labels, n_classes, 1, xp.bool)
    positive = xp.broadcast_to(positive, shape)
    weights = xp.broadcast_to(weights[:, None, :], shape)
    log_p = xp.broadcast_to(log_softmax(logits, axis=1), shape)
    flat = (xp.reshape(x, (-1, n_samples)) for x in (log_p, positive, weights))
    return xp.reshape(_auc(*flat), (n_problems, n_classes))


def _mean_of_classes(sums: Array) -> Array:
    return namespace(sums).mean(sums, axis=1)


@compiled
def _of_bins(p: Array, labels: Array, weights: Array, n_bins: int) -> Array:
    """Sums of confidence, right predictions and weights of each bin, (3, n_bins)."""
    xp = namespace(p)
    confidence, right = xp.max(p, axis=1), xp.argmax(p, axis=1) == labels
    place = xp.astype(xp.minimum(xp.floor(confidence * n_bins), 1.0 * (n_bins - 1)), labels.dtype)
    in_bin = indicators(place, n_bins, 1, p.dtype)
    values = (confidence, _as_numbers(right, p), xp.ones_like(confidence))
    return xp.concat([_by_class(in_bin, weights * value) for value in values])


METRICS: Mapping[str, Metric] = {
    "accuracy": Metric(_accuracy, _mean),
    "balanced_accuracy": Metric(_confusion, _balanced_accuracy),
    "f1_macro": Metric(_confusion, _f1_macro),
    "neg_brier_score": Metric(_brier, _mean),
    "neg_log_loss": Metric(_log_likelihood, _mean),
    "roc_auc": Metric(_roc_auc, _mean_of_classes, of_all_samples=True),
    "roc_auc_ovr": Metric(_roc_auc_ovr, _mean_of_classes, of_all_samples=True),
    "top_k_accuracy": top_k_accuracy(2),
}
