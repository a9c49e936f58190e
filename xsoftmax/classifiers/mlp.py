"""The multilayer perceptron."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from ..arrays import Array
from ..model.network import Layer, Network
from .base import BaseSoftmaxClassifier


class MLPClassifier(BaseSoftmaxClassifier):
    """Multilayer perceptron: dense hidden layers, a softmax, and an L2 penalty.

    It minimises, with sample weights s_i that sum to S and targets t::

        1/S sum_i s_i [ logsumexp_c z_ci - sum_c t_ci z_ci ] + alpha/(2 S) sum_l ||W_l||^2

    where z are the outputs of the last layer. The penalty is that of all samples in every
    minibatch, so that the minimiser does not depend on `solver` or `batch_size`.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(50,)
        Units of each hidden layer; an integer for one layer.
    activation : {"relu", "gelu", "tanh", "logistic", "sigmoid", "identity"}, default="relu"
        What hidden layers apply; "logistic" and "sigmoid" are the same.
    solver : {"adam", "sgd", "gd", "lbfgs"}, default="adam"
        - "adam" and "sgd": steps on minibatches.
        - "gd": gradient descent on all rows.
        - "lbfgs": a quasi-Newton method on all rows, with a preconditioner.
    alpha : float, default=1e-4
        Strength of the penalty, divided by the sum of the sample weights. No intercept is
        penalised.
    batch_size : int or "auto", default="auto"
        Rows in each step of sgd and adam. "auto" is min(200, n_samples).
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
    max_iter : int, default=200
        The most iterations, or epochs of sgd and adam.
    tol : float, default=1e-4
        When the solver stops; f is the objective, f(0) its value where all parameters are 0.

        - lbfgs: twice its estimate of f - min f is at most tol (f(0) - f), and at most tol**0.5 f.
        - gd: no component of the gradient is larger than tol.
        - sgd and adam: `n_iter_no_change` epochs in a row improve the loss by less than tol.

        With 0 there are `max_iter` iterations, or as many as rounding allows.
    class_weight : dict or "balanced", default=None
        The weight of each label, which multiplies the weights of its samples. "balanced" gives
        all classes the same total weight.
    warm_start : bool, default=False
        Whether `fit` starts from the last fit.
    random_state : int or RandomState, default=None
        Draws the first weights, the shuffles of sgd and adam, and the rows that `early_stopping`
        holds out.
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
    coefs_ : list of array of shape (n_in, n_out)
        The weights of each layer.
    intercepts_ : list of array of shape (n_out,)
        The intercepts of each layer.
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
    loss_ : float
        The last of ``loss_curve_``; nan if there was no iteration.
    best_loss_ : float or None
        The least of ``loss_curve_``; None with `early_stopping`.
    best_validation_score_ : float or None
        The highest of ``validation_scores_``; None if there were none.
    n_layers_ : int
        The number of layers, that of the features included.
    n_outputs_ : int
        The number of classes.
    out_activation_ : str
        "softmax", for two classes too.
    n_features_in_ : int
        The number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names; only where X has names that are all strings.

    See Also
    --------
    SoftmaxRegression : The same without hidden layers.
    BatchedGridSearchCV : Trains many networks as one batch and chooses the best.
    xsoftmax.save : Writes a fitted model to a file.

    Notes
    -----
    Weights start as N(0, 1) / sqrt(n_in) [1]_, times sqrt(2) after relu and gelu [2]_, and
    intercepts as 0. They are drawn on the host from `random_state`, layer by layer: one seed
    gives the same weights with every array library.

    "sgd" has the momentum of [3]_, and "adam" is algorithm 1 of [4]_.

    References
    ----------
    .. [1] LeCun, Y., Bottou, L., Orr, G. B. and Müller, K.-R. (1998), "Efficient BackProp".
    .. [2] He, K., Zhang, X., Ren, S. and Sun, J. (2015), "Delving deep into rectifiers:
       surpassing human-level performance on ImageNet classification". arXiv:1502.01852
    .. [3] Sutskever, I., Martens, J., Dahl, G. and Hinton, G. (2013), "On the importance of
       initialization and momentum in deep learning", ICML.
    .. [4] Kingma, D. P. and Ba, J. (2015), "Adam: a method for stochastic optimization", ICLR.
       arXiv:1412.6980

    Examples
    --------
    >>> from xsoftmax import MLPClassifier, datasets
    >>> data = datasets.digits()
    >>> model = MLPClassifier((32,), learning_rate_init=0.01, max_iter=20, tol=0, random_state=0)
    >>> model = model.fit(data.X_train, data.y_train)
    >>> [coef.shape for coef in model.coefs_]
    [(64, 32), (32, 10)]
    >>> model.predict(data.X_test[:8])
    array([7, 6, 3, 7, 7, 3, 2, 8])
    >>> model.score(data.X_test, data.y_test) > 0.9
    True
    """

    coefs_: list[Array]
    intercepts_: list[Array]
    out_activation_: str

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
        early_stopping: bool | str = False,
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
        """The number of layers, that of the features included."""
        return len(self.coefs_) + 1

    @property
    def n_outputs_(self) -> int:
        """The number of classes."""
        return self.coefs_[-1].shape[1]

    @property
    def loss_(self) -> float:
        """The objective at the last iteration; nan if there was none."""
        return self.loss_curve_[-1] if self.loss_curve_ else float("nan")

    @property
    def best_loss_(self) -> float | None:
        """The least objective at an iteration; None with early stopping, which looks at scores."""
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
