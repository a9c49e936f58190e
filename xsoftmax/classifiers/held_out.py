"""Scores of a batch of models on the rows that each of them was not fitted to."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import lru_cache, partial
from numbers import Number
from typing import Any, NamedTuple

import numpy as np

from ..arrays import (
    Array,
    block_values,
    from_host,
    indices_from_host,
    namespace,
    row_slices,
    to_list,
)
from ..metrics import Metric
from ..model.network import Layer, Network
from ..objective.policy import DEFAULT, Policy
from ..objective.rows import Block, Rows
from ..sources import ClusterRows, as_source, host_rows, in_dtype
from .inference import logits_left_out
from .samples import Samples
from .scoring import Scoring, layers_on_host
from .validation import Targets
from .words import shown


class HeldOut(NamedTuple):
    """What a model is scored on, on the host."""

    targets: Targets  #: of all rows
    weight: np.ndarray  #: (n_samples,), of all rows
    rows: np.ndarray  #: indices of those that are scored
    scorings: Sequence[Scoring]  #: the scores, of the same names and kinds for all models

    @property
    def labels(self) -> np.ndarray:
        """(n_samples,): the index of the class of every row; the most probable of soft targets."""
        values = self.targets.values
        return values.argmax(axis=1) if self.targets.is_soft else values

    @property
    def n_classes(self) -> int:
        """How many classes there are."""
        return len(self.targets.classes)


class HeldOutLogits(NamedTuple):
    """What some parameters of one problem say of the rows that it holds out."""

    logits: Array  #: (n_models, n_classes, n_samples)
    labels: Array  #: (1, n_samples)
    weights: Array  #: (1, n_samples)


class Scorer:
    """Scores the models of a batch of problems.

    Parameters
    ----------
    X : all rows, (n_samples, n_features)
    held_out : what each problem is scored on
    together : whether all problems are scored in one pass over all rows, where those that a problem
        does not hold out weigh nothing; else each reads a copy of its rows
    policy : how many values copies may have to be kept
    offset : (n_samples, n_classes), added to the logits
    """

    def __init__(
        self,
        X: Array,
        held_out: Sequence[HeldOut],
        together: bool = False,
        policy: Policy = DEFAULT,
        offset: Array | None = None,
    ) -> None:
        self.X, self.held_out, self.scorings = X, held_out, held_out[0].scorings
        self.together, self.policy, self.offset = together, policy, offset
        self._known: tuple[Any, tuple[Array, list[Array]]] | None = None
        if offset is not None and any(each.metric is None for each in self.scorings):
            raise ValueError(
                "scoring with an offset needs scores that are computed where X lies, such as "
                "'accuracy' and 'neg_log_loss'; scorers of scikit-learn know no offset."
            )
        n_values = X.shape[1] * sum(len(each.rows) for each in held_out)
        n_kept = len(held_out) if n_values <= policy.max_copied_values else 0
        self.copied = lru_cache(n_kept)(self._copied)

    def _copied(self, k: int) -> Array:
        """The rows of X that the k-th problem is scored on."""
        rows = indices_from_host(self.held_out[k].rows, like=self.X)
        return as_source(self.X).take(rows)

    def _offset_of(self, k: int) -> Array | None:
        """That of these rows."""
        if self.offset is None:
            return None
        rows = indices_from_host(self.held_out[k].rows, like=self.X)
        return namespace(self.X).take(self.offset, rows, axis=0)

    def __call__(
        self,
        network: Network,
        parameters: Array,
        problems: Sequence[int],
        models: Sequence[Any],
        C: float = 1.0,
    ) -> np.ndarray:
        """(n_problems, n_scorings): how `problems`, which have these parameters, score.

        `models` are what a scorer on the host asks, one for each; they are given the layers.
        """
        scores = np.empty((len(problems), len(self.scorings)))
        there = [i for i, scoring in enumerate(self.scorings) if scoring.metric is not None]
        if there:
            scores[:, there] = self._there(network, parameters, problems, there)
        if len(there) < len(self.scorings):
            for row, (k, model) in enumerate(zip(problems, models, strict=True)):
                one = parameters[row : row + 1, ...]
                self.ask_on_host(network, one, k, model, scores[row, :])
        return scores

    def ask_on_host(
        self, network: Network, parameters: Array, k: int, model: Any, scores: np.ndarray
    ) -> None:
        """Set those of the `scores` (n_scorings,) of the k-th problem that are made on the host.

        The `model` is given the layers of `parameters` (1, n_parameters), and asked.
        """
        model._set_layers(layers_on_host(network.unpack(parameters)))
        for i, scoring in enumerate(self.scorings):
            if scoring.metric is None:
                scores[i] = self._on_host(i, k, model)

    def logits_of(self, network: Network, parameters: Array, k: int) -> HeldOutLogits:
        """What `parameters` of the k-th problem (n_models, n_parameters) say of its rows."""
        xp, held, X = namespace(parameters), self.held_out[k], self.copied(k)
        layers = network.unpack(parameters)
        logits = network.logits(layers, in_dtype(X, parameters.dtype))
        offset = self._offset_of(k)
        if offset is not None:
            logits = logits + xp.astype(offset, logits.dtype, copy=False).T
        labels = indices_from_host(held.labels[held.rows][None, :], like=logits)
        return HeldOutLogits(logits, labels, _row(held.weight[held.rows], logits))

    def scores_of(self, known: HeldOutLogits, k: int, scores: np.ndarray) -> np.ndarray:
        """(n_models, n_scorings): `scores`, with those that are computed where X lies anew."""
        scores, held = scores.copy(), self.held_out[k]
        for i, scoring in enumerate(held.scorings):
            if scoring.metric is None:
                continue
            weights = _row(_counted(scoring, held.rows), known.logits)
            scores[:, i] = to_list(scoring.metric(known.logits, known.labels, weights))
        return scores

    def _on_host(self, i: int, k: int, model: Any) -> float:
        """What the i-th score, a scorer of scikit-learn, says of a model of the k-th problem."""
        held = self.held_out[k]
        scoring, told = held.scorings[i], held.scorings[i].weight
        labels = held.targets.classes[held.labels[held.rows]]
        weights = {} if told is None else {"sample_weight": told[held.rows]}
        if isinstance(self.X, ClusterRows):
            raise ValueError(
                f"scoring={scoring.name!r} would bring the rows of a cluster to the host. Choose "
                "among the names that xsoftmax.metrics.score knows."
            )
        score = scoring.scorer(model, host_rows(self.copied(k)), labels, **weights)
        return _number(score, scoring.scorer)

    def _there(
        self, network: Network, parameters: Array, problems: Sequence[int], wanted: list[int]
    ) -> np.ndarray:
        """The `wanted` scores, where X lies: nothing but them crosses to the host."""
        at_once = 1
        if self.together:
            n_logits = network.layer_sizes[-1] * self.X.shape[0]
            at_once = max(1, self.policy.max_kept_logits // n_logits)
        if not as_source(self.X).has_random_access:  # then nothing is kept but a row of weights
            at_once = max(1, self.policy.max_copied_values // self.X.shape[0])
        values = []
        for rows in row_slices(len(problems), at_once):
            members = [self.held_out[k] for k in problems[rows]]
            layers, X, offset = network.unpack(parameters[rows, ...]), self.X, self.offset
            if not self.together:
                X, offset = self.copied(problems[rows.start]), self._offset_of(problems[rows.start])
            values.append(self._values(network, layers, X, offset, members, wanted))
        return np.asarray(to_list(namespace(parameters).concat(values)))

    def _values(
        self,
        network: Network,
        layers: list[Layer],
        X: Array,
        offset: Array | None,
        members: list[HeldOut],
        wanted: list[int],
    ) -> Array:
        """(n_members, n_wanted), of members that are all scored on the rows of X."""
        xp = namespace(X)
        labels, weights = self._labels_and_weights(members, wanted, layers[0][0])
        metrics: list[Metric] = [self.scorings[i].metric for i in wanted]  # type: ignore[misc]
        if isinstance(X, ClusterRows):
            return self._values_there(network, layers, labels, weights, metrics)
        n_rows, sums = self.X.shape[0], [0.0] * len(metrics)
        if not any(metric.of_all_samples for metric in metrics):
            n_rows = max(256, block_values(X) // (network.n_units * len(members)))
        for rows, block in as_source(X).blocks(n_rows):
            logits = network.logits(layers, in_dtype(block, layers[0][0].dtype))
            if offset is not None:
                logits = logits + xp.astype(offset[rows, :], logits.dtype, copy=False).T
            for i, metric in enumerate(metrics):
                sums[i] = sums[i] + metric.sums(logits, labels[:, rows], weights[i][:, rows])
        values = [metric.value(sum_) for metric, sum_ in zip(metrics, sums, strict=True)]
        return xp.stack(values, axis=1)

    def _values_there(
        self,
        network: Network,
        layers: list[Layer],
        labels: Array,
        weights: list[Array],
        metrics: list[Metric],
    ) -> Array:
        """The same of rows on a cluster, to which the models go."""
        size = max(256, block_values(self.X.like) // (network.n_units * labels.shape[0]))
        offset = self.offset
        if offset is not None:
            offset = offset.T[None, ...]
        values = []
        for metric, of_scoring in zip(metrics, weights, strict=True):
            if metric.of_all_samples:
                raise ValueError(
                    "scores that rank all rows, such as 'roc_auc', cannot be summed over a "
                    "cluster; choose among accuracy, balanced_accuracy, f1_macro, "
                    "neg_log_loss, neg_brier_score and top_k_accuracy."
                )
            rows = Rows(self.X, labels, of_scoring, of_scoring.dtype, offset)
            of_block = partial(_sums_of_block, network, layers, metric)
            values.append(metric.value(rows.reduce(of_block, operator.add, size)))
        return namespace(labels).stack(values, axis=1)

    def _labels_and_weights(
        self, members: list[HeldOut], wanted: list[int], like: Array
    ) -> tuple[Array, list[Array]]:
        """Of each member, (n_members, n_samples), and weights for each scoring.

        The last ones are kept: a sweep asks for the same again at every C.
        """
        key = (*map(id, members), *wanted, like.dtype)
        if self._known is None or self._known[0] != key:
            self._known = key, self._made_labels_and_weights(members, wanted, like)
        return self._known[1]

    def _made_labels_and_weights(
        self, members: list[HeldOut], wanted: list[int], like: Array
    ) -> tuple[Array, list[Array]]:
        n_samples, weights = self.X.shape[0], []
        for i in wanted:
            counted = [_counted(held.scorings[i], held.rows) for held in members]
            if self.together:  # a row that is named twice counts twice
                counted = [
                    np.bincount(held.rows, weight, n_samples)
                    for held, weight in zip(members, counted, strict=True)
                ]
            weights.append(from_host(np.stack(counted), like=like, dtype=like.dtype))
        labels = [held.labels if self.together else held.labels[held.rows] for held in members]
        return indices_from_host(np.stack(labels), like=like), weights


def _sums_of_block(network: Network, layers: list[Layer], metric: Metric, block: Block) -> Array:
    """What a score sums over a block of rows on a cluster."""
    logits = network.logits(layers, block.X)
    if block.offset is not None:
        logits = logits + block.offset
    sums: Array = metric.sums(logits, block.targets, block.weights[:, 0, :])
    return sums


def _counted(scoring: Scoring, rows: np.ndarray) -> np.ndarray:
    """What these rows weigh for a score that is computed where X lies."""
    assert scoring.weight is not None
    return scoring.weight[rows]


def _row(values: np.ndarray, like: Array) -> Array:
    """(1, n) of numbers (n,), where `like` lies."""
    return from_host(values[None, :], like=like, dtype=like.dtype)


class LeaveOneOutScorer:
    """Scores a fit of all rows by what each row would be predicted if it had been left out."""

    def __init__(self, estimator: Any, samples: Samples, scorings: Sequence[Scoring]) -> None:
        for scoring in scorings:
            if scoring.metric is None:
                raise ValueError(
                    f"cv='leave-one-out' needs scores that are computed where X lies; "
                    f"{scoring.name!r} is asked about a model, and there is none for each row."
                )
        self.estimator, self.samples, self.scorings = estimator, samples, scorings

    def __call__(
        self,
        network: Network,
        parameters: Array,
        problems: Sequence[int],
        models: Sequence[Any],
        C: float,
    ) -> np.ndarray:
        """(1, n_scorings): how the rows score with these parameters, fitted with this C."""
        logits = logits_left_out(self.estimator, self.samples, parameters, C)[None, ...]
        samples, n_samples = self.samples, logits.shape[2]
        held = HeldOut(samples.targets, samples.weight, np.arange(n_samples), self.scorings)
        labels = indices_from_host(held.labels[None, :], like=logits)
        values = []
        for scoring in self.scorings:
            metric: Any = scoring.metric
            values += to_list(metric(logits, labels, _row(_counted(scoring, held.rows), logits)))
        return np.asarray([values])


class NotANumberError(ValueError):
    """A scorer returned something else."""


def _number(score: Any, scorer: Any) -> float:
    if not isinstance(score, Number) and not (np.ndim(score) == 0 and hasattr(score, "item")):
        raise NotANumberError(
            f"scoring must return a number, got {shown(score)} ({type(score)}) instead. "
            f"(scorer={scorer})"
        )
    return float(score)
