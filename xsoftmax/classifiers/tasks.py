"""What a fit tells scikit-learn's callbacks: that it began, each of its steps, and that it ended.

scikit-learn has callbacks since 1.9. With an older one `set_callbacks` says so, and nothing else
changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self, TypeVar

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9
    Method = TypeVar("Method", bound=Callable)

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Says what is missing."""

        def set_callbacks(self, *callbacks: Any) -> Self:
            """Refuse callbacks, which this scikit-learn does not have."""
            raise ImportError("set_callbacks needs scikit-learn 1.9 or later.")

    def with_callbacks(method: Method) -> Method:
        """Return `method` as it is."""
        return method


__all__ = ["CallbackSupportMixin", "FitTasks", "with_callbacks"]


class FitTasks:
    """The task of a fit, or of a part of it, and its steps one after the other.

    A step begins where the one before it ended, so that a callback can measure it. The last one
    that began is ended with the fit, without a model.

    Parameters
    ----------
    estimator : the one that is fitted
    given : X, y and metadata of the fit
    context : scikit-learn's, of this task; None where it has no callbacks
    n_steps : the most steps that there can be
    """

    def __init__(
        self, estimator: Any, given: dict[str, Any], context: Any, n_steps: int = 0
    ) -> None:
        self.estimator, self.given, self.context, self.n_left = estimator, given, context, n_steps
        self.step: Any = None
        self.is_heard = context is not None and bool(getattr(estimator, "_skl_callbacks", ()))
        if context is not None:
            context.call_on_fit_task_begin(estimator=estimator, **given)
        if n_steps:
            self._next()

    @classmethod
    def of_fit(
        cls, estimator: Any, X: Any, y: Any, weight: Any, *, n_steps: int = 0, n_parts: int = 0
    ) -> FitTasks:
        """The task of a whole fit, of so many steps, or of parts that have steps."""
        context = None
        if hasattr(estimator, "_init_callback_context"):
            context = estimator._init_callback_context(max_subtasks=n_parts or n_steps + 1)
        metadata = None if weight is None else {"sample_weight": weight}
        return cls(estimator, {"X": X, "y": y, "metadata": metadata}, context, n_steps)

    def _next(self) -> None:
        if self.is_heard:
            self.step = self.context.subcontext("step")
            self.step.call_on_fit_task_begin(estimator=self.estimator, **self.given)

    def finished_step(self, *, is_fitted: bool = True) -> bool:
        """Tell that a step has ended; returns whether a callback asks to stop.

        `is_fitted` says whether the estimator can predict what it has learnt so far.
        """
        if self.step is None or self.n_left == 0:
            return False
        self.n_left -= 1
        stop = self._end(self.step, is_fitted)
        self._next()
        return stop

    def counting(self, monitor: Callable[[int, int], Any] | None) -> Callable[[int, int], None]:
        """A monitor ``(n_finished, n_problems)`` for which each problem is a step."""
        n_told = 0

        def told(n_finished: int, n_problems: int) -> None:
            nonlocal n_told
            for _ in range(n_finished - n_told):
                self.finished_step(is_fitted=False)
            n_told = n_finished
            if monitor is not None:
                monitor(n_finished, n_problems)

        return told

    def ended(self, *, is_fitted: bool = True) -> None:
        """Tell that the fit has ended."""
        if self.step is not None:
            self._end(self.step, is_fitted=False)
        if self.context is not None:
            self._end(self.context, is_fitted)

    def part(self, name: str, n_steps: int) -> FitTasks:
        """A part of the fit as a task, with steps of its own."""
        context = None if self.context is None else self.context.subcontext(name, None, n_steps + 1)
        return FitTasks(self.estimator, self.given, context, n_steps)

    @contextmanager
    def of_other(self, estimator: Any, name: str) -> Iterator[None]:
        """A part in which another estimator is fitted, which tells callbacks of its own steps."""
        if self.context is None:
            yield
            return
        context = self.context.subcontext(name)
        with context.propagate_callback_context(estimator):
            context.call_on_fit_task_begin(estimator=self.estimator, **self.given)
            yield
            self._end(context, is_fitted=False)

    def _end(self, context: Any, is_fitted: bool) -> bool:
        known: dict[str, Any] | None = {} if is_fitted else None
        stop: bool = context.call_on_fit_task_end(
            estimator=self.estimator, **self.given, reconstruction_attributes=known
        )
        return stop
