"""Softmax (multinomial logistic) regression."""

from __future__ import annotations

from typing import Any

from ..arrays import Array, namespace
from ..model.network import Network
from .base import BaseSoftmaxClassifier
from .linear import LinearPredictor, penalty_strength


class SoftmaxRegression(LinearPredictor, BaseSoftmaxClassifier):
    """Linear logits, a softmax, and an L2 penalty.

    Minimises, with sample weights s_i that sum to S and targets t,

        1/S sum_i s_i [ logsumexp_c z_ci - sum_c t_ci z_ci ] + 1/(2 C S) ||W||^2,   z = W x + b,

    which is scikit-learn's LogisticRegression divided by C S: the same minimiser, also for two
    classes, where only the difference of their weights is reported and penalised.

    Parameters
    ----------
    C : inverse strength of the penalty; inf for none. The intercept is never penalised.
    solver : "lbfgs" (if X is large and float64, in float32 as far as that leads, then in float64),
        "gd" (gradient descent on all rows), "sgd" or "adam" (minibatches)
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
    fit_intercept : whether there is a b
    class_weight : dict from label to weight, or "balanced"
    warm_start : start from the last fit (or from classes_, coef_ and intercept_ as you set them)
    random_state : seed or numpy RandomState that shuffles and splits
    batch_size : rows per step of sgd and adam; "auto" is min(200, n_samples)
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
    coef_ : (n_classes, n_features), or (1, n_features) for two classes
    intercept_ : (n_classes,), or (1,) for two classes
    gap_ : with lbfgs, an estimate of (objective - minimum) / objective at the end; where cells of X
        are so large that the loss is locally misleading, proved by an exact Newton step, or a bound
    n_iter_ : iterations done on all rows
    loss_curve_ : the objective at every iteration; gd, sgd and adam record it before each step
    validation_scores_ : accuracies on held-out samples, or None if there were none
    t_ : rows that gd, sgd and adam have met, each as often as it was met; 0 with lbfgs
    n_features_in_, feature_names_in_ : what was seen in `fit`
    """

    def __init__(
        self,
        C: float = 1.0,
        *,
        solver: str = "lbfgs",
        learning_rate_init: float | None = None,
        learning_rate: str = "constant",
        power_t: float = 0.5,
        max_iter: int = 1000,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        class_weight: Any = None,
        warm_start: bool = False,
        random_state: Any = None,
        batch_size: Any = "auto",
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
        self.C = C
        self.solver = solver
        self.learning_rate_init = learning_rate_init
        self.learning_rate = learning_rate
        self.power_t = power_t
        self.max_iter = max_iter
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.random_state = random_state
        self.batch_size = batch_size
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

    def _fresh_parameters(self, network: Network, random_state: Any, like: Array) -> Array:
        return namespace(like).zeros(
            (1, network.n_parameters), dtype=like.dtype, device=like.device
        )

    def _penalty_strength(self, network: Network) -> float:
        return penalty_strength(self.C, network)
