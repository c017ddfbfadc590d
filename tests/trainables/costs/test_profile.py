"""The profile of a space agrees with what its members cost, and finds what keeps a limit."""

from __future__ import annotations

import statistics

import pytest

import search_spaces
from trainables.costs.cost import cost_of
from trainables.costs.profile import QUANTILES, nearest, profile, within_reach
from trainables.errors import TrainableError
from trainables.networks import build

SIZE = {"channels": 4, "cells": 1}


@pytest.mark.slow
def test_a_profile_is_made_of_the_costs_of_the_same_members():
    found = profile("nb201", samples=15, seed=3, **SIZE)
    for member in found.members[:5]:
        assert member.cost == cost_of(build("nb201", member.architecture, **SIZE), (3, 32, 32))
    values = sorted(member.cost.parameters for member in found.members)
    quantiles = found.quantiles("parameters")
    assert len(quantiles) == len(QUANTILES)
    assert (quantiles[0], quantiles[-1]) == (values[0], values[-1])
    assert quantiles[3] == statistics.median(values)
    assert found.smallest("macs").cost.macs == min(member.cost.macs for member in found.members)
    assert found.largest("macs").cost.macs == max(member.cost.macs for member in found.members)
    again = profile("nb201", samples=15, seed=3, **SIZE)
    assert [member.architecture for member in again.members] == [member.architecture for member in found.members]
    assert again.members == found.members


@pytest.mark.slow
def test_duplicates_are_counted_by_id():
    space = search_spaces.get("nb201")
    found = profile(space, samples=150, channels=1, cells=1)
    assert found.duplicates == 150 - len({member.architecture.id for member in found.members}) > 0


@pytest.mark.slow
def test_a_limit_is_kept_by_a_share_or_found_by_descent_or_out_of_reach():
    found = profile("nb201", samples=15, **SIZE)
    middle = found.quantiles("parameters")[3]
    share = found.share_within({"parameters": middle})
    assert share == sum(member.cost.parameters <= middle for member in found.members) / 15
    # Only cells without convolutions: 3 of 5 operations on 6 edges, a twentieth of the space.
    bare = cost_of(
        build("nb201", dict.fromkeys(search_spaces.get("nb201").sample(0).keys(), "none"), **SIZE), (3, 32, 32)
    )
    largest = found.largest("parameters")
    reached = within_reach("nb201", largest, {"parameters": bare.parameters}, **SIZE)
    assert reached.cost.parameters == bare.parameters
    assert nearest([largest, reached], {"parameters": bare.parameters}) is reached
    stuck = within_reach("nb201", largest, {"parameters": 1}, steps=60, **SIZE)
    assert 1 < stuck.cost.parameters <= largest.cost.parameters


def test_bad_settings_are_refused_before_anything_is_counted():
    with pytest.raises(TrainableError, match="did you mean 'cells'"):
        profile("nb201", samples=2, cell=3)
    with pytest.raises(TrainableError, match="samples is 0"):
        profile("nb201", samples=0)
