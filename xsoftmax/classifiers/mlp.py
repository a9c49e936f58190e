"""The multilayer perceptron."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from ..arrays import Array
from ..model.network import Layer, Network
from .base import BaseSoftmaxClassifier


class MLPClassifier(BaseSoftmaxClassifier):
    """Dense hidden layers, a softmax, and an L2 penalty.

    Minimises, with sample weights s_i that sum to S and targets t,

        1/S sum_i s_i [ logsumexp_c z_ci - sum_c t_ci z_ci ] + alpha/(2 S) sum_l ||W_l||^2,

    where z are the outputs of the last layer. The penalty is that of all samples in every
    minibatch, so the minimiser does not depend on `solver` or `batch_size`.

    Weights start as N(0, 1) / sqrt(n_in), times sqrt(2) after relu and gelu, intercepts as 0, drawn
    on the host from `random_state` layer by layer: one seed, the same weights on every backend.

    Parameters
    ----------
    hidden_layer_sizes : units of each hidden layer; an integer for one layer
    activation : "relu", "gelu", "tanh", "logistic" (also called "sigmoid") or "identity"
    solver : "adam", "sgd" (minibatches), "gd" (gradient descent on all rows) or "lbfgs"
    alpha : strength of the penalty, divided by the number of samples; no intercept is penalised
    batch_size : rows per step of sgd and adam; "auto" is min(200, n_samples)
    learning_rate_init : step of gd, sgd and adam; None means 0.1, 0.01 and 0.001
    learning_rate : how the step of sgd changes: "constant"; "invscaling" divides it by
        (t + 1)**power_t after every epoch, t rows having been seen; "adaptive" divides it by 5
        whenever sgd would stop, until it is at most 1e-6
    power_t : see `learning_rate`
    max_iter : iterations, or epochs of sgd and adam
    tol : lbfgs stops when it estimates that at most this share of what was gained since all
        parameters were 0 is left to gain (and at most tol**0.5 of the objective); gd when no
        component of the gradient is larger; sgd and adam when `n_iter_no_change` epochs in a row
        improve the loss by less. 0 runs `max_iter` iterations, or as far as rounding allows.
    class_weight : dict from label to weight, or "balanced"
    warm_start : start from the last fit
    random_state : seed or numpy RandomState that draws the weights, shuffles and splits
    shuffle : whether sgd and adam shuffle before every epoch
    momentum, nesterovs_momentum : of sgd
    beta_1, beta_2, epsilon : of adam
    early_stopping : stop when `n_iter_no_change` iterations in a row do not raise the accuracy on
        held-out samples by `tol`, and keep the best parameters
    validation_fraction : held out for that, unless `fit` is given X_val
    n_iter_no_change : see `tol` and `early_stopping`; inf never stops for that reason
    block_rows : rows worked on at a time, which bounds the memory of a pass; None lets temporaries
        fit a processor's cache

    Attributes
    ----------
    classes_ : (n_classes,)
    coefs_ : list of (n_in, n_out), one for each layer
    intercepts_ : list of (n_out,)
    n_iter_ : iterations done on all rows
    loss_curve_ : the objective at every iteration; gd, sgd and adam record it before each step
    validation_scores_ : accuracies on held-out samples, or None if there were none
    t_ : rows that gd, sgd and adam have met, each as often as it was met; 0 with lbfgs
    loss_, best_loss_ : the last of ``loss_curve_`` and its least; `best_loss_` is None with
        early_stopping
    best_validation_score_ : the highest of ``validation_scores_``, or None
    n_layers_, n_outputs_ : of layers with that of the features, and of classes
    out_activation_ : "softmax", for two classes too
    n_features_in_, feature_names_in_ : what was seen in `fit`
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (50,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 1e-4,
        batch_size: Any = "auto",
        learning_rate_init: float | None = None,
        learning_rate: str = "constant",
        power_t: float = 0.5,
        max_iter: int = 200,
        tol: float = 1e-4,
        class_weight: Any = None,
        warm_start: bool = False,
        random_state: Any = None,
        shuffle: bool = True,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: float = 10,
        block_rows: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.learning_rate = learning_rate
        self.power_t = power_t
        self.max_iter = max_iter
        self.tol = tol
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.random_state = random_state
        self.shuffle = shuffle
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.block_rows = block_rows

    def _network(self, n_features: int, n_classes: int) -> Network:
        hidden = self.hidden_layer_sizes
        hidden = (hidden,) if isinstance(hidden, Integral) else hidden
        return Network((n_features, *map(int, hidden), n_classes), self.activation)

    @property
    def n_layers_(self) -> int:
        """How many layers there are, that of the features included."""
        return len(self.coefs_) + 1

    @property
    def n_outputs_(self) -> int:
        """How many classes there are."""
        return self.coefs_[-1].shape[1]

    @property
    def loss_(self) -> float:
        """The objective at the last iteration; nan if there was none."""
        return self.loss_curve_[-1] if self.loss_curve_ else float("nan")

    @property
    def best_loss_(self) -> float | None:
        """The least objective at an iteration; None with early_stopping, which looks elsewhere."""
        return None if self.early_stopping else min(self.loss_curve_, default=float("nan"))

    @property
    def best_validation_score_(self) -> float | None:
        """The highest accuracy on held-out samples; None if there were none."""
        return max(self.validation_scores_) if self.validation_scores_ else None

    def _fresh_parameters(self, network: Network, random_state: Any, like: Array) -> Array:
        return network.random_parameters(random_state, like)

    def _penalty_strength(self, network: Network) -> float:
        return self.alpha

    def _set_layers(self, layers: list[Layer]) -> None:
        self.coefs_ = [W[0, ...].T for W, _ in layers]
        self.intercepts_ = [b[0, ...] for _, b in layers if b is not None]
        self.out_activation_ = "softmax"

    def _layers(self) -> list[Layer]:
        pairs = zip(self.coefs_, self.intercepts_, strict=True)
        return [(W.T[None, ...], b[None, ...]) for W, b in pairs]
