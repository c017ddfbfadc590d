"""Members whose differences nothing reads are one network, with one id."""

from __future__ import annotations

import json

import pytest

import search_spaces.nn as nn
from search_spaces import Space, SpaceError
from search_spaces.testing import check_space


def two():
    return [nn.Identity(), nn.Tanh()]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        width = nn.ValueChoice([2, 4], label="inner.width")
        self.op = nn.LayerChoice({"wide": nn.Linear(4, width), "plain": nn.Identity()})
        self.stage = nn.Repeat(nn.LayerChoice(two()), nn.ValueChoice([1, 3], label="depth"))
        self.tail = nn.Repeat(lambda: nn.Sequential(nn.LayerChoice(two(), label="late")), (0, 2))
        self.always = nn.LayerChoice(two(), label="both")
        self.also = nn.LayerChoice([nn.Sequential(nn.LayerChoice(two(), label="both")), nn.Identity()])


def ids(*changes):
    default = {"stage": {"blocks": [0, 0, 0]}, "depth": 3, "tail": 1, "late": 0, "both": 0, "also": 0}
    default |= {"op": "wide", "inner": {"width": 2}}
    return {nn.space_of(Net()).validate(default | change).id for change in changes}


@pytest.mark.parametrize(
    ("context", "change"),
    [
        ({"op": "plain"}, {"inner": {"width": 4}}),
        ({"depth": 1}, {"stage": {"blocks": [0, 1, 0]}}),
        ({"tail": 0}, {"late": 1}),
    ],
)
def test_what_nothing_reads_makes_no_difference(context, change):
    assert len(ids(context, context | change)) == 1


def test_what_is_read_makes_one():
    changes = [{}, {"inner": {"width": 4}}, {"stage": {"blocks": [0, 1, 0]}}, {"late": 1}, {"both": 1}, {"also": 1}]
    changes += [{"also": 1, "both": 1}, {"depth": 1}, {"depth": 1, "stage": {"blocks": [1, 0, 0]}}, {"op": "plain"}]
    assert len(ids(*changes)) == len(changes)


@pytest.mark.slow
def test_the_space_is_a_space_and_its_spec_brings_the_form_back():
    space = nn.space_of(Net())
    check_space(space)
    again = Space.from_spec(json.loads(json.dumps(space.to_spec())))
    assert again.to_spec() == space.to_spec()
    for seed in range(40):
        made = space.sample(seed)
        assert again.validate(made.tree).id == made.id
    assert len({made.id for made in space.enumerate()}) < space.size


def test_without_conditions_there_is_no_form():
    net = nn.Sequential(nn.LayerChoice(two(), label="a"), nn.Repeat(nn.LayerChoice(two()), (1, 2)))
    assert nn.space_of(net).canonical is None


def test_a_damaged_form_is_refused():
    spec = nn.space_of(Net()).to_spec()
    for state in ({}, {"sites": [{}], "conditional": []}, {"sites": 3, "conditional": []}):
        with pytest.raises(SpaceError, match="canonical: malformed"):
            Space.from_spec(spec | {"canonical": {**spec["canonical"], "state": state}})
