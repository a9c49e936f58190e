"""Every threshold by which a fit chooses what it does."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Policy:
    """When to buy what. Costs are counted in evaluations: values and gradients of all problems.

    Each line says what is compared, in which unit, and which benchmark set it
    (``python -m benchmarks NAME``). A value of 0 or inf mostly switches a choice off.
    """

    # Memory
    #: Values: logits of all rows that a linear model keeps for its line searches; on a GPU
    #: `arrays.memory.ACCELERATOR_FACTOR` times as many (memory).
    max_kept_logits: int = 1 << 23
    #: Values: probabilities of rows by which some are picked; of more, every few rows (memory).
    max_kept_probabilities: int = 1 << 23

    # Precision
    #: Values of X: fewer are solved in float64, which takes no longer there (random).
    min_values_in_float32: int = 1 << 20
    #: Multiplications of an evaluation: float32 goes first where a float64 fit has more (random).
    min_work_float32_first: float = 1 << 25
    #: Tolerance: to which float32 leads such a fit (random).
    float32_tol: float = 1e-6

    # Coordinates
    #: Rows: up to so many are solved in the space of the rows, where features are more (random).
    max_rows_of_row_space: int = 2048
    #: Share of all features: so many must be 0 in all rows for a sweep to copy X without (sweep).
    min_unseen_features: float = 0.05

    # Samples of rows, on which a fit begins
    #: One row of so many makes a sample, and one of so many of those the next (random).
    sample_stride: int = 4
    #: Rows for each feature that a sample must have (random).
    sample_rows_per_feature: int = 16
    #: Rows for each class that a sample must have (random).
    sample_rows_per_class: int = 50
    #: Rows of a sample for each row that makes a Hessian, which is not cheaper there (random).
    sample_rows_per_hessian_row: int = 4
    #: Multiplications of an evaluation of the sample, which must be worth its calls (random).
    min_work_of_sample: float = 12e6
    #: Tolerance: to which a sample is solved (random).
    sample_tol: float = 0.01

    # Exact Hessians: Newton's method
    #: Evaluations: what an exact inverse Hessian may cost (random).
    max_cost_of_newton: float = 16.0
    #: Evaluations: the same where no direction is much more curved than others (random).
    max_cost_of_even_newton: float = 4.0
    #: Rows for each parameter that make a Hessian, where there are more (random).
    hessian_rows_per_parameter: int = 8
    #: Newton steps: none is longer, and with 1 none is lengthened where curvature falls (random).
    max_newton_step: float = 2.0

    # Approximate Hessians: preconditioned L-BFGS
    #: Largest over mean curvature at 0: with less, evaluations come first (random).
    min_anisotropy: float = 4.0
    #: Evaluations: all eigenvectors at 0 are bought anyway where they cost no more (random).
    max_cost_of_eigenvectors: float = 1.0
    #: Evaluations: what an approximation at 0 may cost (random).
    max_cost_at_zero: float = 8.0
    #: Iterations before the first approximation is bought where none was at 0 (random).
    iterations_before_curvature: int = 8
    #: Evaluations that may be spent on approximations for each iteration (random).
    curvature_share: float = 2.0
    #: Rows for each feature that make an approximation, as many as its cost allows (random).
    min_curvature_rows_per_feature: int = 2
    max_curvature_rows_per_feature: int = 8
    #: Values: inverses for each class are kept if all have no more, else one for all (random).
    max_values_of_class_inverses: int = 1 << 24
    #: Features: of more, no matrix is formed, but leading eigenvectors are kept (random).
    max_features_of_matrix: int = 4096
    #: Eigenvectors that are kept of so many features (random).
    max_rank: int = 512
    #: Shares of the curvature at 0 with which ridge regression is tried as a start (random).
    ridge_shares: tuple[float, ...] = (1.0, 0.1, 3e-3, 1e-4)

    # CVResults
    #: L-BFGS pairs that one value of C leaves to the next (sweep).
    pairs_along_path: int = 5
    #: Multiplications that the rows held out by one fold must save to be skipped (sweep).
    min_work_of_fold: float = 1 << 22
    #: Values of X: no more are copied to sort them by fold (sweep).
    max_copied_values: float = 1 << 27


DEFAULT = Policy()
#: One that buys no curvature and takes no sample: plain L-BFGS on all rows.
PLAIN = Policy(
    min_work_float32_first=inf,
    max_rows_of_row_space=0,
    sample_rows_per_class=1 << 40,
    max_cost_of_newton=0.0,
    min_anisotropy=inf,
    max_cost_of_eigenvectors=0.0,
    iterations_before_curvature=1 << 40,
)
