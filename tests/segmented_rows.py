"""Rows in segments, each of which one problem does not read."""

from dataclasses import replace

import numpy as np

from xsoftmax.objective.rows import Segment


def fold_weights(n_samples=90, n_folds=3):
    """Of the rows, some are held out by one fold, some by none and some by all."""
    held_out_by = np.random.default_rng(0).permutation(np.arange(n_samples) % (n_folds + 2))
    seen = (held_out_by != np.arange(n_folds)[:, None]) & (held_out_by <= n_folds)
    return (1.0 + np.arange(n_samples)) * seen


def segmented(xp, objective, weights):
    """The objective with its rows sorted by the problem that excludes them, and the order."""
    n_problems = len(weights)
    unseen = weights == 0
    excluded = np.where(unseen.sum(axis=0) == 1, unseen.argmax(axis=0), n_problems)
    order = excluded.argsort(kind="stable")
    counts = np.bincount(excluded, minlength=n_problems + 1).tolist()
    segments = tuple(Segment(n, k if k < n_problems else None) for k, n in enumerate(counts))
    rows = objective.rows.sort_by_segment(xp(order), segments)
    return replace(objective, rows=rows), order
