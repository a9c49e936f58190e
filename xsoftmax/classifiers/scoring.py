"""Which scores are asked for: those that are computed where X lies, or scorers on the host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from inspect import Parameter, signature
from typing import Any, NamedTuple

import numpy as np
from sklearn import get_config
from sklearn.metrics import check_scoring, get_scorer, get_scorer_names, make_scorer
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    get_routing_for_object,
    process_routing,
)

from ..arrays import Array, from_host, indices_from_host, to_host, to_list
from ..metrics import Metric, is_metric, known_metric
from ..model.network import Layer
from ..sources import host_rows
from .predictor import Predictor
from .validation import check_sample_weight, labels_to_score
from .words import shown, warn


def best(scores: np.ndarray) -> np.ndarray:
    """Where along the last axis the highest score is; one that is nan is below all others."""
    return np.where(np.isnan(scores), -np.inf, scores).argmax(axis=-1)


class Routing(NamedTuple):
    """Who is told what each sample weighs and which group it belongs to."""

    fit_weight: Any  #: for the estimator
    groups: Any  #: for the splitter
    scorer_is_told: bool | None  #: weights, if it asks; None where its signature decides


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


class Scoring(NamedTuple):
    """One of the scores that are asked for."""

    name: str
    metric: Metric | None  #: computed where rows lie
    scorer: Any  #: else called as ``scorer(model, X, y)`` on the host
    weight: np.ndarray | None  #: (n_samples,) that it counts; None for a scorer that is not told


def scorings_of(
    scoring: Any,
    model: Any,
    classes: np.ndarray,
    routing: Routing,
    weight: np.ndarray,
) -> list[Scoring]:
    """What `scoring` asks for: None, a name, a scorer, several names, or a dict of them.

    `model` is one that scorers on the host can be asked about. Of a scorer
    that cannot be told what samples weigh there is a warning.
    """
    found = []
    told: np.ndarray | None
    for name, one in named(scoring).items():
        if is_metric(one):
            told = np.ones_like(weight) if routing.scorer_is_told is False else weight
            found.append(Scoring(name, known_metric(one, len(classes)), None, told))
            continue
        scorer = check_scoring(model, scoring=with_labels(one, classes))
        told = _told_weight(routing, one, scorer, weight)
        found.append(Scoring(name, None, scorer, told))
    return found


def named(scoring: Any) -> dict[str, Any]:
    """What `scoring` asks for, by names."""
    if isinstance(scoring, Mapping):
        return dict(scoring)
    if scoring is None:
        return {"accuracy": "accuracy"}
    if isinstance(scoring, str):
        return {scoring: scoring}
    if callable(scoring):
        return {"score": scoring}
    if len(scoring) == 0:
        raise ValueError("scoring must name at least one score; got none.")
    return {name: name for name in scoring}


def scores_of(scores: np.ndarray, scorings: Sequence[Scoring], asked: Any) -> Any:
    """The `scores` (..., n_scorings) as they are published: a dict if several are `asked` for."""
    if asked is None or isinstance(asked, str) or callable(asked):
        return scores[..., 0]
    return {scoring.name: scores[..., i] for i, scoring in enumerate(scorings)}


def scorer_for_routing(scoring: Any) -> Any:
    """A scorer that says which metadata `scoring` asks for."""
    known = [
        get_scorer("accuracy" if is_metric(one) and one not in get_scorer_names() else one)
        for one in named(scoring).values()
    ]
    return known[0] if len(known) == 1 else _Several(known)


class _Several:
    """Scorers that are told what any of them asks for."""

    def __init__(self, scorers: list[Any]) -> None:
        self.scorers = scorers

    def get_metadata_routing(self) -> MetadataRouter:
        router, to_all = MetadataRouter(owner="scoring"), MethodMapping()
        to_all.add(caller="score", callee="score")
        named_scorers = {f"scorer{i}": scorer for i, scorer in enumerate(self.scorers)}
        return router.add(method_mapping=to_all, **named_scorers)


def _told_weight(
    routing: Routing, scoring: Any, scorer: Any, weight: np.ndarray
) -> np.ndarray | None:
    """What each sample weighs for a scorer on the host; None if it is not told."""
    if routing.scorer_is_told is not None:
        asked = get_routing_for_object(scoring).consumes("score", ["sample_weight"])
        return weight if routing.scorer_is_told and asked else None
    if np.all(weight == 1):
        return None
    if _takes_weights(scorer):
        return weight
    warn(
        f"scoring={shown(scoring)} takes no sample_weight: its scores count all rows alike.",
    )
    return None


def scored(
    owner: Any,
    scoring: Any,
    model: Predictor,
    X: Any,
    y: Any,
    sample_weight: Any,
    offset: Any = None,
) -> float:
    """The score of a fitted model by one `scoring` of its `owner`."""
    if sample_weight is not None and _routes_metadata():
        routed = process_routing(owner, "score", sample_weight=sample_weight)
        sample_weight = routed.scorer.score.get("sample_weight")
    if scoring in (None, "accuracy"):
        return Predictor.score(model, X, y, sample_weight, offset)
    X = model._check_fitted(X, "score")
    labels = labels_to_score(model, X, y)
    weight = None if sample_weight is None else check_sample_weight(X, sample_weight)
    classes = to_host(model.classes_)
    if is_metric(scoring) and np.isin(labels, classes).all():
        metric, added = known_metric(scoring, len(classes)), model._check_offset(X, offset)
        return _score_there(model, metric, X, labels, weight, added)
    if offset is not None:
        raise ValueError("scorers of scikit-learn know no offset; score predictions by hand.")
    twin = copy(model)
    twin._set_layers(layers_on_host(model._layers()))
    twin.classes_ = classes
    twin.__dict__.pop("feature_names_in_", None)  # X is an array now
    if hasattr(twin, "scoring"):
        twin.scoring = None  # or a scorer that asks for the score would ask itself
    scorer = check_scoring(twin, scoring=scoring)
    weights = {} if weight is None else {"sample_weight": weight}
    return float(scorer(twin, host_rows(X), labels, **weights))


def _score_there(
    model: Predictor,
    metric: Metric,
    X: Array,
    labels: np.ndarray,
    weight: np.ndarray | None,
    offset: Array | None,
) -> float:
    """A score where X lies, of labels that are all among the classes."""
    logits = model._scored_logits(X, offset)
    at = indices_from_host(np.searchsorted(to_host(model.classes_), labels)[None, :], like=X)
    ones = np.ones(len(labels)) if weight is None else weight
    weights = from_host(ones[None, :], like=X, dtype=logits.dtype)
    value: float = to_list(metric(logits, at, weights))[0]
    return value


def with_labels(scoring: Any, classes: np.ndarray) -> Any:
    """`scoring`, told of all classes if its metric asks for labels: a fold may lack some.

    As in scikit-learn's LogisticRegressionCV.
    """
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


def layers_on_host(layers: list[Layer]) -> list[Layer]:
    """The layers as NumPy arrays."""
    return [(to_host(W), None if b is None else to_host(b)) for W, b in layers]
