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
    #: Values: matrices of features of all classes, and weights of rows by which some are picked; of
    #: more rows, every few have a weight (memory).
    max_curvature_values: int = 1 << 24
    #: Values of X: rows that are gathered, to make curvature of them and to begin on, where not all
    #: are in memory (rows).
    max_gathered_values: int = 1 << 24
    #: Values of X: of all folds no more are kept to score them (memory).
    max_copied_values: int = 1 << 27
    #: Rows that cost next to nothing: all of them foretell, and are not worth a choice (random).
    few_rows: int = 1024

    # Precision
    #: Values of X, for each problem of a batch: fewer are solved in float64, and of more a fit in
    #: float64 begins in float32 (random).
    min_values_in_float32: float = 1 << 20
    #: Tolerance: to which float32 leads such a fit (random).
    float32_tol: float = 1e-6

    # Coordinates
    #: Rows: up to so many are solved in the space of the rows, where features are more (random).
    max_rows_of_row_space: int = 2048
    #: Share of all features: so many must be 0 in all rows for a sweep to copy X without (sweep).
    min_unseen_features: float = 0.05

    # Hessians
    #: Rows for each parameter that make a Hessian, where there are more (random).
    hessian_rows_per_parameter: int = 8

    # Samples of rows, on which a fit begins
    #: One row of so many makes a sample, and one of so many of those the next (random).
    sample_stride: int = 4
    #: Rows for each feature, and for each class, that a sample must have (random).
    min_sample_rows: int = 16
    #: Multiplications of an evaluation on a sample, which must be worth its calls (random).
    min_work_of_sample: float = 6e6
    #: Tolerance: to which a sample is solved (random).
    sample_tol: float = 0.01

    # Exact Hessians: Newton's method
    #: Evaluations: what an exact inverse Hessian may cost (random).
    max_cost_of_newton: float = 4.0
    #: Whether Newton steps are made longer where curvature falls along them (random).
    lengthens_newton_steps: bool = True

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
    #: Rows for each feature that an approximation needs; it has as many more as its cost allows,
    #: up to those of a Hessian (random).
    min_curvature_rows_per_feature: int = 2
    #: Whether there is an inverse for each class, if that is affordable, or one for all (random).
    inverts_classes: bool = True
    #: Shares of the curvature at 0 with which ridge regression is tried as a start (random).
    ridge_shares: tuple[float, ...] = (1.0, 0.1, 3e-3, 1e-4)


DEFAULT = Policy()
#: One that buys no curvature and takes no sample: plain L-BFGS on all rows.
PLAIN = Policy(
    min_values_in_float32=inf,
    max_rows_of_row_space=0,
    min_sample_rows=1 << 40,
    max_cost_of_newton=0.0,
    min_anisotropy=inf,
    max_cost_of_eigenvectors=0.0,
    iterations_before_curvature=1 << 40,
)
