"""A start from ridge regression.

At 0 Newton's step (H + penalty)^-1 g is ridge regression on indicators of the classes. Where
classes are well apart it goes much too far, and looks at directions in which the rows hardly vary:
near the minimum the rows curve the loss far less than at 0, so that the penalty decides more. So
the step is made as if they curved it only a times as much, (a H + penalty)^-1 g, for a few a, and
a line search on some rows tells how far each leads. The one with the lowest value is the start.
"""

from __future__ import annotations

from dataclasses import replace

from ..arrays import Array, from_host, namespace
from ..objective import Objective
from ..preconditioner import Preconditioner
from ..rays import Point
from .line_search import Search

#: What may be left of the curvature at 0.
SHARES = (1.0, 0.1, 3e-3, 1e-4)
#: Only two numbers are chosen, so that few logits of few rows will do.
TRIAL_VALUES, FEWEST_ROWS = 1 << 12, 256
#: Steps that are tried along each direction.
N_TRIALS = 6


def ridge_start(
    objective: Objective, origin: Point, preconditioner: Preconditioner
) -> tuple[Array, Preconditioner]:
    """Parameters (n_problems, n_parameters) to start from, and the metric that led there.

    `origin` is the point 0, and `preconditioner` the one there, which serves every penalty. All
    problems are given the share that suits them best in the mean.
    """
    xp, g = namespace(origin.value), origin.gradient
    n_problems, n_classes = g.shape[0], objective.network.layer_sizes[-1]
    n_rows = max(TRIAL_VALUES // n_classes, FEWEST_ROWS)
    few = objective.every(max(1, objective.n_samples // n_rows))
    few = few.take(list(range(n_problems)) * len(SHARES))
    # (H + penalty / a)^-1 is a times that inverse, and about as long a step for every a.
    directions = xp.concat([-preconditioner.apply(g, objective.strength / a) for a in SHARES])
    slopes = xp.vecdot(directions, xp.concat([g] * len(SHARES)))
    steps, values = _minima(few, directions, slopes)
    values = xp.mean(xp.reshape(values, (len(SHARES), n_problems)), axis=1)
    best = xp.argmin(xp.where(xp.isfinite(values), values, xp.inf))[None]
    starts = xp.reshape(steps[:, None] * directions, (len(SHARES), *g.shape))
    shares = from_host(SHARES, like=g, dtype=g.dtype)
    metric = replace(preconditioner, share=xp.take(shares, best))
    return xp.take(starts, best, axis=0)[0, ...], metric


def _minima(objective: Objective, directions: Array, slopes: Array) -> tuple[Array, Array]:
    """About how far along each direction the lowest value is, and that value.

    `slopes` are those at 0.
    """
    xp, ray = namespace(slopes), objective.from_zero(directions)
    value = xp.full_like(slopes, objective.null_value)
    # No slope counts as flat, so that the search makes all its trials.
    search = Search.begin(value, slopes, xp.ones_like(slopes))._replace(curvature=-1.0)
    for _ in range(N_TRIALS):
        value, slope, _ = ray(search.trial)
        search = search.after(value, slope).narrowed()
    return search.low.step, search.low.value
