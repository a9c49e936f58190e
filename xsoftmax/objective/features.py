"""What one pass over X tells of its features before a fit: where they lie, and how far they reach.

Curvature is a sum of squares, so that one large cell (an outlier, a code for a missing value) can
make nearly all of a feature's. Once the row of that cell is classified its curvature vanishes, and
a quadratic model of the loss that rested on it says nothing of what the other rows have to gain.
Rounding in single precision hides those rows as well. Where no cell is large, a solver may trust
its model, and single precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log2
from typing import Any

from ..arrays import (
    LONG_ROW,
    Array,
    block_values,
    comparable,
    compiled,
    compute_dtype,
    computed_once,
    has_float64,
    indices_from_host,
    namespace,
    row_slices,
    to_list,
)
from ..sources import ClusterRows, RowsLike, RowSource, SparseRows, as_source, dense, is_source
from .policy import Policy

#: Rows that tell where a feature lies; and how far from there its values are, while these are no
#: more than the second number.
CENTER_ROWS, SCALE_VALUES = 32, 1 << 18
#: A cell is large if it lies so many times the feature's scale from its center, and a feature far
#: from 0 if its center does. Chosen on problems drawn at random: where cells are smaller, a look at
#: the size of the next Newton step suffices.
LARGE_CELL = 100.0
#: Features are computed in units of 2^k for k up to this.
MAX_BINARY_EXPONENT = 460


class Features:
    """Range, center and scale of the features of X (n_samples, n_features), finite.

    `low` and `high` are the smallest and the largest value of each feature, exactly. The center is
    the median of a few rows, and the scale the geometric mean of the distances of more rows from
    it: neither follows a few large cells.
    """

    def __init__(self, X: RowsLike) -> None:
        xp = namespace(X)
        self.X, self.dtype = X, compute_dtype(X)
        low, high = _extremes(X) if not is_source(X) else _extremes_of_blocks(X)
        self.low, self.high = (xp.astype(x, self.dtype, copy=False) for x in (low, high))
        self.center = median_of_some_rows(X, self.dtype)

    def with_rows(self, others: Features) -> Features:
        """Those of more rows: these tell where features lie, and all how far they reach."""
        xp, joined = namespace(self.low), Features.__new__(Features)
        joined.X, joined.dtype, joined.center = self.X, self.dtype, self.center
        low, high = (xp.astype(x, self.dtype, copy=False) for x in (others.low, others.high))
        joined.low, joined.high = xp.minimum(self.low, low), xp.maximum(self.high, high)
        return joined

    @computed_once
    def is_constant(self) -> list[bool]:
        """Of each feature whether it has one value in all rows."""
        found: list[bool] = to_list(self.low == self.high)
        return found

    @computed_once
    def distances(self) -> tuple[int, Array, Array]:
        """How far features lie from their centers, by some rows.

        The number of those rows, and of each feature: how many of its values there are not the
        center, and the geometric mean of their distances from it, or 0.
        """
        n_rows = max(CENTER_ROWS, SCALE_VALUES // self.center.shape[0])
        few = strided(self.X, n_rows, self.dtype)
        counts, distances = _mean_distances(few, self.center)
        if isinstance(self.X, SparseRows):  # few rows may have no value of most features
            xp, is_zero = namespace(counts), self.center == 0
            exact = self.X.mean_sizes()
            counts, distances = (
                xp.where(is_zero, xp.astype(x, self.dtype), y)
                for x, y in zip(exact, (counts, distances), strict=True)
            )
        return few.shape[0], counts, distances

    @computed_once
    def scale(self) -> Array:
        """(n_features,): the geometric mean of these distances, 0 where there are none."""
        return self.distances[2]

    @computed_once
    def binary_exponent(self) -> int:
        """The k of 2^k by which features vary, in the geometric mean of those that do.

        No sum of squares of X / 2^k leaves the range of the dtype, nor does 4^k that of float64.

        Raises
        ------
        ValueError
            If features vary by so little that there is no such k.
        """
        mean, reach = to_list(_mean_and_largest_exponent(self.low, self.high, self.scale))
        widest = log2(namespace(self.scale).finfo(self.scale.dtype).max) - 2
        most = min(MAX_BINARY_EXPONENT, widest)
        if mean < -most:
            raise ValueError(
                f"X varies by about {2.0**mean:.1g}, of which no square is a number of float64. "
                "Scale the features to about one."
            )
        return int(min(max(mean, reach - 0.4 * widest), most))

    @computed_once
    def has_large_cells(self) -> bool:
        """Whether a cell is large.

        Where some rows stand for all, a mean logarithm of few distances is allowed four standard
        errors of 1 / sqrt(count).
        """
        n_rows, counts, _ = self.distances
        some = n_rows < self.X.shape[0]
        known = self.low, self.high, self.center, self.scale
        found: bool = to_list(_has_large_cells(*known, counts if some else None))
        return found

    @computed_once
    def are_far(self) -> bool:
        """Whether a feature lies far from 0 for how it varies."""
        near = namespace(self.scale).abs(self.center) <= LARGE_CELL * self.scale
        found: bool = not to_list(_holds_everywhere(near, self.scale))
        return found

    @computed_once
    def fits_float32(self) -> bool:
        """Whether single precision tells the rows apart."""
        known = self.low, self.high, self.center, self.scale
        return not (self.has_large_cells or self.are_far) and to_list(_fits_float32(*known))

    def working_dtype(self, policy: Policy, n_problems: int) -> Any:
        """The dtype to solve so many problems in.

        Double precision where single would be no faster, or would blur what tells rows apart.
        """
        xp, n_samples = namespace(self.X), self.X.shape[0]
        if self.dtype == xp.float64 or not has_float64(self.X):
            return self.dtype
        n_values = n_samples * as_source(self.X).row_values
        is_small = n_values * n_problems < policy.min_values_in_float32
        return self.dtype if not is_small and self.fits_float32 else xp.float64


@compiled
def _mean_distances(X: Array, center: Array) -> tuple[Array, Array]:
    """See `Features.distances`."""
    xp, distance = namespace(X), namespace(X).abs(X - center)
    apart = distance > 0
    counts = xp.sum(xp.astype(apart, X.dtype), axis=0)
    logs = xp.sum(xp.log(xp.where(apart, distance, 1.0)), axis=0)
    return counts, xp.where(counts > 0, xp.exp(logs / xp.maximum(counts, 1.0)), 0.0)


@compiled
def _mean_and_largest_exponent(low: Array, high: Array, scale: Array) -> Array:
    """The mean binary logarithm of the scales that are not 0, and that of the largest value."""
    xp, varies = namespace(scale), scale > 0
    logs = xp.log2(xp.where(varies, scale, 1.0))
    mean = xp.sum(logs) / xp.maximum(xp.sum(xp.astype(varies, logs.dtype)), 1.0)
    largest = xp.max(xp.maximum(xp.abs(low), xp.abs(high)))
    return xp.stack([mean, xp.log2(xp.maximum(largest, xp.finfo(scale.dtype).smallest_normal))])


@compiled
def _has_large_cells(
    low: Array, high: Array, center: Array, scale: Array, counts: Array | None
) -> Array:
    """Whether a cell is large, where a scale stems from `counts` distances, or from all."""
    xp = namespace(center)
    reach = xp.maximum(high - center, center - low)
    error = 1.0 if counts is None else xp.exp(4.0 / xp.sqrt(xp.maximum(counts, 1.0)))
    return ~_holds_everywhere(reach <= LARGE_CELL * error * scale, scale)


@compiled
def _fits_float32(low: Array, high: Array, center: Array, scale: Array) -> Array:
    """Whether single precision has the range for these features, and their scales are alike.

    Curvature is made of squares, of which it keeps 7 digits, and of whose sums it has the range
    with some room. The scale of a constant is its value: without an intercept it stands for one.
    """
    xp, single = namespace(scale), namespace(scale).finfo(namespace(scale).float32)
    largest, uneven = float(single.max) ** 0.4, float(single.eps) ** -0.5
    scale = xp.where(scale > 0, scale, xp.abs(center))
    reach = xp.maximum(xp.abs(high), xp.abs(low))
    even = (scale * uneven >= xp.max(scale)) & (scale > 1 / largest)
    return xp.all(reach < largest) & _holds_everywhere(even, scale)


def _holds_everywhere(holds: Array, scale: Array) -> Array:
    """Whether a condition holds for every feature that some rows tell of."""
    return namespace(holds).all(holds | (scale == 0))


def _extremes(X: Array) -> tuple[Array, Array]:
    """(n_features,): the smallest and the largest value of each feature.

    A reduction over rows is fast where rows are long, so several rows are taken for one.
    """
    n_samples, n_features = X.shape
    n_together = min(n_samples, max(1, LONG_ROW // n_features))
    size = n_together * max(1, block_values(X) // (n_together * n_features))
    n_whole = n_samples - n_samples % n_together
    parts = [
        _long_extremes(comparable(X[rows, ...]), n_together) for rows in row_slices(n_whole, size)
    ]
    return _common_extremes(parts, comparable(X[n_whole:, ...]))


def _extremes_of_blocks(X: RowSource) -> tuple[Array, Array]:
    """The same of a source of rows."""
    if isinstance(X, (SparseRows, ClusterRows)):
        return X.extremes()
    xp, size = namespace(X), max(1, block_values(X.like) // X.shape[1])
    found = [_extremes(block) for _, block in X.blocks(size)]
    lows, highs = (xp.stack(each) for each in zip(*found, strict=True))
    return xp.min(lows, axis=0), xp.max(highs, axis=0)


@compiled
def _long_extremes(X: Array, n_together: int) -> tuple[Array, Array]:
    """Those of every `n_together`-th row."""
    xp, n_features = namespace(X), X.shape[1]
    long = xp.reshape(X, (-1, n_together * n_features))
    low, high = xp.min(long, axis=0), xp.max(long, axis=0)
    return xp.reshape(low, (n_together, n_features)), xp.reshape(high, (n_together, n_features))


@compiled
def _common_extremes(parts: Sequence[tuple[Array, Array]], rest: Array) -> tuple[Array, Array]:
    """Those of all `parts` and of the rows `rest`."""
    xp = namespace(rest)
    lows, highs = ([*extremes, rest] for extremes in zip(*parts, strict=True))
    return xp.min(xp.concat(lows), axis=0), xp.max(xp.concat(highs), axis=0)


def median_of_some_rows(X: RowsLike, dtype: Any) -> Array:
    """(n_features,): of each feature, which a few large cells do not move."""
    return _median(strided(X, CENTER_ROWS, dtype))


@compiled
def _median(few: Array) -> Array:
    return namespace(few).sort(few, axis=0)[few.shape[0] // 2, ...]


def strided(X: RowsLike, n_rows: int, dtype: Any) -> Array:
    """Every k-th row of X, at most about `n_rows`, in `dtype`."""
    stride = 1 + X.shape[0] // n_rows
    if is_source(X):
        places = range(0, X.shape[0], stride)
        X = dense(X.take(indices_from_host(places, like=X.like)))
        return namespace(X).astype(X, dtype, copy=False)
    return namespace(X).astype(X[::stride, ...], dtype, copy=False)
