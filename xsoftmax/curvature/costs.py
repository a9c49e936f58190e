"""What evaluations and inverse Hessians cost, in multiplications of a product of matrices.

The prices were fitted to the times of 140 evaluations and inverse Hessians of problems drawn at
random, mostly in float64 and with one thread of a CPU, which makes 16e9 multiplications a second.
Nine of ten evaluations and exact inverses are within a factor of 1.8, approximate ones of 3.
"""

from __future__ import annotations

from typing import NamedTuple

from ..model.network import Network
from ..objective.policy import Policy

#: To call all operations of an iteration of L-BFGS, of moments, of the matrix of one class, and of
#: an exact inverse Hessian.
CALLS_OF_ITERATION, CALLS_OF_MOMENTS = 6e6, 0.8e6
CALLS_OF_CLASS, CALLS_OF_HESSIAN = 0.7e6, 7e6
#: To read a value of X, to square and to weigh it, to compute the functions of a logit, and the
#: weight of a pair of classes.
READ, SQUARE, EXPONENTIAL, PAIR = 5, 30, 70, 40
#: To pick and weigh a value of a row, and to make an entry of a covariance and its inverse.
WEIGH, ENTRY = 15, 200
#: A decomposition of order n takes so many times n^3, and so many times n^2.
DECOMPOSITION, TRIDIAGONAL = 3, 800


def evaluation_cost(network: Network, n_samples: int, n_problems: int) -> float:
    """Of value and gradient of all problems, with what L-BFGS does beside."""
    n_features, n_classes = network.layer_sizes
    n_logits = n_classes * n_problems
    values = 2 * n_features * (n_logits + READ) + EXPONENTIAL * n_logits
    return n_samples * values + CALLS_OF_ITERATION


def moments_cost(network: Network, n_samples: int, n_problems: int, at_zero: bool) -> float:
    """Of what rows weigh for each class, and the means and variances of features under that."""
    n_features, n_classes = network.layer_sizes
    n_blocks = 1 if at_zero else n_classes
    values = n_features * (2 * n_blocks + SQUARE)
    if not at_zero:
        values += 2 * EXPONENTIAL * n_classes * n_problems
    return n_samples * values + CALLS_OF_MOMENTS


def class_inverses_cost(n_features: int, n_blocks: int, n_picked: int) -> float:
    """Of a covariance of `n_picked` rows for each class, and its inverse."""
    rows = n_picked * n_features * (n_features + WEIGH)
    return n_blocks * (rows + n_features**2 * (2 * n_features + ENTRY) + CALLS_OF_CLASS)


def leading_eigenvectors_cost(n_features: int, rank: int) -> float:
    """Of those of the covariance of `rank` rows."""
    products = 2 * rank * n_features * (rank + WEIGH)
    return products + decomposition_cost(rank) + 3 * CALLS_OF_CLASS


def decomposition_cost(order: int) -> float:
    """Of the eigenvalues and eigenvectors of a matrix."""
    return order**2 * (DECOMPOSITION * order + TRIDIAGONAL)


class Purchase(NamedTuple):
    """An approximate inverse Hessian that can be made."""

    of_classes: bool  #: an inverse for each class, else one spectrum for all
    n_rows: int  #: that make each covariance
    is_whole: bool  #: whether all eigenvectors are kept, else as many as there are rows
    cost: float  #: evaluations


def best_affordable(
    network: Network,
    n_samples: int,
    n_problems: int,
    max_cost: float,
    policy: Policy,
    at_zero: bool = False,
) -> Purchase | None:
    """The best approximation for at most `max_cost` evaluations, or None if there is none.

    An inverse for each class is better than one spectrum for all, that is better than a part of it,
    and more rows are better than few.
    """
    n_features, n_classes = network.layer_sizes
    evaluation = evaluation_cost(network, n_samples, n_problems)
    spent = moments_cost(network, n_samples, n_problems, at_zero)
    budget = max_cost * evaluation - spent
    most = min(n_samples, policy.max_curvature_rows_per_feature * n_features)
    least = min(most, policy.min_curvature_rows_per_feature * n_features)

    def with_rows(n_blocks: int, decomposition: float) -> Purchase | None:
        of_none = class_inverses_cost(n_features, n_blocks, 0) + decomposition
        of_row = class_inverses_cost(n_features, n_blocks, 1) + decomposition - of_none
        n_rows = int(min(most, (budget - of_none) / of_row))
        cost = (spent + of_none + n_rows * of_row) / evaluation
        return Purchase(n_blocks > 1, n_rows, True, cost) if n_rows >= least else None

    purchase = None
    if not at_zero and n_classes * n_features**2 <= policy.max_values_of_class_inverses:
        purchase = with_rows(n_classes, 0.0)
    if purchase is None and n_features <= policy.max_features_of_matrix:
        purchase = with_rows(1, decomposition_cost(n_features))
    if purchase is None and (at_zero or n_features > policy.max_features_of_matrix):
        rank = min(n_samples, n_features, policy.max_rank)
        while rank > 0 and leading_eigenvectors_cost(n_features, rank) > budget:
            rank = rank * 3 // 4
        if rank > 0:
            cost = spent + leading_eigenvectors_cost(n_features, rank)
            purchase = Purchase(False, rank, False, cost / evaluation)
    return purchase


def exact_inverse_cost(network: Network, n_samples: int, n_problems: int, policy: Policy) -> float:
    """Of the exact inverse Hessians of all problems."""
    n_features, n_classes = network.layer_sizes
    n_inputs, n_pairs = n_features + 1, n_classes * (n_classes - 1) // 2
    n_rows = min(n_samples, hessian_rows(network, policy))
    of_pair = n_rows * (PAIR + n_inputs * (n_inputs + 5))
    assembly = 6 * (n_classes - 1) ** 2 * n_inputs**2
    inverse = 2 * hessian_order(network) ** 3
    choice = 2 * EXPONENTIAL * n_samples * n_classes
    return n_problems * (n_pairs * (of_pair + assembly) + inverse + choice) + CALLS_OF_HESSIAN


def hessian_order(network: Network) -> int:
    """Parameters of one problem, where those of all classes sum to zero."""
    n_features, n_classes = network.layer_sizes
    return (n_classes - 1) * (n_features + network.fit_intercept)


def hessian_rows(network: Network, policy: Policy) -> int:
    """How many rows make a Hessian, where there are more."""
    return max(MIN_ROWS, policy.hessian_rows_per_parameter * hessian_order(network))


#: Rows that are not worth a choice of fewer.
MIN_ROWS = 1024


def are_many(n_rows: int, n_picked: int) -> bool:
    """Whether to pick so few of so many rows saves more than it costs."""
    return n_rows > max(1.5 * n_picked, MIN_ROWS)
