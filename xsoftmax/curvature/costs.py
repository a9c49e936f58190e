"""What evaluations and inverse Hessians cost, in multiplications of a product of matrices.

The prices were fitted to the times of 140 evaluations and inverse Hessians of problems drawn at
random, mostly in float64 and with one thread of a CPU, which makes 16e9 multiplications a second.
Nine of ten evaluations and exact inverses are within a factor of 1.8, approximate ones of 3.
"""

from __future__ import annotations

from typing import NamedTuple

from ..model.network import Network
from ..objective.objective import Objective
from ..objective.policy import Policy

#: To call some ten array operations on small arrays.
CALLS = 1e6
#: To read a value of a matrix that a product takes from memory.
READ = 5
#: An operation on each value of an array. An exponential, and what comes with it, counts as two.
OPERATION = 30


class Sizes(NamedTuple):
    """What an evaluation reads."""

    n_samples: int
    n_problems: int
    row_values: int  #: that a product reads of a row; all of its features, unless it is sparse


def sizes_of(objective: Objective) -> Sizes:
    """Those of an objective."""
    rows = objective.rows
    return Sizes(rows.n_samples, objective.n_problems, rows.source.row_values)


def evaluation_cost(network: Network, sizes: Sizes) -> float:
    """Of value and gradient of all problems, with the calls of an iteration of L-BFGS."""
    return work_of_evaluation(network, sizes) + 6 * CALLS


def work_of_evaluation(network: Network, sizes: Sizes) -> float:
    """Of value and gradient of all problems, without calls."""
    n_logits = network.layer_sizes[-1] * sizes.n_problems
    of_row = 2 * sizes.row_values * (n_logits + READ) + 2 * OPERATION * n_logits
    return sizes.n_samples * of_row


def moments_cost(network: Network, sizes: Sizes, at_zero: bool) -> float:
    """Of what rows weigh for each class, and the means and variances of features under that."""
    n_classes = network.layer_sizes[-1]
    n_blocks = 1 if at_zero else n_classes
    values = sizes.row_values * (2 * n_blocks + OPERATION)
    if not at_zero:
        values += 4 * OPERATION * n_classes * sizes.n_problems
    return sizes.n_samples * values + CALLS


def covariances_cost(n_features: int, n_blocks: int, n_picked: int) -> float:
    """Of a covariance of `n_picked` rows for each class, and its inverse."""
    rows = n_picked * n_features * (n_features + OPERATION)
    return n_blocks * (rows + n_features**2 * (2 * n_features + 7 * OPERATION) + CALLS)


def decomposition_cost(order: int) -> float:
    """Of the eigenvalues and eigenvectors of a matrix."""
    return order**2 * (3 * order + 27 * OPERATION)


class Purchase(NamedTuple):
    """An approximate inverse Hessian that can be made."""

    of_classes: bool  #: an inverse for each class, else one spectrum for all
    n_rows: int  #: that make each covariance, or 0 for a diagonal
    cost: float  #: evaluations


def best_affordable(
    network: Network,
    sizes: Sizes,
    max_cost: float,
    policy: Policy,
    at_zero: bool = False,
) -> Purchase | None:
    """The best approximation for at most `max_cost` evaluations, or None if there is none.

    An inverse for each class is better than one spectrum for all, and more rows are better than
    few. Of more features than a matrix may have there is a diagonal.
    """
    n_features, n_classes = network.layer_sizes
    evaluation, spent = evaluation_cost(network, sizes), moments_cost(network, sizes, at_zero)
    budget = max_cost * evaluation - spent
    if n_features**2 > policy.max_curvature_values:
        return Purchase(False, 0, spent / evaluation) if budget >= 0 else None
    most = min(sizes.n_samples, policy.hessian_rows_per_parameter * n_features)
    least = min(most, policy.min_curvature_rows_per_feature * n_features)

    def bought(n_blocks: int, decomposition: float = 0.0) -> Purchase | None:
        if n_blocks * n_features**2 > policy.max_curvature_values:
            return None
        of_none = covariances_cost(n_features, n_blocks, 0) + decomposition
        of_row = covariances_cost(n_features, n_blocks, 1) + decomposition - of_none
        n_rows = int(min(most, (budget - of_none) / of_row))
        cost = (spent + of_none + n_rows * of_row) / evaluation
        return Purchase(n_blocks > 1, n_rows, cost) if n_rows >= least else None

    of_classes = bought(n_classes) if policy.inverts_classes and not at_zero else None
    return of_classes or bought(1, decomposition_cost(n_features))


def exact_inverse_cost(network: Network, sizes: Sizes, policy: Policy) -> float:
    """Of the exact inverse Hessians of all problems."""
    n_samples, n_problems, _ = sizes
    n_features, n_classes = network.layer_sizes
    n_inputs, n_pairs = n_features + 1, n_classes * (n_classes - 1) // 2
    n_rows = min(n_samples, hessian_rows(network, policy))
    of_pair = n_rows * (OPERATION + n_inputs * (n_inputs + 5))
    assembly = 6 * (n_classes - 1) ** 2 * n_inputs**2
    inverse = 2 * hessian_order(network) ** 3
    choice = 4 * OPERATION * n_samples * n_classes
    return n_problems * (n_pairs * (of_pair + assembly) + inverse + choice) + 7 * CALLS


def hessian_order(network: Network) -> int:
    """Parameters of one problem, where those of all classes sum to zero."""
    n_features, n_classes = network.layer_sizes
    return (n_classes - 1) * (n_features + network.fit_intercept)


def hessian_rows(network: Network, policy: Policy) -> int:
    """How many rows make a Hessian, where there are more."""
    return max(policy.few_rows, policy.hessian_rows_per_parameter * hessian_order(network))


def are_many(n_rows: int, n_picked: int, policy: Policy) -> bool:
    """Whether to pick so few of so many rows saves more than it costs."""
    return n_rows > max(1.5 * n_picked, policy.few_rows)
