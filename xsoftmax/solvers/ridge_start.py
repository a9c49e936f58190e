"""A start from ridge regression.

At 0 Newton's step (H + penalty)^-1 g is ridge regression on indicators of the classes. Where
classes are well apart it goes much too far, and looks at directions in which the rows hardly vary:
near the minimum the rows curve the loss far less than at 0, so that the penalty decides more. So
the step is made as if they curved it only a times as much, (a H + penalty)^-1 g, for a few a, and
a line search on some rows tells how far each leads. The one with the lowest value is the start.
"""

from __future__ import annotations

from itertools import pairwise
from math import inf, isfinite

from ..arrays import Array, compiled, from_host, namespace, row_slices, to_list, vecdot
from ..curvature.approximate import ApproximateInverse
from ..objective.line_restriction import Iterate
from ..objective.objective import Objective
from .convergence import Rounding
from .line_search import LineSearch, to_host_scalars
from .pairs import Pairs
from .protocols import WarmStart

#: Steps that are tried along each direction: two numbers of few rows are chosen.
N_TRIALS = 6


def ridge_start(
    objective: Objective, origin: Iterate, inverse: ApproximateInverse
) -> WarmStart | None:
    """Where ridge regression leads, or None if that is not below 0.

    `origin` is the iterate 0, and `inverse` the one there. All problems are given the share that
    suits them best in the mean.
    """
    shares = objective.policy.ridge_shares
    g, n_problems = origin.gradient, origin.gradient.shape[0]
    few = objective.subsample(objective.policy.few_rows // len(shares))
    few = few.select(list(range(n_problems)) * len(shares))
    directions, slopes = _directions(inverse, g, objective.strength, shares)
    ends = _minima(few, directions, slopes)
    of_shares = list(row_slices(len(ends), n_problems))
    values = [sum(value for _, value in ends[rows]) for rows in of_shares]
    best = min(range(len(shares)), key=lambda i: values[i] if isfinite(values[i]) else inf)
    steps, rows = [step for step, _ in ends[of_shares[best]]], of_shares[best]
    if min(steps) == 0:
        return None
    start = _scaled(directions[rows, :], from_host(steps, like=g, dtype=g.dtype))
    iterate = objective.evaluate(objective.network.centered(start))
    if not to_list(namespace(g).all(iterate.value < origin.value)):
        return None
    # The share was tried, not measured: it may be wrong by as much as shares lie apart.
    apart = max((one / other for one, other in pairwise(shares)), default=inf)
    scaled = inverse.scaled(from_host([shares[best]], like=g, dtype=g.dtype), apart)
    # On the way the loss was more curved than at its end, so that this pair of changes tells the
    # length of the first step, and is forgotten then.
    y = iterate.gradient - g
    Py = scaled.solve(y, objective.strength)
    pairs = Pairs.none(y, 1).with_pair(iterate.parameters - origin.parameters, y, Py)
    return WarmStart(iterate.parameters, iterate, scaled, first_step_pairs=pairs)


@compiled
def _directions(
    inverse: ApproximateInverse, g: Array, strength: Array, shares: tuple[float, ...]
) -> tuple[Array, Array]:
    """The directions of all shares, and the slopes of f along them."""
    xp = namespace(g)
    # (H + penalty / a)^-1 is a times that inverse, and about as long a step for every a.
    directions = xp.concat([-inverse.solve(g, strength / a) for a in shares])
    return directions, vecdot(directions, xp.concat([g] * len(shares)))


@compiled
def _scaled(directions: Array, steps: Array) -> Array:
    return steps[:, None] * directions


def _minima(objective: Objective, directions: Array, slopes: Array) -> list[tuple[float, float]]:
    """About how far along each direction the lowest value is, and that value.

    `slopes` are those at 0.
    """
    line = objective.restrict_from_zero(directions)
    eps = Rounding.of(slopes).eps
    # No slope counts as flat, so that the search makes all its trials.
    searches = [
        LineSearch.begin(value, slope, 1.0, eps)._replace(curvature=-1.0)
        for value, slope in to_host_scalars(objective.values_at_zero, slopes)
    ]
    for _ in range(N_TRIALS):
        trials = [search.trial for search in searches]
        value, slope, _ = line(from_host(trials, like=slopes, dtype=slopes.dtype))
        found = to_host_scalars(value, slope)
        searches = [search.after(*each) for search, each in zip(searches, found, strict=True)]
    return [(search.low.step, search.low.value) for search in searches]
