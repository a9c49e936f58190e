"""What evaluations and inverse Hessians cost, in multiplications of a product of matrices.

The prices below were measured on a CPU with one thread (``python -m benchmarks profile``).
"""

from __future__ import annotations

from ..model.network import Network
from ..objective.policy import Policy

#: To call all operations of an evaluation, and of an exact inverse Hessian.
CALLS_OF_EVALUATION, CALLS_OF_HESSIAN = 8e6, 20e6
#: To read a value of X, and to compute the functions of a logit.
READ, EXPONENTIAL = 12, 200
#: An eigendecomposition of order n takes so many times n^3.
DECOMPOSITION = 20


def evaluation_cost(network: Network, n_samples: int, n_problems: int) -> float:
    """Of value and gradient of all problems."""
    n_features, n_classes = network.layer_sizes
    n_logits = n_classes * n_problems
    values = 2 * n_features * (n_logits + READ) + EXPONENTIAL * n_logits
    return n_samples * values + CALLS_OF_EVALUATION


def eigenvectors_cost(network: Network, n_samples: int, policy: Policy) -> float:
    """Of all eigenvectors of the curvature at 0."""
    n_features, _ = network.layer_sizes
    n_picked = min(n_samples, policy.min_curvature_rows_per_feature * n_features)
    return n_features**2 * (n_picked + DECOMPOSITION * n_features)


def exact_inverse_cost(network: Network, n_samples: int, n_problems: int, policy: Policy) -> float:
    """Of the exact inverse Hessians of all problems."""
    (n_features, n_classes), order = network.layer_sizes, hessian_order(network)
    n_pairs = n_classes * (n_classes - 1) // 2
    n_rows = min(n_samples, hessian_rows(network, policy))
    products = n_pairs * n_rows * n_features * (2 * n_features + 10)
    return n_problems * (products + order**3) + CALLS_OF_HESSIAN


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
