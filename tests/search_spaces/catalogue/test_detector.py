"""The space of detectors, and that of DetNAS."""

from __future__ import annotations

from typing import Any

import pytest

import search_spaces
from search_spaces.catalogue.detector import Merge, merges, unused
from search_spaces.errors import SpaceError
from search_spaces.testing import check_space

TOWERS = {"depth": 0, "convolution": "conv_1x1", "shared": True}
STAGE = {"blocks": 1, "width": 16, "block": "res_3x3"}


def member(**parts: Any) -> dict[str, Any]:
    return {
        "backbone": {"stem": 8, "stages": [STAGE, STAGE]},
        "pyramid": {"width": 32, "merging": {"fpn": {}}},
        "head": {"anchor_free": {"centerness": True, "towers": TOWERS}},
        **parts,
    }


@pytest.mark.parametrize(
    "settings", [{}, {"backbone": "nb201"}, {"heads": ["anchors"], "stages": [1, 1], "max_depth": 0}]
)
def test_it_keeps_what_every_space_promises(settings: dict[str, Any]) -> None:
    check_space(search_spaces.get("detector", **settings), samples=6)


def test_detnas_has_four_to_the_twenty_members() -> None:
    space = search_spaces.get("detnas")
    assert space.size == 4**20 == 1_099_511_627_776
    check_space(space, samples=3)


def test_merging_cells_take_two_different_features_that_exist() -> None:
    cells = [
        {"first": 7, "second": 7, "level": 5, "op": "sum"},
        {"first": 1, "second": 1, "level": 0, "op": "global_attention"},
        {"first": 3, "second": 0, "level": 0, "op": "sum"},
    ]
    found = merges(cells, 3)
    assert found == [Merge(1, 2, 2, "sum"), Merge(1, 2, 0, "global_attention"), Merge(0, 3, 0, "sum")]
    assert unused(found, 3) == {0: (5, [4]), 1: (1, []), 2: (3, [])}


def test_members_that_compute_the_same_share_an_id() -> None:
    space = search_spaces.get("detector")
    other = {**TOWERS, "convolution": "conv_3x3"}
    heads = ({"anchor_free": {"centerness": True, "towers": towers}} for towers in (TOWERS, other))
    assert len({space.validate(member(head=head)).id for head in heads}) == 1
    cell = {"first": 0, "second": 0, "level": 0, "op": "sum"}
    same = {"first": 2, "second": 2, "level": 2, "op": "sum"}
    merging = ({"nas_fpn": {"cells": [first, cell, cell]}} for first in (cell, same))
    ids = {space.validate(member(pyramid={"width": 32, "merging": one})).id for one in merging}
    assert len(ids) == 1


def test_it_is_drawn_as_backbone_pyramid_and_head() -> None:
    space = search_spaces.get("detector")
    for seed in range(12):
        names = [graph.name.split()[0] for graph in space.graphs(space.sample(seed))]
        assert names == ["backbone", "pyramid", "head"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backbone": "detector"}, "is not a space of networks for images"),
        ({"max_width": 40}, "widths are multiples of 16"),
        ({"stages": (2, 4)}, "give at most 3"),
        ({"heads": ["boxes"]}, "boxes"),
        ({"max_blocks": 0}, "at least 1; raise it"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        search_spaces.get("detector", **settings)
