"""Two well known articles' runs on MNIST, reproduced with this library's own numerics.

A. Suraj Verma, "Softmax Regression in Python: Multi-class Classification": 60,000 x 784, gradient
   descent on all rows, rate 0.9, 1,000 epochs, no penalty, weights from U[0, 1) without a seed. The
   first row is the luck of that draw; from epoch 100 on rows agree to a percent or two, since the
   problem is convex. The article sums the gradient of its bias over the classes too, which is zero,
   so that its bias never learns: the model that it trains has no intercept, and so has ours here.
   (With one, the loss would be 2.5 % lower.)

B. Abhisek Jana, "Understanding and implementing Neural Network with SoftMax in Python from
   scratch": one hidden layer of 50 sigmoids, gradient descent on all rows, rate 0.1, 1,000
   iterations, weights N(0, 1) / sqrt(n_in) from seed 1. Deterministic. The cost that it prints is
   the mean over samples and classes, a tenth of ours, and its accuracy is that after the update.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, from_host, on_device_of
from ..classifiers import MLPClassifier, SoftmaxRegression
from ..classifiers.validation import classes_for


class Row(NamedTuple):
    """One line of the table; None where the article gives no figure."""

    iteration: int
    published_loss: float
    loss: float
    published_accuracy: float | None
    accuracy: float | None


class Reproduction(NamedTuple):
    """What a run gave."""

    rows: list[Row]
    train_accuracy: float
    test_accuracy: float


@dataclass(frozen=True)
class Article:
    """What was published: settings by `model`, and figures every 100 iterations."""

    title: str
    model: Callable[[Array], Any]  #: from X to an estimator that is ready to fit
    classes_per_loss: int  #: what our loss per sample is divided by to be the article's
    losses: tuple[float, ...]
    accuracies: tuple[float | None, ...]
    train_accuracy: float
    test_accuracy: float


def _softmax_regression(X: Array) -> SoftmaxRegression:
    model = SoftmaxRegression(
        C=float("inf"), solver="gd", learning_rate_init=0.9, max_iter=1000, tol=0,
        fit_intercept=False, warm_start=True,
    )  # fmt: skip
    start = np.random.default_rng(1).random((10, X.shape[1]))
    model.classes_ = classes_for(X, np.arange(10))
    model.coef_ = from_host(start, like=X, dtype=X.dtype)
    model.intercept_ = from_host(np.zeros(10), like=X, dtype=X.dtype)
    return model


def _neural_network(X: Array) -> MLPClassifier:
    return MLPClassifier(
        (50,), "sigmoid", solver="gd", learning_rate_init=0.1, max_iter=1000, tol=0, alpha=0,
        random_state=1,
    )  # fmt: skip


def _fraction(percent: float) -> float:
    """The fraction of 60,000 rows that was printed in per cent, free of that rounding."""
    return round(percent * 600) / 60_000


ARTICLES = {
    "softmax-regression": Article(
        title="Softmax Regression in Python: Multi-class Classification (S. Verma)",
        model=_softmax_regression,
        classes_per_loss=1,
        losses=(
            4.765269749988195, 0.41732772667703605, 0.36146764856576774, 0.3371995534802398,
            0.32295154931574305, 0.31331228168677683, 0.3062124554422963, 0.3006810669534496,
            0.29619875396394774, 0.29246033264255616,
        ),
        accuracies=(None,) * 10,
        train_accuracy=0.9187666,
        test_accuracy=0.9173,
    ),
    "neural-network": Article(
        title="Neural Network with SoftMax in Python from scratch (A. Jana)",
        model=_neural_network,
        classes_per_loss=10,
        losses=(
            0.24014291022543646, 0.16293340442170298, 0.11068081204697405, 0.08353159072761683,
            0.06871067093157585, 0.05959970354422914, 0.05347708397827516, 0.049101880831507155,
            0.04583107963137556, 0.04329685602394087,
        ),
        accuracies=tuple(
            _fraction(percent)
            for percent in (
                8.393333333333333, 70.35833333333333, 79.54833333333333, 83.24833333333333, 85.32,
                86.56666666666666, 87.46333333333334, 88.12, 88.59666666666666, 89.00833333333334,
            )
        ),
        train_accuracy=_fraction(89.31333333333333),
        test_accuracy=0.8989,
    ),
}  # fmt: skip


def reproduce(
    article: Article,
    X_train: Array,
    y_train: Array,
    X_test: Array,
    y_test: Array,
    *,
    max_iter: int = 1000,
    monitor: Callable[[int, Any], Any] | None = None,
) -> Reproduction:
    """Run an article's settings on MNIST, its pixels divided by 255, wherever the arrays lie.

    With `max_iter` below 1,000 only the first rows are filled, and the final accuracies are those
    reached by then. `monitor` is called as ``monitor(iteration, estimator)`` after each iteration.
    """
    accuracies: dict[int, float] = {}

    def watch(iteration: int, model: Any) -> None:
        if (iteration - 1) % 100 == 0 and article.accuracies[0] is not None:
            accuracies[iteration - 1] = model.score(X_train, y_train)
        if monitor is not None:
            monitor(iteration, model)

    with on_device_of(X_train):
        model = article.model(X_train).set_params(max_iter=max_iter)
        model.fit(X_train, y_train, monitor=watch)
    published = zip(range(0, max_iter, 100), article.losses, article.accuracies, strict=False)
    rows = [
        Row(i, loss, model.loss_curve_[i] / article.classes_per_loss, accuracy, accuracies.get(i))
        for i, loss, accuracy in published
    ]
    return Reproduction(rows, model.score(X_train, y_train), model.score(X_test, y_test))
