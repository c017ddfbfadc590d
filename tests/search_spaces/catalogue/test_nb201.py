"""NAS-Bench-201: counts of the paper, the canonical form, the official strings."""

from __future__ import annotations

import random

import pytest

import search_spaces
from search_spaces import ArchitectureError, Space, SpaceError
from search_spaces.catalogue.nb201 import EDGES, NB201Space
from search_spaces.testing import check_space

SPACE = NB201Space()
TEXT = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|skip_connect~2|"


def _cell(**edges: str) -> dict[str, str]:
    return {edge: edges.get(edge, "none") for edge in EDGES}


@pytest.mark.slow
def test_the_space_has_15625_cells_of_which_6466_are_unique() -> None:
    ids = [made.id for made in SPACE.enumerate()]
    assert SPACE.size == len(ids) == 15_625
    assert len(set(ids)) == 6_466


def test_it_keeps_every_promise_of_a_space() -> None:
    check_space(SPACE, samples=30)
    assert isinstance(search_spaces.get("nb201"), NB201Space)
    assert len(SPACE.neighbors(SPACE.sample(0))) == 24


def test_the_official_string_comes_and_goes() -> None:
    made = SPACE.from_string(TEXT)
    assert made.tree == {
        "edge_0_1": "nor_conv_3x3",
        "edge_0_2": "none",
        "edge_1_2": "skip_connect",
        "edge_0_3": "avg_pool_3x3",
        "edge_1_3": "nor_conv_1x1",
        "edge_2_3": "skip_connect",
    }
    assert SPACE.to_string(made) == TEXT
    assert SPACE.from_string(f"  {TEXT}\n") == made
    rng = random.Random(0)
    for _ in range(100):
        sampled = SPACE.sample(rng)
        back = SPACE.from_string(SPACE.to_string(sampled))
        assert (back, back.id) == (sampled, sampled.id)


def test_cells_that_compute_the_same_share_an_id() -> None:
    through_1 = _cell(edge_0_1="skip_connect", edge_1_3="nor_conv_3x3")
    direct = _cell(edge_0_3="nor_conv_3x3")
    assert len({SPACE.validate(cell).id for cell in (through_1, direct)}) == 1
    dead = [_cell(edge_0_3="nor_conv_3x3", edge_1_3=op) for op in ("nor_conv_1x1", "skip_connect", "avg_pool_3x3")]
    assert {SPACE.validate(cell).id for cell in dead} == {SPACE.validate(direct).id}


def test_cells_that_compute_something_else_do_not() -> None:
    cells = [
        _cell(edge_0_3="nor_conv_3x3"),
        _cell(edge_0_3="nor_conv_1x1"),
        _cell(edge_0_3="skip_connect"),
        _cell(edge_0_1="skip_connect", edge_0_3="skip_connect", edge_1_3="skip_connect"),
        _cell(edge_0_1="nor_conv_3x3", edge_1_3="nor_conv_3x3"),
        _cell(),
    ]
    assert len({SPACE.validate(cell).id for cell in cells}) == len(cells)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", 0, "1 nodes instead of 3"),
        (TEXT + "+|none~0|", 0, "4 nodes instead of 3"),
        (
            TEXT.replace("nor_conv_3x3~0", "nor_conv_3x4~0"),
            1,
            "'nor_conv_3x4' is not an operation; did you mean 'nor_conv_3x3'",
        ),
        (TEXT.replace("skip_connect~1", "skip_connect~0"), 25, "should read 'skip_connect~1'"),
        (TEXT.replace("skip_connect~1", "skip_connect"), 25, "should read 'skip_connect~1'"),
        (TEXT.replace("|none~0|skip", "|skip"), 17, "node 2 has 2 edges, here are 1"),
        (TEXT[:-1], 41, "bar at both ends"),
        (TEXT.replace("|none", "none"), 17, "bar at both ends"),
    ],
)
def test_a_malformed_string_says_where_it_breaks(text: str, place: int, said: str) -> None:
    with pytest.raises(ArchitectureError, match=said) as caught:
        SPACE.from_string(text)
    assert f"breaks at character {place}:" in str(caught.value)


def test_a_wrong_operation_carries_the_path_of_its_edge() -> None:
    with pytest.raises(ArchitectureError) as caught:
        SPACE.from_string(TEXT.replace("skip_connect~1", "conv~1"))
    assert caught.value.path == "edge_1_2"
    with pytest.raises(ArchitectureError) as caught:
        SPACE.to_string(_cell(edge_0_3="conv"))
    assert caught.value.path == "edge_0_3"


@pytest.mark.parametrize("thing", [None, 3, ["|nor_conv_3x3~0|"], b"|nor_conv_3x3~0|"])
def test_what_is_no_text_is_refused(thing):
    with pytest.raises(ArchitectureError, match="give the text of a cell"):
        search_spaces.get("nb201").from_string(thing)


def test_a_long_text_is_not_repeated_whole():
    with pytest.raises(ArchitectureError) as caught:
        search_spaces.get("nb201").from_string("|" * 100_000)
    assert len(str(caught.value)) < 300


def test_some_of_the_operations_make_a_smaller_space() -> None:
    small = search_spaces.get("nb201", operations=("none", "skip_connect", "nor_conv_3x3"))
    check_space(small, samples=10)
    assert small.size == 3**6
    back = Space.from_spec(small.to_spec())
    assert isinstance(back, NB201Space)
    assert back.fingerprint == small.fingerprint
    text = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|"
    assert back.to_string(back.from_string(text)) == text
    with pytest.raises(ArchitectureError, match="avg_pool_3x3"):
        small.from_string(TEXT)


@pytest.mark.parametrize("operations", [(), ("none", "none"), ("nor_conv_3x4",), "none"])
def test_other_operations_are_refused(operations: object) -> None:
    with pytest.raises(SpaceError, match="operations"):
        search_spaces.get("nb201", operations=operations)
