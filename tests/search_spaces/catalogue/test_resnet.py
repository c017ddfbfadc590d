"""AnyNetX: its size, what the fitting of widths makes one, RegNets among its members."""

from __future__ import annotations

from typing import Any

import pytest

import search_spaces
from search_spaces import ArchitectureError, Space, SpaceError
from search_spaces.catalogue.resnet import ResNetSpace, fitted
from search_spaces.testing import check_space

SPACE = search_spaces.get("resnet")
REGNETX_400MF: dict[str, Any] = {
    "depth": 22,
    "initial_width": 24,
    "slope": 24.48,
    "multiplier": 2.54,
    "group_width": 16,
}


def _stage(depth: int, width: int, ratio: int = 1, group_width: int = 1) -> dict[str, int]:
    return {"depth": depth, "width": width, "bottleneck_ratio": ratio, "group_width": group_width}


def _one(stage: dict[str, int]) -> str:
    return SPACE.validate({"stages": [stage, *[_stage(1, 8)] * 3]}).id


def test_it_keeps_every_promise_of_a_space() -> None:
    check_space(SPACE)
    check_space(search_spaces.get("resnet", stages=1, max_depth=2, max_width=16, group_widths=(1, 8)))


def test_its_size_is_the_papers_and_that_of_enumeration() -> None:
    assert SPACE.size == (16 * 128 * 3 * 6) ** 4
    small = search_spaces.get(
        "resnet", stages=2, max_depth=2, max_width=16, group_widths=(4, 8), bottleneck_ratios=(2,)
    )
    members = list(small.enumerate())
    assert small.size == len(members) == len(set(members)) == (2 * 2 * 2) ** 2


def test_every_fitted_stage_can_be_built() -> None:
    for width in range(8, 1025, 8):
        for ratio in (1, 2, 4):
            for group_width in (1, 2, 4, 8, 16, 24, 32):
                made = fitted(_stage(1, width, ratio, group_width))
                assert made.groups * made.group_width == made.inner == made.width // ratio
                assert abs(made.width - width) <= made.group_width * ratio / 2
                assert made.width == width or width % (ratio * made.group_width)


def test_widths_that_are_fitted_to_the_same_share_an_id() -> None:
    assert fitted(_stage(1, 24, 1, 16)).width == 32  # halves go up, as in RegNetX-400MF
    assert _one(_stage(1, 24, 1, 16)) == _one(_stage(1, 32, 1, 16))
    assert _one(_stage(1, 8, 1, 8)) == _one(_stage(1, 8, 1, 32))  # one group either way


def test_what_is_fitted_to_something_else_does_not() -> None:
    stages = [
        _stage(1, 32, 1, 16),
        _stage(2, 32, 1, 16),
        _stage(1, 32, 1, 8),
        _stage(1, 32, 2, 16),
        _stage(1, 40, 1, 8),
        _stage(1, 40, 1, 16),
    ]
    assert len(set(map(_one, stages))) == len(stages)
    there = {"stages": [_stage(1, 8), _stage(1, 16), _stage(1, 8), _stage(1, 8)]}
    back = {"stages": [_stage(1, 16), _stage(1, 8), _stage(1, 8), _stage(1, 8)]}
    assert SPACE.validate(there).id != SPACE.validate(back).id


def test_a_regnet_is_a_member() -> None:
    assert isinstance(SPACE, ResNetSpace)
    made = SPACE.regnet(**REGNETX_400MF)
    found = [fitted(stage) for stage in made["stages"]]
    assert [(stage.depth, stage.width, stage.groups) for stage in found] == [
        (1, 32, 2),
        (2, 64, 4),
        (7, 160, 10),
        (12, 400, 25),
    ]
    with pytest.raises(ArchitectureError, match=r"stages.0.group_width.*24"):
        SPACE.regnet(**{**REGNETX_400MF, "group_width": 24})
    with pytest.raises(SpaceError, match="multiplier above 1"):
        SPACE.regnet(**{**REGNETX_400MF, "multiplier": 1.0})
    with pytest.raises(ArchitectureError, match="list of 4"):
        SPACE.regnet(**{**REGNETX_400MF, "slope": 0.0})


def test_a_regnet_of_the_least_numbers_has_one_block() -> None:
    one = search_spaces.get("resnet", stages=1)
    assert isinstance(one, ResNetSpace)
    least: dict[str, Any] = {"depth": 1, "initial_width": 8, "slope": 0, "multiplier": 1.5, "group_width": 1}
    assert one.regnet(**least)["stages"] == [_stage(1, 8)]
    assert one.regnet(**{**least, "depth": 3, "bottleneck_ratio": 2})["stages"] == [_stage(3, 8, 2)]
    for name, low in [("depth", 0), ("initial_width", 0), ("group_width", 0), ("bottleneck_ratio", 0), ("slope", -1)]:
        with pytest.raises(SpaceError, match=r"is impossible: depth and widths are at least 1, the slope at least 0"):
            one.regnet(**{**least, name: low})
    two = search_spaces.get("resnet", stages=2)
    assert isinstance(two, ResNetSpace)
    grown = two.regnet(depth=3, initial_width=16, slope=8, multiplier=2.0, group_width=1)
    assert grown["stages"] == [_stage(1, 16), _stage(2, 32)], "8 more make half an octave: 24 is nearer to 32"


def test_the_spec_gives_back_the_space_with_its_settings() -> None:
    small = search_spaces.get("resnet", stages=3, max_depth=2, max_width=64)
    back = Space.from_spec(small.to_spec())
    assert (type(back), back.fingerprint, back.size) == (ResNetSpace, small.fingerprint, small.size)
    assert back.graphs(small.sample(0)) == small.graphs(small.sample(0))


def test_it_is_drawn_as_a_row_of_stages() -> None:
    (graph,) = SPACE.graphs({"stages": [_stage(3, 24, 2, 16), _stage(1, 8), _stage(1, 8), _stage(1, 8)]})
    assert graph.vertices[2].label == "3 x bottleneck 24, inside 12, groups 1"
    assert len(graph.vertices) == 7


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"stages": 0}, "stages 0"),
        ({"max_depth": 0}, "max_depth 0"),
        ({"group_widths": (0, 8)}, "group_widths"),
        ({"bottleneck_ratios": (0.5,)}, "bottleneck_ratios"),
        ({"max_width": 12}, "high"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        search_spaces.get("resnet", **settings)
