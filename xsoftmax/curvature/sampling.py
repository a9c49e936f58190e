"""Rows that are picked with chances in proportion to what they weigh."""

from __future__ import annotations

from ..arrays import Array, compiled, device, namespace, without_compiling


@without_compiling
def pick(weights: Array, n_picked: int) -> tuple[Array, Array]:
    """Rows that weigh much in `weights` (k, n_rows), and for how many rows each stands.

    Both are (k, n_picked); rows are indices.
    Systematic sampling: the sums of the chances are cut into steps of the same length.
    """
    xp = namespace(weights)
    chances, step, cumulative, places = _places(weights, n_picked)
    of_classes = zip(xp.unstack(cumulative), xp.unstack(places), strict=True)
    found = [xp.searchsorted(*of_class) for of_class in of_classes]
    return _found(found, chances, step)


@compiled
def _places(weights: Array, n_picked: int) -> tuple[Array, Array, Array, Array]:
    """Chances, the length of a step, the sums of the chances, and where steps end among them."""
    xp = namespace(weights)
    chances = inclusion(weights, n_picked)
    cumulative = xp.cumulative_sum(chances, axis=1)
    step = cumulative[:, -1:] / n_picked
    places = step * (xp.arange(n_picked, dtype=weights.dtype, device=device(weights)) + 0.5)
    return chances, step, cumulative, places


@compiled
def _found(found: list[Array], chances: Array, step: Array) -> tuple[Array, Array]:
    """What `pick` returns, from where its steps end."""
    xp = namespace(chances)
    chosen = xp.minimum(xp.stack(found), chances.shape[1] - 1)
    return chosen, step / xp.take_along_axis(chances, chosen, axis=1)


def inclusion(weights: Array, n_picked: int) -> Array:
    """The chance of each row to be picked by `weights` (k, n_rows): in proportion, but at most 1.

    A row that is picked twice tells nothing new, so that lighter rows get what it leaves.
    """
    xp = namespace(weights)
    total = xp.sum(weights, axis=1, keepdims=True)
    chances = weights * (n_picked / xp.where(total > 0, total, 1.0))
    least = float(xp.finfo(weights.dtype).smallest_normal)
    return xp.minimum(xp.maximum(chances, least), 1.0)
