"""What each constructor parameter may be, and the error when it is not.

Parameters are checked in `fit`, not in the constructor, because scikit-learn sets and clones them
unchecked.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

from ..model.activations import ACTIVATIONS
from .words import shown


class Rule(NamedTuple):
    """A test, and in words what passes it."""

    holds: Callable[[Any], bool]
    text: str


def number(text: str, holds: Callable[[Any], bool]) -> Rule:
    """A real number (not a bool, not nan) for which `holds`."""
    return Rule(lambda v: isinstance(v, Real) and not isinstance(v, bool) and holds(v), text)


def integer(text: str, holds: Callable[[Any], bool]) -> Rule:
    """An integer for which `holds`."""
    return Rule(lambda v: isinstance(v, Integral) and not isinstance(v, bool) and holds(v), text)


def one_of(*choices: Any) -> Rule:
    """One of a few values."""
    return Rule(
        lambda v: isinstance(v, str) and v in choices, "one of " + ", ".join(map(repr, choices))
    )


def either(first: Rule, second: Rule) -> Rule:
    """Whatever passes one of two rules."""
    return Rule(lambda v: first.holds(v) or second.holds(v), f"{first.text}, or {second.text}")


weight = number("a finite number of at least 0", lambda v: 0 <= v < float("inf"))
flag = Rule(lambda v: isinstance(v, (bool, np.bool_)), "True or False")
none = Rule(lambda v: v is None, "None")
positive_integer = integer("an integer of at least 1", lambda v: v >= 1)
positive = number("a finite number above 0", lambda v: 0 < v < float("inf"))
fraction = number("a number in (0, 1)", lambda v: 0 < v < 1)
decay = number("a number in [0, 1)", lambda v: 0 <= v < 1)

RULES = {
    "C": number("a number above 0 (inf for no penalty)", lambda v: v > 0),
    "Cs": either(
        positive_integer,
        Rule(
            lambda v: np.ndim(v) == 1 and len(v) > 0 and all(positive.holds(c) for c in v),
            "a sequence of finite numbers above 0",
        ),
    ),
    "alpha": weight,
    "activation": one_of(*ACTIVATIONS),
    "batch_size": either(one_of("auto"), positive_integer),
    "block_rows": either(none, positive_integer),
    "beta_1": decay,
    "beta_2": decay,
    "calibration": either(none, one_of("temperature")),
    "class_weight": either(
        either(none, one_of("balanced")),
        Rule(
            lambda v: isinstance(v, dict) and all(weight.holds(w) for w in v.values()),
            "a dict from each label to a finite weight of at least 0",
        ),
    ),
    "cv": Rule(
        lambda v: not isinstance(v, str) or v == "leave-one-out",
        "an int, a splitter, pairs of row indices or 'leave-one-out'",
    ),
    "early_stopping": either(flag, one_of("loss")),
    "epsilon": positive,
    "error_score": either(one_of("raise"), number("a number", lambda v: True)),
    "fit_intercept": flag,
    "hidden_layer_sizes": either(
        positive_integer,
        Rule(
            lambda v: (
                isinstance(v, (tuple, list, np.ndarray))
                and np.ndim(v) == 1
                and all(positive_integer.holds(n) for n in v)
            ),
            "a tuple of them, one for each hidden layer",
        ),
    ),
    "learning_rate": one_of("constant", "invscaling", "adaptive"),
    "learning_rate_init": either(none, positive),
    "max_iter": positive_integer,
    "missing": Rule(lambda v: np.ndim(v) == 0, "one label, nan or None"),
    "momentum": number("a number in [0, 1]", lambda v: 0 <= v <= 1),
    "n_iter_no_change": either(
        positive_integer, number("inf to go on", lambda v: v == float("inf"))
    ),
    "nesterovs_momentum": flag,
    "power_t": weight,
    "refit": either(flag, Rule(lambda v: isinstance(v, str), "the name of a score, or 'one_se'")),
    "shuffle": flag,
    "solver": one_of("lbfgs", "gd", "sgd", "adam"),
    "standard_errors": flag,
    "tol": weight,
    "validation_fraction": fraction,
    "warm_start": flag,
}


def check_parameters(estimator: Any) -> None:
    """Raise ValueError for the first parameter of `estimator` that breaks its rule."""
    for name, value in vars(estimator).items():
        if name in RULES and not RULES[name].holds(value):
            raise ValueError(
                f"{type(estimator).__name__}({name}=...) must be {RULES[name].text}; "
                f"got {shown(value)}."
            )
