"""Adjacency and path encodings: by hand on small cells, lengths of the literature, isomorphic cells alike."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from search_spaces import Architecture, Space, SpaceError, choice, get
from search_spaces.graphs.encodings import adjacency_encoding, path_encoding
from search_spaces.graphs.graph import Edge, Graph, Vertex

if TYPE_CHECKING:
    from search_spaces.catalogue.cells import CellSpace
    from search_spaces.catalogue.nb101 import NB101Space
    from search_spaces.catalogue.nb201 import NB201Space

NB201_OPERATIONS = ["avg_pool_3x3", "none", "nor_conv_1x1", "nor_conv_3x3", "skip_connect"]


class Tiny(Space):
    """Two edges in a row and one around them, operations a and b; twice, the second time on vertices."""

    def __init__(self) -> None:
        super().__init__({name: choice("a", "b") for name in ("first", "second", "around", "vertex")}, name="tiny")

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        tree = self.validate(architecture)
        ends = Vertex("in", "in", "input"), Vertex("mid", "mid", "state"), Vertex("out", "out", "output")
        edges = Edge("in", "mid", tree["first"]), Edge("mid", "out", tree["second"]), Edge("in", "out", tree["around"])
        vertices = ends[0], Vertex("v", tree["vertex"], "operation"), ends[2]
        on_vertices = Graph("2", vertices, (Edge("in", "v"), Edge("v", "out"), Edge("in", "out")))
        return Graph("1", ends, edges), on_vertices


def test_adjacency_by_hand() -> None:
    encoded = adjacency_encoding(Tiny(), {"first": "a", "second": "b", "around": "a", "vertex": "b"})
    # vertices: in, first, second, around, out; then in, vertex, (two free places), out
    in_to, first_to, second_to, around_to = [1, 0, 1, 0], [1, 0, 0], [0, 1], [1]
    operations = [1, 0, 0, 1, 1, 0]
    other = [1, 1, 1, 0, 1]
    assert encoded.tolist() == [*in_to, *first_to, *second_to, *around_to, *operations, *other]
    assert encoded.dtype == np.float64


def test_paths_by_hand_shorter_ones_first_then_by_cell_and_operations() -> None:
    members = {"first": "a", "second": "b", "around": "a", "vertex": "b"}
    none, one, two = [0, 1], [1, 0, 0, 1], [0, 1, 0, 0, 0, 0, 0, 0]
    assert path_encoding(Tiny(), members).tolist() == [*none, *one, *two]
    assert path_encoding(Tiny(), members, 4).tolist() == [*none, *one[:2]]


def test_the_paths_of_a_benchmark_201_cell_are_155() -> None:
    space = cast("NB201Space", get("nb201"))
    text = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
    encoded = path_encoding(space, space.from_string(text))
    index = {name: number for number, name in enumerate(NB201_OPERATIONS)}
    paths = [("skip_connect",), ("nor_conv_3x3", "none"), ("none", "avg_pool_3x3")]
    paths.append(("nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3"))
    expected = set()
    for path in paths:
        start = sum(5**length for length in range(1, len(path)))
        expected.add(start + sum(index[name] * 5**place for place, name in enumerate(reversed(path))))
    assert len(encoded) == 5 + 25 + 125
    assert set(np.flatnonzero(encoded)) == expected
    assert len(adjacency_encoding(space, space.from_string(text))) == 28 + 6 * 5


def test_benchmark_101_cells_of_any_size_have_one_length() -> None:
    space = cast("NB101Space", get("nb101"))
    conv, pool = "conv3x3-bn-relu", "maxpool3x3"
    straight = space.from_matrix([[0, 1], [0, 0]], [])
    branches = space.from_matrix([[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]], [conv, pool])
    swapped = space.from_matrix([[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]], [pool, conv])
    assert [len(path_encoding(space, cell)) for cell in (straight, branches)] == [364, 364]
    assert [len(adjacency_encoding(space, cell)) for cell in (straight, branches)] == [21 + 15] * 2
    assert path_encoding(space, straight).nonzero()[0].tolist() == [0]
    assert adjacency_encoding(space, straight).nonzero()[0].tolist() == [5]
    assert path_encoding(space, branches).tolist() == path_encoding(space, swapped).tolist()
    assert path_encoding(space, branches).sum() == 2


def test_paths_tell_cells_apart_but_not_isomorphic_ones() -> None:
    space = cast("CellSpace", get("darts"))
    normal = [[("sep_conv_3x3", 0), ("skip_connect", 1)], [("max_pool_3x3", 0), ("sep_conv_5x5", 1)]]
    rest = [[("skip_connect", 0), ("skip_connect", 1)]] * 2
    one = space.from_cells({"normal": normal + rest, "reduce": normal + rest})
    other = space.from_cells({"normal": normal[::-1] + rest, "reduce": normal + rest})
    mirror = space.from_cells({"normal": normal + rest, "reduce": normal[::-1] + rest})
    third = space.from_cells({"normal": normal + rest, "reduce": rest + rest})
    texts = [path_encoding(space, made).tobytes() for made in (one, other, mirror, third)]
    assert texts[0] == texts[1] == texts[2] != texts[3]
    assert len(path_encoding(space, one)) == 2 * 2 * (7 + 49 + 343 + 2401)


@pytest.mark.parametrize("family", ["darts", "nasnet", "pnas"])
def test_lengths_are_fixed_and_equal_ids_have_equal_paths(family: str) -> None:
    space, rng = get(family), random.Random(5)
    members: list[Architecture] = [space.sample(rng) for _ in range(10)]
    assert len({len(adjacency_encoding(space, made)) for made in members}) == 1
    paths = {path_encoding(space, made, 5000).tobytes() for made in members}
    assert len(paths) == len({made.id for made in members}) == 10
    assert all(
        path_encoding(space, made, 100).tolist() == path_encoding(space, made, 5000)[:100].tolist() for made in members
    )


def test_deep_cells_and_long_encodings() -> None:
    space = get("nasnet")
    side = {"op": "sep_conv_3x3"}
    cell = {f"block_{i}": {"left": {"input": i - 1, **side}, "right": {"input": i - 1, **side}} for i in range(2, 7)}
    deep = path_encoding(space, {"normal": cell, "reduce": cell}, 2_000_000)
    assert (len(deep), deep.sum()) == (2 * 2 * (13 + 13**2 + 13**3 + 13**4 + 13**5), 2)
    with pytest.raises(SpaceError, match="1608932 paths; give a length"):
        path_encoding(space, space.sample(0))
    with pytest.raises(SpaceError, match="length=0"):
        path_encoding(space, space.sample(0), 0)


def test_a_space_without_a_fixed_set_of_operations_says_so() -> None:
    with pytest.raises(SpaceError, match=r"different ones.*use space\.encode"):
        adjacency_encoding(get("chain"), get("chain").sample(0))
