"""What both classifiers share: scikit-learn's `fit` and `partial_fit` over our solvers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from types import MethodType
from typing import Any, Self

import numpy as np
from sklearn.utils import check_random_state

from ..arrays import (
    Array,
    compute_dtype,
    device,
    namespace,
    on_its_device,
    threads_that_pay,
    to_host,
)
from ..model.network import Layer, Network
from ..objective.coordinates import Coordinates, coordinates
from ..objective.features import Features
from ..objective.policy import DEFAULT, Policy
from ..solvers import Status, WarmStart
from .fit_callback import FitCallback
from .held_out_loss import accuracy_and_log_loss
from .predictor import Predictor
from .prior import from_prior
from .problems import objective_of
from .resuming import resuming
from .rules import check_parameters
from .samples import Samples, check_held_out, hold_out
from .tasks import CallbackSupportMixin, FitTasks, with_callbacks
from .training import as_returned, check_finite, solve, solver_of, warn_unless_converged
from .validation import (
    check_offset,
    check_range,
    check_same_place,
    check_sample_weight,
    check_X,
    check_y,
    classes_for,
    host_labels,
)
from .words import few

Monitor = Callable[[int, Any], bool | None]

#: What a search leaves on its best estimator when that is loaded; another fit takes it away.
SEARCH_RESULTS = (
    "C_", "Cs_", "scores_", "temperature_",
    "best_index_", "best_params_", "best_score_", "cv_results_",
)  # fmt: skip


class _ExceptByLBFGS:
    """A method that estimators lack while their solver is "lbfgs", with an error that says why.

    scikit-learn's `available_if` hides the reason behind another message.
    """

    def __init__(self, function: Callable) -> None:
        self.__doc__ = function.__doc__
        self.function = function

    def __get__(self, estimator: Any, owner: type | None = None) -> Callable:
        if estimator is None:
            return self.function
        if estimator.solver == "lbfgs":
            name = self.function.__name__
            raise AttributeError(
                f"{type(estimator).__name__}(solver='lbfgs') has no {name}, which needs a solver "
                "that can go on with other samples: choose solver='sgd', 'adam' or 'gd'. 'lbfgs' "
                "compares gradients of one fixed set."
            )
        return MethodType(self.function, estimator)


class BaseSoftmaxClassifier(CallbackSupportMixin, Predictor):
    """A subclass names the parameters, the network, its start, and where its layers are kept."""

    _policy: Policy = DEFAULT  #: by which `lbfgs` plans a fit

    n_features_in_: int
    n_iter_: int
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    validation_loss_curve_: list[float] | None
    t_: int

    @abstractmethod
    def _fresh_parameters(self, network: Network, random_state: Any, like: Array) -> Array:
        """Where training starts, (1, n_parameters), in the dtype and place of `like`."""

    @abstractmethod
    def _penalty_strength(self, network: Network) -> float:
        """What, divided by the sum of the sample weights, multiplies half the squared weights."""

    @abstractmethod
    def _set_layers(self, layers: list[Layer]) -> None:
        """Keep the layers of a batch of one problem as fitted attributes."""

    def _before_fit(self, samples: Samples) -> None:
        """What a subclass checks before a fit, and forgets."""

    def _after_fit(self, samples: Samples) -> None:
        """What a subclass learns from a fit besides its layers."""

    @with_callbacks
    @on_its_device
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        offset: Any = None,
        offset_val: Any = None,
        monitor: Monitor | None = None,
        checkpoint: Any = None,
        checkpoint_every: float = 60.0,
    ) -> Self:
        """Fit where X lies: NumPy on the CPU, CuPy on its GPU, torch and JAX likewise.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite real numbers. float32 and float64 are computed in as they are; integers and half
            precision may be stored, and are expanded block by block.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels of any sortable kind, or the probabilities of each class (soft labels).
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; ones by default.
        X_val : array-like of shape (n_val, n_features), default=None
            Held-out samples to score after every iteration.
        y_val : array-like of shape (n_val,) or (n_val, n_classes), default=None
            Their labels or probabilities, of classes that occur in `y`.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights.
        offset : array of shape (n_samples, n_classes), default=None
            What is added to the logits, where X lies; classes are sorted. Pass that of other rows
            to `predict` too.
        offset_val : array of shape (n_val, n_classes), default=None
            That of the held-out samples.
        monitor : callable, default=None
            Called as ``monitor(iteration, self)`` after every iteration, with the estimator as
            fitted so far. Returning True stops the fit. `set_callbacks` takes those of scikit-learn
            1.9.
        checkpoint : path, default=None
            A file that keeps what the fit has found, and is removed when it ends. If the fit is cut
            off, the same call goes on from there and ends with the same bits.
        checkpoint_every : float, default=60.0
            Seconds after which the file is written again.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X, y or a weight breaks its rule, or the solver diverges.
        TypeError
            If X or y holds what is neither a number nor a label.

        Warns
        -----
        ConvergenceWarning
            If the solver ends before it reaches `tol`.

        Notes
        -----
        KeyboardInterrupt leaves the estimator fitted as of the last finished iteration, and is
        raised again.
        """
        check_parameters(self)
        resume = self.warm_start and self.__sklearn_is_fitted__()
        samples = self._check(X, y, sample_weight, resume)
        n_classes = len(samples.targets.classes)
        samples = samples._replace(offset=check_offset(self, samples.X, offset, n_classes))
        held_out = check_held_out(self, samples, X_val, y_val, sample_weight_val, offset_val)
        if held_out is not None:
            check_range(self, held_out.X, compute_dtype(samples.X), "X_val")
        if self.early_stopping and held_out is None:
            samples, held_out = hold_out(samples, self.validation_fraction, self.random_state)
        parts = [samples] if held_out is None else [samples, held_out]
        Xs, others = [part.X for part in parts], [part[1:] for part in parts]
        resumed = resuming(self, checkpoint, checkpoint_every, Xs, others)
        tasks = FitTasks.of_fit(self, X, y, sample_weight, n_steps=self.max_iter)
        try:
            with resumed:
                self._fit(samples, held_out, monitor, resume, tasks)
        except KeyboardInterrupt:
            self._count_rows(samples)
            raise
        self._count_rows(samples)
        tasks.ended()
        return self

    def _count_rows(self, samples: Samples) -> None:
        """Set ``t_`` after a fit, which may have been interrupted before it was anything."""
        n_epochs = 0 if self.solver == "lbfgs" else getattr(self, "n_iter_", 0)
        self.t_ = n_epochs * samples.X.shape[0]

    def _fit(
        self,
        samples: Samples,
        held_out: Samples | None,
        monitor: Monitor | None,
        resume: bool,
        tasks: FitTasks,
    ) -> Any:
        self._before_fit(samples)
        random_state = check_random_state(self.random_state)
        network, start = self._start(samples, random_state, resume)
        space, offset = from_prior(self, network, samples)
        features = None
        if self.solver == "lbfgs" and network.is_linear:
            features = Features(samples.X)
            best = coordinates(features, network, self._policy, many_passes=False)
            space, dtype = space.then(best), features.working_dtype(self._policy, 1)
            start = namespace(start).astype(start, dtype, copy=False)
        if network.is_linear and not resume:
            start = self._fresh_parameters(space.network, random_state, start)
        else:
            start = space.project(start)
        X, strength = space.rows(start.dtype), self._penalty_strength(network)
        given = self, space, X, [samples.problem], strength
        objective = objective_of(*given, features, self._policy, offset)
        stops_early = held_out is not None and self.early_stopping
        classes = classes_for(samples.X, samples.targets.classes)
        fit_callback = self._fit_callback(space, classes, held_out, monitor, tasks)
        early_stop = fit_callback if stops_early else None
        with threads_that_pay(X, network.n_units):
            solution = solve(self, objective, start, random_state, fit_callback, early_stop)
        check_finite(self, solution.parameters)
        if solution.statuses[0] is Status.DIVERGED:
            check_finite(self, np.asarray(solution.values))
        interrupted = solution.statuses[0] is Status.INTERRUPTED
        if solution.n_iter[0] > 0 or not interrupted:
            if stops_early and fit_callback.best_parameters is not None:
                solution = solution._replace(parameters=fit_callback.best_parameters)
            layers = space.layers(solution.parameters)
            if features is not None:
                returned = as_returned(objective, space, features, solution, self.tol)
                solution = returned._replace(parameters=solution.parameters)
                self.gap_ = solution.gaps[0]
            self._publish(layers, classes, solution.n_iter[0], solution.curves[0])
            self._random_state = random_state
            self.__dict__.pop("_memory", None)
            if features is None:
                self.__dict__.pop("gap_", None)
        if interrupted:
            raise KeyboardInterrupt
        warn_unless_converged(self, objective, solution)
        self._after_fit(samples)
        return self

    @_ExceptByLBFGS
    @on_its_device
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch on X, from where the last call ended.

        One epoch is one step with ``solver="gd"``. There is no `partial_fit` with
        ``solver="lbfgs"``, which compares gradients of one fixed set of samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite real numbers, as for `fit`.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Labels, or the probabilities of each class.
        classes : array-like of shape (n_classes,), default=None
            Every label that will ever come. Needed at the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights; ones by default.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X, y, `classes` or a weight breaks its rule, the solver diverges, or the
            estimator has `early_stopping` or ``class_weight="balanced"``.
        """
        check_parameters(self)
        if getattr(self, "coef_prior", None) is not None:
            raise ValueError(
                "partial_fit does not support coef_prior; fit does, or set coef_ and intercept_ "
                "before the first call, as a start."
            )
        if self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping: one epoch has nothing to stop. "
                "Set early_stopping=False, and score rows of your own between the calls."
            )
        resume = self.__sklearn_is_fitted__()
        classes = self._check_classes(classes, resume)
        if getattr(self, "standard_errors", False):
            raise ValueError("partial_fit has no standard errors; set standard_errors=False.")
        samples = self._check(X, y, sample_weight, resume, classes)
        if not hasattr(self, "_random_state"):
            self._random_state = check_random_state(self.random_state)
        network, start = self._start(samples, self._random_state, resume)
        strength, space = self._penalty_strength(network), Coordinates(network, samples.X)
        objective = objective_of(self, space, samples.X, [samples.problem], strength)
        solver = solver_of(self, samples.X.shape[0], self._random_state)
        key = (self.solver, network, str(start.dtype))
        memory = getattr(self, "_memory", None)
        state, reports = solver.init(objective, WarmStart(start))
        rate_key = self.learning_rate_init, self.learning_rate, self.tol, self.n_iter_no_change
        if memory is not None and memory[0] == key:
            state = state._replace(**memory[1])
            if memory[2] == rate_key and hasattr(state, "moments"):
                state, reports = state._replace(learning_rate=memory[3]), memory[4]
        (state, reports), _ = objective.retry_on_out_of_memory(
            partial(solver.update, state=state, reports=reports)
        )
        check_finite(self, state.parameters, np.asarray(reports[0].value))
        losses = [*(getattr(self, "loss_curve_", []) if resume else []), reports[0].value]
        known = classes_for(samples.X, samples.targets.classes)
        self._publish(network.unpack(state.parameters), known, len(losses), losses)
        # What the solver remembers of past epochs; all else is in the parameters.
        names = ("moments", "n_steps", "n_seen") if hasattr(state, "moments") else ()
        remembered = {name: getattr(state, name) for name in names}
        self._memory = key, remembered, rate_key, state.learning_rate, reports
        self.t_ = (getattr(self, "t_", 0) if resume else 0) + samples.X.shape[0]
        return self

    def _check(
        self, X: Any, y: Any, sample_weight: Any, resume: bool, classes: Any = None
    ) -> Samples:
        """Training data as `Samples`; when the fit resumes, with the features and classes known."""
        X = check_X(self, X, reset=not (resume and hasattr(self, "n_features_in_")))
        if resume:
            classes = to_host(self.classes_)
            check_same_place(self, self._layers()[0][0], X, "fit")
        return Samples(X, check_y(self, X, y, classes), check_sample_weight(X, sample_weight))

    def _check_classes(self, classes: Any, resume: bool) -> np.ndarray:
        """The classes that `partial_fit` works with, which must not change between calls."""
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all samples at once; for partial_fit pass a dict "
                "of weights, from sklearn.utils.compute_class_weight."
            )
        known = to_host(self.classes_) if resume else None
        if classes is None:
            if known is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            return known
        classes = np.unique(host_labels(classes, classes, "classes"))
        if known is not None and not np.array_equal(known, classes):
            raise ValueError(
                f"`classes={few(classes)}` is not the same as on last call to partial_fit, which "
                f"was: {few(known)}."
            )
        return classes

    def _start(self, samples: Samples, random_state: Any, resume: bool) -> tuple[Network, Array]:
        """The network, and the parameters (1, n_parameters) where training starts."""
        xp, dtype = namespace(samples.X), compute_dtype(samples.X)
        network = self._network(samples.X.shape[1], len(samples.targets.classes))
        if resume:
            return network, xp.astype(network.pack(self._resumed(network)), dtype, copy=False)
        like = xp.zeros((1, 1), dtype=dtype, device=device(samples.X))
        return network, self._fresh_parameters(network, random_state, like)

    def _resumed(self, network: Network) -> list[Layer]:
        """The fitted layers, if they are still those of the network that the parameters name."""
        layers = self._layers()
        shapes = [tuple(W.shape[1:]) for W, _ in layers]
        if shapes != network.shapes:
            raise ValueError(
                f"{type(self).__name__} cannot go on from layers of shapes {shapes}: its "
                f"parameters now name {network.shapes}. Undo that change, or fit a new estimator."
            )
        return [(W, b if network.fit_intercept else None) for W, b in layers]

    def _fit_callback(
        self,
        space: Coordinates,
        classes: Array,
        held_out: Samples | None,
        monitor: Monitor | None,
        tasks: FitTasks,
    ) -> FitCallback:
        def publish(parameters: Array, n_iter: int, losses: list[float]) -> Any:
            return self._publish(space.layers(parameters), classes, n_iter, losses)

        self.validation_scores_ = self.validation_loss_curve_ = None
        if held_out is None:
            return FitCallback(publish, monitor=monitor, tasks=tasks)
        fit_callback = FitCallback(
            publish,
            partial(accuracy_and_log_loss, self, held_out),
            self.n_iter_no_change if self.early_stopping else None,
            self.tol,
            monitor,
            tasks,
            watches_loss=self.early_stopping == "loss",
        )
        self.validation_scores_ = fit_callback.scores
        self.validation_loss_curve_ = fit_callback.validation_losses
        return fit_callback

    def _publish(
        self, layers: list[Layer], classes: Array, n_iter: int, losses: list[float]
    ) -> Any:
        self._set_layers(layers)
        for name in SEARCH_RESULTS:
            self.__dict__.pop(name, None)
        self.classes_, self.n_iter_, self.loss_curve_ = classes, n_iter, losses
        for name in ("validation_scores_", "validation_loss_curve_"):
            self.__dict__.setdefault(name, None)
        return self
