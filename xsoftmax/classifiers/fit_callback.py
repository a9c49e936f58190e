"""What happens after every iteration of a fit: record, score, decide, tell the caller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from ..arrays import Array
from ..solvers import Report
from .tasks import FitTasks


class FitCallback:
    """A callback for `minimize` that scores held-out samples and calls the user's monitor.

    Parameters
    ----------
    publish : stores parameters, iteration and losses in the estimator
    score : accuracy and log loss of the published estimator on held-out samples; None without any
    patience : stop after this many iterations without a gain of `tol` in the score; None never does
    monitor : the user's ``monitor(iteration, estimator)``, which stops the fit by returning True
    tasks : what tells scikit-learn's callbacks
    watches_loss : whether the score is the loss instead of the accuracy
    can_lower : whether the solver would rather lower the learning rate, by its report
    """

    def __init__(
        self,
        publish: Callable[[Array, int, list[float]], Any],
        score: Callable[[], tuple[float, float]] | None = None,
        patience: float | None = None,
        tol: float = 0.0,
        monitor: Callable[[int, Any], bool | None] | None = None,
        tasks: FitTasks | None = None,
        watches_loss: bool = False,
        can_lower: Callable[[Any], bool] = lambda report: False,
    ) -> None:
        self.publish, self.score, self.patience, self.tol = publish, score, patience, tol
        self.monitor, self.tasks, self.can_lower = monitor, tasks, can_lower
        self.watches_loss = watches_loss
        self.lowers_rate = False  #: whether the last score asks for a lower rate
        self.losses: list[float] = []
        self.scores: list[float] = []
        self.validation_losses: list[float] = []
        self.n_stale = 0
        self.best_score, self.best_parameters = -float("inf"), None

    def __call__(self, iteration: int, parameters: Array, reports: Sequence[Report]) -> bool:
        """Whether to stop."""
        value = reports[0].value
        self.losses.append(value)
        is_heard = self.tasks is not None and self.tasks.is_heard
        is_watched = self.score is not None or self.monitor is not None or is_heard
        if not is_watched or not isfinite(value):
            return False
        estimator = self.publish(parameters, iteration, self.losses)
        stop = self.score is not None and self._is_stale(*self.score(), parameters)
        self.lowers_rate = stop and self.can_lower(reports[0])
        if self.lowers_rate:
            stop, self.n_stale = False, 0
        if self.monitor is not None:
            stop = bool(self.monitor(iteration, estimator)) or stop
        if self.tasks is not None:
            stop = self.tasks.finished_step() or stop
        return stop

    def saved(self) -> tuple[Any, list[Array]]:
        """Numbers and arrays from which `restore` goes on."""
        curves = self.losses, self.scores, self.validation_losses
        numbers = [*curves, self.n_stale, self.best_score, self.lowers_rate]
        return numbers, [] if self.best_parameters is None else [self.best_parameters]

    def restore(self, numbers: Any, arrays: list[Array]) -> None:
        """Go on from what was saved."""
        *curves, self.n_stale, self.best_score, self.lowers_rate = numbers
        self.losses[:], self.scores[:], self.validation_losses[:] = curves
        self.best_parameters = arrays[0] if arrays else None

    def _is_stale(self, accuracy: float, loss: float, parameters: Array) -> bool:
        self.scores.append(accuracy)
        self.validation_losses.append(loss)
        score = -loss if self.watches_loss else accuracy
        self.n_stale = 0 if score >= self.best_score + self.tol else self.n_stale + 1
        if score > self.best_score:
            self.best_score, self.best_parameters = score, parameters
        return self.patience is not None and self.n_stale > self.patience
