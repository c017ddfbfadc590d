"""The macro space of ENAS: its size, the authors' arcs, its graphs."""

from __future__ import annotations

import random

import pytest

import search_spaces
from search_spaces import ArchitectureError, Space, SpaceError
from search_spaces.catalogue.enas_macro import ENASMacroSpace, skip_candidates
from search_spaces.testing import check_space

SPACE = ENASMacroSpace()
SMALL = ENASMacroSpace(layers=3)


def test_it_keeps_every_promise_of_a_space() -> None:
    check_space(SPACE, samples=4)
    check_space(SMALL, samples=4)


def test_the_size_is_the_paper_s_and_that_of_the_enumeration() -> None:
    assert SPACE.size == 6**12 * 2**66
    assert ENASMacroSpace(layers=1).size == 6
    members = list(SMALL.enumerate())
    assert SMALL.size == len(members) == 6**3 * 2**3
    assert len({made.id for made in members}) == len(members)


def test_settings_come_through_the_registry_and_the_spec() -> None:
    deep = search_spaces.get("enas_macro", layers=24)
    back = Space.from_spec(deep.to_spec())
    assert isinstance(back, ENASMacroSpace)
    assert back.layers == 24
    assert isinstance(search_spaces.get("enas_macro"), ENASMacroSpace)
    for layers in (0, 2.0, True):
        with pytest.raises(SpaceError, match="whole number of at least 1"):
            search_spaces.get("enas_macro", layers=layers)


def test_a_layer_skips_to_what_came_before_its_input() -> None:
    assert [skip_candidates(layer) for layer in range(4)] == [
        (),
        ("stem",),
        ("stem", "layer_0"),
        ("stem", "layer_0", "layer_1"),
    ]
    with pytest.raises(ArchitectureError) as caught:
        SMALL.validate({"layers": [{"op": "conv_3x3", "skips": skips} for skips in ([], ["layer_0"], [])]})
    assert caught.value.path == "layers.1.skips"


def test_the_authors_arc_comes_and_goes() -> None:
    made = SMALL.from_arc("0  3 1\n5 0 1\n")
    assert made.tree == {
        "layers": [
            {"op": "conv_3x3", "skips": []},
            {"op": "sep_conv_5x5", "skips": ["stem"]},
            {"op": "max_pool_3x3", "skips": ["layer_0"]},
        ]
    }
    assert SMALL.to_arc(made) == "0\n3 1\n5 0 1"
    rng = random.Random(0)
    for _ in range(10):
        sampled = SPACE.sample(rng)
        assert SPACE.from_arc(SPACE.to_arc(sampled)) == sampled


@pytest.mark.parametrize(
    ("arc", "path", "said"),
    [
        ("", "layers", "has 6 numbers, here are 0"),
        ("0 3 1 5 0 1 0", "layers", "has 6 numbers, here are 7"),
        ("0 6 1 5 0 1", "layers.1.op", "number 1 is '6'; a whole number from 0 to 5"),
        ("0 3 2 5 0 1", "layers.1.skips", "number 2 is '2'; a whole number from 0 to 1"),
        ("0 3 1 5 0 -1", "layers.2.skips", "number 5 is '-1'"),
        ("0 3 1 x 0 1", "layers.2.op", "number 3 is 'x'"),
    ],
)
def test_a_malformed_arc_says_where_it_breaks(arc: str, path: str, said: str) -> None:
    with pytest.raises(ArchitectureError, match=said) as caught:
        SMALL.from_arc(arc)
    assert caught.value.path == path


def test_the_graph_shows_layers_and_skips() -> None:
    (graph,) = SMALL.graphs(SMALL.from_arc("0  3 1  5 0 1"))
    assert [(vertex.name, vertex.kind) for vertex in graph.vertices] == [
        ("stem", "input"),
        ("layer_0", "operation"),
        ("layer_1", "operation"),
        ("concat_1", "state"),
        ("layer_2", "operation"),
        ("concat_2", "state"),
        ("output", "output"),
    ]
    assert [(edge.source, edge.target) for edge in graph.edges] == [
        ("stem", "layer_0"),
        ("layer_0", "layer_1"),
        ("stem", "concat_1"),
        ("layer_1", "concat_1"),
        ("concat_1", "layer_2"),
        ("layer_0", "concat_2"),
        ("layer_2", "concat_2"),
        ("concat_2", "output"),
    ]


@pytest.mark.parametrize("thing", [None, 3, [0, 1]])
def test_what_is_no_text_is_refused(thing):
    with pytest.raises(ArchitectureError, match="give the text of an arc"):
        search_spaces.get("enas_macro").from_arc(thing)
