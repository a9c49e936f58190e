"""Softmax (multinomial logistic) regression."""

from __future__ import annotations

from typing import Any

from .. import metrics
from ..arrays import Array, from_host, indices_from_host, namespace, on_its_device, to_host
from ..model.network import Network
from .base import BaseSoftmaxClassifier
from .inference import check_order, logits_left_out, standard_errors
from .linear import LinearPredictor, penalty_strength
from .samples import Samples
from .validation import check_sample_weight, check_y


class SoftmaxRegression(LinearPredictor, BaseSoftmaxClassifier):
    """Softmax (multinomial logistic) regression: linear logits, a softmax, and an L2 penalty.

    It minimises, with sample weights s_i that sum to S and targets t::

        1/S sum_i s_i [ logsumexp_c z_ci - sum_c t_ci z_ci ] + 1/(2 C S) ||W||^2,   z = W x + b

    This is the objective of scikit-learn's LogisticRegression divided by C S, so that the
    minimiser is the same. For two classes, too: there only the difference of their weights is
    reported and penalised.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the penalty, above 0; inf for none. The intercept is never penalised.
    solver : {"lbfgs", "gd", "sgd", "adam"}, default="lbfgs"
        - "lbfgs": a quasi-Newton method on all rows, preconditioned by the Hessian or an
          approximation of it. If X is large and float64, it iterates in float32 as far as that
          leads, then in float64.
        - "gd": gradient descent on all rows.
        - "sgd" and "adam": steps on minibatches.
    learning_rate_init : float, default=None
        Step of gd, sgd and adam. None means 0.1, 0.01 and 0.001.
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        How the step of sgd changes.

        - "constant": not at all.
        - "invscaling": after every epoch it is `learning_rate_init` / (t + 1)**power_t, where t
          is the number of rows seen so far.
        - "adaptive": divided by 5 whenever sgd would stop, until it is at most 1e-6.
    power_t : float, default=0.5
        Exponent of "invscaling", see `learning_rate`.
    max_iter : int, default=1000
        The most iterations, or epochs of sgd and adam.
    tol : float, default=1e-4
        When the solver stops; f is the objective, f(0) its value where all parameters are 0.

        - lbfgs: twice its estimate of f - min f is at most tol (f(0) - f), and at most tol**0.5 f.
        - gd: no component of the gradient is larger than tol.
        - sgd and adam: `n_iter_no_change` epochs in a row improve the loss by less than tol.

        With 0 there are `max_iter` iterations, or as many as rounding allows.
    fit_intercept : bool, default=True
        Whether there is an intercept b.
    class_weight : dict or "balanced", default=None
        The weight of each label, which multiplies the weights of its samples. "balanced" gives
        all classes the same total weight.
    coef_prior : tuple of arrays (W0, b0), default=None
        A classifier to stay near, of the shapes of ``coef_`` and ``intercept_``: the penalty is on
        W - W0, and b0 (or None) is where the intercepts start. A small C gives its predictions, a
        large one those of a fit without it; so a zero-shot classifier becomes a probe.
    standard_errors : bool, default=False
        Whether `fit` computes ``standard_errors_`` and ``covariances_``, from the exact Hessian,
        which must be small enough to be inverted.
    warm_start : bool, default=False
        Whether `fit` starts from the last fit, or from ``classes_``, ``coef_`` and
        ``intercept_`` as you set them.
    random_state : int or RandomState, default=None
        Draws the shuffles of sgd and adam, and the rows that `early_stopping` holds out.
    batch_size : int or "auto", default="auto"
        Rows in each step of sgd and adam. "auto" is min(200, n_samples).
    shuffle : bool, default=True
        Whether sgd and adam shuffle the rows before every epoch.
    momentum : float, default=0.9
        Momentum of sgd, in [0, 1].
    nesterovs_momentum : bool, default=True
        Whether the momentum of sgd is Nesterov's.
    beta_1 : float, default=0.9
        Decay of adam's mean of gradients, in [0, 1).
    beta_2 : float, default=0.999
        Decay of adam's mean of squared gradients, in [0, 1).
    epsilon : float, default=1e-8
        What adam adds to the root of that mean, above 0.
    early_stopping : bool or "loss", default=False
        Whether to stop when `n_iter_no_change` iterations in a row do not raise the accuracy on
        held-out samples by `tol`, and to keep the best parameters. With "loss" the log loss of
        those samples must fall by `tol` instead.
    validation_fraction : float, default=0.1
        Share of the samples to hold out for `early_stopping`, in (0, 1). Not used if `fit` is
        given `X_val`.
    n_iter_no_change : int or inf, default=10
        See `tol` and `early_stopping`. With inf neither stops for that reason.
    block_rows : int, default=None
        Rows worked on at a time, which bounds the memory of a pass over X. None lets temporaries
        fit a processor's cache.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The labels, sorted.
    coef_ : array of shape (n_classes, n_features)
        The weights W; of shape (1, n_features) for two classes.
    intercept_ : array of shape (n_classes,)
        The intercepts b; of shape (1,) for two classes, and 0 without `fit_intercept`.
    gap_ : float
        With lbfgs, an estimate of (f - min f) / f at the end. Where X has cells so large that
        curvature at one point misleads, the estimate is confirmed by an exact Newton step, or it
        is an upper bound.
    standard_errors_ : dict of str to array of shape (n_classes, n_features + 1)
        Standard errors of ``coef_``, and of ``intercept_`` last; only with `standard_errors`.
        "plain" is right if the model is, "sandwich" also if it is not [5]_. For two classes the
        shape is (1, n_features + 1).
    covariances_ : dict of str to array
        The covariances behind them, of shape (n_classes, n_features + 1, n_classes, n_features + 1)
        or for two classes (1, n_features + 1, 1, n_features + 1). With C=inf, v[k, :, k, :] +
        v[l, :, l, :] - v[k, :, l, :] - v[l, :, k, :] is that of the coefficients of class k seen
        from class l, which other programs report.
    n_iter_ : int
        Iterations done on all rows, or epochs of sgd and adam.
    loss_curve_ : list of float
        The objective at every iteration; gd, sgd and adam record it before each step.
    validation_scores_ : list of float or None
        The accuracy on held-out samples at every iteration; None if there were none.
    validation_loss_curve_ : list of float or None
        Their mean log loss, without the penalty.
    t_ : int
        Rows that gd, sgd and adam have met, each as often as it was met; 0 with lbfgs.
    n_features_in_ : int
        The number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names; only where X has names that are all strings.

    See Also
    --------
    SoftmaxRegressionCV : Chooses C by cross-validation.
    MLPClassifier : The same with hidden layers.
    xsoftmax.save : Writes a fitted model to a file.

    Notes
    -----
    "lbfgs" has the two-loop recursion of [1]_; that a Newton step can confirm ``gap_`` follows
    from a bound of [2]_. "sgd" has the momentum of [3]_, and "adam" is algorithm 1 of [4]_.

    References
    ----------
    .. [1] Nocedal, J. (1980), "Updating quasi-Newton matrices with limited storage", Mathematics
       of Computation 35(151). doi:10.1090/S0025-5718-1980-0572855-7
    .. [2] Bach, F. (2010), "Self-concordant analysis for logistic regression", Electronic Journal
       of Statistics 4. doi:10.1214/09-EJS521
    .. [3] Sutskever, I., Martens, J., Dahl, G. and Hinton, G. (2013), "On the importance of
       initialization and momentum in deep learning", ICML.
    .. [4] Kingma, D. P. and Ba, J. (2015), "Adam: a method for stochastic optimization", ICLR.
       arXiv:1412.6980
    .. [5] White, H. (1982), "Maximum likelihood estimation of misspecified models", Econometrica
       50(1). doi:10.2307/1912526

    Examples
    --------
    >>> from xsoftmax import SoftmaxRegression, datasets
    >>> data = datasets.digits()
    >>> model = SoftmaxRegression(C=1.0).fit(data.X_train, data.y_train)
    >>> model.predict(data.X_test[:8])
    array([7, 6, 3, 7, 7, 3, 2, 8])
    >>> model.predict_proba(data.X_test[:2]).max(axis=1).round(3)
    array([0.832, 0.981])
    >>> round(model.score(data.X_test, data.y_test), 3)
    0.961
    """

    gap_: float
    standard_errors_: dict[str, Array]
    covariances_: dict[str, Array]

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
        coef_prior: Any = None,
        standard_errors: bool = False,
        warm_start: bool = False,
        random_state: Any = None,
        batch_size: Any = "auto",
        shuffle: bool = True,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        early_stopping: bool | str = False,
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
        self.coef_prior = coef_prior
        self.standard_errors = standard_errors
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
        return penalty_strength(self.C, network.layer_sizes[-1])

    def _before_fit(self, samples: Samples) -> None:
        for name in ("standard_errors_", "covariances_"):
            self.__dict__.pop(name, None)
        if self.standard_errors:
            n_features, n_classes = samples.X.shape[1], len(samples.targets.classes)
            check_order(self, self._network(n_features, n_classes))

    def _after_fit(self, samples: Samples) -> None:
        if self.standard_errors:
            known = standard_errors(self, samples, self._parameters(), self.C)
            self.standard_errors_, self.covariances_ = known

    def _parameters(self) -> Array:
        """The fitted parameters (1, n_parameters)."""
        network = self._network(self.n_features_in_, self.classes_.shape[0])
        return network.pack([(W, b if self.fit_intercept else None) for W, b in self._layers()])

    @on_its_device
    def leave_one_out_scores(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        offset: Any = None,
        scoring: Any = "neg_log_loss",
    ) -> Any:
        """Score every row that was fitted as if it had been left out, without fitting again.

        One Newton step per row, from the fitted parameters on the objective without that row, tells
        what it would be predicted [1]_. The exact Hessian must be small enough to be inverted.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows that were fitted.
        y : array-like of shape (n_samples,)
            Their labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights in the fit, which the scores count too.
        offset : array of shape (n_samples, n_classes), default=None
            That of the fit.
        scoring : str or sequence of str, default="neg_log_loss"
            As in `xsoftmax.metrics.score`.

        Returns
        -------
        score : float or dict of str to float
            A dict for several names.

        Raises
        ------
        ValueError
            If an argument breaks its rule, or the Hessian is too large.

        References
        ----------
        .. [1] Cook, R. D. and Weisberg, S. (1982), "Residuals and influence in regression",
           chapter 5.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from xsoftmax import SoftmaxRegression
        >>> X, y = load_iris(return_X_y=True)
        >>> model = SoftmaxRegression(tol=1e-10).fit(X, y)
        >>> round(model.leave_one_out_scores(X, y), 3), round(model.score(X, y), 3)
        (-0.13, 0.973)
        """
        X = self._check_fitted(X, "leave_one_out_scores")
        targets = check_y(self, X, y, to_host(self.classes_))
        if targets.is_soft:
            raise ValueError("leave_one_out_scores needs labels, but y holds probabilities.")
        weight = check_sample_weight(X, sample_weight)
        samples = Samples(X, targets, weight, self._check_offset(X, offset))
        logits = logits_left_out(self, samples, self._parameters(), self.C)
        labels = indices_from_host(targets.values, like=X)
        weights = from_host(weight, like=X, dtype=logits.dtype)
        return metrics.score(logits.T, labels, scoring, weights)
