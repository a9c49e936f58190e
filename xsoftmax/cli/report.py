"""A page that shows how well a model does: one file of HTML, with its pictures in it."""

from __future__ import annotations

import base64
import datetime
import io
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import precision_recall_fscore_support

from .. import __version__, plots
from ..arrays import to_host, where
from ..classifiers.resampling import resampled_scores
from ..classifiers.validation import Targets
from ..datasets import Dataset
from ..metrics import expected_calibration_error, score
from ..serialization.files import write_whole
from .evaluation import alike
from .pictures import png, without_failure

#: Scores by what they are called on the page. Of a loss the sign is turned.
SCORES = {
    "accuracy": "accuracy",
    "mean of classes": "balanced_accuracy",
    "F1, mean of classes": "f1_macro",
    "log loss": "neg_log_loss",
    "Brier score": "neg_brier_score",
}
N_RESAMPLES = 1000
#: Resamples times logits that take some seconds; of more there are fewer.
MOST_VALUES = 1 << 30
#: Rows of tables that are seen at once.
MOST_MISTAKES, MOST_CLASSES = 20, 30
LIBRARIES = ("numpy", "scikit-learn", "array-api-compat", "matplotlib")


class Mistake(NamedTuple):
    """A wrong prediction."""

    row: int
    true: str
    predicted: str
    probability: float  #: of the predicted class
    probability_of_true: float
    picture: str | None  #: as a data URI, where rows are images


def write_report(path: Path, title: str, model: Any, X: Any, dataset: Dataset, rows: str) -> Path:
    """Write the page of a model and labelled rows X, which are the test part of `dataset`.

    `rows` is what to call them. Rows whose label the model does not know are counted and left out.
    """
    log_p = to_host(model.predict_log_proba(X))
    classes, labels = alike(to_host(model.classes_), dataset.y_test)
    order = np.argsort(classes)
    classes, log_p = classes[order], log_p[:, order]
    known = np.isin(labels, classes)
    places = np.searchsorted(classes, labels[known])
    log_p, X_known = np.asarray(log_p[known], np.float64), dataset.X_test[known]
    names = _names(classes, dataset)
    winners = log_p.argmax(axis=1)
    estimator = model.steps[-1][1] if hasattr(model, "steps") else model
    page = _template().render(
        title=title,
        rows=rows,
        n_rows=len(places),
        n_unknown=int(np.sum(~known)),
        accuracy_of_all=float(np.sum(winners == places) / len(labels)),
        n_classes=len(classes),
        scores=_scores(log_p, Targets(classes, places)),
        pictures=_pictures(estimator, dataset, X_known, places, winners, log_p, names),
        mistakes=_mistakes(log_p, places, winners, names, X_known, dataset.image_shape, known),
        per_class=_per_class(places, winners, names),
        most_classes=MOST_CLASSES,
        settings=_settings(model),
        versions=_versions(estimator),
        date=datetime.date.today().isoformat(),
    )
    return write_whole(path, page.encode())


def _template() -> jinja2.Template:
    folder = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=folder, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("report.html")


def _names(classes: np.ndarray, dataset: Dataset) -> list[str]:
    """What a person calls the classes."""
    if dataset.class_names is not None and classes.dtype.kind in "iu":
        return [dataset.class_names[label] for label in classes]
    return [str(label) for label in classes.tolist()]


