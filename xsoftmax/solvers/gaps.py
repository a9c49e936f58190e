"""What is left to gain without Newton's method, which nobody knows: the largest of three estimates.

With H the inverse Hessian that L-BFGS has learnt, the quadratic model promises a decrease of
1/2 g'Hg, which is exact near a minimum once H is. The preconditioner P promises 1/2 g'Pg, which
sees directions that the last pairs did not. And if the last iterations gained b where as many
before them gained a, a geometric series goes on to gain b^2 / (a - b) (Aitken's extrapolation),
which tells of slow progress that neither model sees.
"""

from __future__ import annotations

from collections.abc import Sequence

from .metric import Metric

#: How many values the extrapolation looks at.
WINDOW = 9
#: How wrong a share of the curvature may be that was tried and not measured: as much as the shares
#: that are tried lie apart.
DOUBT = 30.0


def promised(metric: Metric, slope: float) -> float:
    """1/2 g'Hg where -g'Hg is `slope`, and more where the metric is in doubt.

    H rests on it, and it may have been made from a share of the curvature that was only tried.
    """
    preconditioner = metric.preconditioner
    tried = preconditioner is not None and preconditioner.share is not None
    return -0.5 * (DOUBT if tried else 1.0) * slope


def feared(metric: Metric, slope: float, gain: float) -> float:
    """What the preconditioner alone promises, by its `slope` -g'Pg, or `gain` if that is more."""
    return gain if metric.preconditioner is None else max(gain, promised(metric, slope))


def extrapolated(values: Sequence[float]) -> float:
    """What a geometric series would still gain, but no more than 16 times the last gain."""
    half, now = (len(values) - 1) // 2, values[-1]
    if half == 0:
        return values[0] - now
    last = values[-1 - half] - now
    slowdown = values[-1 - 2 * half] - values[-1 - half] - last
    return last * last / slowdown if slowdown > last / 16 and slowdown > 0 else 16 * last
