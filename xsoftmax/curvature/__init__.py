"""Products with Hessians and with inverse Hessians, exact and approximate; no steps."""

from .approximate import approximate_inverse
from .exact import exact_inverse
from .inverse_hessian import Identity, InverseHessian
from .newton_step import newton_step

__all__ = ["Identity", "InverseHessian", "approximate_inverse", "exact_inverse", "newton_step"]