def _scores(log_p: np.ndarray, targets: Targets) -> list[dict[str, Any]]:
    """Each score with its interval; None where there is none, as of a class of one row."""
    names = dict(SCORES)
    if log_p.shape[1] > 5:
        names["top-5 accuracy"] = "top_5_accuracy"
    found = score(log_p, targets.values, list(names.values()))
    n_resamples = max(50, min(N_RESAMPLES, MOST_VALUES // log_p.size))
    try:
        spread = resampled_scores(
            log_p.T[None, ...], targets, list(names.values()), n_resamples, random_state=0
        )
        intervals: dict[str, Any] = {key: spread[key].confidence_interval for key in found}
    except ValueError:  # resamples that lack a class
        intervals = {}
    rows = []
    for name, key in names.items():
        ends = sorted(abs(end) for end in intervals[key]) if key in intervals else None
        rows.append({"name": name, "value": abs(found[key]), "interval": ends})
    error = expected_calibration_error(np.exp(log_p), targets.values)
    return [*rows, {"name": "calibration error", "value": error, "interval": None}]


def _pictures(
    model: Any,
    dataset: Dataset,
    X: np.ndarray,
    places: np.ndarray,
    winners: np.ndarray,
    log_p: np.ndarray,
    names: list[str],
) -> list[tuple[str, str]]:
    """Titles and data URIs."""
    called = np.asarray(names, dtype=object)
    true, predicted = called[places], called[winners]
    draw: dict[str, Callable[[], Any]] = {
        "Confusion matrix": lambda: plots.plot_confusion_matrix(true, predicted),
        "Reliability": lambda: plots.plot_reliability(np.exp(log_p), places),
    }
    if hasattr(model, "scores_") and not isinstance(model.scores_, dict):
        draw["Scores against C"] = lambda: plots.SweepDisplay.from_estimator(model).ax_
    elif getattr(model, "loss_curve_", None):
        draw["Learning curve"] = lambda: plots.LossCurveDisplay.from_estimator(model).ax_
    shape = dataset.image_shape
    if shape is not None:
        draw["Predictions, the wrong ones first"] = lambda: plots.plot_predictions(
            X, true, predicted, image_shape=shape
        )
        if hasattr(model, "coef_"):
            draw["Weights"] = lambda: plots.plot_weights(model, image_shape=shape)
    else:
        draw["Rows by class"] = lambda: plots.plot_projection(X, true)
    found = {
        title: without_failure(partial(png, function), title) for title, function in draw.items()
    }
    return [(title, _data_uri(content)) for title, content in found.items() if content is not None]


def _data_uri(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def _mistakes(
    log_p: np.ndarray,
    places: np.ndarray,
    winners: np.ndarray,
    names: list[str],
    X: np.ndarray,
    image_shape: tuple[int, int] | None,
    known: np.ndarray,
) -> list[Mistake]:
    """The wrong predictions that the model was surest of."""
    wrong = np.flatnonzero(winners != places)
    surest = wrong[np.argsort(-log_p[wrong, winners[wrong]], kind="stable")[:MOST_MISTAKES]]
    rows = np.flatnonzero(known)
    found = []
    for i in surest.tolist():
        picture = None
        if image_shape is not None:
            image = X[i].reshape(image_shape)
            file = io.BytesIO()
            plt.imsave(file, image, cmap="gray_r", format="png")
            picture = _data_uri(file.getvalue())
        own, true = np.exp(log_p[i, [winners[i], places[i]]])
        found.append(Mistake(int(rows[i]), names[places[i]], names[winners[i]], own, true, picture))
    return found


def _per_class(places: np.ndarray, winners: np.ndarray, names: list[str]) -> list[dict[str, Any]]:
    """Precision, recall, F1 and the number of rows of each class, the lowest F1 first."""
    labels = np.arange(len(names))
    columns = precision_recall_fscore_support(places, winners, labels=labels, zero_division=0.0)
    rows = [
        {"name": name, "precision": p, "recall": r, "f1": f, "n": int(n)}
        for name, p, r, f, n in zip(names, *columns, strict=True)
    ]
    return sorted((row for row in rows if row["n"]), key=lambda row: row["f1"])


def _settings(model: Any) -> list[tuple[str, str]]:
    steps = getattr(model, "steps", [("", model)])
    found = []
    for _, step in steps:
        found.append(("", type(step).__name__))
        found += [(name, repr(value)) for name, value in step.get_params(deep=False).items()]
    return found


def _versions(estimator: Any) -> list[tuple[str, str]]:
    found = [("xsoftmax", __version__), ("Python", sys.version.split()[0])]
    found += [(name, version(name)) for name in LIBRARIES]
    return [*found, ("computed with", where(estimator._layers()[0][0]))]
