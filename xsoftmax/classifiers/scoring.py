"""What a model's predictions are worth: accuracy where X lies, any other scorer on the host."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from copy import copy
from functools import lru_cache
from inspect import Parameter, signature
from typing import Any

import numpy as np
from sklearn.metrics import check_scoring, get_scorer, make_scorer

from ..arrays import Array, namespace, to_host
from ..network import Layer, Network
from .folds import COPIED_VALUES, Fold
from .predictor import Predictor, logits_of
from .training import Samples
from .validation import check_sample_weight, labels_to_score
from .words import shown

#: What `scoring` may be for accuracy, which needs no host.
ACCURACY = (None, "accuracy")


def best(scores: np.ndarray) -> np.ndarray:
    """Where along the last axis the highest score is; one that is nan is below all others."""
    return np.where(np.isnan(scores), -np.inf, scores).argmax(axis=-1)


def scored(model: Predictor, scoring: Any, X: Any, y: Any, sample_weight: Any) -> float:
    """The score of a fitted model."""
    if scoring in ACCURACY:
        return Predictor.score(model, X, y, sample_weight)
    X = model._check_fitted(X)
    labels, weights = labels_to_score(model, X, y), {}
    if sample_weight is not None:
        weights = {"sample_weight": check_sample_weight(X, sample_weight)}
    twin = copy(model)
    twin._set_layers(_layers_on_host(model._layers()))
    twin.classes_ = to_host(model.classes_)
    twin.__dict__.pop("feature_names_in_", None)  # X is an array now
    if hasattr(twin, "scoring"):
        twin.scoring = None  # or a scorer that asks for the score would ask itself
    scorer = check_scoring(twin, scoring=scoring)
    return float(scorer(twin, to_host(X), labels, **weights))


def with_labels(scoring: Any, classes: np.ndarray) -> Any:
    """`scoring`, told of all classes if its metric asks for labels: a fold may lack some.

    As in scikit-learn's LogisticRegressionCV.
    """
    if scoring in ACCURACY:
        return scoring
    scorer = get_scorer(scoring)
    metric, given = getattr(scorer, "_score_func", None), getattr(scorer, "_kwargs", {})
    options = {name for name, p in _parameters(metric).items() if p.default is not p.empty}
    if "labels" not in options or "labels" in given:
        return scorer
    if len(classes) == 2 and "pos_label" in options:
        given = {"pos_label": classes[-1], **given}
    return make_scorer(
        metric,
        response_method=scorer._response_method,
        greater_is_better=scorer._sign > 0,
        labels=classes,
        **given,
    )


def _takes_weights(scorer: Any) -> bool:
    asks = getattr(scorer, "_accept_sample_weight", None)  # of a scorer by make_scorer
    if asks is not None:
        return asks()
    known = _parameters(scorer)
    return "sample_weight" in known or any(p.kind is p.VAR_KEYWORD for p in known.values())


def _parameters(function: Any) -> Mapping[str, Parameter]:
    return {} if function is None else signature(function).parameters


def _layers_on_host(layers: list[Layer]) -> list[Layer]:
    return [(to_host(W), None if b is None else to_host(b)) for W, b in layers]


class Scorer:
    """Scores a batch of networks, each on the rows that its fold holds out."""

    def __init__(
        self, model: Any, samples: Samples, folds: list[Fold], scoring: Any, stacklevel: int
    ) -> None:
        """`model` is like those that will be scored; a warning names the caller at `stacklevel`."""
        self.samples, self.folds = samples, folds
        n_values = samples.X.shape[1] * sum(len(fold.test) for fold in folds)
        n_kept = len(folds) if n_values <= COPIED_VALUES else 0
        self.held_out = lru_cache(n_kept)(lambda k: samples.take(folds[k].test))
        self.scorer: Any = None
        if scoring in ACCURACY:
            return
        self.scorer, weighted = check_scoring(model, scoring=scoring), np.any(samples.weight != 1)
        self.weighted = weighted and _takes_weights(self.scorer)
        if weighted and not self.weighted:
            warnings.warn(
                f"scoring={shown(scoring)} takes no sample_weight: its scores count all rows "
                "alike.",
                stacklevel=stacklevel,
            )

    def __call__(
        self, network: Network, parameters: Array, problems: Sequence[int], models: Sequence[Any]
    ) -> list[float]:
        """The score of each of the batch's problems, which belong to the folds `problems`.

        `models` are what a scorer on the host asks, one for each; they are given the layers.
        """
        scores = []
        for row, (k, model) in enumerate(zip(problems, models, strict=True)):
            layers, held_out = network.unpack(parameters[row : row + 1, :]), self.held_out(k)
            if self.scorer is None:
                scores.append(self._accuracy(network, layers, held_out))
                continue
            model._set_layers(_layers_on_host(layers))
            weights = {"sample_weight": held_out.weight} if self.weighted else {}
            X = to_host(held_out.X)
            scores.append(float(self.scorer(model, X, held_out.labels, **weights)))
        return scores

    def _accuracy(self, network: Network, layers: list[Layer], held_out: Samples) -> float:
        X = held_out.X
        winners = to_host(logits_of(network, layers, X, namespace(X).argmax))
        right = held_out.targets.classes[winners] == held_out.labels
        return float(np.average(right, weights=held_out.weight))
