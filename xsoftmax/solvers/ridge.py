"""A start from ridge regression.

At 0 Newton's step (H + penalty)^-1 g is ridge regression on indicators of the classes. Where
classes are well apart it goes much too far, and looks at directions in which the rows hardly vary:
near the minimum the rows curve the loss far less than at 0, so that the penalty decides more. So
the step is made as if they curved it only a times as much, (a H + penalty)^-1 g, for a few a, and
a line search on some rows tells how far each leads. The one with the lowest value is the start.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf, isfinite

from ..arrays import Array, compiled, from_host, namespace, row_slices, to_list
from ..curvature.preconditioner import Preconditioner
from ..objective.line_restriction import Point
from ..objective.objective import Objective
from .criteria import Rounding
from .line_search import Search
from .steps import told

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
    g = origin.gradient
    n_problems, n_classes = g.shape[0], objective.network.layer_sizes[-1]
    n_rows = max(TRIAL_VALUES // n_classes, FEWEST_ROWS)
    few = objective.few(n_rows).take(list(range(n_problems)) * len(SHARES))
    directions, slopes = _directions(preconditioner, g, objective.strength)
    ends = _minima(few, directions, slopes)
    of_shares = list(row_slices(len(ends), n_problems))
    values = [sum(value for _, value in ends[rows]) for rows in of_shares]
    best = min(range(len(SHARES)), key=lambda i: values[i] if isfinite(values[i]) else inf)
    steps, rows = [step for step, _ in ends[of_shares[best]]], of_shares[best]
    start = _scaled(directions[rows, :], from_host(steps, like=g, dtype=g.dtype))
    share = from_host([SHARES[best]], like=g, dtype=g.dtype)
    return start, replace(preconditioner, share=share)


@compiled
def _directions(preconditioner: Preconditioner, g: Array, strength: Array) -> tuple[Array, Array]:
    """The directions of all shares, and the slopes of f along them."""
    xp = namespace(g)
    # (H + penalty / a)^-1 is a times that inverse, and about as long a step for every a.
    directions = xp.concat([-preconditioner.apply(g, strength / a) for a in SHARES])
    return directions, xp.vecdot(directions, xp.concat([g] * len(SHARES)))


@compiled
def _scaled(directions: Array, steps: Array) -> Array:
    return steps[:, None] * directions


def _minima(objective: Objective, directions: Array, slopes: Array) -> list[tuple[float, float]]:
    """About how far along each direction the lowest value is, and that value.

    `slopes` are those at 0.
    """
    ray, null, eps = objective.from_zero(directions), objective.null_value, Rounding.of(slopes).eps
    # No slope counts as flat, so that the search makes all its trials.
    searches = [
        Search.begin(null, slope, 1.0, eps)._replace(curvature=-1.0) for slope in to_list(slopes)
    ]
    for _ in range(N_TRIALS):
        trials = [search.trial for search in searches]
        value, slope, _ = ray(from_host(trials, like=slopes, dtype=slopes.dtype))
        found = told(value, slope)
        searches = [search.after(*each) for search, each in zip(searches, found, strict=True)]
    return [(search.low.step, search.low.value) for search in searches]
