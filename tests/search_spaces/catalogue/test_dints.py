"""The space `dints`: its members, which of them are one, and their drawing."""

from __future__ import annotations

from typing import Any

import pytest

import search_spaces
from search_spaces.catalogue.dints import edges_of, read_levels, used_nodes
from search_spaces.errors import SpaceError

SPACE = search_spaces.get("dints", layers=2, levels=3)
SKIP = [{"input_0": "skip_connect"}]


def tree(**changed: Any) -> dict[str, Any]:
    """Every node reads the finest level that it can."""
    nodes = {f"level_{level}": SKIP for level in range(3)}
    return {"layer_1": {**nodes, **changed}, "layer_2": dict(nodes)}


def test_a_node_reads_its_neighbours_and_sizes_are_those_of_the_paper() -> None:
    assert [read_levels(level, 4) for level in range(4)] == [[0, 1], [0, 1, 2], [1, 2, 3], [2, 3]]
    whole = search_spaces.get("dints")
    assert len(whole.declared) == 12
    outer, inner = 5 * 2 + 5**2, 5 * 3 + 5**2 * 3 + 5**3  # one or two edges of two, one to three of three
    assert whole.size == (outer * inner * inner * outer) ** 12
    assert SPACE.size == (outer * inner * outer) ** 2
    assert edges_of([{"input_1": "conv_3x3x3"}], 1, 3) == [(1, "conv_3x3x3")]


def test_architectures_that_differ_in_unread_nodes_are_one() -> None:
    # Level 2 of layer 1 is read by none: each node of layer 2 reads the next finer level, the first its own.
    given = tree()
    assert used_nodes(given) == {(2, 0), (2, 1), (2, 2), (1, 0), (1, 1), (0, 0)}
    unread = tree(level_2=[{"input_1": "conv_3x3x3"}])
    read = tree(level_1=[{"input_1": "conv_3x3x3"}])
    one, same, other = (SPACE.validate(each).id for each in (given, unread, read))
    assert one == same != other


def test_the_drawing_has_the_nodes_that_are_used() -> None:
    (graph,) = SPACE.graphs(tree(level_1=[{"input_0": "conv_3x3x3"}, {"input_2": "conv_1x3x3"}]))
    names = [vertex.name for vertex in graph.vertices]
    assert names == ["input", *(f"layer_0.level_{level}" for level in range(3)), "layer_1.level_0", "layer_1.level_1",
                     *(f"layer_2.level_{level}" for level in range(3)), "output"]  # fmt: skip
    labels = {(edge.source, edge.target): edge.label for edge in graph.edges}
    assert labels["layer_0.level_0", "layer_1.level_1"] == "conv_3x3x3 down"
    assert labels["layer_0.level_2", "layer_1.level_1"] == "conv_1x3x3 up"
    assert labels["layer_1.level_0", "layer_2.level_0"] == "skip_connect"
    for seed in range(20):
        (graph,) = SPACE.graphs(SPACE.sample(seed))
        known: set[str] = set()
        for vertex in graph.vertices:
            assert all(edge.source in known for edge in graph.edges if edge.target == vertex.name)
            known.add(vertex.name)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"layers": 0}, "layers=0: give a whole number from 1 to 24"),
        ({"levels": 1}, "levels=1: give a whole number from 2 to 6"),
        ({"levels": True}, "levels=True"),
        ({"operations": ("twist",)}, "'twist'"),
    ],
)
def test_sizes_that_cannot_be_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        search_spaces.get("dints", **settings)
