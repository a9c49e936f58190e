"""A policy is a value."""

from dataclasses import FrozenInstanceError, asdict, fields, replace

import pytest

from xsoftmax.objective.policy import DEFAULT, PLAIN, Policy


@pytest.mark.parametrize("name", [field.name for field in fields(Policy)])
def test_no_threshold_of_a_policy_can_be_set(name):
    with pytest.raises(FrozenInstanceError):
        setattr(DEFAULT, name, 1)


def test_policies_with_the_same_thresholds_are_one_key():
    changed = replace(DEFAULT, max_cost_of_newton=0.0)
    table = {DEFAULT: "default", PLAIN: "plain", changed: "no Newton"}
    assert table[Policy()] == "default"
    assert table[replace(changed)] == "no Newton"
    assert len(table) == 3
    assert hash(Policy(**asdict(PLAIN))) == hash(PLAIN)


def test_default_is_the_policy_without_arguments():
    assert Policy() == DEFAULT != PLAIN
