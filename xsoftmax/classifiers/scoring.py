"""What a model's predictions are worth: accuracy where X lies, any other scorer on the host."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from copy import copy
from functools import lru_cache
from inspect import Parameter, signature
from numbers import Number
from typing import Any, NamedTuple

import numpy as np
from sklearn import get_config
from sklearn.metrics import check_scoring, get_scorer, make_scorer
from sklearn.utils.metadata_routing import process_routing

from ..arrays import Array, namespace, to_host
from ..model.network import Layer, Network
from ..objective.policy import DEFAULT, Policy
from .folds import Fold
from .predictor import Predictor, logits_of
from .samples import Samples
from .validation import check_sample_weight, labels_to_score
from .words import shown

#: What `scoring` may be for accuracy, which needs no host.
ACCURACY = (None, "accuracy")


def best(scores: np.ndarray) -> np.ndarray:
    """Where along the last axis the highest score is; one that is nan is below all others."""
    return np.where(np.isnan(scores), -np.inf, scores).argmax(axis=-1)


class Routing(NamedTuple):
    """Who is told what each sample weighs and which group it belongs to."""

    fit_weight: Any  #: for the estimator
    groups: Any  #: for the splitter
    scorer_is_told: bool | None  #: weights; None where the scorer's signature decides


def route(owner: Any, sample_weight: Any, groups: Any) -> Routing:
    """What the metadata routing of `owner` does with what is passed to its `fit`.

    As in scikit-learn: without ``enable_metadata_routing`` all are told whatever they can take.
    """
    if not _routes_metadata():
        return Routing(sample_weight, groups, None)
    passed = {"sample_weight": sample_weight, "groups": groups}
    passed = {name: value for name, value in passed.items() if value is not None}
    routed = process_routing(owner, "fit", **passed)
    return Routing(
        routed.estimator.fit.get("sample_weight") if hasattr(owner, "estimator") else sample_weight,
        routed.splitter.split.get("groups"),
        "sample_weight" in routed.scorer.score,
    )


def _routes_metadata() -> bool:
    return get_config()["enable_metadata_routing"]


def scoring_weight(
    routing: Routing, scoring: Any, scorer: Any, weight: np.ndarray, stacklevel: int
) -> np.ndarray | None:
    """What each sample weighs for a scorer; None if it is not told.

    A warning for a scorer that cannot be told names the caller at `stacklevel`.
    """
    if routing.scorer_is_told is not None:
        return weight if routing.scorer_is_told else None
    if scoring in ACCURACY:
        return weight
    if np.all(weight == 1):
        return None
    if _takes_weights(scorer):
        return weight
    warnings.warn(
        f"scoring={shown(scoring)} takes no sample_weight: its scores count all rows alike.",
        stacklevel=stacklevel,
    )
    return None


def scored(owner: Any, model: Predictor, X: Any, y: Any, sample_weight: Any) -> float:
    """The score of a fitted model by the scoring of its `owner`."""
    if sample_weight is not None and _routes_metadata():
        routed = process_routing(owner, "score", sample_weight=sample_weight)
        sample_weight = routed.scorer.score.get("sample_weight")
    if owner.scoring in ACCURACY:
        return Predictor.score(model, X, y, sample_weight)
    X = model._check_fitted(X, "score")
    labels, weights = labels_to_score(model, X, y), {}
    if sample_weight is not None:
        weights = {"sample_weight": check_sample_weight(X, sample_weight)}
    twin = copy(model)
    twin._set_layers(_layers_on_host(model._layers()))
    twin.classes_ = to_host(model.classes_)
    twin.__dict__.pop("feature_names_in_", None)  # X is an array now
    if hasattr(twin, "scoring"):
        twin.scoring = None  # or a scorer that asks for the score would ask itself
    scorer = check_scoring(twin, scoring=owner.scoring)
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
    """Scores a batch of networks, each on the rows that its fold holds out.

    Parameters
    ----------
    samples, folds : all rows, and which of them each fold holds out
    scorer : is called as ``scorer(model, X, y)`` on the host; None for accuracy where X lies
    weight : (n_samples,) that scores count, or None
    policy : how many values the rows that are held out may have to be kept
    """

    def __init__(
        self,
        samples: Samples,
        folds: list[Fold],
        scorer: Any,
        weight: np.ndarray | None,
        policy: Policy = DEFAULT,
    ) -> None:
        self.samples, self.folds, self.scorer, self.weight = samples, folds, scorer, weight
        n_values = samples.X.shape[1] * sum(len(fold.test) for fold in folds)
        n_kept = len(folds) if n_values <= policy.max_copied_values else 0
        self.held_out = lru_cache(n_kept)(lambda k: samples.take(folds[k].test))

    def __call__(
        self, network: Network, parameters: Array, problems: Sequence[int], models: Sequence[Any]
    ) -> list[float]:
        """The score of each of the batch's problems, which belong to the folds `problems`.

        `models` are what a scorer on the host asks, one for each; they are given the layers.
        """
        scores = []
        for row, (k, model) in enumerate(zip(problems, models, strict=True)):
            layers, held_out = network.unpack(parameters[row : row + 1, :]), self.held_out(k)
            weight = None if self.weight is None else self.weight[self.folds[k].test]
            if self.scorer is None:
                scores.append(_accuracy(network, layers, held_out, weight))
                continue
            model._set_layers(_layers_on_host(layers))
            weights = {} if weight is None else {"sample_weight": weight}
            X = to_host(held_out.X)
            scores.append(_number(self.scorer(model, X, held_out.labels, **weights), self.scorer))
        return scores


class NotANumberError(ValueError):
    """A scorer returned something else."""


def _number(score: Any, scorer: Any) -> float:
    if not isinstance(score, Number) and not (np.ndim(score) == 0 and hasattr(score, "item")):
        raise NotANumberError(
            f"scoring must return a number, got {shown(score)} ({type(score)}) instead. "
            f"(scorer={scorer})"
        )
    return float(score)


def _accuracy(
    network: Network, layers: list[Layer], held_out: Samples, weight: np.ndarray | None
) -> float:
    X = held_out.X
    winners = to_host(logits_of(network, layers, X, namespace(X).argmax))
    right = held_out.targets.classes[winners] == held_out.labels
    return float(np.average(right, weights=weight))
